#include "kube/json.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kube/base64.h"
#include "kube/written.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxTextBytes = 8 << 20;
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kUsualTextBytes = 4 << 10;  // Of an object, with who manages it.

template <class T>
const T& at(const void* value) {
  return *static_cast<const T*>(value);
}

void append_double(std::string& out, double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

void append_time(std::string& out, WallTime time, TimePrecision precision) {
  if (!is_set(time)) {
    out += "null";
  } else {
    append_json_string(out, format_rfc3339(time, precision));
  }
}

void append_member_name(std::string& out, std::string_view name, bool& first) {
  if (!first) out += ',';
  first = false;
  append_json_string(out, name);
  out += ':';
}

// Of a field: nothing in it is to be escaped.
void append_field_name(std::string& out, std::string_view name, bool& first) {
  out += first ? "\"" : ",\"";
  first = false;
  out += name;
  out += "\":";
}

template <class T>
void append_int(std::string& out, T number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

// Whether one of eight characters is a control character, '"' or '\\'; the usual tricks with
// borrows, which may find one too many.
bool may_need_escape(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  const std::uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
  const std::uint64_t found = ((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) |
                              ((backslash - kOnes) & ~backslash);
  return (found & kHighs) != 0;
}

void append_members(std::string& out, const TypeInfo& type, const void* value, bool& first) {
  for (const FieldInfo& field : type.fields) {
    const TypeInfo& field_type = field.type();
    const void* member = member_of(field, value);
    if (field.options & kInline) {
      append_members(out, field_type, member, first);
    } else if (is_written(field, field_type, member)) {
      append_field_name(out, field.name, first);
      append_json(out, field_type, member);
    }
  }
  const UnknownFields& unknown = type.unknown(const_cast<void*>(value));
  if (!unknown) return;
  for (const auto& [name, member] : *unknown) {
    append_member_name(out, std::string_view(name.data(), name.size()), first);
    out += json::serialize(member);
  }
}

void append_map(std::string& out, const TypeInfo& type, const void* value) {
  struct Context {
    std::string& out;
    const TypeInfo& element;
    bool first = true;
  } context{out, type.element()};
  out += '{';
  type.for_each(value, &context, [](void* raw, const std::string& key, const void* element) {
    auto& c = *static_cast<Context*>(raw);
    append_member_name(c.out, key, c.first);
    append_json(c.out, c.element, element);
  });
  out += '}';
}

void append_list(std::string& out, const TypeInfo& type, const void* value) {
  out += '[';
  const std::size_t size = type.size(value);
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    append_json(out, type.element(), type.at(value, i));
  }
  out += ']';
}

}  // namespace

bool is_written(const FieldInfo& field, const TypeInfo& type, const void* value) {
  if (type.shape == Shape::kStruct) return true;
  if (type.shape == Shape::kTime || type.shape == Shape::kMicroTime ||
      type.shape == Shape::kRawJson) {
    return !is_empty(type, value);
  }
  if (type.shape == Shape::kOptional) return type.get(value) != nullptr;
  if (type.shape == Shape::kList || type.shape == Shape::kMap) return type.size(value) > 0;
  return (field.options & kAlways) != 0 || !is_empty(type, value);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_characters(out, text);
  out += '"';
}

void append_json_characters(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::size_t copied = 0;  // Plain stretches are copied whole: most texts have nothing to escape.
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (i + 8 <= text.size() && !may_need_escape(text.data() + i)) i += 8;
    if (i == text.size()) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    copied = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 0xF];
    }
  }
  out.append(text, copied);
}

void append_json(std::string& out, const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kString: append_json_string(out, at<std::string>(value)); return;
    case Shape::kBool: out += at<bool>(value) ? "true" : "false"; return;
    case Shape::kInt32: append_int(out, at<std::int32_t>(value)); return;
    case Shape::kInt64: append_int(out, at<std::int64_t>(value)); return;
    case Shape::kDouble: append_double(out, at<double>(value)); return;
    case Shape::kBytes: append_json_string(out, base64_encode(at<Bytes>(value).data)); return;
    case Shape::kTime: append_time(out, at<Time>(value), TimePrecision::kSeconds); return;
    case Shape::kMicroTime: append_time(out, at<MicroTime>(value), TimePrecision::kMicroseconds); return;
    case Shape::kQuantity: append_json_string(out, at<Quantity>(value).to_string()); return;
    case Shape::kIntOrString: {
      const auto& either = at<IntOrString>(value);
      if (either.is_int()) {
        append_int(out, either.number());
      } else {
        append_json_string(out, either.text());
      }
      return;
    }
    case Shape::kRawJson: {
      const std::string& text = at<RawJson>(value).text;
      out += text.empty() ? "null" : text;
      return;
    }
    case Shape::kStruct: {
      bool first = true;
      out += '{';
      append_members(out, type, value, first);
      out += '}';
      return;
    }
    case Shape::kOptional: {
      const void* present = type.get(value);
      if (present == nullptr) {
        out += "null";
      } else {
        append_json(out, type.element(), present);
      }
      return;
    }
    case Shape::kList: append_list(out, type, value); return;
    case Shape::kMap: append_map(out, type, value); return;
  }
}

