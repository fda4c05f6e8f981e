// IPv4 and Ethernet addresses as values. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::linux_net {

struct Ipv4 {
  std::uint32_t value = 0;  // Host byte order, so that arithmetic means what it says.

  static Result<Ipv4> parse(std::string_view text);
  std::string to_string() const;
  std::uint8_t octet(int index) const;  // 0 is the leftmost.
  Ipv4 operator+(std::uint32_t offset) const { return Ipv4{value + offset}; }
  auto operator<=>(const Ipv4&) const = default;
};

struct Prefix {
  Ipv4 base;
  int length = 32;

  // "10.77.0.0/16"; bits outside of the mask are refused.
  static Result<Prefix> parse(std::string_view text);
  std::string to_string() const;
  bool contains(Ipv4 address) const;
  auto operator<=>(const Prefix&) const = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  // A locally administered address made from an IPv4 address. All our interfaces have such a one,
  // so that neighbour entries can be permanent and nothing ever has to ask by ARP.
  enum class Side : std::uint8_t { kInterface = 0x4d, kPeer = 0x4e };
  static MacAddress of(Ipv4 address, Side side = Side::kInterface);
  auto operator<=>(const MacAddress&) const = default;
};

}  // namespace minato::linux_net
