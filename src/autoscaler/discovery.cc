#include "autoscaler/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/strings.h"
#include "kube/names.h"

namespace minato::autoscaler {
namespace {

constexpr std::string_view kAutoDiscoveryPrefix = "asg:tag=";

constexpr auto kExpanderNames = std::to_array<std::pair<Expander, std::string_view>>({
    {Expander::kLeastWaste, "least-waste"},
    {Expander::kMostPods, "most-pods"},
    {Expander::kLeastNodes, "least-nodes"},
    {Expander::kPrice, "price"},
    {Expander::kPriority, "priority"},
    {Expander::kRandom, "random"},
});

// Tags below `…/node-template/<part>/`, by what follows.
std::map<std::string, std::string> below(const Tags& tags, std::string_view part) {
  const std::string prefix = fmt::format("{}node-template/{}/", kTagPrefix, part);
  std::map<std::string, std::string> out;
  for (auto it = tags.lower_bound(prefix); it != tags.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (it->first.size() > prefix.size()) out[it->first.substr(prefix.size())] = it->second;
  }
  return out;
}

std::optional<std::string> option_tag(const Tags& tags, const std::string& name) {
  const auto options = below(tags, "autoscaling-options");
  const auto found = options.find(name);
  return found == options.end() ? std::nullopt : std::optional(found->second);
}

void read_share(const Tags& tags, const std::string& name, double& out) {
  const auto text = option_tag(tags, name);
  if (!text) return;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc{} && end == text->data() + text->size()) out = value;
}

void read_duration(const Tags& tags, const std::string& name, Duration& out) {
  const auto text = option_tag(tags, name);
  if (!text) return;
  if (const auto value = parse_duration(*text)) out = *value;
}

}  // namespace

std::string_view to_string(Expander expander) {
  return std::ranges::find(kExpanderNames, expander, [](const auto& e) { return e.first; })->second;
}

Result<std::vector<Expander>> parse_expanders(std::string_view text) {
  std::vector<Expander> out;
  for (const std::string& name : split(text, ',')) {
    const auto found =
        std::ranges::find(kExpanderNames, name, [](const auto& e) { return e.second; });
    if (found == kExpanderNames.end()) {
      return fail(Reason::kInvalid, fmt::format("expander \"{}\": there is no such one", name));
    }
    if (std::ranges::find(out, found->first) != out.end()) {
      return fail(Reason::kInvalid, fmt::format("expander \"{}\": named twice", name));
    }
    out.push_back(found->first);
  }
  return out;
}

bool DiscoverySpec::matches(const cloud::AutoScalingGroup& group) const {
  return std::ranges::all_of(tags, [&](const auto& wanted) {
    const auto found = group.tags.find(wanted.first);
    return found != group.tags.end() && (!wanted.second || *wanted.second == found->second);
  });
}

Result<DiscoverySpec> parse_discovery(std::string_view text) {
  const auto bad = [&](std::string_view what) {
    return fail(Reason::kInvalid, fmt::format("discovery \"{}\": {}; expected "
                                              "asg:tag=key[=value][,key[=value]…]", text, what));
  };
  if (!text.starts_with(kAutoDiscoveryPrefix)) return bad("does not begin with asg:tag=");
  DiscoverySpec out;
  for (const std::string& tag : split(text.substr(kAutoDiscoveryPrefix.size()), ',')) {
    const std::size_t equals = tag.find('=');
    const std::string key = tag.substr(0, equals);
    if (key.empty()) return bad("has a tag without a key");
    out.tags[key] = equals == std::string::npos ? std::nullopt
                                                : std::optional(tag.substr(equals + 1));
  }
  return out;
}

Result<GroupSpec> parse_group_spec(std::string_view text) {
  const auto bad = [&](std::string_view what) {
    return fail(Reason::kInvalid,
                fmt::format("node group \"{}\": {}; expected min:max:name", text, what));
  };
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  if (second == text.npos) return bad("has too few parts");
  const auto low = parse_int(text.substr(0, first));
  const auto high = parse_int(text.substr(first + 1, second - first - 1));
  if (!low || *low < 0 || *low > INT32_MAX) return bad("the minimum is no whole number");
  if (!high || *high < *low || *high > INT32_MAX) return bad("the maximum is below the minimum");
  GroupSpec out{static_cast<std::int32_t>(*low), static_cast<std::int32_t>(*high),
                std::string(text.substr(second + 1))};
  if (out.name.empty()) return bad("the name is missing");
  return out;
}

