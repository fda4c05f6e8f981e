// FieldsV1 of a typed object that is created, without the detour over JSON.
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
// What the value is in: something an object of zeros has too, or something that came with it.
enum class Within { kZero, kNew };

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
                    std::string_view keys, Within within);

void add_unknown(const UnknownFields& unknown, Children& out) {
  if (!unknown || unknown->empty()) return;
  const FieldChanges all =
      compare_fields(Typing(), boost::json::object(), boost::json::object{{"x", *unknown}});
  for (const auto& [name, child] : all.changed.children_.at("f:x").children_) {
    out.push_back({name, child.to_fields_v1()});
  }
}

// A struct of zeros that is still one: nothing of it was set.
bool is_untouched(const TypeInfo& type, const std::string& text, Within within) {
  return within == Within::kZero && type.shape == Shape::kStruct && !type.is_atomic && text == "{}";
}

void add_members(const TypeInfo& type, const void* value, Within within, Children& out) {
  for (const FieldInfo& field : type.fields) {
    const TypeInfo& field_type = field.type();
    const void* member = member_of(field, value);
    if (field.options & kInline) {
      add_members(field_type, member, within, out);
    } else if (is_written(field, field_type, member)) {
      const std::string_view keys =
          field.list_map_keys.empty() ? field.merge_key : field.list_map_keys;
      std::string text = text_of(field_type, member, field.options, keys, within);
      if (!is_untouched(field_type, text, within))
        out.push_back({"f:" + std::string(field.name), std::move(text)});
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
                      std::string_view keys, Dot dot) {
  if ((options & kAtomic) || (keys.empty() && !(options & kSet))) return "{}";
  std::vector<std::string> names;
  if (!keys.empty()) names = split(keys, ',');
  std::ranges::sort(names);
  const TypeInfo& element = type.element();
  Children children;
  for (std::size_t i = 0; i < type.size(list); ++i) {
    const void* value = type.at(list, i);
    if (!names.empty()) {
      children.push_back({key_of(element, value, names), text_of(element, value, 0, {}, Within::kNew)});
      continue;
    }
    std::string name = "v:";
    append_json(name, element, value);
    children.push_back({std::move(name), "{}"});
  }
  return braces(dot, children);
}

std::string map_text(const TypeInfo& type, const void* map, Dot dot) {
  struct Context {
    const TypeInfo& element;
    Children children;
  } context{type.element(), {}};
  type.for_each(map, &context, [](void* raw, const std::string& key, const void* value) {
    auto& c = *static_cast<Context*>(raw);
    c.children.push_back({"f:" + key, text_of(c.element, value, 0, {}, Within::kNew)});
  });
  return braces(dot, context.children);
}

std::string text_of(const TypeInfo& type, const void* value, unsigned options,
                    std::string_view keys, Within within) {
  // Without omitempty an object of zeros has the member too: as null.
  const bool is_made = within == Within::kNew || !(options & kAlways);
  const Dot dot = is_made ? Dot::kYes : Dot::kNo;
  switch (type.shape) {
    case Shape::kOptional: {
      const void* present = type.get(value);
      return present == nullptr ? "{}" : text_of(type.element(), present, options, keys, Within::kNew);
    }
    case Shape::kStruct: {
      if (type.is_atomic) return "{}";
      Children children;
      add_members(type, value, within, children);
      return braces(within == Within::kNew ? Dot::kYes : Dot::kNo, children);
    }
    case Shape::kMap: return options & kAtomic ? "{}" : map_text(type, value, dot);
    case Shape::kList: return list_text(type, value, options, keys, dot);
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
    std::string text = text_of(field.type(), member, field.options, keys, Within::kZero);
    if (!is_untouched(field.type(), text, Within::kZero))
      children.push_back({"f:" + std::string(field.name), std::move(text)});
  }
  add_unknown(object.unknown, children);
  Children metadata;
  add_members(type_of<ObjectMeta>(), &object.metadata, Within::kZero, metadata);
  std::erase_if(metadata, [](const Child& child) {
    return std::ranges::find(kUnowned, child.name) != kUnowned.end();
  });
  if (!metadata.empty()) children.push_back({"f:metadata", braces(Dot::kNo, metadata)});
  return braces(Dot::kNo, children);
}

}  // namespace minato::kube
