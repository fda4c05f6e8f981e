#include "kube/protobuf.h"

#include <fmt/format.h>

#include <bit>

namespace minato::kube {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);
constexpr int kMaxNesting = 64;

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::unexpected<Error> bad_message(std::string_view why) {
  return fail(Reason::kBadRequest, fmt::format("malformed protobuf: {}", why));
}

// One field as it stands on the wire.
struct Field {
  std::uint32_t number = 0;
  WireType type = kVarint;
  std::uint64_t number_value = 0;  // kVarint, kFixed64, kFixed32
  std::string_view bytes;          // kBytes
};

class Reader {
 public:
  explicit Reader(std::string_view input) : rest_(input) {}
  bool at_end() const { return rest_.empty(); }

  Result<Field> next() {
    ASSIGN_OR_RETURN(const std::uint64_t tag, varint());
    Field field{static_cast<std::uint32_t>(tag >> 3), static_cast<WireType>(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF) return bad_message("a field number out of range");
    switch (field.type) {
      case kVarint: {
        ASSIGN_OR_RETURN(field.number_value, varint());
        return field;
      }
      case kFixed64: return fixed(field, 8);
      case kFixed32: return fixed(field, 4);
      case kBytes: {
        ASSIGN_OR_RETURN(const std::uint64_t size, varint());
        if (size > rest_.size()) return bad_message("a length beyond the end");
        field.bytes = take(static_cast<std::size_t>(size));
        return field;
      }
    }
    return bad_message("an unknown wire type");
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return bad_message("it ends within a number");
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return bad_message("a number that is too long");
  }
  Result<Field> fixed(Field field, std::size_t size) {
    if (rest_.size() < size) return bad_message("it ends within a number");
    const std::string_view bytes = take(size);
    for (std::size_t i = 0; i < size; ++i) {
      field.number_value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i]))
                            << (8 * i);
    }
    return field;
  }
  std::string_view rest_;
};

Status read(const TypeInfo& type, const Field& field, void* target, int depth);

// The two fields of the small messages that stand for scalars.
template <class OnField>
Status for_each_field(std::string_view message, OnField on_field) {
  Reader reader(message);
  while (!reader.at_end()) {
    ASSIGN_OR_RETURN(const Field field, reader.next());
    RETURN_IF_ERROR(on_field(field));
  }
  return {};
}

Status read_time(std::string_view message, WallTime& out) {
  std::int64_t seconds = 0, nanos = 0;
  RETURN_IF_ERROR(for_each_field(message, [&](const Field& field) -> Status {
    if (field.number == 1) seconds = static_cast<std::int64_t>(field.number_value);
    if (field.number == 2) nanos = static_cast<std::int64_t>(field.number_value);
    return {};
  }));
  constexpr std::int64_t kMaxSeconds = INT64_MAX / 1'000'000'000 - 1;
  // Go's zero time is far before the epoch and means "not set".
  if (seconds <= 0 || seconds > kMaxSeconds || nanos < 0 || nanos > 999'999'999) {
    out = WallTime{};
  } else {
    out = WallTime{std::chrono::seconds(seconds) + Duration{nanos}};
  }
  return {};
}

Status read_int_or_string(std::string_view message, IntOrString& out) {
  bool is_text = false;
  std::int32_t number = 0;
  std::string text;
  RETURN_IF_ERROR(for_each_field(message, [&](const Field& field) -> Status {
    if (field.number == 1) is_text = field.number_value == 1;
    if (field.number == 2) number = static_cast<std::int32_t>(field.number_value);
    if (field.number == 3) text = std::string(field.bytes);
    return {};
  }));
  out = is_text ? IntOrString(std::move(text)) : IntOrString(number);
  return {};
}

Status read_first_text(std::string_view message, std::string& out) {
  return for_each_field(message, [&](const Field& field) -> Status {
    if (field.number == 1) out = std::string(field.bytes);
    return {};
  });
}

// Where a member with this number is; inlined structs are messages of their own on the wire.
Status read_struct(const TypeInfo& type, std::string_view message, void* target, int depth) {
  if (depth > kMaxNesting) return bad_message("it is nested too deeply");
  return for_each_field(message, [&](const Field& wire) -> Status {
    for (const FieldInfo& field : type.fields) {
      if (field.number == static_cast<int>(wire.number)) {
        return read(field.type(), wire, field.member(target), depth + 1);
      }
    }
    return {};
  });
}

Status read_map_entry(const TypeInfo& type, std::string_view message, void* target, int depth) {
  std::string key;
  Field value{2, kBytes, 0, {}};
  bool has_value = false;
  RETURN_IF_ERROR(for_each_field(message, [&](const Field& field) -> Status {
    if (field.number == 1) key = std::string(field.bytes);
    if (field.number == 2) value = field, has_value = true;
    return {};
  }));
  void* element = type.insert(target, key);
  if (!has_value) return {};
  return read(type.element(), value, element, depth + 1);
}