Result<std::vector<cloud::AutoScalingGroup>> autoscaled_groups(
    const std::vector<cloud::AutoScalingGroup>& all, const Options& options) {
  std::vector<DiscoverySpec> discovery;
  for (const std::string& text : options.discovery) {
    ASSIGN_OR_RETURN(DiscoverySpec spec, parse_discovery(text));
    discovery.push_back(std::move(spec));
  }
  std::map<std::string, GroupSpec> named;
  for (const std::string& text : options.node_groups) {
    ASSIGN_OR_RETURN(GroupSpec spec, parse_group_spec(text));
    named[spec.name] = spec;
  }
  std::vector<cloud::AutoScalingGroup> out;
  for (const cloud::AutoScalingGroup& group : all) {
    const auto spec = named.find(group.name);
    const bool found = std::ranges::any_of(
        discovery, [&](const DiscoverySpec& wanted) { return wanted.matches(group); });
    if (!found && spec == named.end()) continue;
    out.push_back(group);
    if (spec == named.end()) continue;
    out.back().min_size = std::max(group.min_size, spec->second.min_size);
    out.back().max_size = std::min(group.max_size, spec->second.max_size);
  }
  std::ranges::sort(out, {}, &cloud::AutoScalingGroup::name);
  return out;
}

std::map<std::string, std::string> label_tags(const Tags& tags) { return below(tags, "label"); }

std::vector<kube::Taint> taint_tags(const Tags& tags) {
  std::vector<kube::Taint> out;
  for (const auto& [key, text] : below(tags, "taint")) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) continue;
    const std::string effect = text.substr(colon + 1);
    if (effect != kube::kNoSchedule && effect != kube::kPreferNoSchedule &&
        effect != kube::kNoExecute) {
      continue;
    }
    out.push_back({.key = key, .value = text.substr(0, colon), .effect = effect});
  }
  return out;
}

std::map<std::string, kube::Quantity> resource_tags(const Tags& tags) {
  std::map<std::string, kube::Quantity> out;
  for (const auto& [name, text] : below(tags, "resources")) {
    if (const auto amount = kube::Quantity::parse(text)) out[name] = *amount;
  }
  return out;
}

GroupScaleDownOptions scale_down_options(const Tags& tags, const GroupScaleDownOptions& defaults) {
  GroupScaleDownOptions out = defaults;
  read_share(tags, "scaledownutilizationthreshold", out.utilization_threshold);
  read_share(tags, "scaledowngpuutilizationthreshold", out.gpu_utilization_threshold);
  read_duration(tags, "scaledownunneededtime", out.unneeded_time);
  read_duration(tags, "scaledownunreadytime", out.unready_time);
  const auto ignore = option_tag(tags, "ignoredaemonsetsutilization");
  if (ignore == "true") out.ignore_daemon_sets_utilization = true;
  if (ignore == "false") out.ignore_daemon_sets_utilization = false;
  return out;
}

Duration max_node_provision_time(const Tags& tags, Duration otherwise) {
  read_duration(tags, "maxnodeprovisiontime", otherwise);
  return otherwise;
}

std::optional<std::int32_t> configured_on_demand_base(const cloud::AutoScalingGroup& group,
                                                      const SpotOptions& options) {
  if (const auto tag = group.tags.find(std::string(kTagOnDemandBase)); tag != group.tags.end()) {
    const auto value = parse_int(tag->second);
    if (value && *value >= 0 && *value <= INT32_MAX) return static_cast<std::int32_t>(*value);
  }
  const auto named = options.on_demand_base.find(group.name);
  return named == options.on_demand_base.end() ? std::nullopt : std::optional(named->second);
}

}  // namespace minato::autoscaler
