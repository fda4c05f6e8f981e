#include "kube/patch.h"

#include "kube/json.h"
#include "registry/errors.h"
#include "registry/registry.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::ObjectPtr;
using kube::PatchType;
namespace json = boost::json;

namespace {

Result<json::value> apply_patch(const kube::Object& object, PatchType type, std::string_view body) {
  ASSIGN_OR_RETURN(const json::value patch, kube::parse_json(body));
  json::value document = kube::to_json_value(object);
  switch (type) {
    case PatchType::kJson: return kube::apply_json_patch(std::move(document), patch);
    case PatchType::kMerge:
      if (!patch.is_object()) return fail(Reason::kBadRequest, "a merge patch must be an object");
      return kube::apply_merge_patch(std::move(document), patch);
    case PatchType::kStrategicMerge:
      return kube::apply_strategic_merge_patch(std::move(document), patch, object.kind().type());
  }
  return fail(Reason::kUnsupportedMediaType, "not a patch format that is served");
}

}  // namespace

// resourceVersion and uid are in the patched document, so a patch that names them is conditional.
Result<ObjectPtr> Registry::patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                  PatchType type, std::string_view body,
                                  kube::Subresource subresource, Persist persist) {
  ASSIGN_OR_RETURN(const ObjectPtr current, get(kind, key));
  ASSIGN_OR_RETURN(const json::value patched, apply_patch(*current, type, body));
  ASSIGN_OR_RETURN(std::unique_ptr<kube::Object> object, kube::object_from_json(patched));
  if (object->kind() != kind || object->key() != key) {
    return fail(Reason::kBadRequest,
                fmt::format("{} \"{}\": a patch cannot change kind, namespace or name",
                            kind.group_resource(), key.name));
  }
  return update(std::move(object), subresource, persist);
}

}  // namespace minato::registry
