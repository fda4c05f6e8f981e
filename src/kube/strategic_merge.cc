#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "kube/patch.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeysDirective = "$retainKeys";
constexpr std::string_view kDeletePrimitives = "$deleteFromPrimitiveList/";
constexpr std::string_view kElementOrder = "$setElementOrder/";

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }
json::string_view text(std::string_view text) { return {text.data(), text.size()}; }

std::unexpected<Error> malformed(std::string message) {
  return fail(Reason::kBadRequest, "malformed strategic merge patch: " + std::move(message));
}

// What the tables say about one JSON member. Unknown members merge as in RFC 7386.
struct Member {
  const TypeInfo* type = nullptr;  // Optional unwrapped; null: unknown.
  unsigned options = 0;
  std::string_view merge_key;
};

const TypeInfo* unwrap(const TypeInfo& type) {
  return type.shape == Shape::kOptional ? &type.element() : &type;
}

std::optional<Member> find_member(const TypeInfo& type, std::string_view name) {
  for (const FieldInfo& field : type.fields) {
    if (field.options & kInline) {
      if (auto found = find_member(field.type(), name)) return found;
    } else if (field.name == name) {
      return Member{unwrap(field.type()), field.options, field.merge_key};
    }
  }
  return std::nullopt;
}

Member member_of_type(const TypeInfo* type, std::string_view name) {
  if (type == nullptr) return {};
  if (type->shape == Shape::kMap) return {unwrap(type->element()), 0, {}};
  if (type->shape != Shape::kStruct) return {};
  return find_member(*type, name).value_or(Member{});
}

std::string_view directive_of(const json::value& value) {
  if (!value.is_object()) return {};
  const json::value* directive = value.get_object().if_contains(text(kDirective));
  return directive != nullptr && directive->is_string() ? view(directive->get_string())
                                                        : std::string_view{};
}

bool contains(const json::array& list, const json::value& value) {
  return std::ranges::find(list, value) != list.end();
}

// Same element: the same merge key, or for primitives the same value. Null: not comparable.
const json::value* identity(const json::value& element, std::string_view merge_key) {
  if (merge_key.empty()) return &element;
  return element.is_object() ? element.get_object().if_contains(text(merge_key)) : nullptr;
}

std::size_t find_element(const json::array& list, const json::value& id,
                         std::string_view merge_key) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json::value* other = identity(list[i], merge_key);
    if (other != nullptr && *other == id) return i;
  }
  return list.size();
}

// The patch names the order of the elements that its writer knows. Elements that only the server
// has stay before the known element that they were before.
json::array in_order(const json::array& list, const json::array& before, const json::array& order,
                     std::string_view merge_key) {
  struct Ranked {
    std::size_t element, original;
  };
  std::vector<Ranked> known, others;
  const auto rank = [&](std::size_t i) {
    const json::value* id = identity(list[i], merge_key);
    return Ranked{i, id == nullptr ? before.size() : find_element(before, *id, merge_key)};
  };
  std::vector<bool> placed(list.size(), false);
  for (const json::value& entry : order) {
    const json::value* id = identity(entry, merge_key);
    const std::size_t at = id == nullptr ? list.size() : find_element(list, *id, merge_key);
    if (at == list.size() || placed[at]) continue;
    placed[at] = true;
    known.push_back(rank(at));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!placed[i]) others.push_back(rank(i));
  }
  json::array out;
  std::size_t k = 0, o = 0;
  while (k < known.size() || o < others.size()) {
    const bool take_other = k == known.size() || (o < others.size() &&
                                                  known[k].original < before.size() &&
                                                  others[o].original < known[k].original);
    out.push_back(list[take_other ? others[o++].element : known[k++].element]);
  }
  return out;
}

Result<json::value> merge_value(const json::value* current, const json::value& patch,
                                const Member& member);

Result<json::object> merge_object(json::object target, const json::object& patch,
                                  const TypeInfo* type);

Status merge_element(json::array& target, const json::value& element, const Member& member) {
  const json::value* id = identity(element, member.merge_key);
  if (id == nullptr) {
    return malformed(fmt::format("an element of a list lacks its merge key \"{}\"",
                                 member.merge_key));
  }
  const std::size_t at = find_element(target, *id, member.merge_key);
  const std::string_view directive = directive_of(element);
  if (directive == "delete") {
    std::size_t found = at;
    while (found < target.size()) {
      target.erase(target.begin() + static_cast<std::ptrdiff_t>(found));
      found = find_element(target, *id, member.merge_key);
    }
    return {};
  }
  const json::object before = at < target.size() ? target[at].get_object() : json::object();
  ASSIGN_OR_RETURN(json::object merged,
                   merge_object(before, element.get_object(), unwrap(member.type->element())));
  if (at < target.size()) {
    target[at] = std::move(merged);
  } else {
    target.push_back(std::move(merged));
  }
  return {};
}

