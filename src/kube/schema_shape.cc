// Pruning and defaulting: how an object comes to have the shape of its schema.
#include <fmt/format.h>

#include <algorithm>

#include "kube/schema.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxReported = 16;

class Pruner {
 public:
  explicit Pruner(std::vector<std::string>* removed) : removed_(removed) {}

  void prune_value(const Schema& schema, json::value& value, const std::string& path) {
    if (value.is_object()) {
      prune_object(schema, value.get_object(), path);
    } else if (value.is_array() && schema.items) {
      std::size_t index = 0;
      for (json::value& element : value.get_array()) {
        prune_value(*schema.items, element, fmt::format("{}[{}]", path, index++));
      }
    }
  }

  void prune_object(const Schema& schema, json::object& object, const std::string& path) {
    std::vector<std::string> gone;
    for (auto& [key, value] : object) {
      const std::string_view name = key;
      const std::string child = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
      // Those of every resource.
      if (schema.embedded_resource && (name == "apiVersion" || name == "kind" || name == "metadata"))
        continue;
      if (const Schema* member = schema.member(name)) {
        if (value.is_null() && !member->nullable && !member->default_value) {
          gone.emplace_back(name);
        } else {
          prune_value(*member, value, child);
        }
        continue;
      }
      if (schema.preserve_unknown_fields || schema.allows_additional) continue;
      gone.emplace_back(name);
      if (removed_ != nullptr && removed_->size() < kMaxReported) removed_->push_back(child);
    }
    for (const std::string& name : gone) object.erase(name);
  }

 private:
  std::vector<std::string>* removed_;
};

void fill(const Schema& schema, json::value& value);

void fill_object(const Schema& schema, json::object& object) {
  for (const auto& [name, member] : schema.properties) {
    const json::value* present = object.if_contains(name);
    const bool missing = present == nullptr || (present->is_null() && !member.nullable);
    if (missing && member.default_value) object.insert_or_assign(name, *member.default_value);
  }
  for (auto& [key, value] : object) {
    const Schema* member = schema.member(std::string_view(key));
    if (member == nullptr) continue;
    if (value.is_null() && !member->nullable && member->default_value) value = *member->default_value;
    fill(*member, value);
  }
}

void fill(const Schema& schema, json::value& value) {
  if (value.is_object()) {
    fill_object(schema, value.get_object());
  } else if (value.is_array() && schema.items) {
    for (json::value& element : value.get_array()) {
      if (element.is_null() && !schema.items->nullable && schema.items->default_value)
        element = *schema.items->default_value;
      fill(*schema.items, element);
    }
  }
}

}  // namespace

void prune(const Schema& schema, json::object& object, std::vector<std::string>* removed) {
  Pruner(removed).prune_object(schema, object, "");
}

void prune_value(const Schema& schema, json::value& value, std::vector<std::string>& removed) {
  Pruner(&removed).prune_value(schema, value, "");
}

void set_defaults(const Schema& schema, json::object& object) { fill_object(schema, object); }

}  // namespace minato::kube
