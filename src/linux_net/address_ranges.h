// Blocks of addresses with exceptions, as ranges. Pure.
#pragma once

#include <string>
#include <vector>

#include "linux_net/address.h"

namespace minato::linux_net {

struct AddressRange {
  Ipv4 first, last;  // Both included.
  bool operator==(const AddressRange&) const = default;
  std::string to_string() const;  // "10.0.0.1", "10.0.0.0-10.0.0.9"
};

// "10.0.0.0/8"; bits outside of the mask count as none, as in an ipBlock. Errors: Invalid.
Result<AddressRange> range_of_block(std::string_view cidr);

// What is left of a block without the others, in order.
Result<std::vector<AddressRange>> ranges_without(std::string_view cidr, const std::vector<std::string>& except);

}  // namespace minato::linux_net
