#include "autoscaler/expander.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "autoscaler/pattern.h"
#include "base/check.h"
#include "base/strings.h"

namespace minato::autoscaler {
namespace {

// Millionths of a dollar per hour (upstream's general purpose prices).
constexpr double kCorePrice = 33'174;
constexpr double kGibPrice = 4'446;

double share_unused(std::int64_t capacity, std::int32_t nodes, std::int64_t requested) {
  const double whole = static_cast<double>(capacity) * nodes;
  return whole > 0 ? (whole - static_cast<double>(requested)) / whole : 0;
}

double price_ratio(const ExpanderOption& option) {
  const double pods = static_cast<double>(option.requested.milli_cpu) / 1000 * kCorePrice +
                      static_cast<double>(option.requested.memory_bytes) / static_cast<double>(kGib) * kGibPrice;
  return static_cast<double>(option.price) / std::max(pods, 1.0);
}

// Those whose score is the least.
template <class Score>
std::vector<std::size_t> least(const std::vector<std::size_t>& among, Score score) {
  std::vector<std::size_t> out;
  double best = std::numeric_limits<double>::infinity();
  for (const std::size_t i : among) {
    const double value = score(i);
    if (value > best) continue;
    if (value < best) out.clear();
    best = value;
    out.push_back(i);
  }
  return out;
}

std::vector<std::size_t> by_priority(const ExpanderInput& input,
                                     const std::vector<std::size_t>& among,
                                     std::vector<ExpanderWarning>& warnings) {
  const auto invalid = [&](std::string message) {
    warnings.push_back({"PriorityConfigMapInvalid", std::move(message)});
    return among;
  };
  if (!input.priorities) return invalid("there is no priority configuration");
  const auto priorities = parse_priorities(*input.priorities);
  if (!priorities) return invalid(priorities.error().message);
  std::map<std::size_t, std::int32_t> found;
  for (const auto& [priority, texts] : *priorities) {
    for (const std::string& text : texts) {
      const auto pattern = Pattern::parse(text);
      if (!pattern) return invalid(pattern.error().message);
      for (const std::size_t i : among) {
        // Ascending: the highest that matches stays.
        if (pattern->matches(input.options[i].group)) found[i] = priority;
      }
    }
  }
  for (const std::size_t i : among) {
    if (found.contains(i)) continue;
    warnings.push_back({"PriorityConfigMapNotMatchedGroup",
                        fmt::format("group {} has no priority", input.options[i].group)});
  }
  if (found.empty()) return among;
  const std::int32_t best =
      std::ranges::max_element(found, {}, [](const auto& e) { return e.second; })->second;
  std::vector<std::size_t> out;
  for (const auto& [i, priority] : found) {
    if (priority == best) out.push_back(i);
  }
  return out;
}

}  // namespace

double wasted(const ExpanderOption& option) {
  return share_unused(option.capacity.milli_cpu, option.nodes, option.requested.milli_cpu) +
         share_unused(option.capacity.memory_bytes, option.nodes, option.requested.memory_bytes);
}

std::vector<std::size_t> best_options(Expander expander, const ExpanderInput& input,
                                      const std::vector<std::size_t>& among,
                                      std::vector<ExpanderWarning>& warnings) {
  const auto& options = input.options;
  switch (expander) {
    case Expander::kLeastWaste:
      return least(among, [&](std::size_t i) { return wasted(options[i]); });
    case Expander::kMostPods:
      return least(among, [&](std::size_t i) { return -static_cast<double>(options[i].pods); });
    case Expander::kLeastNodes: {
      std::vector<std::size_t> real = among;
      std::erase_if(real, [&](std::size_t i) { return options[i].nodes == 0; });
      return least(real, [&](std::size_t i) { return static_cast<double>(options[i].nodes); });
    }
    case Expander::kPrice:
      return least(among, [&](std::size_t i) { return price_ratio(options[i]); });
    case Expander::kPriority: return by_priority(input, among, warnings);
    case Expander::kRandom: return among;
  }
  return among;
}

std::size_t choose_option(const std::vector<Expander>& chain, const ExpanderInput& input,
                          env::Rng& rng, std::vector<ExpanderWarning>& warnings) {
  CHECK(!input.options.empty(), "nothing to choose from");
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < input.options.size(); ++i) left.push_back(i);
  for (const Expander expander : chain) {
    if (left.size() == 1) break;
    if (expander == Expander::kRandom) break;
    left = best_options(expander, input, left, warnings);
  }
  return left.size() == 1 ? left.front() : left[rng.below(left.size())];
}

Result<std::map<std::int32_t, std::vector<std::string>>> parse_priorities(std::string_view text) {
  std::map<std::int32_t, std::vector<std::string>> out;
  std::vector<std::string>* current = nullptr;
  for (const std::string& raw : split(text, '\n')) {
    std::string_view line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('-')) {
      line = trim(line.substr(1));
      const bool quoted = line.size() >= 2 && (line.front() == '"' || line.front() == '\'') &&
                          line.back() == line.front();
      if (quoted) line = line.substr(1, line.size() - 2);
      if (!current || line.empty()) {
        return fail(Reason::kInvalid, fmt::format("priorities: \"{}\" is below no number", raw));
      }
      current->push_back(std::string(line));
      continue;
    }
    const auto number = line.ends_with(':') ? parse_int(trim(line.substr(0, line.size() - 1)))
                                            : Result<std::int64_t>(fail(Reason::kInvalid, ""));
    if (!number || *number < INT32_MIN || *number > INT32_MAX) {
      return fail(Reason::kInvalid, fmt::format("priorities: \"{}\" is no number and colon", raw));
    }
    current = &out[static_cast<std::int32_t>(*number)];
  }
  if (out.empty()) return fail(Reason::kInvalid, "priorities: there are none");
  return out;
}

}  // namespace minato::autoscaler
