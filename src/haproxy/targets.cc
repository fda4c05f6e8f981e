#include "haproxy/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "base/strings.h"

namespace minato::haproxy {
namespace {

using balancer::Health;
using balancer::Observation;
using balancer::Target;

constexpr std::string_view kFirstCheckDelay = "50ms";
constexpr char kInitialReason[] = "Elb.InitialHealthChecking";
constexpr char kInitialDescription[] = "Initial health checks in progress";

bool starts(const StatRow* row, std::string_view status) {
  return row && row->status.starts_with(status);
}

std::string address_of(const Target& target) {
  return fmt::format("{}:{}", target.ip, target.port);
}

// Commands are lines of words; nothing but plain names may get into them.
Status validate_target(const Target& target) {
  const bool plain = !target.id.empty() && target.id.size() <= 64 &&
                     std::ranges::all_of(target.id, [](unsigned char c) {
                       return std::isalnum(c) || c == '-' || c == '_' || c == '.';
                     });
  if (!plain) return fail(Reason::kInvalid, fmt::format("'{}' is not a target id", target.id));
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v4(target.ip, error);
  if (error || address.is_unspecified() || target.port == 0) {
    return fail(Reason::kInvalid, fmt::format("target {}: '{}' port {} is not an IPv4 address "
                                              "and port",
                                              target.id, target.ip, target.port));
  }
  return {};
}

Target target_of(const StatRow& row) {
  Target target{.id = row.name};
  const std::size_t colon = row.address.rfind(':');
  if (colon == std::string::npos) return target;
  target.ip = row.address.substr(0, colon);
  const auto port = parse_int(std::string_view(row.address).substr(colon + 1));
  if (port && *port > 0 && *port <= UINT16_MAX) target.port = static_cast<std::uint16_t>(*port);
  return target;
}

void set_checking(Observation& seen) {
  seen.health = Health::kChecking;
  seen.reason = kInitialReason;
  seen.description = kInitialDescription;
}

void set_healthy(Observation& seen) {
  seen.health = Health::kHealthy;
  seen.reason.clear();
  seen.description.clear();
}

void set_unhealthy(Observation& seen, const StatRow& row) {
  // While a target recovers its last check has passed; the reason is then still the one before.
  const bool keep = seen.health == Health::kUnhealthy && check_result(row) != CheckResult::kFailed;
  seen.health = Health::kUnhealthy;
  if (keep) return;
  HealthReason why = reason_of_failure(row);
  seen.reason = std::move(why.reason);
  seen.description = std::move(why.description);
}

bool is_change(const Observation& before, const Observation& now) {
  return before.health != now.health || before.reason != now.reason ||
         before.description != now.description ||
         (before.in_flight == 0) != (now.in_flight == 0);
}

}  // namespace

Status TargetTable::add(const Target& target) {
  RETURN_IF_ERROR(validate_target(target));
  const auto found = records_.find(target.id);
  if (found == records_.end()) {
    if (records_.size() >= kMaximumTargets) {
      return fail(Reason::kTooManyRequests,
                  fmt::format("a target group has at most {} targets", kMaximumTargets));
    }
    Record record{.target = target};
    record.seen.target_id = target.id;
    set_checking(record.seen);
    records_.emplace(target.id, std::move(record));
    return {};
  }
  Record& record = found->second;
  record.target = target;
  // Registered again: a new probation, as on AWS.
  if (record.wanted != Wanted::kServing) set_checking(record.seen);
  record.wanted = Wanted::kServing;
  return {};
}

Status TargetTable::drain(const std::string& target_id) {
  auto found = records_.find(target_id);
  if (found == records_.end()) {
    if (imported_) return fail(Reason::kNotFound, fmt::format("no target {}", target_id));
    Record record{.target = {.id = target_id}};
    record.seen.target_id = target_id;
    set_checking(record.seen);
    found = records_.emplace(target_id, std::move(record)).first;
  }
  Record& record = found->second;
  if (record.wanted != Wanted::kServing) return {};
  record.wanted = Wanted::kDraining;
  // A request may have been sent since the last snapshot. Saying "one" until the next makes sure
  // that "in flight is zero" is reported after draining began, never before.
  record.in_flight_unknown = true;
  record.seen.in_flight = std::max<std::uint64_t>(1, record.seen.in_flight);
  return {};
}

Status TargetTable::remove(const std::string& target_id) {
  const auto found = records_.find(target_id);
  if (found != records_.end()) found->second.wanted = Wanted::kGone;
  if (found == records_.end() && !imported_) {
    records_.emplace(target_id, Record{.target = {.id = target_id}, .wanted = Wanted::kGone});
  }
  return {};
}

TargetTable::Outcome TargetTable::reconcile(const StatSnapshot& snapshot,
                                            const std::map<std::string, std::uint64_t>& elsewhere,
                                            MonoTime now) {
  Outcome outcome;
  import_unknown(snapshot);
  const auto in_flight = snapshot.in_flight();
  for (auto it = records_.begin(); it != records_.end();) {
    Record& record = it->second;
    const std::string& id = it->first;
    const Rows rows{.checked = snapshot.find(kTargets, id),
                    .open = snapshot.find(kTargetsOpen, id)};
    const Observation before = record.seen;
    if (record.wanted == Wanted::kGone) {
      if (!rows.checked && !rows.open) {
        outcome.forgotten.push_back(id);
        it = records_.erase(it);
        continue;
      }
      remove_rows(record, rows, outcome);
    } else if (record.wanted == Wanted::kDraining) {
      drain_rows(record, rows, outcome);
    } else {
      serve(record, rows, now, outcome);
    }
    const bool still_serving_rows = (rows.checked && !starts(rows.checked, "MAINT")) ||
                                    (rows.open && !starts(rows.open, "MAINT"));
    if (record.wanted != Wanted::kDraining || !still_serving_rows) record.in_flight_unknown = false;
    const auto here = in_flight.find(id);
    const auto there = elsewhere.find(id);
    record.seen.in_flight = (here == in_flight.end() ? 0 : here->second) +
                            (there == elsewhere.end() ? 0 : there->second);
    if (record.in_flight_unknown) {
      record.seen.in_flight = std::max<std::uint64_t>(1, record.seen.in_flight);
    }
    if (record.wanted != Wanted::kGone && (!record.reported || is_change(before, record.seen))) {
      outcome.changes.push_back(record.seen);
      record.reported = true;
    }
    ++it;
  }
  return outcome;
}

void TargetTable::import_unknown(const StatSnapshot& snapshot) {
  imported_ = true;
  for (const auto& [key, row] : snapshot.rows) {
    if (!is_target(row) || records_.contains(row.name)) continue;
    Record record{.target = target_of(row),
                  .wanted = starts(&row, "MAINT") ? Wanted::kDraining : Wanted::kServing};
    record.seen.target_id = row.name;
    set_checking(record.seen);
    records_.emplace(row.name, std::move(record));
  }
}

void TargetTable::serve(Record& record, const Rows& rows, MonoTime now, Outcome& outcome) {
  const bool known = record.seen.health != Health::kChecking;
  if (!rows.checked) {
    // Lost with a process: what was known is put back as it was, without a new probation.
    const bool healthy = record.seen.health == Health::kHealthy;
    place(record, !known ? Mode::kQuickProbe : healthy ? Mode::kUp : Mode::kDown, outcome);
    return;
  }
  const bool moved = rows.checked->address != address_of(record.target);
  if (moved || starts(rows.checked, "MAINT")) {
    set_checking(record.seen);
    place(record, Mode::kQuickProbe, outcome);
    return;
  }
  if (rows.open && !starts(rows.open, "MAINT")) {
    judge_permanent(record, *rows.checked, outcome);
  } else {
    judge_probe(record, *rows.checked, now, outcome);
  }
}

void TargetTable::judge_probe(Record& record, const StatRow& row, MonoTime now, Outcome& outcome) {
  const balancer::HealthCheck& check = group_.health_check;
  switch (check_result(row)) {
    case CheckResult::kNone:
      set_checking(record.seen);
      return;
    case CheckResult::kPassed:
      set_healthy(record.seen);
      place(record, Mode::kUp, outcome);
      return;
    case CheckResult::kFailed:
      break;
  }
  if (!record.first_failure) record.first_failure = now;
  // Failures come one interval apart; half of one is more than the jitter of polling.
  const Duration enough =
      (check.unhealthy_threshold - 1) * check.interval - check.interval / 2;
  if (now - *record.first_failure >= enough) {
    set_unhealthy(record.seen, row);
    place(record, Mode::kDown, outcome);
  } else if (record.probe == Probe::kQuick) {
    place(record, Mode::kPlainProbe, outcome);
  }
}

void TargetTable::judge_permanent(Record& record, const StatRow& row, Outcome& outcome) {
  record.first_failure.reset();
  if (row.status.starts_with("DOWN")) {
    set_unhealthy(record.seen, row);
  } else {
    set_healthy(record.seen);
  }
  if (starts(&row, "DRAIN")) {
    outcome.commands.push_back(
        fmt::format("set server {}/{} state ready", kTargets, record.target.id));
  }
}

void TargetTable::drain_rows(const Record& record, const Rows& rows, Outcome& outcome) {
  for (const StatRow* row : {rows.checked, rows.open}) {
    if (!row || starts(row, "MAINT")) continue;
    outcome.commands.push_back(
        fmt::format("set server {}/{} state maint", row->proxy, record.target.id));
  }
}

void TargetTable::remove_rows(const Record& record, const Rows& rows, Outcome& outcome) {
  for (const StatRow* row : {rows.checked, rows.open}) {
    if (!row) continue;
    const std::string server = fmt::format("{}/{}", row->proxy, record.target.id);
    outcome.commands.push_back(fmt::format("set server {} state maint", server));
    outcome.commands.push_back(fmt::format("shutdown sessions server {}", server));
    outcome.commands.push_back(fmt::format("del server {}", server));
  }
}

// The old rows are deleted first. Where requests in flight forbid that, "add server" is refused too
// and the commands after it turn the old row into what is wanted.
void TargetTable::place(Record& record, Mode mode, Outcome& outcome) const {
  auto& commands = outcome.commands;
  const std::string& id = record.target.id;
  const std::string address = address_of(record.target);
  const std::string server = fmt::format("{}/{}", kTargets, id);
  const std::string open = fmt::format("{}/{}", kTargetsOpen, id);
  const bool probe = mode == Mode::kQuickProbe || mode == Mode::kPlainProbe;
  record.probe = mode == Mode::kQuickProbe ? Probe::kQuick : Probe::kPlain;
  if (mode != Mode::kPlainProbe) record.first_failure.reset();

  commands.push_back(fmt::format("set server {} state maint", server));
  commands.push_back(fmt::format("del server {}", server));
  commands.push_back(fmt::format("set server {} state maint", open));
  commands.push_back(fmt::format("del server {}", open));
  commands.push_back(fmt::format(
      "add server {} {} {}{}", server, address, check_options(group_, source_ip_),
      mode == Mode::kQuickProbe ? fmt::format(" downinter {}", kFirstCheckDelay) : ""));
  commands.push_back(fmt::format("set server {} state drain", server));
  commands.push_back(fmt::format("enable health {}", server));
  if (probe) return;
  // Without this the first failure or, when down, the first pass would decide alone.
  commands.push_back(
      fmt::format("set server {} health {}", server, mode == Mode::kUp ? "up" : "down"));
  commands.push_back(fmt::format("add server {} {} {}", open, address, connection_options(source_ip_)));
  commands.push_back(fmt::format("enable server {}", open));
  commands.push_back(fmt::format("set server {} state ready", server));
}

std::vector<SeedTarget> TargetTable::seeds() const {
  std::vector<SeedTarget> seeds;
  for (const auto& [id, record] : records_) {
    if (record.wanted != Wanted::kServing || record.seen.health == Health::kChecking) continue;
    seeds.push_back({.target = record.target, .healthy = record.seen.health == Health::kHealthy});
  }
  return seeds;
}

std::vector<Observation> TargetTable::observations() const {
  std::vector<Observation> all;
  for (const auto& [id, record] : records_) {
    if (record.wanted != Wanted::kGone) all.push_back(record.seen);
  }
  return all;
}

}  // namespace minato::haproxy
