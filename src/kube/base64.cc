#include "kube/base64.h"

#include <cstdint>

namespace minato::kube {
namespace {
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t group = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      word = word << 8 | (j < group ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= group ? kAlphabet[word >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return fail(Reason::kInvalid, "base64 length is not a multiple of 4");
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t word = 0;
    std::size_t padding = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      const std::size_t digit = kAlphabet.find(c);
      const bool pad = c == '=' && i + 4 == text.size() && j >= 2;
      if (digit == std::string_view::npos && !pad) return fail(Reason::kInvalid, "not base64");
      if (padding > 0 && !pad) return fail(Reason::kInvalid, "not base64");
      if (pad) ++padding;
      word = word << 6 | static_cast<std::uint32_t>(pad ? 0 : digit);
    }
    for (std::size_t j = 0; j < 3 - padding; ++j) {
      out += static_cast<char>(word >> (16 - 8 * j) & 0xFF);
    }
  }
  return out;
}

}  // namespace minato::kube
