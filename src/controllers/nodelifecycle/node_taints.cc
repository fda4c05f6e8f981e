#include "controllers/nodelifecycle/node_taints.h"

#include <algorithm>
#include <array>

#include "controllers/common/conditions.h"
#include "controllers/common/taints.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

struct ConditionTaint {
  std::string_view condition;
  std::string_view status;
  std::string_view key;
};
constexpr std::array<ConditionTaint, 6> kConditionTaints{{
    {kube::kReady, kube::kFalse, kube::kTaintNotReady},
    {kube::kReady, kube::kUnknown, kube::kTaintUnreachable},
    {"MemoryPressure", kube::kTrue, kube::kTaintMemoryPressure},
    {"DiskPressure", kube::kTrue, kTaintDiskPressure},
    {"PIDPressure", kube::kTrue, kTaintPidPressure},
    {"NetworkUnavailable", kube::kTrue, kTaintNetworkUnavailable},
}};

kube::Taint make_taint(std::string_view key, std::string_view effect, kube::Time now) {
  kube::Taint out;
  out.key = key;
  out.effect = effect;
  out.time_added = now;
  return out;
}

// Sets apart which of `managed` keys with `effect` have to be there; keeps everything else.
std::optional<std::vector<kube::Taint>> correct(const std::vector<kube::Taint>& present,
                                                const std::vector<std::string_view>& managed,
                                                const std::vector<std::string_view>& wanted,
                                                std::string_view effect, kube::Time now) {
  std::vector<kube::Taint> out;
  for (const kube::Taint& taint : present) {
    const bool is_managed =
        taint.effect == effect && std::ranges::find(managed, taint.key) != managed.end();
    if (!is_managed || std::ranges::find(wanted, taint.key) != wanted.end()) out.push_back(taint);
  }
  const bool removed = out.size() != present.size();
  bool added = false;
  for (const std::string_view key : wanted) {
    if (has_taint(out, key, effect)) continue;
    out.push_back(make_taint(key, effect, now));
    added = true;
  }
  if (!removed && !added) return std::nullopt;
  return out;
}

}  // namespace

Readiness readiness(const kube::Node& node) {
  const kube::NodeCondition* ready = find_condition(node.status.conditions, kube::kReady);
  if (ready == nullptr || ready->status == kube::kUnknown) return Readiness::kUnknown;
  return ready->status == kube::kTrue ? Readiness::kReady : Readiness::kNotReady;
}

std::optional<std::vector<kube::Taint>> corrected_no_schedule(const kube::Node& node,
                                                              kube::Time now) {
  std::vector<std::string_view> managed{kube::kTaintUnschedulable};
  std::vector<std::string_view> wanted;
  for (const ConditionTaint& rule : kConditionTaints) {
    managed.push_back(rule.key);
    const kube::NodeCondition* condition = find_condition(node.status.conditions, rule.condition);
    if (condition != nullptr && condition->status == rule.status) wanted.push_back(rule.key);
  }
  if (node.spec.unschedulable) wanted.push_back(kube::kTaintUnschedulable);
  return correct(node.spec.taints, managed, wanted, kube::kNoSchedule, now);
}

std::optional<std::vector<kube::Taint>> corrected_no_execute(const kube::Node& node,
                                                             Readiness state, kube::Time now) {
  std::vector<std::string_view> wanted;
  if (state == Readiness::kNotReady) wanted.push_back(kube::kTaintNotReady);
  if (state == Readiness::kUnknown) wanted.push_back(kube::kTaintUnreachable);
  return correct(node.spec.taints, {kube::kTaintNotReady, kube::kTaintUnreachable}, wanted,
                 kube::kNoExecute, now);
}

bool has_lifecycle_no_execute(const kube::Node& node) {
  return has_taint(node.spec.taints, kube::kTaintNotReady, kube::kNoExecute) ||
         has_taint(node.spec.taints, kube::kTaintUnreachable, kube::kNoExecute);
}

}  // namespace minato::controllers
