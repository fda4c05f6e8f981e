// The metrics APIs as whoever decides by them sees them: what Pods and Nodes use now, and values
// that a service measures itself.
//
// Interfaces, owned by the world, which may leave any of them out (a null pointer in Sources). All
// calls answer at once from what is known; loop thread only. Values are in thousandths (milli), as
// Quantity.MilliValue().
// Rules: k8s.io/metrics pkg/apis/{metrics/v1beta1,custom_metrics/v1beta2,external_metrics/v1beta1}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/object.h"
#include "kube/selector.h"

namespace minato::metrics {

struct ContainerMetrics {
  std::string name;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;  // Working set.
};

struct PodMetrics {
  std::string namespace_;
  std::string name;
  std::map<std::string, std::string> labels;
  WallTime timestamp{};  // End of the window.
  Duration window{};     // Over which CPU is averaged.
  std::vector<ContainerMetrics> containers;  // Ordered by name.
};

struct NodeMetrics {
  std::string name;
  std::map<std::string, std::string> labels;
  WallTime timestamp{};
  Duration window{};
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};

// metrics.k8s.io: what the resource metrics pipeline knows.
class Source {
 public:
  virtual ~Source() = default;
  // Of the running Pods that match; "" is every namespace. Pods of which nothing is known (yet) are
  // left out. Ordered by key. Errors: Unavailable.
  virtual Result<std::vector<PodMetrics>> pod_metrics(const std::string& namespace_,
                                                      const kube::Selector& selector) const = 0;
  // Of the Nodes of which something is known. Ordered by name. Errors: Unavailable.
  virtual Result<std::vector<NodeMetrics>> node_metrics(const kube::Selector& selector) const = 0;
};

struct MetricValue {
  std::string object;  // The described object's name; "" for external metrics.
  WallTime timestamp{};
  std::optional<Duration> window;
  std::int64_t value_milli = 0;
};

struct ObjectReference {
  std::string api_version;
  std::string kind;
  kube::ObjectKey key;  // Of a Namespace: its name alone.
};

// custom.metrics.k8s.io: values about objects of the cluster.
class CustomSource {
 public:
  virtual ~CustomSource() = default;
  // One value for each Pod that matches and has one. Errors: Unavailable, NotFound.
  virtual Result<std::vector<MetricValue>> pods_metric(
      const std::string& namespace_, const kube::Selector& pods, const std::string& metric,
      const kube::Selector& metric_selector) const = 0;
  // Errors: Unavailable, NotFound.
  virtual Result<MetricValue> object_metric(const ObjectReference& object,
                                            const std::string& metric,
                                            const kube::Selector& metric_selector) const = 0;
};

// external.metrics.k8s.io: values about things outside the cluster.
class ExternalSource {
 public:
  virtual ~ExternalSource() = default;
  // One value for each series that matches. Errors: Unavailable, NotFound.
  virtual Result<std::vector<MetricValue>> external_metric(
      const std::string& namespace_, const std::string& metric,
      const kube::Selector& selector) const = 0;
};

// What a world offers; null where it has none. They outlive whoever is given this.
struct Sources {
  const Source* resource = nullptr;
  const CustomSource* custom = nullptr;
  const ExternalSource* external = nullptr;
};

}  // namespace minato::metrics
