#include "haproxy/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "haproxy/config.h"

namespace minato::haproxy {
namespace {

// Fields of the CSV; quoted ones (free texts of checks) may hold commas and doubled quotes.
std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class Columns {
 public:
  explicit Columns(const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) index_.emplace(names[i], i);
  }
  Status require(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (!index_.contains(name)) {
        return fail(Reason::kInvalid, fmt::format("HAProxy statistics have no column '{}'", name));
      }
    }
    return {};
  }
  std::string_view get(const std::vector<std::string>& fields, std::string_view name) const {
    const auto found = index_.find(name);
    if (found == index_.end() || found->second >= fields.size()) return {};
    return fields[found->second];
  }

 private:
  std::map<std::string, std::size_t, std::less<>> index_;
};

StatRow to_row(const Columns& columns, const std::vector<std::string>& fields) {
  const auto text = [&](std::string_view name) { return std::string(columns.get(fields, name)); };
  const auto count = [&](std::string_view name) { return number(columns.get(fields, name)); };
  return {.proxy = text("pxname"),
          .name = text("svname"),
          .status = text("status"),
          .address = text("addr"),
          .check_status = text("check_status"),
          .check_code = static_cast<int>(count("check_code")),
          .in_flight = count("scur"),
          .requests = count("req_tot"),
          .http_2xx = count("hrsp_2xx"),
          .http_3xx = count("hrsp_3xx"),
          .http_4xx = count("hrsp_4xx"),
          .http_5xx = count("hrsp_5xx"),
          .connection_errors = count("econ")};
}

// Raw counters never fall but when a target was removed and added again.
std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now;
}

// "* L7OK": the star says that the next check is running; the result is that of the last one.
std::string_view last_result(const StatRow& row) {
  std::string_view status = row.check_status;
  if (status.starts_with("* ")) status.remove_prefix(2);
  return status;
}

}  // namespace

bool is_target(const StatRow& row) {
  return (row.proxy == kTargets || row.proxy == kTargetsOpen) && row.name != "BACKEND";
}

const StatRow* StatSnapshot::find(std::string_view proxy, std::string_view name) const {
  const auto found = rows.find(fmt::format("{}/{}", proxy, name));
  return found == rows.end() ? nullptr : &found->second;
}

std::map<std::string, std::uint64_t> StatSnapshot::in_flight() const {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [key, row] : rows) {
    if (is_target(row)) counts[row.name] += row.in_flight;
  }
  return counts;
}

Result<StatSnapshot> parse_stat(std::string_view csv) {
  StatSnapshot snapshot;
  const std::vector<std::string> lines = split(trim(csv), '\n');
  if (!lines[0].starts_with("# ")) {
    return fail(Reason::kInvalid, "HAProxy did not answer with statistics");
  }
  const Columns columns(csv_fields(std::string_view(lines[0]).substr(2)));
  RETURN_IF_ERROR(columns.require({"pxname", "svname", "status", "scur", "addr", "check_status",
                                   "check_code", "req_tot", "hrsp_5xx", "econ"}));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    StatRow row = to_row(columns, csv_fields(lines[i]));
    snapshot.rows.insert_or_assign(row.proxy + "/" + row.name, std::move(row));
  }
  return snapshot;
}

CheckResult check_result(const StatRow& row) {
  const std::string_view result = last_result(row);
  if (result.empty() || result == "INI" || result == "UNK") return CheckResult::kNone;
  if (result == "L7OK" || result == "L7OKC") return CheckResult::kPassed;
  return CheckResult::kFailed;
}

HealthReason reason_of_failure(const StatRow& row) {
  const std::string_view result = last_result(row);
  if (result == "L7STS" && row.check_code != 0) {
    return {"Target.ResponseCodeMismatch",
            fmt::format("Health checks failed with these codes: [{}]", row.check_code)};
  }
  if (result.ends_with("TOUT")) return {"Target.Timeout", "Request timed out"};
  return {"Target.FailedHealthChecks", "Health checks failed"};
}

void CounterLedger::begin_process(Origin origin) {
  last_ = {};
  baseline_only_ = origin == Origin::kAdopted;
}

void CounterLedger::count(const StatRow& now, const StatRow& before) {
  balancer::TargetCounters& target = targets_[now.name];
  target.target_id = now.name;
  target.requests += grown(now.requests, before.requests);
  target.http_2xx += grown(now.http_2xx, before.http_2xx);
  target.http_3xx += grown(now.http_3xx, before.http_3xx);
  target.http_4xx += grown(now.http_4xx, before.http_4xx);
  target.http_5xx += grown(now.http_5xx, before.http_5xx);
  target.connection_errors += grown(now.connection_errors, before.connection_errors);
  target_5xx_ += grown(now.http_5xx, before.http_5xx);
}

void CounterLedger::add(const StatSnapshot& snapshot) {
  const StatRow none;
  for (const auto& [key, row] : snapshot.rows) {
    if (baseline_only_) continue;
    const StatRow* const known = last_.find(row.proxy, row.name);
    const StatRow& before = known ? *known : none;
    if (is_target(row)) {
      count(row, before);
    } else if (row.proxy == kFrontend) {
      requests_ += grown(row.requests, before.requests);
      all_5xx_ += grown(row.http_5xx, before.http_5xx);
    }
  }
  // A target's answer is counted at its first byte, the frontend's at the last: the difference is
  // short by the answers under way, and may only grow.
  elb_5xx_ = std::max(elb_5xx_, all_5xx_ - std::min(all_5xx_, target_5xx_));
  baseline_only_ = false;
  last_ = snapshot;
}

balancer::Counters CounterLedger::totals() const {
  balancer::Counters counters{
      .requests = requests_, .elb_5xx = elb_5xx_, .target_5xx = target_5xx_};
  for (const auto& [id, target] : targets_) counters.targets.push_back(target);
  return counters;
}

}  // namespace minato::haproxy
