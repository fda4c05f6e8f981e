#include "kube/scale.h"

#include <fmt/format.h>

#include "base/check.h"
#include "kube/custom_kind.h"
#include "kube/types/apps.h"
#include "kube/types/quota.h"
#include "kube/types/stateful.h"
#include "kube/validation.h"

namespace minato::kube {
namespace {

Scale scale_named(const ObjectMeta& metadata) {
  Scale out;
  out.metadata.name = metadata.name;
  out.metadata.namespace_ = metadata.namespace_;
  out.metadata.uid = metadata.uid;
  out.metadata.resource_version = metadata.resource_version;
  out.metadata.creation_timestamp = metadata.creation_timestamp;
  return out;
}

// Where the definition says; what is missing or no number is zero.
Scale custom_scale(const Object& object) {
  const CustomVersion::Scale& paths = *object.kind().custom->scale;
  const boost::json::value body(static_cast<const CustomObject&>(object).body());
  const auto number = [&](const JsonPath& path) -> std::int32_t {
    const auto found = path.find(body);
    if (found.empty() || !found.front()->is_int64()) return 0;
    return static_cast<std::int32_t>(found.front()->get_int64());
  };
  Scale out = scale_named(object.metadata);
  out.spec.replicas = number(paths.spec_replicas);
  out.status.replicas = number(paths.status_replicas);
  if (!paths.selector) return out;
  const auto selector = paths.selector->find(body);
  if (!selector.empty() && selector.front()->is_string())
    out.status.selector = selector.front()->get_string();
  return out;
}

template <class T>
Scale scale_from(const T& object) {
  Scale out = scale_named(object.metadata);
  out.spec.replicas = object.spec.replicas.value_or(1);
  out.status.replicas = object.status.replicas;
  if constexpr (std::is_same_v<T, ReplicationController>) {
    out.status.selector = Selector::from_labels(object.spec.selector).to_string();
  } else if (const auto selector = Selector::from(object.spec.selector)) {
    // An unreadable selector shows as none: whoever needs one says so.
    out.status.selector = selector->to_string();
  }
  return out;
}

// "deployments/scale.apps": as errors of the subresource name it.
std::string scale_resource(const Kind& kind) {
  return fmt::format("{}/scale{}{}", kind.resource, kind.group.empty() ? "" : ".", kind.group);
}

Result<ObjectPtr> get_scalable(Client& client, const Kind& kind, const ObjectKey& key) {
  if (!has_scale(kind)) {
    return fail(Reason::kNotFound, "the server could not find the requested resource");
  }
  Result<ObjectPtr> found = client.get(kind, key);
  if (failed_with(found, Reason::kNotFound)) {
    return fail(Reason::kNotFound,
                fmt::format("{} \"{}\" not found", scale_resource(kind), key.name));
  }
  return found;
}

std::unexpected<Error> conflict(const Kind& kind, const Scale& scale, std::string_view why) {
  return fail(Reason::kConflict,
              fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", scale_resource(kind),
                          scale.metadata.name, why));
}

}  // namespace

bool has_scale(const Kind& kind) {
  return kind == Deployment::static_kind() || kind == ReplicaSet::static_kind() ||
         kind == StatefulSet::static_kind() || kind == ReplicationController::static_kind() ||
         (kind.custom && kind.custom->scale);
}

Scale scale_of(const Object& object) {
  CHECK(has_scale(object.kind()), "{} has no scale", object.kind().kind);
  if (object.kind().custom) return custom_scale(object);
  if (object.kind() == Deployment::static_kind()) return scale_from(as<Deployment>(object));
  if (object.kind() == StatefulSet::static_kind()) return scale_from(as<StatefulSet>(object));
  if (object.kind() == ReplicationController::static_kind())
    return scale_from(as<ReplicationController>(object));
  return scale_from(as<ReplicaSet>(object));
}

void set_replicas(Object& object, std::int32_t replicas) {
  CHECK(has_scale(object.kind()), "{} has no scale", object.kind().kind);
  if (object.kind().custom) {
    auto& custom = static_cast<CustomObject&>(object);
    boost::json::value body(custom.body());
    object.kind().custom->scale->spec_replicas.set(body, replicas);
    custom.set_body(std::move(body.as_object()));
  } else if (object.kind() == Deployment::static_kind()) {
    static_cast<Deployment&>(object).spec.replicas = replicas;
  } else if (object.kind() == StatefulSet::static_kind()) {
    static_cast<StatefulSet&>(object).spec.replicas = replicas;
  } else if (object.kind() == ReplicationController::static_kind()) {
    static_cast<ReplicationController&>(object).spec.replicas = replicas;
  } else {
    static_cast<ReplicaSet&>(object).spec.replicas = replicas;
  }
}

Result<Scale> get_scale(Client& client, const Kind& kind, const ObjectKey& key) {
  ASSIGN_OR_RETURN(const ObjectPtr object, get_scalable(client, kind, key));
  return scale_of(*object);
}

Result<Scale> update_scale(Client& client, const Kind& kind, const Scale& scale) {
  ASSIGN_OR_RETURN(const ObjectPtr current, get_scalable(client, kind, scale.key()));
  if (!scale.metadata.uid.empty() && scale.metadata.uid != current->metadata.uid) {
    return conflict(kind, scale,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: "
                                "{}", scale.metadata.uid, current->metadata.uid));
  }
  const std::string& version = scale.metadata.resource_version;
  if (!version.empty() && version != current->metadata.resource_version) {
    return conflict(kind, scale,
                    "the object has been modified; please apply your changes to the latest version "
                    "and try again");
  }
  const FieldPath spec("spec");
  FieldErrors errors;
  errors.non_negative(spec.child("replicas"), scale.spec.replicas);
  if (!errors.empty()) {
    return std::unexpected(errors.to_error(Scale::static_kind(), scale.metadata.name));
  }
  auto changed = current->clone();
  set_replicas(*changed, scale.spec.replicas);
  ASSIGN_OR_RETURN(const ObjectPtr written, client.update(std::move(changed)));
  return scale_of(*written);
}

}  // namespace minato::kube
