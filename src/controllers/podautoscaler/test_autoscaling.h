// For the tests of this directory: a cluster with a Deployment "web" and an autoscaler for it, over
// metrics that a test makes up.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "controllers/common/pods.h"
#include "controllers/testing/test_world.h"
#include "kube/names.h"

namespace minato::controllers {

// Every running Pod uses `cpu_milli` of it; nothing leaves the Pod out.
class FakeMetrics final : public metrics::Source,
                          public metrics::CustomSource,
                          public metrics::ExternalSource {
 public:
  TestWorld* world = nullptr;
  std::function<std::optional<std::int64_t>(const kube::Pod&)> cpu_milli;
  std::map<std::string, std::int64_t> values_milli;  // By metric name; of every object and series.
  Status down;  // The answer of every call while it is a failure.

  Result<std::vector<metrics::PodMetrics>> pod_metrics(
      const std::string& namespace_, const kube::Selector& selector) const override {
    RETURN_IF_ERROR(down);
    std::vector<metrics::PodMetrics> out;
    for (const auto& pod : world->all<kube::Pod>()) {
      if (pod->metadata.namespace_ != namespace_) continue;
      if (!selector.matches(pod->metadata.labels)) continue;
      if (pod->status.phase != kube::kPodRunning) continue;
      const auto used = cpu_milli ? cpu_milli(*pod) : std::nullopt;
      if (!used) continue;
      metrics::PodMetrics& found = out.emplace_back();
      found.namespace_ = namespace_;
      found.name = pod->metadata.name;
      found.timestamp = world->time.wall();
      found.window = 15s;
      found.containers.push_back({"web", *used, 64 << 20});
    }
    return out;
  }
  Result<std::vector<metrics::NodeMetrics>> node_metrics(const kube::Selector&) const override {
    RETURN_IF_ERROR(down);
    return std::vector<metrics::NodeMetrics>{};
  }
  Result<std::vector<metrics::MetricValue>> pods_metric(const std::string& namespace_,
                                                        const kube::Selector& pods,
                                                        const std::string& metric,
                                                        const kube::Selector&) const override {
    ASSIGN_OR_RETURN(const metrics::MetricValue value, value_of(metric));
    std::vector<metrics::MetricValue> out;
    for (const auto& pod : world->all<kube::Pod>()) {
      if (pod->metadata.namespace_ != namespace_ || !pods.matches(pod->metadata.labels)) continue;
      out.push_back(value);
      out.back().object = pod->metadata.name;
    }
    return out;
  }
  Result<metrics::MetricValue> object_metric(const metrics::ObjectReference&,
                                             const std::string& metric,
                                             const kube::Selector&) const override {
    return value_of(metric);
  }
  Result<std::vector<metrics::MetricValue>> external_metric(const std::string&,
                                                            const std::string& metric,
                                                            const kube::Selector&) const override {
    ASSIGN_OR_RETURN(const metrics::MetricValue value, value_of(metric));
    return std::vector{value};
  }

 private:
  Result<metrics::MetricValue> value_of(const std::string& metric) const {
    RETURN_IF_ERROR(down);
    const auto found = values_milli.find(metric);
    if (found == values_milli.end()) {
      return fail(Reason::kNotFound, "the server could not find the metric " + metric);
    }
    metrics::MetricValue out;
    out.timestamp = world->time.wall();
    out.value_milli = found->second;
    return out;
  }
};

inline kube::MetricSpec cpu_metric(std::int32_t percent) {
  kube::MetricSpec out;
  out.type = "Resource";
  out.resource.emplace().name = "cpu";
  out.resource->target = {.type = "Utilization", .average_utilization = percent};
  return out;
}

inline kube::HorizontalPodAutoscaler autoscaler(const std::string& target, std::int32_t least,
                                                std::int32_t most, kube::MetricSpec metric) {
  kube::HorizontalPodAutoscaler out;
  out.metadata.namespace_ = "default";
  out.metadata.name = target;
  out.spec.scale_target_ref = {.kind = "Deployment", .name = target, .api_version = "apps/v1"};
  out.spec.min_replicas = least;
  out.spec.max_replicas = most;
  out.spec.metrics.push_back(std::move(metric));
  return out;
}

class AutoscalingFixture : public testing::Test {
 protected:
  explicit AutoscalingFixture(std::uint64_t seed = 1,
                              PodAutoscalerController::Options options = {})
      : world_(seed, with_sources(options)) {
    metrics_.world = &world_;
    for (const char* name : {"n1", "n2", "n3"}) world_.add_node(name);
    world_.start();
  }

  // Running, and past the time in which its Pods' CPU does not count.
  void run_deployment(const std::string& name, std::int32_t replicas) {
    kube::Deployment wanted = deployment(name, replicas);
    wanted.spec.template_.spec.containers[0].resources.requests["cpu"] =
        kube::Quantity::milli(1000);
    world_.create(std::move(wanted));
    world_.advance(6min);
  }
  std::shared_ptr<const kube::HorizontalPodAutoscaler> stored(const std::string& name = "web") {
    return world_.get<kube::HorizontalPodAutoscaler>("default", name);
  }
  std::int32_t replicas(const std::string& name = "web") {
    return world_.get<kube::Deployment>("default", name)->spec.replicas.value_or(-1);
  }
  // "True SucceededRescale"; "" when there is none.
  std::string condition(const std::string& type, const std::string& name = "web") {
    const auto found = stored(name);
    const auto* condition = find_condition(found->status.conditions, type);
    return condition == nullptr ? "" : condition->status + " " + condition->reason;
  }
  std::string condition_message(const std::string& type, const std::string& name = "web") {
    const auto found = stored(name);
    const auto* condition = find_condition(found->status.conditions, type);
    return condition == nullptr ? "" : condition->message;
  }
  void use(std::int64_t milli) {
    metrics_.cpu_milli = [milli](const kube::Pod&) { return milli; };
  }

  FakeMetrics metrics_;
  TestWorld world_;

 private:
  ControllerSet::Options with_sources(PodAutoscalerController::Options options) {
    options.sources = {&metrics_, &metrics_, &metrics_};
    ControllerSet::Options out;
    out.pod_autoscaler = options;
    return out;
  }
};

}  // namespace minato::controllers
