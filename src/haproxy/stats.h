// What HAProxy says about itself: the CSV of `show stat`, AWS's reason codes for its check results,
// and counters that survive the comings and goings of targets and processes. Pure; values.
//
// Rules: HAProxy 2.6 management manual 9.1 (CSV fields); Elastic Load Balancing "Health checks for
// your target groups" (reason codes and descriptions).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "balancer/balancer.h"
#include "base/result.h"

namespace minato::haproxy {

// One line of `show stat`: a frontend, a backend or a server.
struct StatRow {
  std::string proxy;
  std::string name;     // Server name, "FRONTEND" or "BACKEND".
  std::string status;   // "UP", "DOWN 1/2", "DRAIN …", "MAINT", "no check", …
  std::string address;  // "10.0.1.11:30080"; servers only.
  std::string check_status;  // "L7OK", "L4CON", …; "* L7OK" while the next one runs.
  int check_code = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t requests = 0;
  std::uint64_t http_2xx = 0;
  std::uint64_t http_3xx = 0;
  std::uint64_t http_4xx = 0;
  std::uint64_t http_5xx = 0;
  std::uint64_t connection_errors = 0;
};

// A server that stands for a target, in either of the two backends.
bool is_target(const StatRow& row);

struct StatSnapshot {
  std::map<std::string, StatRow, std::less<>> rows;  // By "proxy/name".
  const StatRow* find(std::string_view proxy, std::string_view name) const;
  // Requests on servers now, by server name, in all backends.
  std::map<std::string, std::uint64_t> in_flight() const;
};

// Fails with Invalid when the header line is missing or a needed column is not in it. Columns are
// found by name: their order differs between versions.
Result<StatSnapshot> parse_stat(std::string_view csv);

enum class CheckResult { kNone, kPassed, kFailed };
CheckResult check_result(const StatRow& row);

// AWS's code and sentence for a failed check.
struct HealthReason {
  std::string reason;
  std::string description;
  bool operator==(const HealthReason&) const = default;
};
HealthReason reason_of_failure(const StatRow& row);

// Counters that only grow, from raw ones that start again with every target and process. Counting
// starts at zero with the first snapshot of an adopted process: what was before is not known to be
// complete.
class CounterLedger {
 public:
  enum class Origin { kStartedByUs, kAdopted };
  // Snapshots from now on are of another process.
  void begin_process(Origin origin);
  void add(const StatSnapshot& snapshot);
  // Drops the target's own line; what it did stays in the totals.
  void forget(const std::string& target_id) { targets_.erase(target_id); }
  balancer::Counters totals() const;

 private:
  void count(const StatRow& now, const StatRow& before);

  StatSnapshot last_;
  bool baseline_only_ = false;
  std::map<std::string, balancer::TargetCounters> targets_;
  std::uint64_t requests_ = 0;
  std::uint64_t all_5xx_ = 0;
  std::uint64_t target_5xx_ = 0;
  std::uint64_t elb_5xx_ = 0;
};

}  // namespace minato::haproxy
