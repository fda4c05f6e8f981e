// Why a Node does not take a Pod, in a form that costs nothing to make 5,000 times, and the words
// that upstream uses for it.
//
// Values. A Refusal may point into the Node that it is about: good until the Snapshot changes. A
// FitError owns its texts.
// Rules: pkg/scheduler/framework/types.go (FitError), the ErrReason constants of each plugin.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduling/node_info.h"

namespace minato::scheduling {

enum class Filter : std::uint8_t {
  kNone,
  kNodeUnschedulable,
  kNodeName,
  kTaintToleration,
  kNodeAffinity,
  kNodePorts,
  kNodeResourcesFit,
  kPodTopologySpread,
  kInterPodAffinity,
  kPreemption,
};
std::string_view to_string(Filter filter);  // The plugin's name: "NodeResourcesFit".

// A set of filters, for asking what could make a refused Pod placeable.
class FilterSet {
 public:
  void add(Filter filter) { bits_ |= bit(filter); }
  bool has(Filter filter) const { return (bits_ & bit(filter)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::uint32_t bits() const { return bits_; }
  bool operator==(const FilterSet&) const = default;

 private:
  static std::uint32_t bit(Filter filter) { return 1U << static_cast<unsigned>(filter); }
  std::uint32_t bits_ = 0;
};

// Details by filter. kNodeResourcesFit: bits, from kExtended on one per extended resource of the
// Pod. Others: one of the values.
enum Detail : std::uint32_t {
  kTooManyPods = 1,
  kInsufficientCpu = 2,
  kInsufficientMemory = 4,
  kInsufficientEphemeralStorage = 8,
  kInsufficientExtended = 16,

  kNotChosenByName = 1,     // kNodeAffinity: metadata.name terms exclude it.
  kMissingTopologyKey = 1,  // kPodTopologySpread
  kAffinityRules = 1,       // kInterPodAffinity
  kAntiAffinityRules = 2,
  kExistingAntiAffinity = 3,
  kNotHelpful = 1,  // kPreemption
  kNoVictims = 2,
};

struct Refusal {
  Filter filter = Filter::kNone;
  bool unresolvable = false;  // Removing Pods from the Node would not help.
  std::uint32_t detail = 0;
  const kube::Taint* taint = nullptr;

  explicit operator bool() const { return filter != Filter::kNone; }
};
// One text per reason, as upstream words them.
std::vector<std::string> reasons(const Refusal& refusal, const PodTemplate& pod);

struct NodeRefusal {
  NodeSlot slot = 0;
  Refusal refusal;
};

// "2 Insufficient cpu" for each reason, in upstream's order (that of the texts).
std::string summarize(const std::vector<NodeRefusal>& refusals, const PodTemplate& pod);

struct FitError {
  std::size_t nodes = 0;
  std::vector<NodeRefusal> refusals;  // One per Node, in order of visit.
  FilterSet rejecting;
  std::string summary;  // "2 Insufficient cpu, 1 node(s) were unschedulable."
  std::string preemption;  // "preemption: …"; empty when not tried or when it found a way.

  // "0/3 nodes are available: 3 Insufficient cpu. preemption: …"
  std::string message() const;
};

}  // namespace minato::scheduling
