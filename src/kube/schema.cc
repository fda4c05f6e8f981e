// Reading a structural schema, and what keeps one from being structural.
#include "kube/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

namespace minato::kube {
namespace json = boost::json;
namespace {

// A field's schema shapes the object; one inside allOf, anyOf, oneOf or not only judges values.
enum class Role { kRoot, kField, kJudge };

const json::value* member_of(const json::object& from, std::string_view name) {
  return from.if_contains(name);
}

class Reader {
 public:
  explicit Reader(FieldErrors& errors) : errors_(errors) {}

  Schema read(const json::value& value, const FieldPath& path, Role role) {
    Schema out;
    if (!value.is_object()) {
      errors_.invalid(path, json::serialize(value), "must be an object");
      return out;
    }
    const json::object& from = value.get_object();
    if (from.contains("$ref")) errors_.forbidden(path.child("$ref"), "$ref is not supported");
    read_type(from, path, role, out);
    read_extensions(from, path, out);
    read_limits(from, path, out);
    read_children(from, path, role, out);
    read_judges(from, path, out);
    if (role == Role::kJudge) {
      check_judge(from, path);
    } else {
      check_shape(from, path, role, out);
    }
    return out;
  }

 private:
  std::string text(const json::object& from, std::string_view name, const FieldPath& path) {
    const json::value* value = member_of(from, name);
    if (value == nullptr || value->is_null()) return {};
    if (value->is_string()) return std::string(value->get_string());
    errors_.invalid(path.child(name), json::serialize(*value), "must be text");
    return {};
  }
  bool flag(const json::object& from, std::string_view name) {
    const json::value* value = member_of(from, name);
    return value != nullptr && value->is_bool() && value->get_bool();
  }
  std::vector<std::string> texts(const json::object& from, std::string_view name,
                                 const FieldPath& path) {
    std::vector<std::string> out;
    const json::value* value = member_of(from, name);
    if (value == nullptr || value->is_null()) return out;
    const bool readable = value->is_array() && std::ranges::all_of(value->get_array(), [](const auto& each) {
                            return each.is_string();
                          });
    if (!readable) {
      errors_.invalid(path.child(name), json::serialize(*value), "must be a list of texts");
      return out;
    }
    for (const json::value& each : value->get_array()) out.emplace_back(each.get_string());
    return out;
  }
  std::optional<double> number(const json::object& from, std::string_view name,
                               const FieldPath& path) {
    const json::value* value = member_of(from, name);
    if (value == nullptr || value->is_null()) return std::nullopt;
    if (value->is_number()) return value->to_number<double>();
    errors_.invalid(path.child(name), json::serialize(*value), "must be a number");
    return std::nullopt;
  }
  std::optional<std::int64_t> count(const json::object& from, std::string_view name,
                                    const FieldPath& path) {
    const auto found = number(from, name, path);
    if (!found) return std::nullopt;
    return static_cast<std::int64_t>(*found);
  }

  void read_type(const json::object& from, const FieldPath& path, Role role, Schema& out) {
    constexpr std::pair<std::string_view, Schema::Type> kTypes[] = {
        {"object", Schema::Type::kObject},   {"array", Schema::Type::kArray},
        {"string", Schema::Type::kString},   {"integer", Schema::Type::kInteger},
        {"number", Schema::Type::kNumber},   {"boolean", Schema::Type::kBoolean}};
    const std::string name = text(from, "type", path);
    out.int_or_string = flag(from, "x-kubernetes-int-or-string");
    out.preserve_unknown_fields = flag(from, "x-kubernetes-preserve-unknown-fields");
    const FieldPath type = path.child("type");
    if (name.empty()) {
      const bool free = role == Role::kJudge || out.int_or_string ||
                        (role == Role::kField && out.preserve_unknown_fields);
      if (!free) errors_.required(type, "must not be empty for specified object fields");
      return;
    }
    const auto found = std::ranges::find(kTypes, name, &std::pair<std::string_view, Schema::Type>::first);
    if (found == std::end(kTypes)) {
      std::vector<std::string_view> names;
      for (const auto& each : kTypes) names.push_back(each.first);
      errors_.not_supported(type, name, names);
      return;
    }
    out.type = found->second;
    if (role == Role::kRoot && out.type != Schema::Type::kObject) {
      errors_.invalid(type, name, "must be object at the root");
    }
    if (out.int_or_string && role != Role::kJudge) {
      errors_.invalid(type, name, "must be empty if x-kubernetes-int-or-string is true");
    }
  }

