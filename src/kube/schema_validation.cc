// Judging values by a schema; what is wrong is worded as upstream words it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>

#include "kube/schema.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

using Type = Schema::Type;

std::string_view type_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "boolean";
    case json::kind::int64:
    case json::kind::uint64: return "integer";
    case json::kind::double_: return "number";
    case json::kind::string: return "string";
    case json::kind::array: return "array";
    case json::kind::object: return "object";
  }
  return "";
}

std::string_view type_name(Type type) {
  constexpr std::string_view kNames[] = {"any",     "object", "array",  "string",
                                         "integer", "number", "boolean"};
  return kNames[static_cast<std::size_t>(type)];
}

bool is_whole(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::trunc(value.get_double()) == value.get_double() &&
         std::fabs(value.get_double()) < 9.0e15;
}

bool has_type(const json::value& value, const Schema& schema) {
  if (schema.int_or_string) return value.is_string() || is_whole(value);
  switch (schema.type) {
    case Type::kAny: return true;
    case Type::kObject: return value.is_object();
    case Type::kArray: return value.is_array();
    case Type::kString: return value.is_string();
    case Type::kInteger: return is_whole(value);
    case Type::kNumber: return value.is_number();
    case Type::kBoolean: return value.is_bool();
  }
  return false;
}

// Continuation bytes of UTF-8 are no characters of their own.
std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

bool is_multiple(double value, double of) {
  const double times = value / of;
  return std::fabs(times - std::round(times)) < 1e-9;
}

class Validator {
 public:
  explicit Validator(FieldErrors& errors) : errors_(errors) {}

  void root(const Schema& schema, const json::object& object, const json::object* before) {
    const FieldPath path("");
    this->object(schema, object, before, path, Place::kRoot);
    const bool has_judges = !schema.all_of.empty() || !schema.any_of.empty() ||
                            !schema.one_of.empty() || schema.not_ != nullptr;
    if (has_judges) judges(schema, json::value(object), path);
  }

  void value(const Schema& schema, const json::value& value, const json::value* before,
             const FieldPath& path) {
    if (before != nullptr && *before == value) return;  // Not made worse.
    if (value.is_null() && schema.nullable) return;
    if (!has_type(value, schema)) {
      return wrong(path, value,
                   fmt::format("must be of type {}: \"{}\"",
                               schema.int_or_string ? "integer or string" : type_name(schema.type),
                               type_name(value)));
    }
    one_of_enumeration(schema, value, path);
    if (value.is_string()) text(schema, value.get_string(), path);
    if (value.is_number()) number(schema, value, path);
    if (value.is_array()) list(schema, value.get_array(), before, path);
    if (value.is_object()) {
      if (schema.embedded_resource) embedded(value.get_object(), path);
      object(schema, value.get_object(),
             before != nullptr && before->is_object() ? &before->get_object() : nullptr, path,
             Place::kBelow);
    }
    judges(schema, value, path);
  }

 private:
  enum class Place { kRoot, kBelow };

  void object(const Schema& schema, const json::object& object, const json::object* before,
              const FieldPath& path, Place place) {
    for (const std::string& name : schema.required) {
      if (object.contains(name)) continue;
      // The server's own, which the body does not hold.
      const bool system = name == "metadata" || name == "apiVersion" || name == "kind";
      if (place == Place::kBelow || !system) errors_.required(path.child(name));
    }
    if (place == Place::kBelow) count_members(schema, object, path);
    for (const auto& [key, value] : object) {
      const Schema* member = schema.member(std::string_view(key));
      if (member == nullptr) continue;
      const FieldPath child = path.child(std::string_view(key));
      this->value(*member, value, before == nullptr ? nullptr : before->if_contains(key), child);
    }
  }

  void wrong(const FieldPath& path, const json::value& value, std::string_view what) {
    const std::string shown = value.is_structured() ? fmt::format("\"{}\"", type_name(value))
                                                    : json::serialize(value);
    errors_.add(path, fmt::format("Invalid value: {}: {} in body {}", shown, path.to_string(), what));
  }

  void one_of_enumeration(const Schema& schema, const json::value& value, const FieldPath& path) {
    if (schema.enumeration.empty() ||
        std::ranges::find(schema.enumeration, value) != schema.enumeration.end())
      return;
    std::string supported;
    for (const json::value& each : schema.enumeration) {
      supported += (supported.empty() ? "" : ", ") + json::serialize(each);
    }
    errors_.add(path, fmt::format("Unsupported value: {}: supported values: {}",
                                  json::serialize(value), supported));
  }

  void text(const Schema& schema, std::string_view text, const FieldPath& path) {
    const json::value value(text);
    const std::int64_t length = characters(text);
    if (schema.max_length && length > *schema.max_length) {
      errors_.add(path, fmt::format("Too long: may not be more than {} bytes", *schema.max_length));
    }
    if (schema.min_length && length < *schema.min_length) {
      wrong(path, value, fmt::format("should be at least {} chars long", *schema.min_length));
    }
    if (schema.pattern && !schema.pattern->matches(text)) {
      wrong(path, value, fmt::format("should match '{}'", schema.pattern_text));
    }
    if (!has_format(schema.format, text)) {
      wrong(path, value, fmt::format("must be of type {}: {}", schema.format, json::serialize(value)));
    }
  }

