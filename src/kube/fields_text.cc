// FieldsV1 of a typed object without the detour over JSON. Gives what fields_of() does, which a test
// holds it to.
#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/strings.h"
#include "kube/field_set.h"
#include "kube/json.h"
#include "kube/written.h"

namespace minato::kube {
namespace {

struct Child {
  std::string name;  // "f:spec"
  std::string text;  // "{...}"
};
using Children = std::vector<Child>;

enum class Dot { kNo, kYes };  // Whether the container is a field beside its members.

std::string braces(Dot dot, Children& children) {
  if (children.empty()) return "{}";
  std::ranges::stable_sort(children, {}, &Child::name);
  std::string out = dot == Dot::kYes ? "{\".\":{}" : "{";
  const std::string* last = nullptr;
  for (const Child& child : children) {
    if (last != nullptr && *last == child.name) continue;  // A list that names an element twice.
    if (out.size() > 1) out += ',';
    append_json_string(out, child.name);
    out += ':';
    out += child.text;
    last = &child.name;
  }
  out += '}';
  return out;
}

std::string text_of(const TypeInfo& type, const void* value, unsigned options,
                    std::string_view keys, Dot dot);

void add_unknown(const UnknownFields& unknown, Children& out) {
  if (!unknown || unknown->empty()) return;
  const FieldSet set = fields_of(Typing(), boost::json::object{{"x", *unknown}});
  for (const auto& [name, child] : set.children_.at("f:x").children_) {
    out.push_back({name, child.to_fields_v1()});
  }
}

void add_members(const TypeInfo& type, const void* value, Children& out) {
  for (const FieldInfo& field : type.fields) {
    const TypeInfo& field_type = field.type();
    const void* member = member_of(field, value);
    if (field.options & kInline) {
      add_members(field_type, member, out);
    } else if (is_written(field, field_type, member)) {
      const std::string_view keys =
          field.list_map_keys.empty() ? field.merge_key : field.list_map_keys;
      out.push_back({"f:" + std::string(field.name),
                     text_of(field_type, member, field.options, keys, Dot::kNo)});
    }
  }
  add_unknown(type.unknown(const_cast<void*>(value)), out);
}

// A member of a list's element as JSON; "" when it has none.
std::string member_text(const TypeInfo& type, const void* value, std::string_view name) {
  for (const FieldInfo& field : type.fields) {
    const void* member = member_of(field, value);
    std::string out;
    if (field.options & kInline) {
      out = member_text(field.type(), member, name);
    } else if (field.name == name && is_written(field, field.type(), member)) {
      append_json(out, field.type(), member);
    }
    if (!out.empty()) return out;
  }
  return {};
}

std::string key_of(const TypeInfo& type, const void* element, const std::vector<std::string>& keys) {
  std::string out = "k:{";
  for (const std::string& key : keys) {
    std::string text = member_text(type, element, key);
    if (text.empty() && key == "protocol") text = "\"TCP\"";  // Upstream's schema defaults it.
    if (text.empty()) continue;
    if (out.back() != '{') out += ',';
    append_json_string(out, key);
    out += ':';
    out += text;
  }
  return out + "}";
}

std::string list_text(const TypeInfo& type, const void* list, unsigned options,
                      std::string_view keys) {
  if ((options & kAtomic) || (keys.empty() && !(options & kSet))) return "{}";
  std::vector<std::string> names;
  if (!keys.empty()) names = split(keys, ',');
  std::ranges::sort(names);
  const TypeInfo& element = type.element();
  Children children;
  for (std::size_t i = 0; i < type.size(list); ++i) {
    const void* value = type.at(list, i);
    if (!names.empty()) {
      children.push_back({key_of(element, value, names), text_of(element, value, 0, {}, Dot::kYes)});
      continue;
    }
    std::string name = "v:";
    append_json(name, element, value);
    children.push_back({std::move(name), "{}"});
  }
  return braces(Dot::kNo, children);
}

std::string map_text(const TypeInfo& type, const void* map) {
  struct Context {
    const TypeInfo& element;
    Children children;
  } context{type.element(), {}};
  type.for_each(map, &context, [](void* raw, const std::string& key, const void* value) {
    auto& c = *static_cast<Context*>(raw);
    c.children.push_back({"f:" + key, text_of(c.element, value, 0, {}, Dot::kNo)});
  });
  return braces(Dot::kYes, context.children);
}

std::string text_of(const TypeInfo& type, const void* value, unsigned options,
                    std::string_view keys, Dot dot) {
  switch (type.shape) {
    case Shape::kOptional: {
      const void* present = type.get(value);
      return present == nullptr ? "{}" : text_of(type.element(), present, options, keys, dot);
    }
    case Shape::kStruct: {
      if (options & kAtomic) return "{}";
      Children children;
      add_members(type, value, children);
      return braces(dot, children);
    }
    case Shape::kMap: return options & kAtomic ? "{}" : map_text(type, value);
    case Shape::kList: return list_text(type, value, options, keys);
    default: return "{}";
  }
}

// What of metadata is the server's or the request's, never a manager's.
constexpr std::array<std::string_view, 10> kUnowned = {
    "f:name",       "f:namespace", "f:uid",  "f:resourceVersion", "f:generation",
    "f:creationTimestamp", "f:selfLink", "f:deletionTimestamp", "f:deletionGracePeriodSeconds",
    "f:managedFields"};

}  // namespace

std::string fields_v1_of(const Object& object) {
  Children children;
  for (const FieldInfo& field : object.kind().type().fields) {
    const void* member = member_of(field, object.self());
    if (field.name == "status" || field.name == "metadata") continue;
    if (!is_written(field, field.type(), member)) continue;
    const std::string_view keys =
        field.list_map_keys.empty() ? field.merge_key : field.list_map_keys;
    children.push_back({"f:" + std::string(field.name),
                        text_of(field.type(), member, field.options, keys, Dot::kNo)});
  }
  add_unknown(object.unknown, children);
  Children metadata;
  add_members(type_of<ObjectMeta>(), &object.metadata, metadata);
  std::erase_if(metadata, [](const Child& child) {
    return std::ranges::find(kUnowned, child.name) != kUnowned.end();
  });
  if (!metadata.empty()) children.push_back({"f:metadata", braces(Dot::kNo, metadata)});
  return braces(Dot::kNo, children);
}

}  // namespace minato::kube