  void read_extensions(const json::object& from, const FieldPath& path, Schema& out) {
    out.format = text(from, "format", path);
    out.nullable = flag(from, "nullable");
    out.embedded_resource = flag(from, "x-kubernetes-embedded-resource");
    out.list_map_keys = texts(from, "x-kubernetes-list-map-keys", path);
    const std::string list = text(from, "x-kubernetes-list-type", path);
    constexpr std::string_view kListTypes[] = {"atomic", "set", "map"};
    if (!list.empty()) errors_.one_of(path.child("x-kubernetes-list-type"), list, kListTypes);
    if (list == "set") out.list_type = Schema::ListType::kSet;
    if (list == "map") out.list_type = Schema::ListType::kMap;
    const std::string map = text(from, "x-kubernetes-map-type", path);
    constexpr std::string_view kMapTypes[] = {"granular", "atomic"};
    if (!map.empty()) errors_.one_of(path.child("x-kubernetes-map-type"), map, kMapTypes);
    if (map == "atomic") out.map_type = Schema::MapType::kAtomic;
    out.has_rules = from.contains("x-kubernetes-validations");
    if (const json::value* value = member_of(from, "default")) out.default_value = *value;
  }

  void read_limits(const json::object& from, const FieldPath& path, Schema& out) {
    out.minimum = number(from, "minimum", path);
    out.maximum = number(from, "maximum", path);
    out.multiple_of = number(from, "multipleOf", path);
    out.exclusive_minimum = flag(from, "exclusiveMinimum");
    out.exclusive_maximum = flag(from, "exclusiveMaximum");
    out.min_length = count(from, "minLength", path);
    out.max_length = count(from, "maxLength", path);
    out.min_items = count(from, "minItems", path);
    out.max_items = count(from, "maxItems", path);
    out.min_properties = count(from, "minProperties", path);
    out.max_properties = count(from, "maxProperties", path);
    out.required = texts(from, "required", path);
    if (const json::value* value = member_of(from, "enum"); value != nullptr && value->is_array()) {
      for (const json::value& each : value->get_array()) out.enumeration.push_back(each);
    }
    out.pattern_text = text(from, "pattern", path);
    if (out.pattern_text.empty()) return;
    auto pattern = Pattern::make(out.pattern_text);
    if (pattern) {
      out.pattern = std::move(*pattern);
    } else {
      errors_.invalid(path.child("pattern"), out.pattern_text,
                      "must be a valid regular expression: " + pattern.error().message);
    }
  }

  void read_children(const json::object& from, const FieldPath& path, Role role, Schema& out) {
    const Role below = role == Role::kJudge ? Role::kJudge : Role::kField;
    const FieldPath properties = path.child("properties");
    if (const json::value* all = member_of(from, "properties"); all != nullptr && all->is_object()) {
      for (const auto& [key, value] : all->get_object()) {
        const std::string_view name = key;
        const FieldPath child = properties.key(name);
        // What every object has is the server's to know.
        const bool system = role == Role::kRoot && (name == "apiVersion" || name == "kind");
        out.properties.emplace(name, read(value, child, system ? Role::kJudge : below));
      }
    }
    if (const json::value* items = member_of(from, "items")) {
      const FieldPath child = path.child("items");
      if (items->is_array()) {
        errors_.forbidden(child, "items must be a schema object and not an array");
      } else {
        out.items = std::make_unique<Schema>(read(*items, child, below));
      }
    }
    if (const json::value* rest = member_of(from, "additionalProperties")) {
      const FieldPath child = path.child("additionalProperties");
      if (rest->is_bool()) {
        out.allows_additional = rest->get_bool();
      } else {
        out.additional_properties = std::make_unique<Schema>(read(*rest, child, below));
      }
    }
    for (const auto& [name, child] : out.properties) out.has_rules |= child.has_rules;
    if (out.items) out.has_rules |= out.items->has_rules;
    if (out.additional_properties) out.has_rules |= out.additional_properties->has_rules;
  }