Result<json::array> merge_list(json::array target, const json::array& patch, const Member& member) {
  if (!(member.options & kMerge) || member.type == nullptr || member.type->shape != Shape::kList) {
    return patch;
  }
  if (member.merge_key.empty()) {  // A set of primitives.
    for (const json::value& value : patch) {
      if (!contains(target, value)) target.push_back(value);
    }
    return target;
  }
  // One such element speaks for the whole list.
  const bool replaces = std::ranges::any_of(
      patch, [](const json::value& element) { return directive_of(element) == "replace"; });
  if (replaces) target.clear();
  for (const json::value& element : patch) {
    if (directive_of(element) == "replace") {
      if (element.get_object().size() == 1) continue;
      json::object plain = element.get_object();
      plain.erase(text(kDirective));
      target.push_back(std::move(plain));
      continue;
    }
    RETURN_IF_ERROR(merge_element(target, element, member));
  }
  return target;
}

Result<json::value> merge_value(const json::value* current, const json::value& patch,
                                const Member& member) {
  if (patch.is_object() && !(member.options & kReplace)) {
    json::object before =
        current != nullptr && current->is_object() ? current->get_object() : json::object();
    ASSIGN_OR_RETURN(json::object merged,
                     merge_object(std::move(before), patch.get_object(), member.type));
    return merged;
  }
  if (patch.is_array()) {
    json::array before =
        current != nullptr && current->is_array() ? current->get_array() : json::array();
    ASSIGN_OR_RETURN(json::array merged,
                     merge_list(std::move(before), patch.get_array(), member));
    return merged;
  }
  return patch;
}

Status retain_keys(json::object& target, const json::object& patch) {
  const json::value* directive = patch.if_contains(text(kRetainKeysDirective));
  if (directive == nullptr) return {};
  if (!directive->is_array()) return malformed("$retainKeys is a list of names");
  std::vector<std::string> gone;
  for (const auto& [key, value] : target) {
    if (!contains(directive->get_array(), json::value(key))) gone.emplace_back(view(key));
  }
  for (const std::string& key : gone) target.erase(key);
  return {};
}

Status delete_primitives(json::object& target, std::string_view name, const json::value& values) {
  if (!values.is_array()) return malformed("$deleteFromPrimitiveList is a list of values");
  json::value* list = target.if_contains(text(name));
  if (list == nullptr || !list->is_array()) return {};
  json::array kept;
  for (const json::value& value : list->get_array()) {
    if (!contains(values.get_array(), value)) kept.push_back(value);
  }
  *list = std::move(kept);
  return {};
}

Status set_orders(json::object& target, const json::object& before, const json::object& patch,
                  const TypeInfo* type) {
  for (const auto& [key, order] : patch) {
    if (!view(key).starts_with(kElementOrder)) continue;
    if (!order.is_array()) return malformed("$setElementOrder is a list");
    const std::string_view name = view(key).substr(kElementOrder.size());
    json::value* list = target.if_contains(text(name));
    if (list == nullptr || !list->is_array()) continue;
    const json::value* old = before.if_contains(text(name));
    *list = in_order(list->get_array(),
                     old != nullptr && old->is_array() ? old->get_array() : json::array(),
                     order.get_array(), member_of_type(type, name).merge_key);
  }
  return {};
}

Result<json::object> merge_object(json::object target, const json::object& patch,
                                  const TypeInfo* type) {
  if (const json::value* directive = patch.if_contains(text(kDirective))) {
    if (*directive == "replace" || *directive == "delete") target.clear();
    if (*directive == "delete") return target;
    if (*directive != "replace" && *directive != "merge") {
      return malformed("$patch is one of replace, merge, delete");
    }
  }
  const json::object before = target;
  RETURN_IF_ERROR(retain_keys(target, patch));
  for (const auto& [key, value] : patch) {
    const std::string_view name = view(key);
    if (name.starts_with(kDeletePrimitives)) {
      RETURN_IF_ERROR(delete_primitives(target, name.substr(kDeletePrimitives.size()), value));
    } else if (name == kDirective || name == kRetainKeysDirective ||
               name.starts_with(kElementOrder)) {
      continue;
    } else if (value.is_null()) {
      target.erase(key);
    } else {
      ASSIGN_OR_RETURN(json::value merged, merge_value(target.if_contains(key), value,
                                                       member_of_type(type, name)));
      target.insert_or_assign(key, std::move(merged));
    }
  }
  RETURN_IF_ERROR(set_orders(target, before, patch, type));
  return target;
}

}  // namespace

Result<json::value> apply_strategic_merge_patch(json::value document, const json::value& patch,
                                                const TypeInfo& type) {
  if (!patch.is_object() || !document.is_object()) return malformed("it is not an object");
  ASSIGN_OR_RETURN(json::object merged,
                   merge_object(std::move(document.get_object()), patch.get_object(), &type));
  return merged;
}

}  // namespace minato::kube
