// What should be in HAProxy's backends and what to say to get there. Level-triggered: reconcile()
// compares wishes with one statistics snapshot and returns runtime commands; whatever was lost (a
// command, a process, ourselves) is made good by the next round. Pure state machine, no I/O.
//
// How one target looks in HAProxy 2.6:
//   probe      in `targets`, administrative state "drain": checked, carries nothing ("initial").
//   permanent  in `targets`, "ready", and in `targets_open`: HAProxy itself acts on its checks.
//   draining   both in "maint": requests in flight go on, no new ones.
// Quirks that shape the rules: a new server counts as up before its first check. That check comes
// only after a whole interval, or after `downinter` when it is set: so the first probe has a short
// one, and is replaced by a plain one once it has answered. A server is deleted only when nothing
// is connected to it, so deleting is repeated until its row is gone.
//
// Rules: ELB "Health checks for your target groups": initial ends with one pass, or with
// unhealthy_threshold failures in a row. Draining and deregistration: "Target groups".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "base/result.h"
#include "haproxy/config.h"
#include "haproxy/stats.h"

namespace minato::haproxy {

class TargetTable {
 public:
  // AWS allows as many targets per group and per load balancer.
  static constexpr std::size_t kMaximumTargets = 1000;

  // `source_ip`: see Settings.
  explicit TargetTable(std::string source_ip = {}) : source_ip_(std::move(source_ip)) {}

  void set_group(const balancer::TargetGroupConfig& group) { group_ = group; }

  Status add(const balancer::Target& target);
  // NotFound for a target that is neither ours nor, as far as we know yet, HAProxy's.
  Status drain(const std::string& target_id);
  Status remove(const std::string& target_id);

  struct Outcome {
    std::vector<std::string> commands;            // For the runtime socket, in this order.
    std::vector<balancer::Observation> changes;   // Of health, reason or "in flight is zero".
    std::vector<std::string> forgotten;           // Removed and gone.
  };
  // `elsewhere`: requests in flight in processes that are being replaced, by target.
  // Servers that nobody asked for (left by a former control) become targets, draining or serving
  // as they are, and are reported: their owner keeps or removes them.
  Outcome reconcile(const StatSnapshot& snapshot,
                    const std::map<std::string, std::uint64_t>& elsewhere, MonoTime now);

  // What a process started now has to know at once.
  std::vector<SeedTarget> seeds() const;
  std::vector<balancer::Observation> observations() const;

 private:
  enum class Wanted { kServing, kDraining, kGone };
  enum class Probe { kQuick, kPlain };
  enum class Mode { kQuickProbe, kPlainProbe, kUp, kDown };
  struct Record {
    balancer::Target target;
    Wanted wanted = Wanted::kServing;
    Probe probe = Probe::kQuick;
    std::optional<MonoTime> first_failure;
    balancer::Observation seen;
    bool reported = false;
    // Draining was asked for, but no snapshot since shows what is still in flight.
    bool in_flight_unknown = false;
  };
  struct Rows {
    const StatRow* checked = nullptr;  // In `targets`.
    const StatRow* open = nullptr;     // In `targets_open`.
  };

  void import_unknown(const StatSnapshot& snapshot);
  void serve(Record& record, const Rows& rows, MonoTime now, Outcome& outcome);
  void judge_probe(Record& record, const StatRow& row, MonoTime now, Outcome& outcome);
  void judge_permanent(Record& record, const StatRow& row, Outcome& outcome);
  static void drain_rows(const Record& record, const Rows& rows, Outcome& outcome);
  static void remove_rows(const Record& record, const Rows& rows, Outcome& outcome);
  // Replaces whatever is there for the target.
  void place(Record& record, Mode mode, Outcome& outcome) const;

  std::string source_ip_;
  balancer::TargetGroupConfig group_;
  std::map<std::string, Record> records_;
  bool imported_ = false;  // A snapshot was seen: what is not in records_ is not in HAProxy.
};

}  // namespace minato::haproxy
