#include "controllers/podautoscaler/behavior.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/check.h"

namespace minato::controllers {
namespace {

constexpr std::int64_t kMaxReplicas = std::numeric_limits<std::int32_t>::max();
constexpr double kScaleUpLimitFactor = 2.0;
constexpr double kScaleUpLimitMinimum = 4.0;

constexpr std::string_view kRaisesTooFast =
    "the desired replica count is increasing faster than the maximum scale rate";
constexpr std::string_view kTooMany =
    "the desired replica count is more than the maximum replica count";
constexpr std::string_view kLowersTooFast =
    "the desired replica count is decreasing faster than the maximum scale rate";
constexpr std::string_view kTooFew =
    "the desired replica count is less than the minimum replica count";
constexpr std::string_view kHigherBefore =
    "recent recommendations were higher than current one, applying the highest recent "
    "recommendation";
constexpr std::string_view kLowerBefore =
    "recent recommendations were lower than current one, applying the lowest recent "
    "recommendation";

std::int32_t to_replicas(double value) {
  return static_cast<std::int32_t>(
      std::clamp(value, -static_cast<double>(kMaxReplicas), static_cast<double>(kMaxReplicas)));
}

Duration seconds(std::int32_t count) { return std::chrono::seconds(count); }

// A rule that says nothing has upstream's defaults; the registry fills them in, other worlds'
// servers do too, and an object written before them must still be read.
Duration up_window(const DecisionInput& input) {
  const auto& rules = input.behavior->scale_up;
  return seconds(rules ? rules->stabilization_window_seconds.value_or(0) : 0);
}
Duration down_window(const DecisionInput& input) {
  if (input.behavior == nullptr) return input.downscale_stabilization;
  const auto& rules = input.behavior->scale_down;
  if (!rules || !rules->stabilization_window_seconds) return input.downscale_stabilization;
  return seconds(*rules->stabilization_window_seconds);
}

// At the very edge a recommendation counts without behavior and does not with it, as upstream.
std::int32_t highest_recent(const DecisionInput& input, const ScaleHistory& history) {
  const MonoTime cutoff = input.now - input.downscale_stabilization;
  std::int32_t out = input.proposed_replicas;
  for (const Recommendation& each : history.recommendations) {
    if (each.at >= cutoff) out = std::max(out, each.replicas);
  }
  return out;
}

std::int32_t stabilized(const DecisionInput& input, const ScaleHistory& history) {
  const MonoTime up_cutoff = input.now - up_window(input);
  const MonoTime down_cutoff = input.now - down_window(input);
  std::int32_t lowest = input.proposed_replicas, highest = input.proposed_replicas;
  for (const Recommendation& each : history.recommendations) {
    if (each.at > up_cutoff) lowest = std::min(lowest, each.replicas);
    if (each.at > down_cutoff) highest = std::max(highest, each.replicas);
  }
  // Not std::clamp: with windows of different length the lowest may be above the highest.
  return std::min(std::max(input.current_replicas, lowest), highest);
}

std::int64_t change_within(const std::vector<ScaleEvent>& events, Duration period, MonoTime now) {
  std::int64_t out = 0;
  for (const ScaleEvent& event : events) {
    if (event.at > now - period) out += event.change;
  }
  return out;
}

enum class Direction { kUp, kDown };

// What one policy allows, from the number at the start of its period.
std::int32_t allowed_by(const kube::HPAScalingPolicy& policy, Direction direction,
                        const DecisionInput& input, const ScaleHistory& history) {
  const Duration period = seconds(policy.period_seconds);
  const double start =
      static_cast<double>(input.current_replicas -
                          change_within(history.ups, period, input.now) +
                          change_within(history.downs, period, input.now));
  const double share = static_cast<double>(policy.value) / 100;
  const bool is_percent = policy.type == "Percent";
  if (direction == Direction::kUp) {
    // Rounded up, or a small target would never grow.
    return to_replicas(is_percent ? std::ceil(start * (1 + share)) : start + policy.value);
  }
  return to_replicas(is_percent ? std::trunc(start * (1 - share)) : start - policy.value);
}

// The farthest that the rules let the number go; the current one when the direction is disabled.
std::int32_t rate_limit(const kube::HPAScalingRules& rules, Direction direction,
                        const DecisionInput& input, const ScaleHistory& history) {
  const std::string select = rules.select_policy.value_or("Max");
  if (select == "Disabled" || rules.policies.empty()) return input.current_replicas;
  std::vector<std::int32_t> limits;
  for (const kube::HPAScalingPolicy& policy : rules.policies) {
    limits.push_back(allowed_by(policy, direction, input, history));
  }
  const auto [low, high] = std::ranges::minmax(limits);
  // Max is the greatest change, which downwards is the least number.
  return (select == "Min") == (direction == Direction::kUp) ? low : high;
}

kube::HPAScalingRules default_rules(Direction direction) {
  kube::HPAScalingRules out;
  out.policies = {{.type = "Percent", .value = 100, .period_seconds = 15}};
  if (direction == Direction::kUp) {
    out.policies.push_back({.type = "Pods", .value = 4, .period_seconds = 15});
  }
  return out;
}

const kube::HPAScalingRules& rules_of(const DecisionInput& input, Direction direction) {
  static const kube::HPAScalingRules up = default_rules(Direction::kUp);
  static const kube::HPAScalingRules down = default_rules(Direction::kDown);
  if (direction == Direction::kUp) {
    return input.behavior->scale_up ? *input.behavior->scale_up : up;
  }
  return input.behavior->scale_down ? *input.behavior->scale_down : down;
}

void limit(Decision& decision, std::int32_t replicas, std::string_view reason,
           std::string_view message) {
  decision.desired_replicas = replicas;
  decision.limited = true;
  decision.limit_reason = reason;
  decision.limit_message = message;
}

void apply_limits(Decision& decision, const DecisionInput& input) {
  const double factor = kScaleUpLimitFactor * input.current_replicas;
  const std::int32_t reach = to_replicas(std::max(factor, kScaleUpLimitMinimum));
  const std::int32_t wanted = decision.stabilized_replicas;
  if (wanted < input.min_replicas) {
    limit(decision, input.min_replicas, "TooFewReplicas", kTooFew);
  } else if (wanted > std::min(input.max_replicas, reach)) {
    if (input.max_replicas > reach) {
      limit(decision, reach, "ScaleUpLimit", kRaisesTooFast);
    } else {
      limit(decision, input.max_replicas, "TooManyReplicas", kTooMany);
    }
  }
}

void apply_rates(Decision& decision, const DecisionInput& input, const ScaleHistory& history) {
  const std::int32_t wanted = decision.stabilized_replicas;
  const std::int32_t current = input.current_replicas;
  if (wanted > current) {
    const auto& rules = rules_of(input, Direction::kUp);
    // A limit on the wrong side of the present means: no further for now.
    const std::int32_t reach =
        std::max(rate_limit(rules, Direction::kUp, input, history), current);
    if (wanted <= std::min(input.max_replicas, reach)) return;
    if (input.max_replicas > reach) {
      limit(decision, reach, "ScaleUpLimit", kRaisesTooFast);
    } else {
      limit(decision, input.max_replicas, "TooManyReplicas", kTooMany);
    }
  } else if (wanted < current) {
    const auto& rules = rules_of(input, Direction::kDown);
    const std::int32_t reach =
        std::min(rate_limit(rules, Direction::kDown, input, history), current);
    if (wanted >= std::max(input.min_replicas, reach)) return;
    if (input.min_replicas < reach) {
      limit(decision, reach, "ScaleDownLimit", kLowersTooFast);
    } else {
      limit(decision, input.min_replicas, "TooFewReplicas", kTooFew);
    }
  }
}

template <class Entry>
void forget(std::vector<Entry>& entries, MonoTime before, std::size_t most) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.at < before; });
  if (entries.size() > most) {
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(most));
  }
}

