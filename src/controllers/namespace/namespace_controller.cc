#include "controllers/namespace/namespace_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "controllers/common/conditions.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kNamespaceFinalizer = "kubernetes";

bool set_condition(kube::NamespaceStatus& status, std::string_view type, std::string_view value,
                   std::string_view reason, std::string message, kube::Time now) {
  kube::NamespaceCondition wanted;
  wanted.type = type;
  wanted.status = value;
  wanted.reason = reason;
  wanted.message = std::move(message);
  wanted.last_transition_time = now;
  kube::NamespaceCondition* existing = find_condition(status.conditions, type);
  if (existing == nullptr) {
    status.conditions.push_back(std::move(wanted));
    return true;
  }
  if (existing->status == value) wanted.last_transition_time = existing->last_transition_time;
  if (kube::equal(*existing, wanted)) return false;
  *existing = std::move(wanted);
  return true;
}

std::string list_counts(const std::map<std::string, int>& counts, std::string_view form) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) {
    parts.push_back(fmt::format(fmt::runtime(form), name, count));
  }
  return join(parts, ", ");
}

}  // namespace

NamespaceController::NamespaceController(env::Env env, kube::Client& client,
                                         informer::Informers& informers)
    : env_(env.fork("namespace-controller")),
      client_(client),
      namespaces_(informers.of<kube::Namespace>()),
      runner_(env_.fork("runner"), *this) {
  namespaces_.on_change([this](const informer::Delta<kube::Namespace>& delta) {
    if (delta.after && is_deleting(delta.after->metadata)) runner_.queue().add(delta.after->key());
  });
  informers.all_objects().on_change([this](const kube::WatchEvent& event) {
    const std::string& name = event.object->metadata.namespace_;
    const auto home = name.empty() ? nullptr : namespaces_.get({"", name});
    if (home && is_deleting(home->metadata)) runner_.queue().add(home->key());
  });
}

Result<informer::Requeue> NamespaceController::reconcile(const kube::ObjectKey& key) {
  const auto namespace_ = namespaces_.get(key);
  if (!namespace_ || !is_deleting(namespace_->metadata)) return informer::Requeue::done();
  if (std::ranges::find(namespace_->spec.finalizers, kNamespaceFinalizer) ==
      namespace_->spec.finalizers.end()) {
    return informer::Requeue::done();
  }
  RETURN_IF_ERROR(remove_content(key.name));
  ASSIGN_OR_RETURN(const Remaining left, remaining(key.name));
  if (left.by_resource.empty()) {
    RETURN_IF_ERROR(finalize(key));
  } else {
    RETURN_IF_ERROR(write_conditions(*namespace_, left));
  }
  return informer::Requeue::done();
}

Status NamespaceController::remove_content(const std::string& name) {
  Status outcome;
  const std::vector<const kube::Kind*> kinds = client_.kinds().all();
  for (const kube::Kind* kind : kinds) {
    if (kind->scope != kube::Scope::kNamespaced) continue;
    ASSIGN_OR_RETURN(const kube::ObjectList found,
                     client_.list(*kind, kube::ListOptions{.namespace_ = name}));
    for (const kube::ObjectPtr& object : found.items) {
      if (is_deleting(object->metadata)) continue;
      kube::RemoveOptions options;
      options.propagation = kube::Propagation::kBackground;
      options.precondition_uid = object->metadata.uid;
      // One that cannot be deleted does not keep the others.
      const Status removed = ignore_not_found(client_.remove(*kind, object->key(), options));
      if (!removed && outcome) outcome = removed;
    }
  }
  return outcome;
}

Result<NamespaceController::Remaining> NamespaceController::remaining(const std::string& name) {
  Remaining out;
  for (const kube::Kind* kind : client_.kinds().all()) {
    if (kind->scope != kube::Scope::kNamespaced) continue;
    ASSIGN_OR_RETURN(const kube::ObjectList found,
                     client_.list(*kind, kube::ListOptions{.namespace_ = name}));
    for (const kube::ObjectPtr& object : found.items) {
      ++out.by_resource[kind->group_resource()];
      for (const std::string& finalizer : object->metadata.finalizers) {
        ++out.by_finalizer[finalizer];
      }
    }
  }
  return out;
}

Status NamespaceController::write_conditions(const kube::Namespace& namespace_,
                                             const Remaining& left) {
  kube::Namespace changed = namespace_;
  const kube::Time now = api_now(env_.clock);
  bool is_changed =
      set_condition(changed.status, "NamespaceContentRemaining", kube::kTrue, "SomeResourcesRemain",
                    "Some resources are remaining: " +
                        list_counts(left.by_resource, "{} has {} resource instances"),
                    now);
  const bool held = !left.by_finalizer.empty();
  is_changed |= set_condition(
      changed.status, "NamespaceFinalizersRemaining", held ? kube::kTrue : kube::kFalse,
      held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
      held ? "Some content in the namespace has finalizers remaining: " +
                 list_counts(left.by_finalizer, "{} in {} resource instances")
           : "All content-preserving finalizers finished",
      now);
  if (!is_changed) return {};
  RETURN_IF_ERROR(kube::update(client_, std::move(changed), kube::Subresource::kStatus));
  return {};
}

Status NamespaceController::finalize(const kube::ObjectKey& key) {
  const auto present = namespaces_.get(key);
  if (!present) return {};
  kube::Namespace changed = *present;
  std::erase(changed.spec.finalizers, kNamespaceFinalizer);
  const auto written = kube::update(client_, std::move(changed), kube::Subresource::kFinalize);
  if (!written && !is(written.error(), Reason::kNotFound)) {
    return std::unexpected(written.error());
  }
  return {};
}

}  // namespace minato::controllers
