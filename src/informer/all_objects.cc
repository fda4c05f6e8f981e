#include "informer/all_objects.h"

#include <algorithm>

#include "kube/kinds.h"
#include "kube/types/config.h"

namespace minato::informer {

Status AllObjects::start(kube::Client& client) {
  client_ = &client;
  const std::vector<const kube::Kind*> kinds = client.kinds().all();
  for (const kube::Kind* kind : kinds) RETURN_IF_ERROR(follow(*kind));
  return {};
}

Status AllObjects::follow(const kube::Kind& kind) {
  if (kind == kube::Event::static_kind() || watches_.contains(&kind)) return {};
  ASSIGN_OR_RETURN(const kube::ObjectList found, client_->list(kind, {}));
  for (const kube::ObjectPtr& object : found.items) {
    notify({kube::WatchEventType::kAdded, object, found.resource_version});
  }
  ASSIGN_OR_RETURN(watches_[&kind],
                   client_->watch(kind, {}, found.resource_version,
                                  [this](const kube::WatchEvent& event) { notify(event); }));
  return {};
}

void AllObjects::notify(const kube::WatchEvent& event) {
  for (const Handler& handler : handlers_) handler(event);
  if (event.object->kind() == kube::CustomResourceDefinition::static_kind()) follow_definitions();
}

// A kind that cannot be followed now is tried again with the next change of any definition.
void AllObjects::follow_definitions() {
  const std::vector<const kube::Kind*> kinds = client_->kinds().all();
  std::erase_if(watches_, [&](const auto& entry) {
    return entry.first->custom && std::ranges::find(kinds, entry.first) == kinds.end();
  });
  for (const kube::Kind* kind : kinds) {
    if (kind->custom) static_cast<void>(follow(*kind));
  }
}

}  // namespace minato::informer
