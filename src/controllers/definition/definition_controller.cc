#include "controllers/definition/definition_controller.h"

#include <algorithm>

#include "controllers/common/conditions.h"

namespace minato::controllers {

using kube::CustomResourceDefinition;

DefinitionController::DefinitionController(env::Env env, kube::Client& client,
                                           informer::Informers& informers)
    : client_(client),
      definitions_(informers.of<CustomResourceDefinition>()),
      runner_(env.fork("customresourcedefinition-controller"), *this) {
  definitions_.on_change([this](const informer::Delta<CustomResourceDefinition>& delta) {
    if (!delta.after) return wake_waiting(*delta.before);
    if (is_deleting(delta.after->metadata)) runner_.queue().add(delta.after->key());
  });
  informers.all_objects().on_change([this](const kube::WatchEvent& event) {
    const kube::Kind& kind = event.object->kind();
    if (kind.custom && event.type == kube::WatchEventType::kDeleted)
      runner_.queue().add({"", kind.group_resource()});
  });
}

void DefinitionController::wake_waiting(const CustomResourceDefinition& gone) {
  for (const auto& [key, definition] : definitions_.all()) {
    if (definition->spec.group == gone.spec.group &&
        !has_condition(*definition, kube::kCrdNamesAccepted))
      runner_.queue().add(key);
  }
}

Result<informer::Requeue> DefinitionController::reconcile(const kube::ObjectKey& key) {
  const auto definition = definitions_.get(key);
  if (!definition) return informer::Requeue::done();
  if (!is_deleting(definition->metadata)) {
    // Which names are free is decided with every write of a definition.
    if (!has_condition(*definition, kube::kCrdNamesAccepted))
      RETURN_IF_ERROR(client_.update(definition->clone()));
    return informer::Requeue::done();
  }
  const auto& finalizers = definition->metadata.finalizers;
  if (std::ranges::find(finalizers, kube::kCrdCleanup) == finalizers.end())
    return informer::Requeue::done();
  if (const kube::Kind* kind = client_.kinds().find_stored(key.name)) {
    ASSIGN_OR_RETURN(const bool empty, remove_objects(*kind));
    if (!empty) return informer::Requeue::done();
  }
  auto changed = definition->clone();
  std::erase(changed->metadata.finalizers, kube::kCrdCleanup);
  const auto written = client_.update(std::move(changed));
  if (!written && !is(written.error(), Reason::kNotFound)) return std::unexpected(written.error());
  return informer::Requeue::done();
}

Result<bool> DefinitionController::remove_objects(const kube::Kind& kind) {
  ASSIGN_OR_RETURN(const kube::ObjectList found, client_.list(kind, {}));
  for (const kube::ObjectPtr& object : found.items) {
    if (is_deleting(object->metadata)) continue;
    kube::RemoveOptions options;
    options.propagation = kube::Propagation::kBackground;
    options.precondition_uid = object->metadata.uid;
    RETURN_IF_ERROR(ignore_not_found(client_.remove(kind, object->key(), options)));
  }
  ASSIGN_OR_RETURN(const kube::ObjectList left, client_.list(kind, {}));
  return left.items.empty();
}

}  // namespace minato::controllers
