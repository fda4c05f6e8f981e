#include "kube/custom_kind.h"

#include "kube/reflect_define.h"

namespace minato::kube {
namespace json = boost::json;

const TypeInfo& reflect(const CustomObject*) {
  using Self = CustomObject;
  static const auto fields = std::to_array<FieldInfo>({FIELD(metadata, "metadata", 1)});
  static const TypeInfo info{
      .shape = Shape::kStruct,
      .name = "CustomObject",
      .fields = fields,
      .unknown = [](void* object) -> UnknownFields& { return static_cast<Self*>(object)->unknown; },
      .clear = [](void* object) {
        static_cast<Self*>(object)->metadata = {};
        static_cast<Self*>(object)->unknown = nullptr;
      }};
  return info;
}

const json::object& CustomObject::body() const {
  static const json::object kNone;
  return unknown ? *unknown : kNone;
}

void CustomObject::set_body(json::object body) {
  unknown = std::make_shared<const json::object>(std::move(body));
}

void shape(CustomObject& object) {
  object.metadata.unknown = nullptr;
  const auto& schema = object.kind().custom->schema;
  if (!schema) return;
  json::object body = object.body();
  prune(*schema, body);
  set_defaults(*schema, body);
  object.set_body(std::move(body));
}

std::unique_ptr<CustomObject> in_version(const Object& object, const Kind& kind) {
  auto out = std::make_unique<CustomObject>(static_cast<const CustomObject&>(object));
  out->set_kind(kind);
  shape(*out);
  return out;
}

}  // namespace minato::kube