  void number(const Schema& schema, const json::value& value, const FieldPath& path) {
    const double amount = value.to_number<double>();
    const bool is_integer = schema.type == Type::kInteger;
    constexpr double kInt32 = std::numeric_limits<std::int32_t>::max();
    if (is_integer && schema.format == "int32" && (amount > kInt32 || amount < -kInt32 - 1)) {
      wrong(path, value, "must be of type integer with format int32");
    }
    if (schema.minimum && (amount < *schema.minimum || (schema.exclusive_minimum && amount <= *schema.minimum))) {
      wrong(path, value, fmt::format("should be greater than {}{}",
                                     schema.exclusive_minimum ? "" : "or equal to ", *schema.minimum));
    }
    if (schema.maximum && (amount > *schema.maximum || (schema.exclusive_maximum && amount >= *schema.maximum))) {
      wrong(path, value, fmt::format("should be less than {}{}",
                                     schema.exclusive_maximum ? "" : "or equal to ", *schema.maximum));
    }
    if (schema.multiple_of && *schema.multiple_of > 0 && !is_multiple(amount, *schema.multiple_of)) {
      wrong(path, value, fmt::format("should be a multiple of {}", *schema.multiple_of));
    }
  }

  void list(const Schema& schema, const json::array& list, const json::value* before,
            const FieldPath& path) {
    const auto size = static_cast<std::int64_t>(list.size());
    if (schema.max_items && size > *schema.max_items) {
      errors_.add(path, fmt::format("Too many: {}: must have at most {} items", size, *schema.max_items));
    }
    if (schema.min_items && size < *schema.min_items) {
      wrong(path, json::value(size), fmt::format("should have at least {} items", *schema.min_items));
    }
    const json::array* old = before != nullptr && before->is_array() ? &before->get_array() : nullptr;
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const FieldPath child = path.index(i);
      if (schema.items) {
        value(*schema.items, list[i], old != nullptr && i < old->size() ? &(*old)[i] : nullptr, child);
      }
      if (schema.list_type != Schema::ListType::kAtomic) duplicate(schema, list[i], seen, child);
    }
  }

  void duplicate(const Schema& schema, const json::value& element, std::vector<std::string>& seen,
                 const FieldPath& path) {
    json::value identity = element;
    if (schema.list_type == Schema::ListType::kMap) {
      json::object keys;
      for (const std::string& key : schema.list_map_keys) {
        const json::value* found = element.is_object() ? element.get_object().if_contains(key) : nullptr;
        if (found != nullptr) keys[key] = *found;
      }
      identity = std::move(keys);
    }
    std::string text = json::serialize(identity);
    if (std::ranges::find(seen, text) != seen.end()) {
      errors_.add(path, fmt::format("Duplicate value: {}", text));
    } else {
      seen.push_back(std::move(text));
    }
  }

  void count_members(const Schema& schema, const json::object& object, const FieldPath& path) {
    const auto size = static_cast<std::int64_t>(object.size());
    if (schema.max_properties && size > *schema.max_properties) {
      errors_.add(path, fmt::format("Too many: {}: must have at most {} items", size, *schema.max_properties));
    }
    if (schema.min_properties && size < *schema.min_properties) {
      wrong(path, json::value(size), fmt::format("should have at least {} properties", *schema.min_properties));
    }
  }

  void embedded(const json::object& object, const FieldPath& path) {
    for (const std::string_view name : {"apiVersion", "kind"}) {
      const json::value* value = object.if_contains(name);
      if (value == nullptr || !value->is_string() || value->get_string().empty())
        errors_.required(path.child(name), "must not be empty");
    }
  }

  static bool fits(const Schema& schema, const json::value& value, const FieldPath& path) {
    FieldErrors errors;
    Validator(errors).value(schema, value, nullptr, path);
    return errors.empty();
  }

  void judges(const Schema& schema, const json::value& value, const FieldPath& path) {
    for (const Schema& each : schema.all_of) this->value(each, value, nullptr, path);
    const auto fitting = [&](const std::vector<Schema>& all) {
      return std::ranges::count_if(all, [&](const Schema& each) { return fits(each, value, path); });
    };
    if (!schema.any_of.empty() && fitting(schema.any_of) == 0) {
      wrong(path, value, "must validate at least one schema (anyOf)");
    }
    if (!schema.one_of.empty() && fitting(schema.one_of) != 1) {
      wrong(path, value, "must validate one and only one schema (oneOf)");
    }
    if (schema.not_ && fits(*schema.not_, value, path)) {
      wrong(path, value, "must not validate the schema (not)");
    }
  }

  FieldErrors& errors_;
};

}  // namespace

void validate_object(const Schema& schema, const json::object& object, const json::object* before,
                     FieldErrors& errors) {
  Validator(errors).root(schema, object, before);
}

void validate_value(const Schema& schema, const json::value& value, const FieldPath& path,
                    FieldErrors& errors) {
  Validator(errors).value(schema, value, nullptr, path);
}

}  // namespace minato::kube
