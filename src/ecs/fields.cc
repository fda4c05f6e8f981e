#include "ecs/fields.h"

#include "base/strings.h"

namespace minato::ecs {
namespace json = boost::json;

bool says_nothing(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return true;
    case json::kind::bool_: return !value.get_bool();
    case json::kind::int64: return value.get_int64() == 0;
    case json::kind::uint64: return value.get_uint64() == 0;
    case json::kind::double_: return false;
    case json::kind::string: return value.get_string().empty();
    case json::kind::array: return value.get_array().empty();
    case json::kind::object:
      for (const auto& [key, inner] : value.get_object()) {
        if (!says_nothing(inner)) return false;
      }
      return true;
  }
  return false;
}

Fields::Fields(const json::value& value, std::string path, std::vector<Entry>& report)
    : object_(value.if_object()), path_(std::move(path)), report_(report) {}

const json::value* Fields::take(std::string_view name) {
  taken_.emplace(name);
  const json::value* found = object_ == nullptr ? nullptr : object_->if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Fields::text(std::string_view name) {
  const json::value* value = take(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::optional<std::int64_t> Fields::number(std::string_view name) {
  const json::value* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double()) return static_cast<std::int64_t>(value->get_double());
  if (!value->is_string()) return std::nullopt;
  const auto parsed = parse_int(std::string_view(value->get_string()));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

bool Fields::flag(std::string_view name) {
  const json::value* value = take(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::array& Fields::list(std::string_view name) {
  static const json::array kNone;
  const json::value* value = take(name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

const json::value& Fields::object(std::string_view name) {
  static const json::value kNone;
  const json::value* value = take(name);
  return value != nullptr ? *value : kNone;
}

void Fields::add(Fate fate, std::string_view name, std::string note) {
  taken_.emplace(name);
  std::string field = path_;
  if (!field.empty() && !name.empty()) field += '.';
  report_.push_back({fate, field + std::string(name), std::move(note)});
}

void Fields::kept(std::string_view name, std::string note) {
  add(Fate::kKept, name, std::move(note));
}
void Fields::changed(std::string_view name, std::string note) {
  add(Fate::kChanged, name, std::move(note));
}
void Fields::lost(std::string_view name, std::string note) {
  add(Fate::kLost, name, std::move(note));
}

void Fields::lose(std::string_view name, std::string why) {
  const json::value* value = take(name);
  if (value != nullptr && !says_nothing(*value)) lost(name, std::move(why));
}

void Fields::ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) taken_.emplace(name);
}

void Fields::finish() {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : *object_) {
    if (taken_.contains(std::string_view(key)) || says_nothing(value)) continue;
    add(Fate::kLost, std::string_view(key), "minato has no such setting");
  }
}

}  // namespace minato::ecs
