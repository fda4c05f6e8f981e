#include "kube/patch.h"

#include "kube/custom_kind.h"
#include "kube/json.h"
#include "registry/errors.h"
#include "registry/registry.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::ObjectPtr;
using kube::PatchType;
namespace json = boost::json;

namespace {

// A custom object is patched in the version that the patch is written in.
json::value document_of(const kube::Object& object, const kube::Kind& kind) {
  return kube::to_json_value(kind.custom ? *kube::in_version(object, kind) : object);
}

Result<json::value> apply_patch(const kube::Object& object, const kube::Kind& kind, PatchType type, std::string_view body) {
  const auto parsed = kube::parse_json(body);
  if (!parsed) return fail(Reason::kBadRequest, "error decoding patch: " + parsed.error().message);
  const json::value& patch = *parsed;
  json::value document = document_of(object, kind);
  switch (type) {
    case PatchType::kJson: return kube::apply_json_patch(std::move(document), patch);
    case PatchType::kMerge:
      if (!patch.is_object()) return fail(Reason::kBadRequest, "a merge patch must be an object");
      return kube::apply_merge_patch(std::move(document), patch);
    case PatchType::kStrategicMerge:
      if (kind.custom) break;  // Nothing says how its lists merge.
      return kube::apply_strategic_merge_patch(std::move(document), patch, object.kind().type());
  }
  return fail(Reason::kUnsupportedMediaType, "not a patch format that is served");
}

bool says(const json::value& document, std::string_view member, std::string_view text) {
  const json::value* value = document.as_object().if_contains(member);
  return value != nullptr && value->is_string() && std::string_view(value->get_string()) == text;
}

}  // namespace

// resourceVersion and uid are in the patched document, so a patch that names them is conditional.
Result<std::unique_ptr<kube::Object>> Registry::patched(const kube::Kind& kind,
                                                        const kube::ObjectKey& key, PatchType type,
                                                        std::string_view body) const {
  ASSIGN_OR_RETURN(const ObjectPtr current, get(kind, key));
  ASSIGN_OR_RETURN(const json::value patched, apply_patch(*current, kind, type, body));
  ASSIGN_OR_RETURN(std::unique_ptr<kube::Object> object, kube::object_of_kind(kind, patched));
  const auto refuse = [&](Reason reason, std::string_view what) {
    return fail(reason, fmt::format("{} \"{}\": a patch cannot change {}", kind.group_resource(),
                                    key.name, what));
  };
  if (!says(patched, "kind", kind.kind) || !says(patched, "apiVersion", kind.api_version()))
    return refuse(Reason::kInvalid, "the kind");
  if (object->key() != key) return refuse(Reason::kBadRequest, "namespace or name");
  return object;
}

Result<ObjectPtr> Registry::patch(const kube::Kind& kind, const kube::ObjectKey& key,
                                  PatchType type, std::string_view body,
                                  kube::Subresource subresource, Persist persist) {
  ASSIGN_OR_RETURN(std::unique_ptr<kube::Object> object, patched(kind, key, type, body));
  return update(std::move(object), subresource, persist);
}

}  // namespace minato::registry
