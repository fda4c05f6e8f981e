#include "controllers/podautoscaler/pod_autoscaler_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kAbleToScale = "AbleToScale";
constexpr std::string_view kScalingActive = "ScalingActive";
constexpr std::string_view kScalingLimited = "ScalingLimited";

// The kind that a reference means: by group and kind, whatever version it names.
Result<const kube::Kind*> kind_of(const kube::Kinds& kinds,
                                  const kube::CrossVersionObjectReference& reference) {
  const std::vector<std::string> parts = split(reference.api_version, '/');
  if (parts.size() > 2) {
    return fail(Reason::kInvalid,
                "unexpected GroupVersion string: " + reference.api_version);
  }
  const std::string group = parts.size() == 2 ? parts.front() : "";
  for (const kube::Kind* kind : kinds.all()) {
    if (kind->group == group && kind->kind == reference.kind) return kind;
  }
  return fail(Reason::kNotFound,
              fmt::format("no matches for kind \"{}\" in group \"{}\"", reference.kind, group));
}

Tolerances tolerances_of(const kube::HorizontalPodAutoscaler& autoscaler, double fallback) {
  Tolerances out{.down = fallback, .up = fallback};
  const auto& behavior = autoscaler.spec.behavior;
  if (!behavior) return out;
  if (behavior->scale_down && behavior->scale_down->tolerance) {
    out.down = behavior->scale_down->tolerance->approximate();
  }
  if (behavior->scale_up && behavior->scale_up->tolerance) {
    out.up = behavior->scale_up->tolerance->approximate();
  }
  return out;
}

// As Go prints the keys of upstream's selector store.
std::string keys_text(const std::vector<kube::ObjectKey>& keys) {
  std::vector<std::string> out;
  for (const kube::ObjectKey& key : keys) {
    out.push_back(fmt::format("{{{} {}}}", key.name, key.namespace_));
  }
  return fmt::format("[{}]", join(out, " "));
}

std::string reason_text(std::string_view reason, std::string_view message) {
  return fmt::format("{}: {}", reason, message);
}

}  // namespace

PodAutoscalerController::PodAutoscalerController(env::Env env, kube::Client& client,
                                                 informer::Informers& informers, Options options)
    : env_(env.fork("horizontal-pod-autoscaler")),
      client_(client),
      options_(options),
      events_(env_.fork("events"), client, "horizontal-pod-autoscaler"),
      autoscalers_(informers.of<kube::HorizontalPodAutoscaler>()),
      pods_(informers.of<kube::Pod>()),
      // Failures too are tried again at the pace of the period.
      runner_(env_.fork("runner"), *this,
              {.backoff_base = options.sync_period, .backoff_max = options.sync_period}) {
  autoscalers_.on_change([this](const auto& delta) {
    const kube::ObjectKey key = delta.object().key();
    if (delta.change == informer::Change::kDeleted) {
      states_.erase(key);
    } else {
      runner_.queue().add_after(key, options_.sync_period);
    }
  });
}

const ScalingExplanation* PodAutoscalerController::explain(
    const kube::ObjectKey& autoscaler) const {
  const auto found = states_.find(autoscaler);
  return found == states_.end() ? nullptr : &found->second.explanation;
}

Result<informer::Requeue> PodAutoscalerController::reconcile(const kube::ObjectKey& key) {
  const auto stored = autoscalers_.get(key);
  if (!stored) return informer::Requeue::done();
  const auto& target = stored->spec.scale_target_ref;
  Turn turn{.autoscaler = *stored,
            .state = states_[key],
            .reference = fmt::format("{}/{}/{}", target.kind, key.namespace_, target.name)};
  turn.explanation.at = env_.clock.wall();
  turn.explanation.target = fmt::format("{}/{}", target.kind, target.name);
  turn.explanation.min_replicas = turn.least();
  turn.explanation.max_replicas = turn.most();
  turn.autoscaler.status.observed_generation = stored->metadata.generation;
  const Status worked = work(turn);
  if (!worked && turn.explanation.outcome.empty()) {
    turn.explanation.outcome = "nothing done: " + worked.error().message;
  }
  turn.state.explanation = std::move(turn.explanation);
  const Status written = write_status(*stored, std::move(turn.autoscaler));
  RETURN_IF_ERROR(worked);
  RETURN_IF_ERROR(written);
  return informer::Requeue::in(options_.sync_period);
}

