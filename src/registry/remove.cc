// Deletion: preconditions, grace, finalizers, propagation, namespaces.
// Rules: k8s.io/apiserver pkg/registry/rest/delete.go and generic/registry/store.go.
#include <algorithm>

#include "kube/names.h"
#include "kube/types/config.h"
#include "kube/types/scheduling.h"
#include "registry/definitions.h"
#include "registry/errors.h"
#include "registry/registry.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::Object;
using kube::ObjectMeta;
using kube::ObjectPtr;
using kube::Propagation;
using kube::RemoveOptions;

namespace {

void set_present(std::vector<std::string>& list, std::string_view value, bool present) {
  const auto found = std::ranges::find(list, value);
  if (present && found == list.end()) list.emplace_back(value);
  if (!present && found != list.end()) list.erase(found);
}

// The garbage collector acts on these two finalizers and takes them off again.
void apply_propagation(ObjectMeta& metadata, Propagation propagation) {
  if (propagation == Propagation::kDefault) return;
  set_present(metadata.finalizers, kube::kFinalizerOrphan, propagation == Propagation::kOrphan);
  set_present(metadata.finalizers, kube::kFinalizerForeground,
              propagation == Propagation::kForeground);
}

// Zero for kinds that go at once, and for Pods that no kubelet has to stop.
std::int64_t grace_period(const Object& object, const RemoveOptions& options) {
  if (object.kind() != kube::Pod::static_kind()) return 0;
  const auto& pod = kube::as<kube::Pod>(object);
  if (pod.spec.node_name.empty() || pod.status.phase == kube::kPodSucceeded ||
      pod.status.phase == kube::kPodFailed) {
    return 0;
  }
  const std::int64_t asked = options.grace_period_seconds.value_or(
      pod.spec.termination_grace_period_seconds.value_or(0));
  return asked < 0 ? 1 : asked;
}

void mark_deleting(ObjectMeta& metadata, kube::Time now, std::int64_t grace) {
  // Generation grows so that controllers see that what was asked of them has changed.
  if (!is_set(metadata.deletion_timestamp) && metadata.generation > 0) ++metadata.generation;
  metadata.deletion_timestamp = WallTime(now) + std::chrono::seconds(grace);
  metadata.deletion_grace_period_seconds = grace;
}

// A second deletion may only make the time shorter.
bool shorten_grace(ObjectMeta& metadata, const RemoveOptions& options) {
  const std::int64_t before = *metadata.deletion_grace_period_seconds;
  if (!options.grace_period_seconds) return false;
  const std::int64_t after = std::max<std::int64_t>(*options.grace_period_seconds, 0);
  if (after >= before) return false;
  metadata.deletion_timestamp =
      WallTime(metadata.deletion_timestamp) - std::chrono::seconds(before - after);
  metadata.deletion_grace_period_seconds = after;
  return true;
}

bool is_immortal(std::string_view name) {
  return name == kube::kNamespaceDefault || name == kube::kNamespaceSystem ||
         name == kNamespacePublic;
}

}  // namespace

Status check_preconditions(const Object& object, const RemoveOptions& options) {
  const ObjectMeta& metadata = object.metadata;
  const std::string resource = object.kind().group_resource();
  if (!options.precondition_uid.empty() && options.precondition_uid != metadata.uid) {
    return conflict(resource, metadata.name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object "
                                "meta: {}", options.precondition_uid, metadata.uid));
  }
  if (!options.precondition_resource_version.empty() &&
      options.precondition_resource_version != metadata.resource_version) {
    return conflict(resource, metadata.name,
                    fmt::format("Precondition failed: ResourceVersion in precondition: {}, "
                                "ResourceVersion in object meta: {}",
                                options.precondition_resource_version, metadata.resource_version));
  }
  return {};
}

Status Registry::remove(const kube::Kind& kind, const kube::ObjectKey& key,
                        const RemoveOptions& options, Persist persist) {
  const ObjectPtr current = store_.get(kind, key);
  if (!current) return not_found(kind, key.name);
  RETURN_IF_ERROR(check_preconditions(*current, options));
  if (kind == kube::PriorityClass::static_kind() && key.name.starts_with("system-"))
    return forbidden(kind, key.name, "this is a system priority class and cannot be deleted");
  if (kind == kube::Namespace::static_kind()) return remove_namespace(current, persist);
  if (kind == kube::CustomResourceDefinition::static_kind())
    return remove_definition(current, persist);
  return remove_object(current, options, persist);
}

Status Registry::remove_object(const ObjectPtr& current, const RemoveOptions& options,
                               Persist persist) {
  if (persist == Persist::kDryRun) return {};
  auto object = current->clone();
  ObjectMeta& metadata = object->metadata;
  const bool deleting = is_set(metadata.deletion_timestamp);
  if (deleting && metadata.deletion_grace_period_seconds.value_or(0) > 0) {
    // Upstream leaves finalizers alone while a graceful deletion is under way.
    if (!shorten_grace(metadata, options)) return {};
  } else {
    apply_propagation(metadata, options.propagation);
    if (!deleting) mark_deleting(metadata, now(), grace_period(*object, options));
  }
  const bool waits = *metadata.deletion_grace_period_seconds > 0 || !metadata.finalizers.empty();
  if (waits && find_strategy(object->kind())->equal(*current, *object)) return {};
  const auto written = waits ? store_.update(current, std::move(object))
                             : erase(current, std::move(object));
  if (!written) return std::unexpected(written.error());
  return {};
}

// Content goes first: the namespace controller empties it and then clears spec.finalizers.
Status Registry::remove_namespace(const ObjectPtr& current, Persist persist) {
  if (is_immortal(current->metadata.name)) {
    return forbidden(current->kind(), current->metadata.name, "this namespace may not be deleted");
  }
  auto object = current->clone();
  if (!is_set(object->metadata.deletion_timestamp)) {
    mark_deleting(object->metadata, now(), 0);
    object->metadata.deletion_grace_period_seconds.reset();
  }
  mutable_as<kube::Namespace>(*object).status.phase = "Terminating";
  const auto written = write(current, std::move(object), persist);
  if (!written) return std::unexpected(written.error());
  return {};
}

// Its objects go first: the definition controller deletes them and then takes the finalizer off.
Status Registry::remove_definition(const ObjectPtr& current, Persist persist) {
  if (is_set(current->metadata.deletion_timestamp)) return {};
  auto object = current->clone();
  set_present(object->metadata.finalizers, kube::kCrdCleanup, true);
  mark_deleting(object->metadata, now(), 0);
  set_terminating(mutable_as<kube::CustomResourceDefinition>(*object), now());
  const auto written = write(current, std::move(object), persist);
  if (!written) return std::unexpected(written.error());
  return {};
}

}  // namespace minato::registry
