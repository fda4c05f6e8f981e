// What a CustomResourceDefinition says of one version of its kind, read once, and objects of such
// kinds. Immutable after it is made; thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/json_path.h"
#include "kube/object.h"
#include "kube/schema.h"

namespace minato::kube {

struct CustomVersion {
  struct Scale {
    JsonPath spec_replicas, status_replicas;
    std::optional<JsonPath> selector;
  };
  struct Column {
    std::string name, type, format, description;
    std::int32_t priority = 0;
    JsonPath path;
  };
  std::string list_kind;
  std::vector<std::string> categories;
  std::string deprecation;  // The warning to users of this version; "" when it is not deprecated.
  std::shared_ptr<const Schema> schema;              // Null: anything goes.
  std::shared_ptr<const boost::json::value> source;  // The schema as it was written; may be null.
  std::optional<Scale> scale;
  std::vector<Column> columns;
};

// An object of a custom kind: metadata, and everything else as JSON in `unknown`. Its kind is a
// version's, or (in the store) the definition's own.
class CustomObject final : public Object {
 public:
  explicit CustomObject(const Kind& kind) : kind_(&kind) {}
  const Kind& kind() const override { return *kind_; }
  std::unique_ptr<Object> clone() const override { return std::make_unique<CustomObject>(*this); }
  void* self() override { return this; }

  const boost::json::object& body() const;
  void set_body(boost::json::object body);
  // Another version of the same definition.
  void set_kind(const Kind& kind) { kind_ = &kind; }

 private:
  const Kind* kind_;
};
const TypeInfo& reflect(const CustomObject*);

// The object as clients of the version `kind` see it: pruned and defaulted by that version's
// schema. Requires: kind.custom, and `object` is of the same definition.
std::unique_ptr<CustomObject> in_version(const Object& object, const Kind& kind);
// Takes out what the kind's schema does not name and fills in its defaults.
void shape(CustomObject& object);

}  // namespace minato::kube
