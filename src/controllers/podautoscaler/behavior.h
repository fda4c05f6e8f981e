// From what the metrics ask for to what is done: stabilization windows, scaling policies and the
// limits of an autoscaler, with upstream's word for each.
//
// decide() is pure; History is a value that the controller keeps for each autoscaler and hands in.
// A restart begins with an empty one, as upstream's does. Times are steady: a jump of the wall
// clock makes no recommendation older. Thread-safe.
// Rules: k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas,
// ...WithBehaviors, stabilizeRecommendation..., storeScaleEvent), v1.32.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "kube/types/autoscaling.h"

namespace minato::controllers {

// An hour, the longest window, of one recommendation a second.
inline constexpr std::size_t kMaxRecommendations = 3600;
// Half an hour, the longest period of a policy, of one change a second.
inline constexpr std::size_t kMaxScaleEvents = 1800;

struct Recommendation {
  std::int32_t replicas = 0;
  MonoTime at{};
};
struct ScaleEvent {
  std::int32_t change = 0;  // Positive in either direction.
  MonoTime at{};
};
// Oldest first.
struct ScaleHistory {
  std::vector<Recommendation> recommendations;
  std::vector<ScaleEvent> ups;
  std::vector<ScaleEvent> downs;
};

struct DecisionInput {
  // Null: upstream's rules from before there was one (at most twice as many, or four, at a time).
  const kube::HorizontalPodAutoscalerBehavior* behavior = nullptr;
  Duration downscale_stabilization = 5min;  // Where behavior does not say.
  std::int32_t min_replicas = 1;
  std::int32_t max_replicas = 1;
  std::int32_t current_replicas = 0;
  std::int32_t proposed_replicas = 0;  // What the metrics ask for.
  MonoTime now{};
};

struct Decision {
  std::int32_t stabilized_replicas = 0;
  std::int32_t desired_replicas = 0;
  // Of condition AbleToScale, which is True.
  std::string_view able_reason;
  std::string_view able_message;
  // Of condition ScalingLimited.
  bool limited = false;
  std::string_view limit_reason;
  std::string_view limit_message;
};

Decision decide(const DecisionInput& input, const ScaleHistory& history);

// Before the first decision: the number that was found counts as recommended, so that a controller
// that has just started does not scale down at once.
void record_initial(ScaleHistory& history, std::int32_t current_replicas, MonoTime now);
// After decide(): what the metrics asked for, not what became of it. Forgets what no window holds.
void record_recommendation(ScaleHistory& history, const DecisionInput& input);
// After the target was changed; without behavior nothing needs it.
void record_rescale(ScaleHistory& history, const DecisionInput& input, std::int32_t new_replicas);

}  // namespace minato::controllers
