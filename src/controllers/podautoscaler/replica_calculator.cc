#include "controllers/podautoscaler/replica_calculator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "base/int128.h"
#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

std::int32_t saturated(Int128 value) {
  constexpr Int128 kMax = std::numeric_limits<std::int32_t>::max();
  constexpr Int128 kMin = std::numeric_limits<std::int32_t>::min();
  return static_cast<std::int32_t>(std::clamp(value, kMin, kMax));
}

std::int32_t rounded_up(double replicas) {
  constexpr double kMax = std::numeric_limits<std::int32_t>::max();
  constexpr double kMin = std::numeric_limits<std::int32_t>::min();
  return static_cast<std::int32_t>(std::clamp(std::ceil(replicas), kMin, kMax));
}

// The Pods by what their samples are worth.
struct Groups {
  std::int32_t ready = 0;
  std::set<std::string> unready;
  std::set<std::string> missing;
  std::set<std::string> ignored;

  PodCounts counts() const {
    return {.ready = ready,
            .unready = static_cast<std::int32_t>(unready.size()),
            .missing = static_cast<std::int32_t>(missing.size()),
            .ignored = static_cast<std::int32_t>(ignored.size())};
  }
};

// CPU of a Pod that is starting says nothing about its load.
bool is_starting(const CalculatorInput& input, const kube::Pod& pod, const PodSample& sample) {
  const kube::PodCondition* ready = find_condition(pod.status.conditions, kube::kReady);
  if (ready == nullptr || !is_set(pod.status.start_time)) return true;
  const WallTime started = pod.status.start_time;
  const WallTime turned = ready->last_transition_time;
  const bool is_unready = ready->status == kube::kFalse;
  if (started + input.cpu_initialization_period > input.now) {
    return is_unready || sample.timestamp < turned + sample.window;
  }
  return is_unready && started + input.initial_readiness_delay > turned;
}

Groups group_pods(const CalculatorInput& input, const PodSamples& samples,
                  std::string_view resource) {
  Groups out;
  for (const auto& pod : input.pods) {
    const std::string& name = pod->metadata.name;
    const auto sample = samples.find(name);
    if (is_deleting(pod->metadata) || pod->status.phase == kube::kPodFailed) {
      out.ignored.insert(name);
    } else if (pod->status.phase == kube::kPodPending) {
      out.unready.insert(name);
    } else if (sample == samples.end()) {
      out.missing.insert(name);
    } else if (resource == kube::kCpu && is_starting(input, *pod, sample->second)) {
      out.unready.insert(name);
    } else {
      ++out.ready;
    }
  }
  return out;
}

void set_all(PodSamples& samples, const std::set<std::string>& names,
             const std::function<std::int64_t(const std::string&)>& value) {
  for (const std::string& name : names) {
    samples.insert_or_assign(name, PodSample{.value_milli = value(name)});
  }
}

struct Usage {
  double ratio = 0;
  std::int64_t mean_milli = 0;
  std::optional<std::int32_t> utilization;
};
// How the samples of some Pods compare with the target.
using Compare = std::function<Result<Usage>(const PodSamples&)>;
// What a missing Pod is taken to use when the others would have it smaller.
using Fallback = std::function<std::int64_t(const std::string& pod)>;

Proposal settled(Proposal proposal, const CalculatorInput& input, Verdict verdict) {
  proposal.verdict = verdict;
  if (verdict == Verdict::kProportional) {
    proposal.replicas = proposal.raw_replicas;
  } else {
    proposal.replicas = input.current_replicas;
  }
  return proposal;
}