Status PodAutoscalerController::work(Turn& turn) {
  RETURN_IF_ERROR(find_target(turn));
  const std::int32_t current = turn.current();
  turn.explanation.current_replicas = current;
  turn.explanation.desired_replicas = current;
  record_initial(turn.state.history, current, env_.clock.monotonic());
  if (current == 0 && turn.least() != 0) {
    const std::string why =
        "scaling is disabled since the replica count of the target is zero";
    set_condition(turn, kScalingActive, kube::kFalse, "ScalingDisabled", why);
    keep(turn, why);
    return {};
  }
  if (current > turn.most()) {
    return rescale(turn, turn.most(), "Current number of replicas above Spec.MaxReplicas");
  }
  if (current < turn.least()) {
    return rescale(turn, turn.least(), "Current number of replicas below Spec.MinReplicas");
  }
  return follow_metrics(turn);
}

Status PodAutoscalerController::find_target(Turn& turn) {
  const auto& reference = turn.autoscaler.spec.scale_target_ref;
  const auto failed = [&](const Error& error, std::string_view step) -> Status {
    events_.warning(turn.autoscaler, "FailedGetScale", error.message);
    set_condition(
        turn, kAbleToScale, kube::kFalse, "FailedGetScale",
        "the HPA controller was unable to get the target's current scale: " + error.message);
    return fail(error.reason, fmt::format("{}: {}", step, error.message));
  };
  const Result<const kube::Kind*> kind = kind_of(client_.kinds(), reference);
  if (!kind) {
    return failed(kind.error(), is(kind.error(), Reason::kInvalid)
                                    ? "invalid API version in scale target reference"
                                    : "unable to determine resource for scale target reference");
  }
  Result<kube::Scale> scale = kube::get_scale(
      client_, **kind, {turn.autoscaler.metadata.namespace_, reference.name});
  if (!scale) {
    return failed(scale.error(), "failed to query scale subresource for " + turn.reference);
  }
  turn.kind = *kind;
  turn.scale = *std::move(scale);
  set_condition(turn, kAbleToScale, kube::kTrue, "SucceededGetScale",
                "the HPA controller was able to get the target's current scale");
  return {};
}

Status PodAutoscalerController::follow_metrics(Turn& turn) {
  Result<Wanted> wanted = evaluate_metrics(turn);
  if (!wanted) {
    set_numbers(turn, turn.autoscaler.status.desired_replicas);
    events_.warning(turn.autoscaler, "FailedComputeMetricsReplicas", wanted.error().message);
    return fail(wanted.error().reason,
                fmt::format("failed to compute desired number of replicas based on listed metrics "
                            "for {}: {}", turn.reference, wanted.error().message));
  }
  const std::int32_t proposed = std::max(0, wanted->replicas);
  const DecisionInput input = decision_input(turn, proposed);
  const Decision decision = decide(input, turn.state.history);
  record_recommendation(turn.state.history, input);
  set_condition(turn, kAbleToScale, kube::kTrue, decision.able_reason,
                std::string(decision.able_message));
  set_condition(turn, kScalingLimited, decision.limited ? kube::kTrue : kube::kFalse,
                decision.limit_reason, std::string(decision.limit_message));
  ScalingExplanation& why = turn.explanation;
  why.decisive_metric = wanted->metric;
  why.proposed_replicas = proposed;
  why.stabilized_replicas = decision.stabilized_replicas;
  why.desired_replicas = decision.desired_replicas;
  why.stabilization = reason_text(decision.able_reason, decision.able_message);
  why.limit = reason_text(decision.limit_reason, decision.limit_message);
  if (decision.desired_replicas == turn.current()) {
    keep(turn, "the number stays");
    return wanted->partly;
  }
  std::string reason;
  if (proposed > turn.current()) reason = wanted->metric + " above target";
  if (proposed < turn.current()) reason = "All metrics below target";
  RETURN_IF_ERROR(rescale(turn, decision.desired_replicas, reason));
  return wanted->partly;
}

