// What instances cost, by the second and to the last fraction.
//
// A machine is billed from "running" until it begins to shut down or dies, by the second, for at
// least 60 seconds. A Spot Instance that EC2 itself interrupts within its first hour is free. Sums
// are integers in units of 1/3600 micro-USD: a price per hour times seconds, never rounded.
//
// Rules: Amazon EC2 pricing (per-second billing, Linux), Amazon EC2 User Guide "Billing for
// interrupted Spot Instances".
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "cloud/auto_scaling.h"
#include "cloudmodel/kept.h"

namespace minato::cloudmodel {

struct Cost {
  std::int64_t exact = 0;  // 1/3600 micro-USD.
  std::int64_t micro_usd() const { return exact / 3600; }
  Cost& operator+=(Cost other) {
    exact += other.exact;
    return *this;
  }
  auto operator<=>(const Cost&) const = default;
};

struct Bill {
  std::string instance_id;
  std::string type;
  std::string zone;
  std::string group;
  cloud::Market market = cloud::Market::kOnDemand;
  std::int64_t micro_usd_per_hour = 0;  // Agreed at the launch.
  WallTime from{};   // Zero: it never ran.
  WallTime until{};  // Zero: it still runs.
  bool waived = false;

  Cost cost(WallTime now) const;
  bool operator==(const Bill&) const = default;
};

struct Costs {
  Cost total;
  Cost on_demand;
  Cost spot;
  std::map<std::string, Cost> groups;
  // Running ones by id, then ended ones, oldest first; the sums know those forgotten here as well.
  std::vector<Bill> instances;
};

// Bills of instances that are no more.
class EndedBills {
 public:
  explicit EndedBills(std::size_t history) : history_(history) {}

  // Requires: it has ended.
  void add(Bill bill);
  // With the bills of those that are there.
  Costs costs(std::vector<Bill> running, WallTime now) const;

  const std::deque<Kept<Bill>>& recent() const { return recent_; }
  const std::map<std::pair<std::string, cloud::Market>, Cost>& sums() const { return sums_; }
  void restore(const std::vector<Bill>& recent,
               std::map<std::pair<std::string, cloud::Market>, Cost> sums);

 private:
  std::size_t history_;
  std::deque<Kept<Bill>> recent_;  // At most history_.
  std::map<std::pair<std::string, cloud::Market>, Cost> sums_;  // Of all, by group and market.
};

}  // namespace minato::cloudmodel