namespace {

// "…05.123456Z": upstream takes no other.
bool has_micros(std::string_view time) {
  const std::size_t point = time.find('.');
  if (point == std::string_view::npos) return false;
  const std::string_view fraction = time.substr(point + 1);
  return std::min(fraction.find_first_not_of("0123456789"), fraction.size()) == 6;
}

std::unexpected<Error> bad(const std::string& path, std::string_view expected) {
  Error error{Reason::kInvalid,
              fmt::format("{}: expected {}", path.empty() ? "object" : path, expected)};
  error.causes.push_back({path, error.message});
  return std::unexpected(std::move(error));
}

// Where in the object a value is; written out only when something is wrong there.
struct Place {
  enum class Step { kRoot, kMember, kElement, kKey };
  const Place* parent = nullptr;
  Step step = Step::kRoot;
  std::string_view name;  // Of the root: the path that it has itself.
  std::size_t index = 0;

  operator std::string() const {
    const std::string before = parent == nullptr ? "" : std::string(*parent);
    switch (step) {
      case Step::kRoot: return std::string(name);
      case Step::kMember: return before.empty() ? std::string(name) : fmt::format("{}.{}", before, name);
      case Step::kElement: return fmt::format("{}[{}]", before, index);
      case Step::kKey: return fmt::format("{}[{}]", before, name);
    }
    return before;
  }
};

Result<std::int64_t> read_int(const json::value& value, std::int64_t low, std::int64_t high,
                              const Place& path) {
  std::int64_t number = 0;
  if (value.is_int64()) {
    number = value.get_int64();
  } else if (value.is_uint64() && value.get_uint64() <= INT64_MAX) {
    number = static_cast<std::int64_t>(value.get_uint64());
  } else if (value.is_double() && std::trunc(value.get_double()) == value.get_double() &&
             std::fabs(value.get_double()) < 9.0e15) {
    number = static_cast<std::int64_t>(value.get_double());
  } else {
    return bad(path, "a whole number");
  }
  if (number < low || number > high) return bad(path, fmt::format("{} to {}", low, high));
  return number;
}

Result<std::string> read_text(const json::value& value, const Place& path) {
  if (!value.is_string()) return bad(path, "text");
  return std::string(value.get_string());
}

template <class T, class Parsed>
Status store(void* target, Result<Parsed> parsed, const Place& path) {
  if (!parsed) {
    const std::string where = path;
    return where.empty() ? Status(std::unexpected(parsed.error())) : Status(wrap(where, parsed.error()));
  }
  *static_cast<T*>(target) = T(std::move(parsed).value());
  return {};
}

Status read_quantity(const json::value& value, void* target, const Place& path) {
  // Upstream accepts bare numbers too.
  const std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  if (!value.is_string() && !value.is_number()) return bad(path, "a quantity");
  return store<Quantity>(target, Quantity::parse(text), path);
}

Status read_int_or_string(const json::value& value, void* target, const Place& path) {
  if (value.is_string()) {
    *static_cast<IntOrString*>(target) = IntOrString(std::string(value.get_string()));
    return {};
  }
  ASSIGN_OR_RETURN(const std::int64_t number, read_int(value, INT32_MIN, INT32_MAX, path));
  *static_cast<IntOrString*>(target) = IntOrString(static_cast<std::int32_t>(number));
  return {};
}

Status read_scalar(const TypeInfo& type, const json::value& value, void* target,
                   const Place& path) {
  switch (type.shape) {
    case Shape::kString: {
      ASSIGN_OR_RETURN(*static_cast<std::string*>(target), read_text(value, path));
      return {};
    }
    case Shape::kBool:
      if (!value.is_bool()) return bad(path, "true or false");
      *static_cast<bool*>(target) = value.get_bool();
      return {};
    case Shape::kInt32: {
      ASSIGN_OR_RETURN(const std::int64_t number, read_int(value, INT32_MIN, INT32_MAX, path));
      *static_cast<std::int32_t*>(target) = static_cast<std::int32_t>(number);
      return {};
    }
    case Shape::kInt64: {
      ASSIGN_OR_RETURN(*static_cast<std::int64_t*>(target),
                       read_int(value, INT64_MIN, INT64_MAX, path));
      return {};
    }
    case Shape::kDouble:
      if (!value.is_number()) return bad(path, "a number");
      *static_cast<double*>(target) = value.to_number<double>();
      return {};
    case Shape::kBytes: {
      ASSIGN_OR_RETURN(const std::string text, read_text(value, path));
      auto decoded = base64_decode(text);
      if (!decoded) return bad(path, "base64 data");
      static_cast<Bytes*>(target)->data = std::move(decoded).value();
      return {};
    }
    case Shape::kTime:
    case Shape::kMicroTime: {
      ASSIGN_OR_RETURN(const std::string text, read_text(value, path));
      if (type.shape == Shape::kTime) return store<Time>(target, parse_rfc3339(text), path);
      if (!has_micros(text)) return bad(path, "a time with microseconds (2006-01-02T15:04:05.000000Z)");
      return store<MicroTime>(target, parse_rfc3339(text), path);
    }
    case Shape::kQuantity: return read_quantity(value, target, path);
    case Shape::kIntOrString: return read_int_or_string(value, target, path);
    case Shape::kRawJson: static_cast<RawJson*>(target)->text = json::serialize(value); return {};
    default: CHECK(false, "not a scalar"); return {};
  }
}

// Index of the field that takes `name`, looking into inlined structs; false when there is none.
Status read_value(const TypeInfo& type, const json::value& value, void* target, const Place& path);

Result<bool> read_member(const TypeInfo& type, std::string_view name, const json::value& value,
                         void* target, const Place& path) {
  for (const FieldInfo& field : type.fields) {
    if (field.options & kInline) {
      ASSIGN_OR_RETURN(const bool taken,
                       read_member(field.type(), name, value, field.member(target), path));
      if (taken) return true;
    } else if (field.name == name) {
      RETURN_IF_ERROR(read_value(field.type(), value, field.member(target), {&path, Place::Step::kMember, name}));
      return true;
    }
  }
  return false;
}

Status read_struct(const TypeInfo& type, const json::object& object, void* target,
                   const Place& path) {
  std::shared_ptr<json::object> unknown;
  for (const auto& [key, value] : object) {
    const std::string_view name(key.data(), key.size());
    ASSIGN_OR_RETURN(const bool known, read_member(type, name, value, target, path));
    if (known) continue;
    if (!unknown) unknown = std::make_shared<json::object>();
    unknown->insert_or_assign(key, value);
  }
  type.unknown(target) = std::move(unknown);
  return {};
}

Status read_value(const TypeInfo& type, const json::value& value, void* target, const Place& path) {
  if (value.is_null()) {
    type.clear(target);
    return {};
  }
  switch (type.shape) {
    case Shape::kStruct:
      if (!value.is_object()) return bad(path, "an object");
      return read_struct(type, value.get_object(), target, path);
    case Shape::kOptional:
      return read_value(type.element(), value, type.emplace(target), path);
    case Shape::kList: {
      if (!value.is_array()) return bad(path, "a list");
      type.clear(target);
      std::size_t index = 0;
      for (const json::value& element : value.get_array()) {
        RETURN_IF_ERROR(read_value(type.element(), element, type.append(target),
                                   {&path, Place::Step::kElement, {}, index++}));
      }
      return {};
    }
    case Shape::kMap: {
      if (!value.is_object()) return bad(path, "an object");
      type.clear(target);
      for (const auto& [key, element] : value.get_object()) {
        RETURN_IF_ERROR(read_value(type.element(), element, type.insert(target, key),
                                   {&path, Place::Step::kKey, std::string_view(key)}));
      }
      return {};
    }
    default: return read_scalar(type, value, target, path);
  }
}

}  // namespace