DecisionInput PodAutoscalerController::decision_input(const Turn& turn,
                                                      std::int32_t proposed) const {
  return {.behavior = turn.autoscaler.spec.behavior.get(),
          .downscale_stabilization = options_.downscale_stabilization,
          .min_replicas = turn.least(),
          .max_replicas = turn.most(),
          .current_replicas = turn.current(),
          .proposed_replicas = proposed,
          .now = env_.clock.monotonic()};
}

std::unexpected<Error> PodAutoscalerController::inactive(Turn& turn, std::string_view event,
                                                         std::string_view reason,
                                                         const std::string& event_message,
                                                         std::string message) {
  events_.warning(turn.autoscaler, event, event_message);
  set_condition(turn, kScalingActive, kube::kFalse, reason, std::move(message));
  return fail(Reason::kInvalid, event_message);
}

ScaledPods PodAutoscalerController::pods_of(const Turn& turn,
                                            const kube::Selector& selector) const {
  ScaledPods out = pods_.in_namespace(turn.autoscaler.metadata.namespace_);
  std::erase_if(out, [&](const auto& pod) { return !selector.matches(pod->metadata.labels); });
  return out;
}

// The Pods of a target may follow one autoscaler only: two would pull at the same number.
Result<kube::Selector> PodAutoscalerController::target_selector(Turn& turn) {
  const std::string& text = turn.scale.status.selector;
  if (text.empty()) {
    return inactive(turn, "SelectorRequired", "InvalidSelector", "selector is required",
                    "the HPA target's scale is missing a selector");
  }
  const auto selector = kube::Selector::parse(text);
  if (!selector) {
    const std::string why =
        "couldn't convert selector into a corresponding internal selector object: " +
        selector.error().message;
    return inactive(turn, "InvalidSelector", "InvalidSelector", why, why);
  }
  turn.state.selector = *selector;
  const ScaledPods pods = pods_of(turn, *selector);
  std::vector<kube::ObjectKey> selecting;
  const std::string& home = turn.autoscaler.metadata.namespace_;
  for (auto it = states_.lower_bound({home, ""}); it != states_.end(); ++it) {
    if (it->first.namespace_ != home) break;
    const bool selects = std::ranges::any_of(pods, [&](const auto& pod) {
      return it->second.selector.matches(pod->metadata.labels);
    });
    if (selects) selecting.push_back(it->first);
  }
  if (selecting.size() > 1) {
    const std::string why = fmt::format("pods by selector {} are controlled by multiple HPAs: {}",
                                        text, keys_text(selecting));
    return inactive(turn, "AmbiguousSelector", "AmbiguousSelector", why, why);
  }
  return *selector;
}

// The greatest proposal. A metric that failed might have asked for more: it forbids going down.
Result<PodAutoscalerController::Wanted> PodAutoscalerController::evaluate_metrics(Turn& turn) {
  ASSIGN_OR_RETURN(const kube::Selector selector, target_selector(turn));
  const ScaledPods pods = pods_of(turn, selector);
  const CalculatorInput calculator{
      .current_replicas = turn.current(),
      .status_replicas = turn.scale.status.replicas,
      .pods = pods,
      .tolerances = tolerances_of(turn.autoscaler, options_.tolerance),
      .now = env_.clock.wall(),
      .cpu_initialization_period = options_.cpu_initialization_period,
      .initial_readiness_delay = options_.initial_readiness_delay};
  const EvaluationInput input{options_.sources, turn.autoscaler.metadata.namespace_, selector,
                              calculator};
  const std::vector<kube::MetricSpec>& specs = turn.autoscaler.spec.metrics;
  // The API fills in CPU; an object that passed it by cannot be followed.
  if (specs.empty()) return fail(Reason::kInvalid, "no metrics are specified");
  Wanted out;
  std::size_t failed = 0;
  MetricFailure first;
  for (const kube::MetricSpec& spec : specs) {
    MetricEvaluation found = evaluate(spec, input);
    turn.metrics.push_back(std::move(found.status));
    turn.explanation.metrics.push_back(std::move(found.explanation));
    if (!found.proposal) {
      events_.warning(turn.autoscaler, found.failure.reason, found.failure.message);
      if (++failed == 1) first = std::move(found.failure);
    } else if (out.replicas == 0 || found.proposal->replicas > out.replicas) {
      out.replicas = found.proposal->replicas;
      out.metric = std::move(found.name);
    }
  }
  if (failed > 0) {
    out.partly = fail(Reason::kUnknown,
                      fmt::format("invalid metrics ({} invalid out of {}), first error is: {}",
                                  failed, specs.size(), first.summary));
  }
  if (failed == specs.size() || (failed > 0 && out.replicas < turn.current())) {
    set_condition(turn, kScalingActive, kube::kFalse, first.reason,
                  "the HPA was unable to compute the replica count: " + first.message);
    RETURN_IF_ERROR(out.partly);
  }
  set_condition(turn, kScalingActive, kube::kTrue, "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from " + out.metric);
  return out;
}