bool is_number(Shape shape) {
  return shape == Shape::kBool || shape == Shape::kInt32 || shape == Shape::kInt64 ||
         shape == Shape::kDouble;
}

Status read_number(const TypeInfo& type, const Field& field, void* target) {
  if (field.type == kBytes) return bad_message("bytes where a number belongs");
  switch (type.shape) {
    case Shape::kBool: *static_cast<bool*>(target) = field.number_value != 0; break;
    case Shape::kInt32:
      *static_cast<std::int32_t*>(target) = static_cast<std::int32_t>(field.number_value);
      break;
    case Shape::kInt64:
      *static_cast<std::int64_t*>(target) = static_cast<std::int64_t>(field.number_value);
      break;
    default: *static_cast<double*>(target) = std::bit_cast<double>(field.number_value); break;
  }
  return {};
}

Status read_quantity(std::string_view message, Quantity& out) {
  std::string text;
  RETURN_IF_ERROR(read_first_text(message, text));
  if (text.empty()) {
    out = Quantity();
    return {};
  }
  ASSIGN_OR_RETURN(out, Quantity::parse(text));
  return {};
}

// Packed numbers in a list.
Status read_packed(const TypeInfo& element, std::string_view bytes, const TypeInfo& list,
                   void* target) {
  // Each number is read as a field of its own, by putting a tag in front of the rest.
  std::string with_tags;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::size_t end = at;
    while (end < bytes.size() && (static_cast<unsigned char>(bytes[end]) & 0x80) != 0) ++end;
    if (end == bytes.size()) return bad_message("it ends within a number");
    with_tags = std::string("\x08") + std::string(bytes.substr(at, end - at + 1));
    ASSIGN_OR_RETURN(const Field field, Reader(with_tags).next());
    RETURN_IF_ERROR(read_number(element, field, list.append(target)));
    at = end + 1;
  }
  return {};
}

Status read(const TypeInfo& type, const Field& field, void* target, int depth) {
  if (type.shape == Shape::kOptional) {
    // A second occurrence of a message merges into the first.
    const void* present = type.get(target);
    void* value = present != nullptr ? const_cast<void*>(present) : type.emplace(target);
    return read(type.element(), field, value, depth);
  }
  if (type.shape == Shape::kList) {
    const TypeInfo& element = type.element();
    if (is_number(element.shape) && field.type == kBytes) {
      return read_packed(element, field.bytes, type, target);
    }
    return read(element, field, type.append(target), depth + 1);
  }
  if (is_number(type.shape)) return read_number(type, field, target);
  if (field.type != WireType::kBytes) return bad_message("a number where bytes belong");
  switch (type.shape) {
    case Shape::kString: *static_cast<std::string*>(target) = std::string(field.bytes); return {};
    case Shape::kBytes: static_cast<Bytes*>(target)->data = std::string(field.bytes); return {};
    case Shape::kTime: {
      WallTime time;
      RETURN_IF_ERROR(read_time(field.bytes, time));
      *static_cast<Time*>(target) = Time(time);
      return {};
    }
    case Shape::kMicroTime: {
      WallTime time;
      RETURN_IF_ERROR(read_time(field.bytes, time));
      *static_cast<MicroTime*>(target) = MicroTime(time);
      return {};
    }
    case Shape::kQuantity: return read_quantity(field.bytes, *static_cast<Quantity*>(target));
    case Shape::kIntOrString:
      return read_int_or_string(field.bytes, *static_cast<IntOrString*>(target));
    case Shape::kRawJson: return read_first_text(field.bytes, static_cast<RawJson*>(target)->text);
    case Shape::kMap: return read_map_entry(type, field.bytes, target, depth);
    default: return read_struct(type, field.bytes, target, depth);
  }
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void append_tag(std::string& out, int number, WireType type) {
  append_varint(out, static_cast<std::uint64_t>(number) << 3 | type);
}

void append_bytes(std::string& out, int number, std::string_view bytes) {
  append_tag(out, number, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

void append_number(std::string& out, int number, std::uint64_t value) {
  append_tag(out, number, kVarint);
  append_varint(out, value);
}

std::string time_message(WallTime time) {
  std::string out;
  if (!is_set(time)) return out;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  append_number(out, 1, static_cast<std::uint64_t>(seconds.count()));
  append_number(out, 2, static_cast<std::uint64_t>((time.time_since_epoch() - seconds).count()));
  return out;
}

std::string int_or_string_message(const IntOrString& value) {
  std::string out;
  append_number(out, 1, value.is_int() ? 0 : 1);
  append_number(out, 2, static_cast<std::uint64_t>(static_cast<std::int64_t>(value.number())));
  append_bytes(out, 3, value.text());
  return out;
}

std::string text_message(std::string_view text) {
  std::string out;
  append_bytes(out, 1, text);
  return out;
}

void append_field(std::string& out, int number, const TypeInfo& type, const void* value);

void append_map(std::string& out, int number, const TypeInfo& type, const void* value) {
  struct Context {
    std::string& out;
    int number;
    const TypeInfo& element;
  } context{out, number, type.element()};
  type.for_each(value, &context, [](void* raw, const std::string& key, const void* element) {
    auto& c = *static_cast<Context*>(raw);
    std::string entry;
    append_bytes(entry, 1, key);
    append_field(entry, 2, c.element, element);
    append_bytes(c.out, c.number, entry);
  });
}

void append_field(std::string& out, int number, const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kString: return append_bytes(out, number, *static_cast<const std::string*>(value));
    case Shape::kBytes: return append_bytes(out, number, static_cast<const Bytes*>(value)->data);
    case Shape::kBool: return append_number(out, number, *static_cast<const bool*>(value) ? 1 : 0);
    case Shape::kInt32:
      return append_number(out, number,
                           static_cast<std::uint64_t>(static_cast<std::int64_t>(
                               *static_cast<const std::int32_t*>(value))));
    case Shape::kInt64:
      return append_number(out, number,
                           static_cast<std::uint64_t>(*static_cast<const std::int64_t*>(value)));
    case Shape::kDouble: {
      append_tag(out, number, kFixed64);
      const auto bits = std::bit_cast<std::uint64_t>(*static_cast<const double*>(value));
      for (unsigned i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i) & 0xFF);
      return;
    }
    case Shape::kTime:
    case Shape::kMicroTime:
      return append_bytes(out, number, time_message(*static_cast<const WallTime*>(value)));
    case Shape::kQuantity:
      return append_bytes(out, number,
                          text_message(static_cast<const Quantity*>(value)->to_string()));
    case Shape::kIntOrString:
      return append_bytes(out, number,
                          int_or_string_message(*static_cast<const IntOrString*>(value)));
    case Shape::kRawJson:
      return append_bytes(out, number, text_message(static_cast<const RawJson*>(value)->text));
    case Shape::kOptional: return append_field(out, number, type.element(), type.get(value));
    case Shape::kMap: return append_map(out, number, type, value);
    case Shape::kList:
      for (std::size_t i = 0; i < type.size(value); ++i) {
        append_field(out, number, type.element(), type.at(value, i));
      }
      return;
    case Shape::kStruct: {
      std::string message;
      append_protobuf(message, type, value);
      return append_bytes(out, number, message);
    }
  }
}

}  // namespace

