#include "controllers/deployment/revisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/strings.h"
#include "controllers/common/ownership.h"
#include "controllers/common/template_hash.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";
constexpr std::size_t kMaxHistoryLength = 2000;

std::int64_t number_annotation(const kube::ObjectMeta& meta, std::string_view name,
                               std::int64_t absent) {
  const auto found = meta.annotations.find(std::string(name));
  return found == meta.annotations.end() ? absent : parse_int(found->second).value_or(absent);
}

}  // namespace

bool is_older(const ReplicaSetPtr& a, const ReplicaSetPtr& b) {
  const auto& left = a->metadata;
  const auto& right = b->metadata;
  if (left.creation_timestamp != right.creation_timestamp) {
    return left.creation_timestamp < right.creation_timestamp;
  }
  return left.name < right.name;
}

std::int64_t revision_of(const kube::ObjectMeta& meta) {
  return number_annotation(meta, kube::kAnnotationRevision, 0);
}
std::int32_t desired_replicas_annotation(const kube::ReplicaSet& replica_set) {
  return static_cast<std::int32_t>(number_annotation(replica_set.metadata, kDesiredReplicas, -1));
}
std::int32_t max_replicas_annotation(const kube::ReplicaSet& replica_set) {
  return static_cast<std::int32_t>(number_annotation(replica_set.metadata, kMaxReplicas, -1));
}

ReplicaSets sort_out(const kube::Deployment& deployment, ReplicaSetList replica_sets) {
  std::ranges::sort(replica_sets, is_older);
  ReplicaSets out;
  for (ReplicaSetPtr& each : replica_sets) {
    if (!out.current && same_template(each->spec.template_, deployment.spec.template_)) {
      out.current = std::move(each);
    } else {
      out.old.push_back(std::move(each));
    }
  }
  return out;
}

std::int64_t next_revision(const ReplicaSets& sets) {
  std::int64_t highest = 0;
  for (const ReplicaSetPtr& each : sets.old) {
    highest = std::max(highest, revision_of(each->metadata));
  }
  return highest + 1;
}

void set_size_annotations(const kube::Deployment& deployment, kube::ReplicaSet& replica_set) {
  const std::int32_t desired = replicas_of(deployment);
  auto& annotations = replica_set.metadata.annotations;
  annotations[std::string(kDesiredReplicas)] = fmt::format("{}", desired);
  annotations[std::string(kMaxReplicas)] =
      fmt::format("{}", desired + fenceposts(deployment).surge);
}

void set_revision(kube::ReplicaSet& replica_set, std::int64_t revision) {
  const std::int64_t before = revision_of(replica_set.metadata);
  if (before >= revision) return;
  auto& annotations = replica_set.metadata.annotations;
  annotations[std::string(kube::kAnnotationRevision)] = fmt::format("{}", revision);
  if (before == 0) return;
  // A template that comes back keeps the numbers it had; the oldest are forgotten first.
  std::string& history = annotations[std::string(kRevisionHistory)];
  history += history.empty() ? fmt::format("{}", before) : fmt::format(",{}", before);
  while (history.size() > kMaxHistoryLength) history.erase(0, history.find(',') + 1);
}

bool is_private_annotation(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kPrivate{
      "kubectl.kubernetes.io/last-applied-configuration",
      kube::kAnnotationRevision,
      kRevisionHistory,
      kDesiredReplicas,
      kMaxReplicas,
      "deprecated.deployment.rollback.to"};
  return std::ranges::find(kPrivate, name) != kPrivate.end();
}

void copy_annotations(const kube::Deployment& deployment, kube::ReplicaSet& replica_set) {
  for (const auto& [name, value] : deployment.metadata.annotations) {
    if (!is_private_annotation(name)) replica_set.metadata.annotations[name] = value;
  }
}

kube::ReplicaSet make_replica_set(const kube::Deployment& deployment) {
  const std::string hash =
      template_hash(deployment.spec.template_, deployment.status.collision_count);
  const std::string label(kube::kLabelPodTemplateHash);
  kube::ReplicaSet out;
  out.metadata.namespace_ = deployment.metadata.namespace_;
  out.metadata.name = deployment.metadata.name + "-" + hash;
  out.metadata.owner_references.push_back(controller_reference(deployment));
  out.spec.template_ = deployment.spec.template_;
  out.spec.template_.metadata.labels[label] = hash;
  out.metadata.labels = out.spec.template_.metadata.labels;
  out.spec.selector = deployment.spec.selector;
  out.spec.selector.ensure().match_labels[label] = hash;
  out.spec.min_ready_seconds = deployment.spec.min_ready_seconds;
  out.spec.replicas = 0;
  copy_annotations(deployment, out);
  set_size_annotations(deployment, out);
  return out;
}

}  // namespace minato::controllers