  void read_judges(const json::object& from, const FieldPath& path, Schema& out) {
    const std::pair<std::string_view, std::vector<Schema>*> lists[] = {
        {"allOf", &out.all_of}, {"anyOf", &out.any_of}, {"oneOf", &out.one_of}};
    for (const auto& [name, list] : lists) {
      const json::value* value = member_of(from, name);
      if (value == nullptr || !value->is_array()) continue;
      const FieldPath all = path.child(name);
      for (std::size_t i = 0; i < value->get_array().size(); ++i) {
        const FieldPath child = all.index(i);
        list->push_back(read(value->get_array()[i], child, Role::kJudge));
      }
    }
    if (const json::value* value = member_of(from, "not")) {
      const FieldPath child = path.child("not");
      out.not_ = std::make_unique<Schema>(read(*value, child, Role::kJudge));
    }
  }

  void check_judge(const json::object& from, const FieldPath& path) {
    for (const std::string_view name :
         {"default", "nullable", "additionalProperties", "x-kubernetes-preserve-unknown-fields",
          "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"}) {
      if (from.contains(name))
        errors_.forbidden(path.child(name), "must be undefined to be structural");
    }
  }

  void check_shape(const json::object& from, const FieldPath& path, Role role, Schema& out) {
    const bool is_object = out.type == Schema::Type::kObject;
    const bool has_rest = out.additional_properties || out.allows_additional;
    if (!out.properties.empty() && has_rest) {
      errors_.forbidden(path.child("additionalProperties"),
                        "additionalProperties and properties are mutual exclusive");
    }
    if (role == Role::kRoot && has_rest) {
      errors_.forbidden(path.child("additionalProperties"), "must not be used at the root");
    }
    if (out.type == Schema::Type::kArray && !out.items) {
      errors_.required(path.child("items"), "must be specified");
    }
    if (flag(from, "uniqueItems")) {
      errors_.forbidden(path.child("uniqueItems"),
                        "uniqueItems cannot be set to true since the runtime complexity becomes "
                        "quadratic");
    }
    if (out.embedded_resource && !is_object) {
      errors_.invalid(path.child("type"), text(from, "type", path),
                      "must be object if x-kubernetes-embedded-resource is true");
    }
    check_list(path, out);
    check_default(path, out);
  }

  void check_list(const FieldPath& path, const Schema& schema) {
    const FieldPath keys = path.child("x-kubernetes-list-map-keys");
    const FieldPath list = path.child("x-kubernetes-list-type");
    if (schema.list_type != Schema::ListType::kAtomic && schema.type != Schema::Type::kArray) {
      errors_.invalid(list, "", "must be a list to have a list type");
      return;
    }
    if (schema.list_type != Schema::ListType::kMap) {
      if (!schema.list_map_keys.empty())
        errors_.forbidden(keys, "must not be set unless x-kubernetes-list-type is map");
      return;
    }
    if (schema.list_map_keys.empty())
      errors_.required(keys, "must not be empty if x-kubernetes-list-type is map");
    for (const std::string& key : schema.list_map_keys) {
      const Schema* member = schema.items ? schema.items->member(key) : nullptr;
      if (member == nullptr) {
        errors_.invalid(keys, key, "entries must all be names of item properties");
        continue;
      }
      const bool is_required =
          std::ranges::find(schema.items->required, key) != schema.items->required.end();
      if (!is_required && !member->default_value) {
        errors_.required(path.child("items"),
                         fmt::format("this property is in x-kubernetes-list-map-keys, so it must "
                                     "have a default or be a required property: {}", key));
      }
    }
  }

  // A default that would not be stored as it is written would surprise everybody.
  void check_default(const FieldPath& path, const Schema& schema) {
    if (!schema.default_value) return;
    FieldErrors wrong;
    std::vector<std::string> removed;
    json::value value = *schema.default_value;
    prune_value(schema, value, removed);
    if (value.is_object()) set_defaults(schema, value.get_object());
    const FieldPath at = path.child("default");
    validate_value(schema, value, at, wrong);
    for (const std::string& name : removed) {
      errors_.invalid(at, json::serialize(*schema.default_value), "must not have unknown field " + name);
    }
    for (const Cause& cause : wrong.causes()) errors_.add(at, cause.message);
  }

  FieldErrors& errors_;
};

}  // namespace

const Schema* Schema::member(std::string_view name) const {
  const auto found = properties.find(name);
  if (found != properties.end()) return &found->second;
  return additional_properties.get();
}

std::shared_ptr<const Schema> read_schema(const json::value& text, const FieldPath& path,
                                          FieldErrors& errors) {
  const std::size_t before = errors.causes().size();
  auto out = std::make_shared<Schema>(Reader(errors).read(text, path, Role::kRoot));
  return errors.causes().size() == before ? out : nullptr;
}

}  // namespace minato::kube
