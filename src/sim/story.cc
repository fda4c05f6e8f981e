#include "sim/story.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/check.h"
#include "kube/names.h"

namespace minato::sim {
namespace {

// Of what goes well, what is worth telling; everything else that is Normal is counted only.
bool is_told(const kube::Event& event) {
  static const std::set<std::string_view> kTold = {
      "SuccessfulRescale",  "TriggeredScaleUp",  "ScaledUpGroup",      "ScaleDown",         "ScaleDownEmpty",
      "RemovalStarted",     "TargetDeregistered", "TargetDrained",      "PodEvicted",        "PodsEvicted",
      "NodeRemoved",        "NodeDrained",       "RemovalCancelled",   "ReplacementOrdered", "RegisteredNode",
      "RemovingNode",       "ScalingReplicaSet", "RebalanceRecommendation", "FallBackToOnDemand", "BackToSpot",
      "NodeReady",          "NodeNotReady"};
  return event.type == kube::kWarning || kTold.contains(event.reason);
}

}  // namespace

Story::Story(const env::Clock& clock, store::Store& store) : clock_(clock) {
  auto watch = store.watch(kube::Event::static_kind(), store.resource_version(), [this](const store::Event& event) {
    if (event.type != kube::WatchEventType::kDeleted) record(kube::as<kube::Event>(*event.object));
  });
  CHECK(watch, "an empty store can be watched");
  watch_ = std::move(watch).value();
}

void Story::say(std::string text) {
  add({clock_.monotonic().time_since_epoch(), "you", text, 1}, "you/" + text);
}

void Story::record(const kube::Event& event) {
  ++counts_[event.reason];
  last_[event.reason] = event.message;
  if (!is_told(event)) return;
  StoryLine line{clock_.monotonic().time_since_epoch(), event.source.component,
                 fmt::format("{} {}/{}: {}", event.reason, event.involved_object.kind, event.involved_object.name, event.message), 1};
  add(std::move(line), event.source.component + "/" + event.reason + "/" + event.involved_object.kind);
}

void Story::add(StoryLine line, const std::string& group) {
  const auto found = open_.find(group);
  if (found != open_.end() && line.at - lines_[found->second].at < kTogether && line.source != "you") {
    ++lines_[found->second].count;
    return;
  }
  if (lines_.size() >= kMaximumLines) return;
  open_[group] = lines_.size();
  lines_.push_back(std::move(line));
}

std::uint64_t Story::count(const std::string& reason) const {
  const auto found = counts_.find(reason);
  return found == counts_.end() ? 0 : found->second;
}

const std::string& Story::last(const std::string& reason) const {
  static const std::string kNone;
  const auto found = last_.find(reason);
  return found == last_.end() ? kNone : found->second;
}

}  // namespace minato::sim
