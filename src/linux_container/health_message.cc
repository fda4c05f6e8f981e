#include "linux_container/health_message.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace minato::linux_container {
namespace {

constexpr std::size_t kFrameBytes = 5;  // Compressed or not, then the length.
constexpr char kServiceTag = 0x0a;      // Field 1, length-delimited.
constexpr std::uint64_t kStatusField = 1;
constexpr int kMaxVarintBytes = 10;

enum WireType : std::uint64_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < kMaxVarintBytes && !bytes.empty(); ++i) {
    const std::uint8_t byte = byte_at(bytes, 0);
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Passes over a field's value; false when it does not end within the message.
bool skip(std::string_view& bytes, std::uint64_t wire_type) {
  std::uint64_t length = 0;
  switch (wire_type) {
    case kVarint: return take_varint(bytes).has_value();
    case kFixed64: length = 8; break;
    case kFixed32: length = 4; break;
    case kLengthDelimited: {
      const auto announced = take_varint(bytes);
      if (!announced) return false;
      length = *announced;
      break;
    }
    default: return false;
  }
  if (length > bytes.size()) return false;
  bytes.remove_prefix(static_cast<std::size_t>(length));
  return true;
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Reason::kInvalid, fmt::format("malformed HealthCheckResponse: {}", what));
}

Result<std::string_view> unframed(std::string_view framed) {
  if (framed.size() < kFrameBytes) return malformed("no whole message");
  if (framed[0] != 0) return malformed("compressed, which was not offered");
  std::uint64_t length = 0;
  for (std::size_t i = 1; i < kFrameBytes; ++i) length = length << 8 | byte_at(framed, i);
  if (length != framed.size() - kFrameBytes) {
    return malformed(
        fmt::format("{} bytes announced, {} sent", length, framed.size() - kFrameBytes));
  }
  return framed.substr(kFrameBytes);
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace

std::string encode_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += kServiceTag;
    append_varint(message, service.size());
    message += service;
  }
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += static_cast<char>(message.size() >> shift & 0xff);
  }
  return out + message;
}

Result<int> decode_health_response(std::string_view framed) {
  ASSIGN_OR_RETURN(std::string_view bytes, unframed(framed));
  int status = 0;
  while (!bytes.empty()) {
    const auto tag = take_varint(bytes);
    if (!tag || *tag >> 3 == 0) return malformed("no field where one begins");
    const std::uint64_t wire_type = *tag & 7;
    if (*tag >> 3 != kStatusField || wire_type != kVarint) {
      if (!skip(bytes, wire_type)) return malformed("a field is cut short");
      continue;
    }
    const auto value = take_varint(bytes);
    if (!value) return malformed("the status is cut short");
    status = static_cast<std::int32_t>(static_cast<std::uint32_t>(*value));
  }
  return status;
}

std::string decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high << 4 | *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace minato::linux_container
