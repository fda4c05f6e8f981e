#include "scheduling/refusal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace minato::scheduling {
namespace {

std::vector<std::string> fit_reasons(std::uint32_t detail, const PodTemplate& pod) {
  std::vector<std::string> out;
  if (detail & kTooManyPods) out.emplace_back("Too many pods");
  if (detail & kInsufficientCpu) out.emplace_back("Insufficient cpu");
  if (detail & kInsufficientMemory) out.emplace_back("Insufficient memory");
  if (detail & kInsufficientEphemeralStorage) out.emplace_back("Insufficient ephemeral-storage");
  std::uint32_t bit = kInsufficientExtended;
  for (const auto& [name, amount] : pod.requests.extended) {
    if (detail & bit) out.push_back("Insufficient " + name);
    bit <<= 1;  // Zero after the last bit: resources beyond are counted but not named.
  }
  return out;
}

std::string inter_pod_reason(std::uint32_t detail) {
  if (detail == kAffinityRules) return "node(s) didn't match pod affinity rules";
  if (detail == kAntiAffinityRules) return "node(s) didn't match pod anti-affinity rules";
  return "node(s) didn't satisfy existing pods anti-affinity rules";
}

bool same_reason(const Refusal& a, const Refusal& b) {
  if (a.filter != b.filter || a.detail != b.detail) return false;
  return a.taint == b.taint ||
         (a.taint && b.taint && a.taint->key == b.taint->key && a.taint->value == b.taint->value);
}

}  // namespace

std::string_view to_string(Filter filter) {
  switch (filter) {
    case Filter::kNone: return "";
    case Filter::kNodeUnschedulable: return "NodeUnschedulable";
    case Filter::kNodeName: return "NodeName";
    case Filter::kTaintToleration: return "TaintToleration";
    case Filter::kNodeAffinity: return "NodeAffinity";
    case Filter::kNodePorts: return "NodePorts";
    case Filter::kNodeResourcesFit: return "NodeResourcesFit";
    case Filter::kPodTopologySpread: return "PodTopologySpread";
    case Filter::kInterPodAffinity: return "InterPodAffinity";
    case Filter::kPreemption: return "DefaultPreemption";
  }
  return "";
}

std::vector<std::string> reasons(const Refusal& refusal, const PodTemplate& pod) {
  switch (refusal.filter) {
    case Filter::kNone: return {};
    case Filter::kNodeUnschedulable: return {"node(s) were unschedulable"};
    case Filter::kNodeName: return {"node(s) didn't match the requested node name"};
    case Filter::kTaintToleration:
      return {fmt::format("node(s) had untolerated taint {{{}: {}}}", refusal.taint->key,
                          refusal.taint->value)};
    case Filter::kNodeAffinity:
      return {refusal.detail == kNotChosenByName
                  ? "node(s) didn't satisfy plugin(s) [NodeAffinity]"
                  : "node(s) didn't match Pod's node affinity/selector"};
    case Filter::kNodePorts:
      return {"node(s) didn't have free ports for the requested pod ports"};
    case Filter::kNodeResourcesFit: return fit_reasons(refusal.detail, pod);
    case Filter::kPodTopologySpread:
      return {refusal.detail == kMissingTopologyKey
                  ? "node(s) didn't match pod topology spread constraints (missing required label)"
                  : "node(s) didn't match pod topology spread constraints"};
    case Filter::kInterPodAffinity: return {inter_pod_reason(refusal.detail)};
    case Filter::kPreemption:
      return {refusal.detail == kNotHelpful ? "Preemption is not helpful for scheduling"
                                            : "No preemption victims found for incoming pod"};
  }
  return {};
}

std::string summarize(const std::vector<NodeRefusal>& refusals, const PodTemplate& pod) {
  // Few distinct refusals over many Nodes: count those first, make texts once.
  std::vector<std::pair<Refusal, std::size_t>> kinds;
  for (const NodeRefusal& at : refusals) {
    const auto found = std::ranges::find_if(
        kinds, [&](const auto& kind) { return same_reason(kind.first, at.refusal); });
    if (found != kinds.end()) {
      ++found->second;
    } else {
      kinds.emplace_back(at.refusal, 1);
    }
  }
  std::map<std::string, std::size_t> histogram;
  for (const auto& [refusal, count] : kinds) {
    for (const std::string& reason : reasons(refusal, pod)) histogram[reason] += count;
  }
  std::vector<std::string> parts;
  for (const auto& [reason, count] : histogram) {
    parts.push_back(fmt::format("{} {}", count, reason));
  }
  std::ranges::sort(parts);
  return parts.empty() ? "" : join(parts, ", ") + ".";
}

std::string FitError::message() const {
  if (nodes == 0) return "no nodes available to schedule pods";
  std::string out = fmt::format("0/{} nodes are available:", nodes);
  if (!summary.empty()) out += " " + summary;
  if (!preemption.empty()) out += " " + preemption;
  return out;
}

}  // namespace minato::scheduling