Status from_json(const TypeInfo& type, const json::value& value, void* target,
                 const std::string& path) {
  return read_value(type, value, target, {.name = path});
}

Result<json::value> parse_json(std::string_view text, json::storage_ptr storage) {
  if (text.size() > kMaxTextBytes) {
    return fail(Reason::kInvalid, fmt::format("JSON text is larger than {} bytes", kMaxTextBytes));
  }
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, std::move(storage), options);
  if (error) return fail(Reason::kInvalid, "not valid JSON: " + error.message());
  return value;
}

namespace {

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

std::string to_json(const Object& object) {
  std::string out;
  out.reserve(kUsualTextBytes);
  out += "{\"apiVersion\":";
  append_json_string(out, object.kind().api_version());
  out += ",\"kind\":";
  append_json_string(out, object.kind().kind);
  bool first = false;
  append_members(out, object.kind().type(), object.self(), first);
  out += '}';
  return out;
}

json::value to_json_value(const Object& object) {
  auto value = parse_json(to_json(object));
  CHECK(value, "own JSON must parse");
  return std::move(value).value();
}

Result<std::unique_ptr<Object>> object_from_json(const json::value& value) {
  if (!value.is_object()) return bad("", "an object");
  const json::object& object = value.get_object();
  const std::string_view api_version = text_member(object, "apiVersion");
  const std::string_view kind_name = text_member(object, "kind");
  const Kind* kind = find_kind(api_version, kind_name);
  if (kind == nullptr) {
    return fail(Reason::kNotFound, fmt::format("no matches for kind \"{}\" in version \"{}\"",
                                               kind_name, api_version));
  }
  return object_of_kind(*kind, value);
}

Result<std::unique_ptr<Object>> object_of_kind(const Kind& kind, const json::value& value) {
  if (!value.is_object()) return bad("", "an object");
  json::object body = value.get_object();
  body.erase("apiVersion");
  body.erase("kind");
  std::unique_ptr<Object> out = kind.make();
  RETURN_IF_ERROR(read_struct(kind.type(), body, out->self(), {}));
  return out;
}

Result<std::unique_ptr<Object>> object_from_json(std::string_view text) {
  ASSIGN_OR_RETURN(const json::value value, parse_json(text));
  return object_from_json(value);
}

}  // namespace minato::kube
