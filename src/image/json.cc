#include "image/json.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

namespace minato::image {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

std::unexpected<Error> wrong_type(std::string_view name, std::string_view expected) {
  return fail(Reason::kInvalid, fmt::format("\"{}\" is not {}", name, expected));
}

// Null for members that are absent or null.
const json::value* find(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) {
    return fail(Reason::kInvalid, fmt::format("{} is not JSON: {}", what, error.message()));
  }
  if (!value.is_object()) return fail(Reason::kInvalid, fmt::format("{} is no JSON object", what));
  return std::move(value.get_object());
}

Result<std::string> string_member(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return wrong_type(name, "a string");
  return std::string(value->get_string());
}

Result<std::vector<std::string>> strings_member(const json::object& object,
                                                std::string_view name) {
  std::vector<std::string> out;
  ASSIGN_OR_RETURN(const json::array* array, array_member(object, name));
  if (array == nullptr) return out;
  for (const json::value& value : *array) {
    if (!value.is_string()) return wrong_type(name, "a list of strings");
    out.emplace_back(value.get_string());
  }
  return out;
}

Result<const json::object*> object_member(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) return wrong_type(name, "an object");
  return &value->get_object();
}

Result<const json::array*> array_member(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) return wrong_type(name, "a list");
  return &value->get_array();
}

Result<std::int64_t> size_member(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  if (value == nullptr) return -1;
  if (!value->is_int64() || value->get_int64() < 0) return wrong_type(name, "a size");
  return value->get_int64();
}

Result<const json::object*> as_object(const json::value& value, std::string_view what) {
  if (!value.is_object()) return wrong_type(what, "an object");
  return &value.get_object();
}

}  // namespace minato::image
