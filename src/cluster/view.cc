#include "cluster/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/display.h"
#include "kube/names.h"
#include "kube/types/apps.h"

namespace minato::cluster {
namespace json = boost::json;
namespace {

std::int64_t age(WallTime since, WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now - since).count();
}

std::string label(const kube::Object& object, std::string_view name) {
  const auto found = object.metadata.labels.find(std::string(name));
  return found == object.metadata.labels.end() ? "" : found->second;
}

json::object view_autoscaling(const kube::HorizontalPodAutoscaler& autoscaler) {
  json::object out{{"min", autoscaler.spec.min_replicas.value_or(1)}, {"max", autoscaler.spec.max_replicas}};
  for (const kube::MetricSpec& metric : autoscaler.spec.metrics) {
    if (metric.resource && metric.resource->target.average_utilization) {
      out["targetPercent"] = *metric.resource->target.average_utilization;
    }
  }
  for (const kube::MetricStatus& metric : autoscaler.status.current_metrics) {
    if (metric.resource && metric.resource->current.average_utilization) {
      out["currentPercent"] = *metric.resource->current.average_utilization;
    }
  }
  return out;
}

json::object view_service(Cluster& cluster, const ViewOptions& options) {
  json::object out{{"name", options.service}, {"namespace", options.namespace_}, {"url", options.url}};
  const auto deployment = cluster.informers().of<kube::Deployment>().get({options.namespace_, options.service});
  if (!deployment) {
    out["message"] = "not applied yet";
    return out;
  }
  out["desired"] = deployment->spec.replicas.value_or(1);
  out["ready"] = deployment->status.ready_replicas;
  out["updated"] = deployment->status.updated_replicas;
  out["available"] = deployment->status.available_replicas;
  const auto& annotations = deployment->metadata.annotations;
  const auto revision = annotations.find(std::string(kube::kAnnotationRevision));
  out["revision"] = revision == annotations.end() ? "" : revision->second;
  out["image"] = deployment->spec.template_.spec.containers.at(0).image;
  out["message"] = rollout_of(*deployment).message;
  const auto autoscaler =
      cluster.informers().of<kube::HorizontalPodAutoscaler>().get({options.namespace_, options.service});
  if (autoscaler) out["autoscaling"] = view_autoscaling(*autoscaler);
  std::set<std::string> digests;
  for (const auto& pod : cluster.informers().of<kube::Pod>().in_namespace(options.namespace_)) {
    for (const kube::ContainerStatus& status : pod->status.container_statuses) {
      if (status.image == out["image"].as_string() && !status.image_id.empty()) digests.insert(status.image_id);
    }
  }
  std::string shown;
  for (const std::string& digest : digests) shown += (shown.empty() ? "" : ", ") + digest;
  out["digest"] = shown;
  return out;
}

json::array view_nodes(Cluster& cluster, WallTime now) {
  std::map<std::string, std::int64_t> pods;
  for (const auto& [key, pod] : cluster.informers().of<kube::Pod>().all()) ++pods[pod->spec.node_name];
  std::map<std::string, std::string_view> markets;
  for (const cloud::Instance& instance : cluster.cloud().describe_auto_scaling_instances()) {
    markets[instance.hostname] = cloud::to_string(instance.market);
  }
  std::vector<std::pair<std::string, json::object>> rows;
  for (const auto& [key, node] : cluster.informers().of<kube::Node>().all()) {
    rows.emplace_back(label(*node, kube::kLabelZone) + "/" + label(*node, kube::kLabelNodeGroup) + "/" + key.name,
                      json::object{{"name", key.name},
                                   {"zone", label(*node, kube::kLabelZone)},
                                   {"group", label(*node, kube::kLabelNodeGroup)},
                                   {"type", label(*node, kube::kLabelInstanceType)},
                                   {"market", markets[key.name]},
                                   {"status", kube::display_status(*node)},
                                   {"pods", pods[key.name]},
                                   {"ageSeconds", age(node->metadata.creation_timestamp, now)}});
  }
  std::ranges::sort(rows, {}, [](const auto& row) { return row.first; });
  json::array out;
  for (auto& [order, row] : rows) out.push_back(std::move(row));
  return out;
}

json::array view_pods(Cluster& cluster, const ViewOptions& options, WallTime now) {
  json::array out;
  for (const auto& pod : cluster.informers().of<kube::Pod>().in_namespace(options.namespace_)) {
    const kube::PodDisplay shown = kube::display(*pod);
    const auto node = cluster.informers().of<kube::Node>().get({"", pod->spec.node_name});
    out.push_back(json::object{{"name", pod->metadata.name},
                               {"ready", shown.ready},
                               {"status", shown.status},
                               {"restarts", shown.restarts},
                               {"node", pod->spec.node_name},
                               {"zone", node ? label(*node, kube::kLabelZone) : ""},
                               {"ip", pod->status.pod_ip},
                               {"image", pod->spec.containers.at(0).image},
                               {"hash", label(*pod, kube::kLabelPodTemplateHash)},
                               {"ageSeconds", age(pod->metadata.creation_timestamp, now)}});
  }
  return out;
}

json::array view_targets(Cluster& cluster) {
  json::array out;
  for (const cloud::TargetHealth& target : cluster.cloud().describe_target_health()) {
    const cloud::Instance* instance = cluster.cloud().find_instance(target.instance_id);
    out.push_back(json::object{{"id", target.instance_id},
                               {"node", instance != nullptr ? instance->hostname : ""},
                               {"ip", target.ip},
                               {"port", target.port},
                               {"zone", target.zone},
                               {"state", std::string(to_string(target.state))},
                               {"reason", target.reason},
                               {"description", target.description}});
  }
  return out;
}

// What a Warning told of is over: the Pod has become Ready since, the HPA has its metrics.
bool is_settled(Cluster& cluster, const kube::Event& event) {
  const kube::ObjectKey key{event.involved_object.namespace_, event.involved_object.name};
  if (event.involved_object.kind == "Pod") {
    const auto pod = cluster.informers().of<kube::Pod>().get(key);
    if (!pod) return false;
    return std::ranges::any_of(pod->status.conditions, [&](const kube::PodCondition& condition) {
      return condition.type == kube::kReady && condition.status == kube::kTrue &&
             condition.last_transition_time >= event.last_timestamp;
    });
  }
  if (event.involved_object.kind != "HorizontalPodAutoscaler") return false;
  const auto autoscaler = cluster.informers().of<kube::HorizontalPodAutoscaler>().get(key);
  if (!autoscaler) return false;
  return std::ranges::any_of(autoscaler->status.conditions, [&](const auto& condition) {
    return condition.type == "ScalingActive" && condition.status == kube::kTrue &&
           condition.last_transition_time >= event.last_timestamp;
  });
}

json::array view_warnings(Cluster& cluster, const ViewOptions& options, WallTime now) {
  std::vector<std::shared_ptr<const kube::Event>> events;
  for (const auto& [key, event] : cluster.informers().of<kube::Event>().all()) {
    if (event->type == kube::kWarning && !is_settled(cluster, *event)) events.push_back(event);
  }
  std::ranges::stable_sort(events, std::ranges::greater{}, [](const auto& event) {
    return event->last_timestamp.time_since_epoch();
  });
  if (events.size() > options.warnings) events.resize(options.warnings);
  json::array out;
  for (const auto& event : events) {
    json::object row = view_event(*event).as_object();
    row["ageSeconds"] = age(event->last_timestamp, now);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

json::value view_event(const kube::Event& event) {
  return json::object{{"time", format_rfc3339(event.last_timestamp)},
                      {"type", event.type},
                      {"reason", event.reason},
                      {"object", event.involved_object.kind + "/" + event.involved_object.name},
                      {"message", event.message},
                      {"count", event.count},
                      {"source", event.source.component}};
}

Rollout rollout_of(const kube::Deployment& deployment) {
  const auto& status = deployment.status;
  const std::int32_t desired = deployment.spec.replicas.value_or(1);
  if (deployment.metadata.generation > status.observed_generation) {
    return {.message = "waiting for the new specification to be observed"};
  }
  for (const kube::DeploymentCondition& condition : status.conditions) {
    if (condition.type == "Progressing" && condition.reason == "ProgressDeadlineExceeded") {
      return {.failed = true, .message = "exceeded its progress deadline: " + condition.message};
    }
  }
  if (status.updated_replicas < desired) {
    return {.message = fmt::format("{} of {} new replicas have been updated", status.updated_replicas, desired)};
  }
  if (status.replicas > status.updated_replicas) {
    return {.message = fmt::format("{} old replicas are pending termination",
                                   status.replicas - status.updated_replicas)};
  }
  if (status.available_replicas < status.updated_replicas) {
    return {.message = fmt::format("{} of {} updated replicas are available", status.available_replicas,
                                   status.updated_replicas)};
  }
  return {.done = true, .message = fmt::format("{} of {} replicas are updated and available",
                                               status.available_replicas, desired)};
}

json::value view(Cluster& cluster, const ViewOptions& options, WallTime now) {
  return json::object{{"service", view_service(cluster, options)},
                      {"profile", std::string(cluster.options().profile.name)},
                      {"nodes", view_nodes(cluster, now)},
                      {"pods", view_pods(cluster, options, now)},
                      {"targets", view_targets(cluster)},
                      {"warnings", view_warnings(cluster, options, now)}};
}

}  // namespace minato::cluster
