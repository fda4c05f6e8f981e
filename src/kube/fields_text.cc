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

enum class Dot { kNo, kYes };  // Whether the container is a field beside its members.
// What the value is in: something an object of zeros has too, or something that came with it.
enum class Within { kZero, kNew };

// A member of a struct that is there.
struct Member {
  std::string_view name;
  const FieldInfo* field = nullptr;  // Null: nobody knows it, and `text` is what it has.
  const void* value = nullptr;
  std::string text = {};
};
using Members = std::vector<Member>;

void append_value(std::string& out, const TypeInfo& type, const void* value, unsigned options,
                  std::string_view keys, Within within);

// One container: "{", its members one after the other, "}". Without any it is "{}".
class Braces {
 public:
  Braces(std::string& out, Dot dot) : out_(out), begin_(out.size()) {
    out_ += dot == Dot::kYes ? "{\".\":{}" : "{";
  }
  // The name of the next member: "f:" and the like, and what is escaped after it.
  void name(std::string_view prefix, std::string_view text) {
    before_ = out_.size();
    ++members_;
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += prefix;
    append_json_characters(out_, text);
    out_ += "\":";
  }
  // Takes the member that was begun last away again, when it has come to nothing.
  void drop_if_nothing() {
    if (!out_.ends_with(":{}")) return;
    out_.resize(before_);
    --members_;
  }
  void end() {
    if (members_ == 0) out_.resize(begin_ + 1);
    out_ += '}';
  }

 private:
  std::string& out_;
  const std::size_t begin_;
  std::size_t before_ = 0;
  std::size_t members_ = 0;
};

void add_unknown(const UnknownFields& unknown, Members& out) {
  if (!unknown || unknown->empty()) return;
  const FieldChanges all =
      compare_fields(Typing(), boost::json::object(), boost::json::object{{"x", *unknown}});
  const auto& known = all.changed.children_.at("f:x").children_;
  for (const auto& [name, member] : *unknown) {
    const auto found = known.find("f:" + std::string(name));
    if (found != known.end()) out.push_back({name, nullptr, nullptr, found->second.to_fields_v1()});
  }
}

void add_members(const TypeInfo& type, const void* value, Members& out) {
  for (const FieldInfo& field : type.fields) {
    const void* member = member_of(field, value);
    if (field.options & kInline) {
      add_members(field.type(), member, out);
    } else if (is_written(field, field.type(), member)) {
      out.push_back({field.name, &field, member});
    }
  }
  add_unknown(type.unknown(const_cast<void*>(value)), out);
}

void append_members(std::string& out, Members& members, Dot dot, Within within) {
  std::ranges::stable_sort(members, {}, &Member::name);
  Braces braces(out, dot);
  for (const Member& member : members) {
    braces.name("f:", member.name);
    if (member.field == nullptr) {
      out += member.text;
      continue;
    }
    const FieldInfo& field = *member.field;
    const TypeInfo& type = field.type();
    append_value(out, type, member.value, field.options,
                 field.list_map_keys.empty() ? field.merge_key : field.list_map_keys, within);
    // A struct of zeros that is still one: nothing of it was set.
    if (within == Within::kZero && type.shape == Shape::kStruct && !type.is_atomic)
      braces.drop_if_nothing();
  }
  braces.end();
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

// "{"containerPort":80,"protocol":"TCP"}"
std::string key_of(const TypeInfo& type, const void* element, const std::vector<std::string>& keys) {
  std::string out = "{";
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

void append_list(std::string& out, const TypeInfo& type, const void* list, unsigned options,
                 std::string_view keys, Dot dot) {
  if ((options & kAtomic) || (keys.empty() && !(options & kSet))) {
    out += "{}";
    return;
  }
  std::vector<std::string> names;
  if (!keys.empty()) names = split(keys, ',');
  std::ranges::sort(names);
  const TypeInfo& element = type.element();
  std::vector<std::pair<std::string, const void*>> children;
  for (std::size_t i = 0; i < type.size(list); ++i) {
    const void* value = type.at(list, i);
    std::string name;
    if (names.empty()) {
      append_json(name, element, value);
    } else {
      name = key_of(element, value, names);
    }
    children.emplace_back(std::move(name), value);
  }
  std::ranges::stable_sort(children, {}, &std::pair<std::string, const void*>::first);
  Braces braces(out, dot);
  const std::string* last = nullptr;
  for (const auto& [name, value] : children) {
    if (last != nullptr && *last == name) continue;  // A list that names an element twice.
    last = &name;
    braces.name(names.empty() ? "v:" : "k:", name);
    if (names.empty()) {
      out += "{}";
    } else {
      append_value(out, element, value, 0, {}, Within::kNew);
    }
  }
  braces.end();
}

void append_map(std::string& out, const TypeInfo& type, const void* map, Dot dot) {
  struct Context {
    std::string& out;
    const TypeInfo& element;
    Braces braces;
  } context{out, type.element(), Braces(out, dot)};
  type.for_each(map, &context, [](void* raw, const std::string& key, const void* value) {
    auto& c = *static_cast<Context*>(raw);
    c.braces.name("f:", key);
    append_value(c.out, c.element, value, 0, {}, Within::kNew);
  });
  context.braces.end();
}

void append_value(std::string& out, const TypeInfo& type, const void* value, unsigned options,
                  std::string_view keys, Within within) {
  // Without omitempty an object of zeros has the member too: as null.
  const bool is_made = within == Within::kNew || !(options & kAlways);
  const Dot dot = is_made ? Dot::kYes : Dot::kNo;
  switch (type.shape) {
    case Shape::kOptional:
      if (const void* present = type.get(value))
        return append_value(out, type.element(), present, options, keys, Within::kNew);
      break;
    case Shape::kStruct: {
      if (type.is_atomic) break;
      Members members;
      add_members(type, value, members);
      return append_members(out, members, within == Within::kNew ? Dot::kYes : Dot::kNo, within);
    }
    case Shape::kMap:
      if (options & kAtomic) break;
      return append_map(out, type, value, dot);
    case Shape::kList: return append_list(out, type, value, options, keys, dot);
    default: break;
  }
  out += "{}";
}

// What of metadata is the server's or the request's, never a manager's.
constexpr std::array<std::string_view, 10> kUnowned = {
    "name",       "namespace", "uid",  "resourceVersion", "generation",
    "creationTimestamp", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds",
    "managedFields"};

void append_metadata(std::string& out, const ObjectMeta& metadata) {
  Members members;
  add_members(type_of<ObjectMeta>(), &metadata, members);
  std::erase_if(members, [](const Member& member) {
    return std::ranges::find(kUnowned, member.name) != kUnowned.end();
  });
  append_members(out, members, Dot::kNo, Within::kZero);
}

}  // namespace

std::string fields_v1_of(const Object& object) {
  std::string metadata;
  append_metadata(metadata, object.metadata);
  Members members;
  add_members(object.kind().type(), object.self(), members);
  std::erase_if(members, [](const Member& member) {
    return member.name == "status" || member.name == "metadata";
  });
  if (metadata != "{}") members.push_back({"metadata", nullptr, nullptr, std::move(metadata)});
  std::string out;
  out.reserve(2048);
  append_members(out, members, Dot::kNo, Within::kZero);
  return out;
}

}  // namespace minato::kube