Status PodAutoscalerController::rescale(Turn& turn, std::int32_t replicas,
                                        const std::string& reason) {
  turn.explanation.desired_replicas = replicas;
  kube::Scale scale = turn.scale;
  scale.spec.replicas = replicas;
  const auto written = kube::update_scale(client_, *turn.kind, scale);
  if (!written) {
    const std::string& why = written.error().message;
    events_.warning(turn.autoscaler, "FailedRescale",
                    fmt::format("New size: {}; reason: {}; error: {}", replicas, reason, why));
    set_condition(turn, kAbleToScale, kube::kFalse, "FailedUpdateScale",
                  "the HPA controller was unable to update the target scale: " + why);
    set_numbers(turn, turn.autoscaler.status.desired_replicas);
    return fail(written.error().reason,
                fmt::format("failed to rescale {}: {}", turn.reference, why));
  }
  set_condition(turn, kAbleToScale, kube::kTrue, "SucceededRescale",
                fmt::format("the HPA controller was able to update the target scale to {}",
                            replicas));
  const std::string outcome = fmt::format("New size: {}; reason: {}", replicas, reason);
  events_.normal(turn.autoscaler, "SuccessfulRescale", outcome);
  turn.explanation.outcome = outcome;
  record_rescale(turn.state.history, decision_input(turn, replicas), replicas);
  set_numbers(turn, replicas);
  turn.autoscaler.status.last_scale_time = api_now(env_.clock);
  return {};
}

void PodAutoscalerController::keep(Turn& turn, std::string outcome) {
  turn.explanation.outcome = std::move(outcome);
  set_numbers(turn, turn.current());
}

void PodAutoscalerController::set_condition(Turn& turn, std::string_view type,
                                            std::string_view status, std::string_view reason,
                                            std::string message) {
  auto& conditions = turn.autoscaler.status.conditions;
  kube::HorizontalPodAutoscalerCondition* condition = find_condition(conditions, type);
  if (condition == nullptr) {
    condition = &conditions.emplace_back();
    condition->type = type;
  }
  if (condition->status != status) condition->last_transition_time = api_now(env_.clock);
  condition->status = status;
  condition->reason = reason;
  condition->message = std::move(message);
}

void PodAutoscalerController::set_numbers(Turn& turn, std::int32_t desired_replicas) {
  kube::HorizontalPodAutoscalerStatus& status = turn.autoscaler.status;
  status.current_replicas = turn.current();
  status.desired_replicas = desired_replicas;
  status.current_metrics = std::move(turn.metrics);
}

Status PodAutoscalerController::write_status(const kube::HorizontalPodAutoscaler& stored,
                                             kube::HorizontalPodAutoscaler changed) {
  if (kube::equal(stored.status, changed.status)) return {};
  const auto written = kube::update(client_, std::move(changed), kube::Subresource::kStatus);
  if (written) return {};
  const std::string& why = written.error().message;
  events_.warning(stored, "FailedUpdateStatus", why);
  return fail(written.error().reason,
              fmt::format("failed to update status for {}: {}", stored.metadata.name, why));
}

}  // namespace minato::controllers