Result<ProtobufEnvelope> open_protobuf(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    return fail(Reason::kBadRequest,
                "the body is not Kubernetes protobuf: it lacks the prefix k8s");
  }
  ProtobufEnvelope out;
  RETURN_IF_ERROR(for_each_field(bytes.substr(kMagic.size()), [&](const Field& field) -> Status {
    if (field.number == 2) out.raw = field.bytes;
    if (field.number != 1) return {};
    return for_each_field(field.bytes, [&](const Field& part) -> Status {
      if (part.number == 1) out.api_version = part.bytes;
      if (part.number == 2) out.kind = part.bytes;
      return {};
    });
  }));
  return out;
}

std::string seal_protobuf(std::string_view api_version, std::string_view kind,
                          std::string_view raw) {
  std::string meta;
  append_bytes(meta, 1, api_version);
  append_bytes(meta, 2, kind);
  std::string out(kMagic);
  append_bytes(out, 1, meta);
  append_bytes(out, 2, raw);
  append_bytes(out, 3, "");
  append_bytes(out, 4, "");
  return out;
}

Result<std::vector<std::string_view>> find_messages(std::string_view raw, int number) {
  std::vector<std::string_view> out;
  for (Reader reader(raw); !reader.at_end();) {
    ASSIGN_OR_RETURN(const Field field, reader.next());
    if (field.number == static_cast<std::uint32_t>(number) && field.type == kBytes)
      out.push_back(field.bytes);
  }
  return out;
}

Result<std::string_view> find_message(std::string_view raw, std::initializer_list<int> way) {
  for (const int number : way) {
    ASSIGN_OR_RETURN(const auto found, find_messages(raw, number));
    raw = found.empty() ? std::string_view() : found.back();
  }
  return raw;
}

Status from_protobuf(const TypeInfo& type, std::string_view raw, void* value) {
  return read_struct(type, raw, value, 0);
}

// Zero scalars are written too, as gogo/protobuf does for fields that are not pointers; absent
// optional ones are not.
void append_protobuf(std::string& out, const TypeInfo& type, const void* value) {
  for (const FieldInfo& field : type.fields) {
    const TypeInfo& member_type = field.type();
    const void* member = member_of(field, value);
    if (member_type.shape == Shape::kOptional && member_type.get(member) == nullptr) continue;
    append_field(out, field.number, member_type, member);
  }
}

std::string to_protobuf(const Object& object) {
  std::string raw;
  append_protobuf(raw, object.kind().type(), object.self());
  return seal_protobuf(object.kind().api_version(), object.kind().kind, raw);
}

}  // namespace minato::kube