// With cautious guesses for the Pods that are unready or missing; a guess may slow the change but
// never turn it round.
Result<Proposal> with_guesses(const CalculatorInput& input, PodSamples samples,
                              const Groups& groups, Proposal proposal, const Compare& compare,
                              const Fallback& fallback) {
  const auto nothing = [](const std::string&) { return std::int64_t{0}; };
  const double ratio = proposal.ratio;
  if (ratio < 1.0) {
    set_all(samples, groups.missing, fallback);
  } else if (ratio > 1.0) {
    set_all(samples, groups.missing, nothing);
    set_all(samples, groups.unready, nothing);
  }
  ASSIGN_OR_RETURN(const Usage adjusted, compare(samples));
  proposal.adjusted_ratio = adjusted.ratio;
  proposal.raw_replicas = rounded_up(adjusted.ratio * static_cast<double>(samples.size()));
  if (input.tolerances.within(adjusted.ratio)) {
    return settled(std::move(proposal), input, Verdict::kWithinTolerance);
  }
  const std::int32_t raw = proposal.raw_replicas;
  const bool turns = (ratio < 1.0 && adjusted.ratio > 1.0) ||
                     (ratio > 1.0 && adjusted.ratio < 1.0) ||
                     (adjusted.ratio < 1.0 && raw > input.current_replicas) ||
                     (adjusted.ratio > 1.0 && raw < input.current_replicas);
  return settled(std::move(proposal), input,
                 turns ? Verdict::kWouldTurn : Verdict::kProportional);
}

Status check_pods(const CalculatorInput& input) {
  if (!input.pods.empty()) return {};
  return fail(Reason::kNotFound, "no pods returned by selector while calculating replica count");
}

// From the samples that count: those of ignored and unready Pods are out already.
Result<Proposal> propose(const CalculatorInput& input, PodSamples samples, const Groups& groups,
                         const Compare& compare, const Fallback& fallback) {
  ASSIGN_OR_RETURN(const Usage usage, compare(samples));
  Proposal proposal;
  proposal.usage_milli = usage.mean_milli;
  proposal.utilization = usage.utilization;
  proposal.ratio = usage.ratio;
  proposal.pods = groups.counts();
  proposal.raw_replicas = rounded_up(usage.ratio * static_cast<double>(groups.ready));
  const bool rises_with_unready = !groups.unready.empty() && usage.ratio > 1.0;
  if (rises_with_unready || !groups.missing.empty()) {
    return with_guesses(input, std::move(samples), groups, std::move(proposal), compare, fallback);
  }
  const bool is_near = input.tolerances.within(usage.ratio);
  return settled(std::move(proposal), input,
                 is_near ? Verdict::kWithinTolerance : Verdict::kProportional);
}

Status drop_uncounted(PodSamples& samples, const Groups& groups) {
  for (const std::string& name : groups.ignored) samples.erase(name);
  for (const std::string& name : groups.unready) samples.erase(name);
  if (!samples.empty()) return {};
  return fail(Reason::kNotFound,
              "did not receive metrics for targeted pods (pods might be unready)");
}

// What a Pod (or its one container) asks for, restartable init containers included.
Result<std::int64_t> request_of(const kube::Pod& pod, std::string_view resource,
                                std::string_view container) {
  std::vector<const kube::Container*> containers;
  for (const kube::Container& each : pod.spec.containers) containers.push_back(&each);
  for (const kube::Container& each : pod.spec.init_containers) {
    if (each.restart_policy == "Always") containers.push_back(&each);
  }
  std::int64_t out = 0;
  bool found = container.empty();
  for (const kube::Container* each : containers) {
    if (!container.empty() && each->name != container) continue;
    found = true;
    const auto request = each->resources.requests.find(std::string(resource));
    if (request == each->resources.requests.end()) {
      return fail(Reason::kInvalid, fmt::format("missing request for {} in container {} of Pod {}",
                                                resource, each->name, pod.metadata.name));
    }
    out += request->second.milli_value();
  }
  if (found) return out;
  return fail(Reason::kInvalid,
              fmt::format("container {} not found in Pod {}", container, pod.metadata.name));
}

using Requests = std::map<std::string, std::int64_t>;

// Of sums, and in whole percent rounded down, as upstream: the last digit decides ties.
Result<Usage> compare_with_requests(const PodSamples& samples, const Requests& requests,
                                    std::int32_t target_percent) {
  Int128 used = 0, requested = 0;
  std::int64_t counted = 0;
  for (const auto& [name, sample] : samples) {
    const auto request = requests.find(name);
    if (request == requests.end()) continue;  // Of a Pod that has just gone.
    used += sample.value_milli;
    requested += request->second;
    ++counted;
  }
  if (requested == 0) return fail(Reason::kNotFound, "no metrics returned matched known pods");
  Usage out;
  out.utilization = saturated(used * 100 / requested);
  out.mean_milli = static_cast<std::int64_t>(used / counted);
  out.ratio = static_cast<double>(*out.utilization) / static_cast<double>(target_percent);
  return out;
}

