#include "controllers/deployment/rollback.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "controllers/common/ownership.h"
#include "controllers/common/template_hash.h"
#include "controllers/deployment/revisions.h"
#include "kube/names.h"
#include "kube/types/apps.h"

namespace minato::controllers {
namespace {

Result<ReplicaSetPtr> find_revision(kube::Client& client, const kube::Deployment& deployment,
                                    std::int64_t revision) {
  kube::ListOptions options;
  options.namespace_ = deployment.metadata.namespace_;
  ASSIGN_OR_RETURN(const ReplicaSetList found, kube::list<kube::ReplicaSet>(client, options));
  std::map<std::int64_t, ReplicaSetPtr> by_revision;
  for (const ReplicaSetPtr& each : found) {
    if (!is_controlled_by(each->metadata, deployment.metadata.uid)) continue;
    by_revision.emplace(revision_of(each->metadata), each);
  }
  if (revision == 0) {
    if (by_revision.size() < 2) {
      return fail(Reason::kNotFound, fmt::format("no rollout history found for deployment \"{}\"",
                                                 deployment.metadata.name));
    }
    return std::next(by_revision.rbegin())->second;
  }
  const auto wanted = by_revision.find(revision);
  if (wanted == by_revision.end()) {
    return fail(Reason::kNotFound, fmt::format("unable to find revision {} of deployment \"{}\"",
                                               revision, deployment.metadata.name));
  }
  return wanted->second;
}

// The revision's annotations, save those that belong to the Deployment alone.
void restore_annotations(const kube::ReplicaSet& from, kube::Deployment& deployment) {
  auto& annotations = deployment.metadata.annotations;
  std::erase_if(annotations, [](const auto& each) { return !is_private_annotation(each.first); });
  for (const auto& [name, value] : from.metadata.annotations) {
    if (!is_private_annotation(name)) annotations[name] = value;
  }
}

}  // namespace

Result<Rollback> rollback(kube::Client& client, const kube::ObjectKey& key, std::int64_t revision) {
  ASSIGN_OR_RETURN(const auto deployment, kube::get<kube::Deployment>(client, key));
  if (deployment->spec.paused) {
    return fail(Reason::kInvalid,
                fmt::format("you cannot rollback paused deployment \"{}\"; resume it first with "
                            "'kubectl rollout resume deployment/{}' and try again",
                            key.name, key.name));
  }
  ASSIGN_OR_RETURN(const ReplicaSetPtr target, find_revision(client, *deployment, revision));
  Rollback out{.revision = revision_of(target->metadata)};
  if (same_template(target->spec.template_, deployment->spec.template_)) return out;
  kube::Deployment changed = *deployment;
  changed.spec.template_ = target->spec.template_;
  changed.spec.template_.metadata.labels.erase(std::string(kube::kLabelPodTemplateHash));
  restore_annotations(*target, changed);
  RETURN_IF_ERROR(kube::update(client, std::move(changed)));
  out.changed = true;
  return out;
}

}  // namespace minato::controllers
