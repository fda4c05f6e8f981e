// Structural schemas of CustomResourceDefinitions, and what the server does with them: validation,
// pruning of fields that they do not name, and defaulting.
//
// A Schema is made once from a definition and immutable afterwards; thread-safe. Values are JSON
// and untrusted (bounded by kube/json.h). CEL rules (x-kubernetes-validations) are known to be
// there and are not evaluated.
// Rules: k8s.io/apiextensions-apiserver pkg/apiserver/schema (structural, pruning, defaulting),
// k8s.io/kube-openapi pkg/validation; docs "Extend the Kubernetes API with CustomResourceDefinitions".
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/pattern.h"
#include "kube/validation.h"

namespace minato::kube {

struct Schema {
  enum class Type { kAny, kObject, kArray, kString, kInteger, kNumber, kBoolean };
  enum class ListType { kAtomic, kSet, kMap };
  enum class MapType { kGranular, kAtomic };

  Type type = Type::kAny;
  std::string format;
  bool nullable = false;
  bool int_or_string = false;
  bool preserve_unknown_fields = false;
  bool embedded_resource = false;
  ListType list_type = ListType::kAtomic;
  std::vector<std::string> list_map_keys;
  MapType map_type = MapType::kGranular;

  std::map<std::string, Schema, std::less<>> properties;
  std::unique_ptr<Schema> additional_properties;
  bool allows_additional = false;  // additionalProperties: true
  std::unique_ptr<Schema> items;
  std::optional<boost::json::value> default_value;

  std::vector<boost::json::value> enumeration;
  std::vector<std::string> required;
  std::optional<double> minimum, maximum, multiple_of;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<std::int64_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
  std::string pattern_text;
  std::optional<Pattern> pattern;
  std::vector<Schema> all_of, any_of, one_of;
  std::unique_ptr<Schema> not_;

  bool has_rules = false;  // CEL rules, here or below.

  // The schema of a member; null when the schema does not name it.
  const Schema* member(std::string_view name) const;
};

// Null when it is not structural; what is wrong goes to `errors`.
std::shared_ptr<const Schema> read_schema(const boost::json::value& text, const FieldPath& path,
                                          FieldErrors& errors);

// Takes out what the schema does not name, and nulls that it does not allow. What is taken out is
// added to `removed` as a path ("spec.foo") when that is given.
void prune(const Schema& schema, boost::json::object& object,
           std::vector<std::string>* removed = nullptr);
// Fills in defaults, in members that are there.
void set_defaults(const Schema& schema, boost::json::object& object);
// `before` is what the object was, or null: what was wrong and has not changed is let pass
// (validation ratcheting).
void validate_object(const Schema& schema, const boost::json::object& object,
                     const boost::json::object* before, FieldErrors& errors);

// The same for one value; `path` is where it is.
void prune_value(const Schema& schema, boost::json::value& value,
                 std::vector<std::string>& removed);
void validate_value(const Schema& schema, const boost::json::value& value, const FieldPath& path,
                    FieldErrors& errors);

// Whether `text` has this format; true for formats that nobody knows.
bool has_format(std::string_view format, std::string_view text);

}  // namespace minato::kube
