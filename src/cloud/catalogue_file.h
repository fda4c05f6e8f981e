// Instance types and prices as the `aws` command prints them, and a catalogue that they are merged
// into: other regions, newer types, the day's prices.
//
// Reads the output of `aws ec2 describe-instance-types` (InstanceTypes), `aws pricing
// get-products --service-code AmazonEC2` (PriceList) and `aws ec2 describe-spot-price-history`
// (SpotPriceHistory), alone or several in one object. Only Linux on shared tenancy without extra
// software counts; what else a file has is passed over. Pure; any thread.
//
// Rules: EC2 API Reference (InstanceTypeInfo, SpotPrice), AWS Price List Bulk API (OnDemand terms);
// Pod limits as catalogue.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cloud/catalogue.h"

namespace minato::cloud {

// What a file says of one type; absent where it says nothing.
struct InstanceTypeRecord {
  std::string name;
  std::optional<std::string> architecture;
  std::optional<std::int32_t> vcpus;
  std::optional<std::int32_t> memory_mib;
  std::optional<std::int32_t> max_pods;
  std::optional<std::int64_t> on_demand_micro_usd;
  // The newest price of each zone, averaged.
  std::optional<std::int64_t> spot_micro_usd;
  bool operator==(const InstanceTypeRecord&) const = default;
};

// What the other says replaces what was known.
void update(InstanceTypeRecord& record, const InstanceTypeRecord& other);

// Ordered by name. With a region, prices of other regions are passed over; without one they must
// all be of the same. Errors: Invalid (no JSON, none of the three lists, two prices for one type).
Result<std::vector<InstanceTypeRecord>> read_catalogue(std::string_view json,
                                                       std::string_view region = {});

// The built-in types and what was merged into them: what every module asks for facts of a type,
// handed down from whoever composes. Pointers that find() gave stay good for as long as it lives.
class Catalogue {
 public:
  Catalogue();
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  // Where nobody brought a file.
  static const Catalogue& built_in();

  // Adds types and replaces facts; an observed spot price replaces the typical discount. Returns
  // the new types that were left out because their size is not known.
  std::vector<std::string> merge(const std::vector<InstanceTypeRecord>& records);

  // Null when there is no such type.
  const InstanceType* find(std::string_view name) const;
  std::vector<InstanceType> all() const;  // Ordered by name; the names live as long as this.
  std::size_t size() const { return types_.size(); }

 private:
  std::map<std::string, InstanceType, std::less<>> types_;
};

}  // namespace minato::cloud
