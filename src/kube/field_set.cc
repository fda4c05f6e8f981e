#include "kube/field_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/json.h"
#include "kube/types/meta.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

// How a value merges: a struct or map field by field, a list by key or by value, or as one.
enum class Merging { kAtomic, kStruct, kMap, kKeyed, kSetOfValues };
struct FieldPlace {
  const TypeInfo* type = nullptr;
  unsigned options = 0;
  std::string_view keys;           // Comma-separated, of a keyed list.
  const Schema* schema = nullptr;  // Instead of `type`; with neither nothing is known.
};

const TypeInfo* unwrap(const TypeInfo& type) {
  return type.shape == Shape::kOptional ? unwrap(type.element()) : &type;
}

FieldPlace schema_place(const Schema* schema) { return {nullptr, 0, {}, schema}; }

FieldPlace member_place(const FieldPlace& parent, std::string_view name) {
  // Metadata of a custom object is typed; the rest is its schema's.
  if (parent.schema != nullptr && (parent.type == nullptr || name != "metadata"))
    return schema_place(parent.schema->member(name));
  if (parent.type == nullptr) return {};
  if (parent.type->shape == Shape::kMap) return {unwrap(parent.type->element()), 0, {}};
  if (parent.type->shape != Shape::kStruct) return {};
  for (const FieldInfo& field : parent.type->fields) {
    if (field.options & kInline) {
      if (const FieldPlace found = member_place({unwrap(field.type()), 0, {}}, name);
          found.type != nullptr)
        return found;
    } else if (field.name == name) {
      return {unwrap(field.type()), field.options,
              field.list_map_keys.empty() ? field.merge_key : field.list_map_keys};
    }
  }
  return {};
}

FieldPlace element_place(const FieldPlace& list) {
  if (list.schema != nullptr) return schema_place(list.schema->items.get());
  if (list.type == nullptr || list.type->shape != Shape::kList) return {};
  return {unwrap(list.type->element()), 0, {}};
}

Merging merging_by_schema(const Schema& schema, const json::value& value) {
  if (value.is_object()) {
    if (schema.map_type == Schema::MapType::kAtomic) return Merging::kAtomic;
    return schema.properties.empty() ? Merging::kMap : Merging::kStruct;
  }
  if (!value.is_array()) return Merging::kAtomic;
  if (schema.list_type == Schema::ListType::kMap) return Merging::kKeyed;
  return schema.list_type == Schema::ListType::kSet ? Merging::kSetOfValues : Merging::kAtomic;
}

Merging merging_of(const FieldPlace& place, const json::value& value) {
  if (place.schema != nullptr && place.type == nullptr) return merging_by_schema(*place.schema, value);
  if (value.is_object()) {
    if ((place.options & kAtomic) || (place.type != nullptr && place.type->is_atomic)) return Merging::kAtomic;
    if (place.type == nullptr || place.type->shape == Shape::kMap) return Merging::kMap;
    return place.type->shape == Shape::kStruct ? Merging::kStruct : Merging::kAtomic;
  }
  if (!value.is_array() || (place.options & kAtomic)) return Merging::kAtomic;
  if (!place.keys.empty()) return Merging::kKeyed;
  return place.options & kSet ? Merging::kSetOfValues : Merging::kAtomic;
}

// The name of a list's element in a set: its keys, with what upstream's schema defaults there.
std::string key_of(const FieldPlace& list, const json::value& element) {
  json::object keys;
  if (element.is_object()) {
    std::vector<std::string> names =
        list.schema != nullptr ? list.schema->list_map_keys : split(list.keys, ',');
    std::ranges::sort(names);
    for (const std::string& name : names) {
      const Schema* schema =
          list.schema != nullptr && list.schema->items ? list.schema->items->member(name) : nullptr;
      if (const json::value* value = element.get_object().if_contains(name)) {
        keys[name] = *value;
      } else if (schema != nullptr && schema->default_value) {
        keys[name] = *schema->default_value;
      } else if (list.schema == nullptr && name == "protocol") {
        keys[name] = "TCP";
      }
    }
  }
  return "k:" + json::serialize(keys);
}

std::string name_of(const FieldPlace& list, Merging merging, const json::value& element) {
  return merging == Merging::kKeyed ? key_of(list, element) : "v:" + json::serialize(element);
}

const json::value* find_element(const FieldPlace& place, Merging merging, const json::array& list,
                                const std::string& name) {
  for (const json::value& element : list) {
    if (name_of(place, merging, element) == name) return &element;
  }
  return nullptr;
}

// Whether containers are fields beside their members: those of an update that were not there are,
// those of a configuration only where they are empty.
enum class Containers { kAsNamed, kAsMade };

