#include "linux_net/address_ranges.h"

#include <fmt/format.h>

#include <charconv>

namespace minato::linux_net {

std::string AddressRange::to_string() const {
  return first == last ? first.to_string() : fmt::format("{}-{}", first.to_string(), last.to_string());
}

Result<AddressRange> range_of_block(std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  int length = -1;
  if (slash != std::string_view::npos) {
    const std::string_view text = cidr.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size()) length = -1;
  }
  const auto address = Ipv4::parse(cidr.substr(0, slash));
  if (!address || length < 0 || length > 32) {
    return fail(Reason::kInvalid, fmt::format("'{}' is no block of IPv4 addresses such as 10.0.0.0/8", cidr));
  }
  const auto host_bits = static_cast<std::uint32_t>((std::uint64_t{1} << (32 - length)) - 1);
  return AddressRange{Ipv4{address->value & ~host_bits}, Ipv4{address->value | host_bits}};
}

Result<std::vector<AddressRange>> ranges_without(std::string_view cidr, const std::vector<std::string>& except) {
  ASSIGN_OR_RETURN(const AddressRange whole, range_of_block(cidr));
  std::vector<AddressRange> left{whole};
  for (const std::string& block : except) {
    ASSIGN_OR_RETURN(const AddressRange cut, range_of_block(block));
    std::vector<AddressRange> next;
    for (const AddressRange& range : left) {
      if (cut.last < range.first || range.last < cut.first) {
        next.push_back(range);
        continue;
      }
      if (range.first < cut.first) next.push_back({range.first, Ipv4{cut.first.value - 1}});
      if (cut.last < range.last) next.push_back({cut.last + 1, range.last});
    }
    left = std::move(next);
  }
  return left;
}

}  // namespace minato::linux_net
