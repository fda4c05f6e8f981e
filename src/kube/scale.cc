#include "kube/scale.h"

#include <fmt/format.h>

#include "base/check.h"
#include "kube/types/apps.h"
#include "kube/validation.h"

namespace minato::kube {
namespace {

template <class T>
Scale scale_from(const T& object) {
  Scale out;
  out.metadata.name = object.metadata.name;
  out.metadata.namespace_ = object.metadata.namespace_;
  out.metadata.uid = object.metadata.uid;
  out.metadata.resource_version = object.metadata.resource_version;
  out.metadata.creation_timestamp = object.metadata.creation_timestamp;
  out.spec.replicas = object.spec.replicas.value_or(1);
  out.status.replicas = object.status.replicas;
  // An unreadable selector shows as none: whoever needs one says so.
  if (const auto selector = Selector::from(object.spec.selector)) {
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
  return kind == Deployment::static_kind() || kind == ReplicaSet::static_kind();
}

Scale scale_of(const Object& object) {
  CHECK(has_scale(object.kind()), "{} has no scale", object.kind().kind);
  if (object.kind() == Deployment::static_kind()) return scale_from(as<Deployment>(object));
  return scale_from(as<ReplicaSet>(object));
}

void set_replicas(Object& object, std::int32_t replicas) {
  CHECK(has_scale(object.kind()), "{} has no scale", object.kind().kind);
  if (object.kind() == Deployment::static_kind()) {
    static_cast<Deployment&>(object).spec.replicas = replicas;
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
