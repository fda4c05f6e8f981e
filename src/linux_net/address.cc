#include "linux_net/address.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace minato::linux_net {
namespace {

std::uint32_t mask_of(int length) { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }

}  // namespace

Result<Ipv4> Ipv4::parse(std::string_view text) {
  const auto parts = split(text, '.');
  Ipv4 address;
  for (const std::string& part : parts) {
    const auto octet = parse_int(part);
    if (parts.size() != 4 || !octet || *octet < 0 || *octet > 255) {
      return fail(Reason::kInvalid, fmt::format("\"{}\" is not an IPv4 address", text));
    }
    address.value = address.value << 8 | static_cast<std::uint32_t>(*octet);
  }
  return address;
}

std::string Ipv4::to_string() const {
  return fmt::format("{}.{}.{}.{}", octet(0), octet(1), octet(2), octet(3));
}

std::uint8_t Ipv4::octet(int index) const {
  return static_cast<std::uint8_t>(value >> (24 - 8 * index));
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto length = parse_int(slash == std::string_view::npos ? "" : text.substr(slash + 1));
  if (!length || *length < 0 || *length > 32) {
    return fail(Reason::kInvalid, fmt::format("\"{}\" is not an IPv4 prefix", text));
  }
  ASSIGN_OR_RETURN(const Ipv4 base, Ipv4::parse(text.substr(0, slash)));
  const Prefix prefix{base, static_cast<int>(*length)};
  if ((base.value & ~mask_of(prefix.length)) != 0) {
    return fail(Reason::kInvalid, fmt::format("\"{}\" has bits outside of its mask", text));
  }
  return prefix;
}

std::string Prefix::to_string() const { return fmt::format("{}/{}", base.to_string(), length); }

bool Prefix::contains(Ipv4 address) const {
  return ((address.value ^ base.value) & mask_of(length)) == 0;
}

MacAddress MacAddress::of(Ipv4 address, Side side) {
  return {{0x02, static_cast<std::uint8_t>(side), address.octet(0), address.octet(1),
           address.octet(2), address.octet(3)}};
}

}  // namespace minato::linux_net
