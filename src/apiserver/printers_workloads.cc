#include <fmt/format.h>

#include "apiserver/table.h"
#include "base/strings.h"
#include "kube/selector.h"
#include "kube/types/apps.h"
#include "kube/types/endpoints.h"

namespace minato::apiserver {

using kube::Object;

namespace {

void print_containers(const kube::PodSpec& spec, Cells& cells) {
  std::vector<std::string> names, images;
  for (const kube::Container& container : spec.containers) {
    names.push_back(container.name);
    images.push_back(container.image);
  }
  cells.text(join(names, ","));
  cells.text(join(images, ","));
}

void print_selector(const kube::Box<kube::LabelSelector>& selector, Cells& cells) {
  const auto made = kube::Selector::from(selector);
  const std::string text = made ? made->to_string() : "<invalid>";
  cells.text(text.empty() ? "<none>" : text);
}

constexpr Column kDeploymentColumns[] = {{"Name"},
                                         {"Ready"},
                                         {"Up-to-date", "integer"},
                                         {"Available", "integer"},
                                         {"Age"},
                                         {"Containers", "string", 1},
                                         {"Images", "string", 1},
                                         {"Selector", "string", 1}};

void print_deployment(const Object& object, WallTime now, Cells& cells) {
  const auto& deployment = kube::as<kube::Deployment>(object);
  cells.text(deployment.metadata.name);
  cells.text(
      fmt::format("{}/{}", deployment.status.ready_replicas, deployment.spec.replicas.value_or(0)));
  cells.number(deployment.status.updated_replicas);
  cells.number(deployment.status.available_replicas);
  cells.text(age_of(deployment.metadata.creation_timestamp, now));
  print_containers(deployment.spec.template_.spec, cells);
  print_selector(deployment.spec.selector, cells);
}

constexpr Column kReplicaSetColumns[] = {
    {"Name"}, {"Desired", "integer"},      {"Current", "integer"},  {"Ready", "integer"},
    {"Age"},  {"Containers", "string", 1}, {"Images", "string", 1}, {"Selector", "string", 1}};

void print_replica_set(const Object& object, WallTime now, Cells& cells) {
  const auto& set = kube::as<kube::ReplicaSet>(object);
  cells.text(set.metadata.name);
  cells.number(set.spec.replicas.value_or(0));
  cells.number(set.status.replicas);
  cells.number(set.status.ready_replicas);
  cells.text(age_of(set.metadata.creation_timestamp, now));
  print_containers(set.spec.template_.spec, cells);
  print_selector(set.spec.selector, cells);
}

constexpr Column kDaemonSetColumns[] = {{"Name"},
                                        {"Desired", "integer"},
                                        {"Current", "integer"},
                                        {"Ready", "integer"},
                                        {"Up-to-date", "integer"},
                                        {"Available", "integer"},
                                        {"Node Selector"},
                                        {"Age"},
                                        {"Containers", "string", 1},
                                        {"Images", "string", 1},
                                        {"Selector", "string", 1}};

void print_daemon_set(const Object& object, WallTime now, Cells& cells) {
  const auto& set = kube::as<kube::DaemonSet>(object);
  cells.text(set.metadata.name);
  cells.number(set.status.desired_number_scheduled);
  cells.number(set.status.current_number_scheduled);
  cells.number(set.status.number_ready);
  cells.number(set.status.updated_number_scheduled);
  cells.number(set.status.number_available);
  cells.text(labels_text(set.spec.template_.spec.node_selector));
  cells.text(age_of(set.metadata.creation_timestamp, now));
  print_containers(set.spec.template_.spec, cells);
  print_selector(set.spec.selector, cells);
}

constexpr Column kPodTemplateColumns[] = {
    {"Name"}, {"Containers"}, {"Images"}, {"Pod Labels"}};

void print_pod_template(const Object& object, WallTime, Cells& cells) {
  const auto& pod_template = kube::as<kube::PodTemplate>(object);
  cells.text(pod_template.metadata.name);
  print_containers(pod_template.template_.spec, cells);
  cells.text(labels_text(pod_template.template_.metadata.labels));
}

}  // namespace

Printer workload_printer(const kube::Kind& kind) {
  if (kind == kube::Deployment::static_kind()) return {kDeploymentColumns, &print_deployment};
  if (kind == kube::ReplicaSet::static_kind()) return {kReplicaSetColumns, &print_replica_set};
  if (kind == kube::DaemonSet::static_kind()) return {kDaemonSetColumns, &print_daemon_set};
  if (kind == kube::PodTemplate::static_kind()) return {kPodTemplateColumns, &print_pod_template};
  return {};
}

}  // namespace minato::apiserver