Result<Usage> compare_with_average(const PodSamples& samples, std::int64_t target_milli) {
  Int128 used = 0;
  for (const auto& [name, sample] : samples) used += sample.value_milli;
  Usage out;
  out.mean_milli = static_cast<std::int64_t>(used / static_cast<Int128>(samples.size()));
  out.ratio = static_cast<double>(out.mean_milli) / static_cast<double>(target_milli);
  return out;
}

}  // namespace

Result<Proposal> replicas_by_utilization(const CalculatorInput& input, PodSamples samples,
                                         std::string_view resource, std::string_view container,
                                         std::int32_t target_percent) {
  RETURN_IF_ERROR(check_pods(input));
  const Groups groups = group_pods(input, samples, resource);
  RETURN_IF_ERROR(drop_uncounted(samples, groups));
  Requests requests;
  for (const auto& pod : input.pods) {
    ASSIGN_OR_RETURN(requests[pod->metadata.name], request_of(*pod, resource, container));
  }
  // All of the request; for targets beyond it, just the target.
  const std::int64_t fallback_percent = std::max(100, target_percent);
  return propose(
      input, std::move(samples), groups,
      [&](const PodSamples& counted) {
        return compare_with_requests(counted, requests, target_percent);
      },
      [&](const std::string& pod) { return requests.at(pod) * fallback_percent / 100; });
}

Result<Proposal> replicas_by_average(const CalculatorInput& input, PodSamples samples,
                                     std::string_view resource, std::int64_t target_milli) {
  RETURN_IF_ERROR(check_pods(input));
  const Groups groups = group_pods(input, samples, resource);
  RETURN_IF_ERROR(drop_uncounted(samples, groups));
  return propose(
      input, std::move(samples), groups,
      [&](const PodSamples& counted) { return compare_with_average(counted, target_milli); },
      [&](const std::string&) { return target_milli; });
}

Result<Proposal> replicas_by_value(const CalculatorInput& input, std::int64_t usage_milli,
                                   std::int64_t target_milli) {
  Proposal out;
  out.usage_milli = usage_milli;
  out.ratio = static_cast<double>(usage_milli) / static_cast<double>(target_milli);
  if (input.current_replicas == 0) {  // From zero there are no Pods to count.
    out.raw_replicas = rounded_up(out.ratio);
    return settled(std::move(out), input, Verdict::kProportional);
  }
  const auto is_serving = [](const auto& pod) {
    return pod->status.phase == kube::kPodRunning && is_pod_ready(*pod);
  };
  out.pods.ready = static_cast<std::int32_t>(std::ranges::count_if(input.pods, is_serving));
  out.pods.unready = static_cast<std::int32_t>(input.pods.size()) - out.pods.ready;
  out.raw_replicas = rounded_up(out.ratio * static_cast<double>(out.pods.ready));
  if (input.tolerances.within(out.ratio)) {
    return settled(std::move(out), input, Verdict::kWithinTolerance);
  }
  if (const Status has_pods = check_pods(input); !has_pods) {
    return fail(Reason::kNotFound,
                fmt::format("unable to calculate ready pods: {}", has_pods.error().message));
  }
  return settled(std::move(out), input, Verdict::kProportional);
}

Proposal replicas_by_share(const CalculatorInput& input, std::int64_t usage_milli,
                           std::int64_t target_milli) {
  const double usage = static_cast<double>(usage_milli);
  const double target = static_cast<double>(target_milli);
  const std::int32_t present = input.status_replicas;
  Proposal out;
  out.raw_replicas = rounded_up(usage / target);
  // With no replica there is no share yet: all of it is what one would get.
  out.ratio = usage / (target * std::max(present, 1));
  out.usage_milli = static_cast<std::int64_t>(std::ceil(usage / std::max(present, 1)));
  out.replicas = out.raw_replicas;
  if (present > 0 && input.tolerances.within(out.ratio)) {
    out.verdict = Verdict::kWithinTolerance;
    out.replicas = present;
  }
  return out;
}

}  // namespace minato::controllers
