// JSON for objects and for the structs inside them, driven by kube/reflect.h.
//
// Unknown members survive; null means absent; numbers must be in range. Errors are Invalid and name
// the path: "spec.template.spec.containers[0].ports[0].containerPort: expected a whole number".
// Input is untrusted: size, depth and member counts are bounded.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace minato::kube {

// With apiVersion and kind first, as clients expect.
std::string to_json(const Object& object);
boost::json::value to_json_value(const Object& object);
// The kind comes from apiVersion and kind in the text; both must be ones that minato serves.
Result<std::unique_ptr<Object>> object_from_json(const boost::json::value& value);
Result<std::unique_ptr<Object>> object_from_json(std::string_view text);
// Of a kind that is known; apiVersion and kind in the text are not looked at.
Result<std::unique_ptr<Object>> object_of_kind(const Kind& kind, const boost::json::value& value);

// Parts of objects.
void append_json(std::string& out, const TypeInfo& type, const void* value);
Status from_json(const TypeInfo& type, const boost::json::value& json, void* value,
                 const std::string& path = {});
template <class T>
std::string to_json_text(const T& value) {
  std::string out;
  append_json(out, type_of<T>(), &value);
  return out;
}
template <class T>
Result<T> from_json_value(const boost::json::value& json) {
  T value;
  RETURN_IF_ERROR(from_json(type_of<T>(), json, &value));
  return value;
}

// Bounded parsing of untrusted text (depth 64, 8 MiB); Invalid with the offset on failure. Whoever
// has no use for the tree beyond a call gives it memory of its own, which goes at once.
Result<boost::json::value> parse_json(std::string_view text, boost::json::storage_ptr storage = {});
void append_json_string(std::string& out, std::string_view text);
// Without the quotation marks.
void append_json_characters(std::string& out, std::string_view text);

}  // namespace minato::kube