FieldSet collect(const FieldPlace& place, const json::value& value, Containers containers) {
  FieldSet out;
  const Merging merging = merging_of(place, value);
  if (merging == Merging::kStruct || merging == Merging::kMap) {
    for (const auto& [key, member] : value.get_object()) {
      FieldSet child = collect(member_place(place, key), member, containers);
      if (merging == Merging::kMap) child.member_ = true;
      out.children_.emplace("f:" + std::string(key), std::move(child));
    }
    out.member_ = containers == Containers::kAsMade || out.children_.empty();
  } else if (merging == Merging::kKeyed || merging == Merging::kSetOfValues) {
    for (const json::value& element : value.get_array()) {
      FieldSet item = merging == Merging::kKeyed
                          ? collect(element_place(place), element, containers)
                          : FieldSet();
      item.member_ = true;
      out.children_.emplace(name_of(place, merging, element), std::move(item));
    }
    out.member_ = containers == Containers::kAsMade || out.children_.empty();
  } else {
    out.member_ = true;
  }
  return out;
}

void prune(FieldSet& set) {
  std::erase_if(set.children_, [](const auto& entry) { return entry.second.empty(); });
}

// Null: `changes` are none.
void compare(const FieldPlace& place, const json::value& before, const json::value& after,
             FieldSet& changed, FieldSet& removed) {
  if (before == after) return;
  const Merging merging = merging_of(place, after);
  if (merging != merging_of(place, before) || merging == Merging::kAtomic) {
    changed.unite(collect(place, after, Containers::kAsMade));
    return;
  }
  const auto step = [&](const std::string& name, const FieldPlace& child, const json::value* old,
                        const json::value* now) {
    if (old != nullptr && now != nullptr) {
      FieldSet child_changed, child_removed;
      compare(child, *old, *now, child_changed, child_removed);
      if (!child_changed.empty()) changed.children_[name].unite(child_changed);
      if (!child_removed.empty()) removed.children_[name].unite(child_removed);
    } else if (now != nullptr || old != nullptr) {
      FieldSet all = collect(child, now != nullptr ? *now : *old, Containers::kAsMade);
      if (merging == Merging::kKeyed || merging == Merging::kSetOfValues) all.member_ = true;
      (now != nullptr ? changed : removed).children_[name].unite(all);
    }
  };
  if (after.is_object()) {
    for (const auto& [key, value] : after.get_object()) {
      step("f:" + std::string(key), member_place(place, key), before.get_object().if_contains(key),
           &value);
    }
    for (const auto& [key, value] : before.get_object()) {
      if (!after.get_object().contains(key))
        step("f:" + std::string(key), member_place(place, key), &value, nullptr);
    }
    return;
  }
  for (const json::value& element : after.get_array()) {
    const std::string name = name_of(place, merging, element);
    step(name, element_place(place), find_element(place, merging, before.get_array(), name),
         &element);
  }
  for (const json::value& element : before.get_array()) {
    const std::string name = name_of(place, merging, element);
    if (find_element(place, merging, after.get_array(), name) == nullptr)
      step(name, element_place(place), &element, nullptr);
  }
}

json::value merge(const FieldPlace& place, json::value live, const json::value& config) {
  const Merging merging = merging_of(place, config);
  if (merging == Merging::kAtomic || live.kind() != config.kind()) return config;
  if (config.is_object()) {
    json::object& target = live.get_object();
    for (const auto& [key, value] : config.get_object()) {
      json::value* present = target.if_contains(key);
      json::value merged =
          present != nullptr ? merge(member_place(place, key), std::move(*present), value) : value;
      target.insert_or_assign(key, std::move(merged));
    }
    return live;
  }
  json::array& target = live.get_array();
  for (const json::value& element : config.get_array()) {
    const std::string name = name_of(place, merging, element);
    auto* present = const_cast<json::value*>(find_element(place, merging, target, name));
    if (present == nullptr) {
      target.push_back(element);
    } else if (merging == Merging::kKeyed) {
      *present = merge(element_place(place), std::move(*present), element);
    }
  }
  return live;
}

bool is_empty_container(const json::value& value) {
  return (value.is_object() && value.get_object().empty()) ||
         (value.is_array() && value.get_array().empty());
}

void take_out(const FieldPlace& place, json::value& value, const FieldSet& fields) {
  const Merging merging = merging_of(place, value);
  for (const auto& [name, child] : fields.children_) {
    if (name.starts_with("f:") && value.is_object()) {
      const std::string key = name.substr(2);
      json::value* member = value.get_object().if_contains(key);
      if (member == nullptr) continue;
      if (!child.children_.empty()) take_out(member_place(place, key), *member, child);
      const bool leaf = child.children_.empty() && child.member_;
      if (leaf || (child.member_ && is_empty_container(*member))) value.get_object().erase(key);
    } else if (value.is_array() &&
               (merging == Merging::kKeyed || merging == Merging::kSetOfValues)) {
      json::array& list = value.get_array();
      for (auto it = list.begin(); it != list.end(); ++it) {
        if (name_of(place, merging, *it) != name) continue;
        if (child.member_) {
          list.erase(it);
        } else {
          take_out(element_place(place), *it, child);
        }
        break;
      }
    }
  }
}

