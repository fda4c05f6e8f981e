// What EC2 has to give: capacity of every pool, zones that have failed, how deep the Spot pools are
// and what they cost. Pure data with rules; everything not said otherwise is available.
//
// Prices come from the catalogue and depth from a hash of the pool's name, so that both are the
// same in every run. Owned by Cloud, saved with it. Loop thread only.
//
// Rules: Amazon EC2 User Guide (capacity pools, Spot placement score 1 to 10, Spot request limits).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloud/catalogue_file.h"

namespace minato::cloudmodel {

// One type in one zone, bought in one way.
struct Pool {
  std::string type;
  std::string zone;
  cloud::Market market = cloud::Market::kOnDemand;
  std::string name() const;  // "spot/us-east-1a/m5.large"
  auto operator<=>(const Pool&) const = default;
};

// Pools by what is said of them; "" and nothing mean any.
struct PoolFilter {
  std::string type;
  std::string zone;
  std::optional<cloud::Market> market;
  bool matches(const Pool& pool) const;
  // Every pool of `other` is one of this.
  bool covers(const PoolFilter& other) const;
  bool operator==(const PoolFilter&) const = default;
};

enum class Capacity { kAvailable, kExhausted };

class Pools {
 public:
  static constexpr std::int32_t kDeepest = 10;  // As a Spot placement score: 1 to 10.

  // `catalogue` outlives this.
  explicit Pools(const cloud::Catalogue& catalogue) : catalogue_(catalogue) {}

  // The latest word on a pool counts.
  void set_capacity(const PoolFilter& filter, Capacity capacity);
  void set_zone(const std::string& zone, Capacity capacity);
  // 0 (nearly empty) to kDeepest; a figure that the allocation strategies go by.
  void set_depth(const std::string& type, const std::string& zone, std::int32_t depth);
  // How many Spot Instances the account may have. Nothing: no limit.
  void set_spot_limit(std::optional<std::int32_t> limit) { spot_limit_ = limit; }

  bool available(const Pool& pool) const;
  bool zone_failed(const std::string& zone) const { return failed_zones_.contains(zone); }
  std::int32_t depth(const std::string& type, const std::string& zone) const;
  std::optional<std::int32_t> spot_limit() const { return spot_limit_; }
  // Micro-USD per hour; 0 when the catalogue does not know.
  std::int64_t price(const std::string& type, cloud::Market market) const;
  const cloud::InstanceType* type(const std::string& name) const;

  // The saved part.
  struct Rule {
    PoolFilter filter;
    Capacity capacity = Capacity::kAvailable;
  };
  struct State {
    std::vector<Rule> rules;  // Later ones supersede.
    std::set<std::string> failed_zones;
    std::map<std::pair<std::string, std::string>, std::int32_t> depths;
    std::optional<std::int32_t> spot_limit;
  };
  State state() const { return {rules_, failed_zones_, depths_, spot_limit_}; }
  void restore(State state);

 private:
  const cloud::Catalogue& catalogue_;
  std::vector<Rule> rules_;
  std::set<std::string> failed_zones_;
  std::map<std::pair<std::string, std::string>, std::int32_t> depths_;  // By type and zone.
  std::optional<std::int32_t> spot_limit_;
};

}  // namespace minato::cloudmodel