Duration longest_period(const kube::HPAScalingRules& rules) {
  std::int32_t out = 0;
  for (const kube::HPAScalingPolicy& policy : rules.policies) {
    out = std::max(out, policy.period_seconds);
  }
  return seconds(out);
}

}  // namespace

Decision decide(const DecisionInput& input, const ScaleHistory& history) {
  Decision out;
  out.able_reason = "ReadyForNewScale";
  out.able_message = "recommended size matches current size";
  out.limit_reason = "DesiredWithinRange";
  out.limit_message = "the desired count is within the acceptable range";
  out.stabilized_replicas =
      input.behavior != nullptr ? stabilized(input, history) : highest_recent(input, history);
  out.desired_replicas = out.stabilized_replicas;
  if (out.stabilized_replicas != input.proposed_replicas) {
    const bool raises =
        input.behavior != nullptr && input.proposed_replicas >= input.current_replicas;
    out.able_reason = raises ? "ScaleUpStabilized" : "ScaleDownStabilized";
    out.able_message = raises ? kLowerBefore : kHigherBefore;
  }
  if (input.behavior != nullptr) {
    apply_rates(out, input, history);
  } else {
    apply_limits(out, input);
  }
  return out;
}

void record_initial(ScaleHistory& history, std::int32_t current_replicas, MonoTime now) {
  if (history.recommendations.empty()) history.recommendations.push_back({current_replicas, now});
}

void record_recommendation(ScaleHistory& history, const DecisionInput& input) {
  Duration window = down_window(input);
  if (input.behavior != nullptr) window = std::max(window, up_window(input));
  history.recommendations.push_back({input.proposed_replicas, input.now});
  forget(history.recommendations, input.now - window, kMaxRecommendations);
}

void record_rescale(ScaleHistory& history, const DecisionInput& input, std::int32_t new_replicas) {
  if (input.behavior == nullptr) return;
  const std::int32_t change = new_replicas - input.current_replicas;
  CHECK(change != 0, "a rescale that changes nothing");
  std::vector<ScaleEvent>& events = change > 0 ? history.ups : history.downs;
  events.push_back({std::abs(change), input.now});
  // The policies of either direction look at both lists.
  const Duration period = std::max(longest_period(rules_of(input, Direction::kUp)),
                                   longest_period(rules_of(input, Direction::kDown)));
  forget(events, input.now - period, kMaxScaleEvents);
}

}  // namespace minato::controllers