// By name, by key, by value and by index.
bool is_step(std::string_view name) {
  return name.size() >= 2 && std::string_view("fkvi").find(name[0]) != std::string_view::npos &&
         name[1] == ':';
}

Result<FieldSet> read_set(const json::value& value) {
  FieldSet out;
  if (!value.is_object() || value.get_object().empty()) {
    out.member_ = true;
    return out;
  }
  for (const auto& [key, child] : value.get_object()) {
    if (key == ".") {
      out.member_ = true;
    } else if (is_step(key)) {
      ASSIGN_OR_RETURN(FieldSet below, read_set(child));
      out.children_.emplace(std::string(key), std::move(below));
    } else {
      return fail(Reason::kInvalid, fmt::format("fieldsV1 names no field by '{}'", std::string_view(key)));
    }
  }
  return out;
}

json::object write_set(const FieldSet& set) {
  json::object out;
  if (set.member_ && !set.children_.empty()) out["."] = json::object();
  for (const auto& [name, child] : set.children_) out[name] = write_set(child);
  return out;
}

std::string path_step(const std::string& name) {
  if (name.starts_with("f:")) return "." + name.substr(2);
  if (name.starts_with("v:")) return "[=" + name.substr(2) + "]";
  std::string keys;
  if (const auto parsed = parse_json(std::string_view(name).substr(2));
      parsed && parsed->is_object()) {
    for (const auto& [key, value] : parsed->get_object()) {
      keys += fmt::format("{}{}={}", keys.empty() ? "" : ",", std::string_view(key),
                          json::serialize(value));
    }
  }
  return "[" + keys + "]";
}

void list_paths(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  if (set.member_ && !prefix.empty()) out.push_back(prefix);
  for (const auto& [name, child] : set.children_) list_paths(child, prefix + path_step(name), out);
}

FieldPlace root_place(const Typing& typing) { return {typing.type, 0, {}, typing.schema}; }

// Fields that are the server's or the request's, never a manager's.
const FieldSet& unowned() {
  static const FieldSet set = [] {
    FieldSet out;
    out.children_["f:apiVersion"].member_ = true;
    out.children_["f:kind"].member_ = true;
    FieldSet& metadata = out.children_["f:metadata"];
    metadata.member_ = true;
    for (const char* name :
         {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
          "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"}) {
      metadata.children_["f:" + std::string(name)].member_ = true;
    }
    return out;
  }();
  return set;
}

void drop_unowned(FieldSet& set) {
  set.children_.erase("f:apiVersion");
  set.children_.erase("f:kind");
  const auto metadata = set.children_.find("f:metadata");
  if (metadata == set.children_.end()) return;
  for (const auto& [name, child] : unowned().children_.at("f:metadata").children_)
    metadata->second.children_.erase(name);
  if (metadata->second.children_.empty()) set.children_.erase(metadata);
}

}  // namespace

Result<FieldSet> FieldSet::parse(std::string_view fields_v1) {
  ASSIGN_OR_RETURN(const json::value value, parse_json(fields_v1));
  if (!value.is_object()) return fail(Reason::kInvalid, "fieldsV1 is not an object");
  ASSIGN_OR_RETURN(FieldSet out, read_set(value));
  if (out.children_.empty()) out.member_ = false;
  return out;
}

std::string FieldSet::to_fields_v1() const { return json::serialize(write_set(*this)); }

void FieldSet::unite(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [name, child] : other.children_) children_[name].unite(child);
}

void FieldSet::subtract(const FieldSet& other) {
  if (other.member_) member_ = false;
  for (const auto& [name, child] : other.children_) {
    if (const auto mine = children_.find(name); mine != children_.end())
      mine->second.subtract(child);
  }
  prune(*this);
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && other.member_;
  for (const auto& [name, child] : children_) {
    const auto theirs = other.children_.find(name);
    if (theirs != other.children_.end())
      out.children_.emplace(name, child.intersected(theirs->second));
  }
  prune(out);
  return out;
}

std::vector<std::string> FieldSet::paths() const {
  std::vector<std::string> out;
  list_paths(*this, "", out);
  return out;
}

Typing::Typing(const Kind& kind)
    : type(&kind.type()), schema(kind.custom ? kind.custom->schema.get() : nullptr) {}

FieldSet fields_of(const Typing& typing, const json::value& object) {
  FieldSet out = collect(root_place(typing), object, Containers::kAsNamed);
  if (!out.children_.empty()) out.member_ = false;
  drop_unowned(out);
  return out;
}

FieldChanges compare_fields(const Typing& typing, const json::value& before,
                            const json::value& after) {
  FieldChanges out;
  compare(root_place(typing), before, after, out.changed, out.removed);
  drop_unowned(out.changed);
  drop_unowned(out.removed);
  return out;
}

json::value merge_config(const Typing& typing, json::value live, const json::value& config) {
  return merge(root_place(typing), std::move(live), config);
}

void remove_fields(const Typing& typing, json::value& object, const FieldSet& fields) {
  take_out(root_place(typing), object, fields);
}

}  // namespace minato::kube
