// What is known of one removal, and how it is written on its Node so that whoever controls removals
// next goes on where the last one stopped.
//
// Pure values. The record is the annotation minato.dev/removal (JSON); beside it, marks that others
// read: the taint minato.dev/removal:NoSchedule, spec.unschedulable, and the label that keeps Nodes
// out of load balancers. The finalizer minato.dev/removal holds the Node in the API only while a
// replacement is ordered whose place in its group the instance has not given up yet (see
// remover.h). Text from the API is untrusted: it is bounded and strictly read. Errors: Invalid.
//
// Rules: kubernetes.io/docs/reference/labels-annotations-taints; the AWS Load Balancer Controller
// leaves out Nodes with that label (pkg/backend/endpoint_utils.go), so it comes before or together
// with the deregistration, or the controller registers the target again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/types/node.h"
#include "removal/removals.h"

namespace minato::removal {

inline constexpr std::string_view kAnnotationRemoval = "minato.dev/removal";
inline constexpr std::string_view kTaintRemoval = "minato.dev/removal";
inline constexpr std::string_view kFinalizerRemoval = "minato.dev/removal";
// Value of the label node.kubernetes.io/exclude-from-external-load-balancers; another value is
// somebody else's and stays.
inline constexpr std::string_view kExcludedByRemoval = "minato-removal";

inline constexpr std::size_t kMaxCuts = 16;
inline constexpr std::size_t kMaxRecordBytes = 16 * 1024;
inline constexpr std::size_t kMaxMessageBytes = 1024;

// A replacement that was ordered by raising its group's desired capacity by one.
struct Replacement {
  std::string group;
  std::int32_t desired_before = 0;
  WallTime ordered{};
  bool confirmed = false;  // The group took the order.
  std::string instance;    // The one that came; "" until then.
  bool operator==(const Replacement&) const = default;
};

struct Record {
  Request request;
  Phase phase = Phase::kWaiting;
  WallTime begun{};
  WallTime since{};
  bool admitted = false;    // Takes its Node out of scheduling.
  bool cordoned = false;    // spec.unschedulable is ours to take back.
  WallTime detached{};      // When the target was taken out; not set before.
  bool was_target = false;  // It was registered then; a cancellation registers it again.
  bool drained = false;
  std::optional<Replacement> replacement;
  std::vector<std::string> cuts;  // What could not be kept, oldest first.
  bool operator==(const Record&) const = default;
};

std::string encode(const Record& record);
Result<Record> decode(std::string_view text, const std::string& node);

// The Node's record, if it has one. Errors: Invalid.
Result<std::optional<Record>> record_of(const kube::Node& node);

// Joins two requests for one Node: the nearer deadline, the more urgent cause with its message.
// What becomes of the instance: an end wins over keeping it, and an instance that nobody needs any
// more (shrink) is not replaced because a notice comes too.
void join(Request& under_way, const Request& more);

// The Node as the record wants it: annotation, finalizer, taint, unschedulable, label. Taints and
// labels of others stay. kFinished: nothing of the removal is left.
enum class Marks { kUnderWay, kFinished };
kube::Node mark(const kube::Node& node, const Record& record, Marks marks, WallTime now);
// Whether a Node is on its way out of the load balancer by its marks, whoever made them.
bool is_leaving(const kube::Node& node);

void add_cut(Record& record, std::string cut);

}  // namespace minato::removal
