// report.json: everything a report shows, and enough to compare with later.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "drill/observation_json.h"
#include "drill/report.h"

namespace minato::drill {
namespace json = boost::json;
namespace {

json::object phases_of(const Outcome& outcome) {
  json::object out;
  for (const auto& [phase, at] : outcome.at) out[std::string(to_string(phase))] = to_seconds(outcome.length_of(phase));
  return out;
}

json::object requests_of(const Slice& requests) {
  json::object causes;
  for (std::size_t cause = 0; cause < kCauses; ++cause) {
    if (requests.failed[cause] > 0) causes[std::string(to_string(static_cast<Cause>(cause)))] = requests.failed[cause];
  }
  return {{"sent", requests.sent}, {"ok", requests.ok}, {"failed", requests.failures()}, {"causes", std::move(causes)}};
}

json::array timeline_of(const Outcome& outcome) {
  json::array out;
  const Timeline& timeline = outcome.timeline;
  for (std::size_t i = 0; i < timeline.slices().size(); ++i) {
    const Slice& slice = timeline.slices()[i];
    if (slice.failures() == 0) continue;
    json::object row = requests_of(slice);
    row["atSeconds"] = to_seconds(timeline.start_of(i) - outcome.injected);
    out.push_back(std::move(row));
  }
  return out;
}

json::object bound_of(const bounds::Bound& bound, double rate) {
  json::array terms;
  for (const bounds::Term& term : bound.terms) {
    terms.push_back(json::object{{"phase", std::string(to_string(term.phase))}, {"what", term.what},
                                 {"setting", term.setting}, {"formula", term.formula},
                                 {"seconds", to_seconds(term.duration)}, {"rule", term.rule}});
  }
  return {{"seconds", to_seconds(bound.total())}, {"terms", std::move(terms)}, {"dominating", bound.dominating},
          {"advice", bound.advice}, {"failed", bound.failed_at(rate)},
          {"lossWindowSeconds", to_seconds(bound.loss_window())}};
}

}  // namespace

json::object to_json(const Simulated& simulated) {
  json::object phases;
  for (const auto& [phase, length] : simulated.phases) phases[std::string(to_string(phase))] = to_seconds(length);
  return {{"runs", simulated.runs}, {"recovered", simulated.recovered}, {"withinBound", simulated.within_bound},
          {"p05Seconds", to_seconds(simulated.p05)}, {"p50Seconds", to_seconds(simulated.p50)}, {"p95Seconds", to_seconds(simulated.p95)},
          {"failedP50", simulated.failed_p50}, {"failedP95", simulated.failed_p95}, {"phases", std::move(phases)}};
}

namespace {

json::object row_of(const Row& row) {
  const Outcome& outcome = row.outcome;
  json::array victims, events, faults, remarks, measured;
  for (const std::string& target : outcome.victims.targets) victims.emplace_back(target);
  for (const Observation& event : outcome.events) {
    json::object shown = to_json(event);
    shown.erase("atNs");
    shown["atSeconds"] = to_seconds(event.at - outcome.injected);
    events.push_back(std::move(shown));
  }
  for (const std::string& fault : row.faults) faults.emplace_back(fault);
  for (const Measured& run : row.measured) {
    measured.push_back(json::object{{"recoverySeconds", run.recovery > Duration{} ? json::value(to_seconds(run.recovery)) : json::value()},
                                    {"failed", run.failed}});
  }
  for (const std::string& remark : row.remarks) remarks.emplace_back(remark);
  json::object out{{"kind", outcome.drill.kind},
                   {"does", outcome.drill.does},
                   {"passed", row.passed()},
                   {"faults", std::move(faults)},
                   {"remarks", std::move(remarks)},
                   {"recoverySeconds", outcome.is_recovered() ? json::value(to_seconds(outcome.recovery())) : json::value()},
                   {"measured", std::move(measured)},
                   {"phases", phases_of(outcome)},
                   {"requests", requests_of(outcome.requests())},
                   {"failedAllowed", row.failed_allowed},
                   {"latencyMs", {{"p50", to_seconds(outcome.latency.p50) * 1000},
                                  {"p99", to_seconds(outcome.latency.p99) * 1000},
                                  {"max", to_seconds(outcome.latency.maximum) * 1000}}},
                   {"generatorLateMs", to_seconds(outcome.latency.generator_late) * 1000},
                   {"victims", std::move(victims)},
                   {"bound", bound_of(row.bound, outcome.rate)},
                   {"failures", timeline_of(outcome)},
                   {"events", std::move(events)}};
  if (row.simulated) out["simulated"] = to_json(*row.simulated);
  return out;
}

void write(const json::value& value, std::string& out);

void write_object(const json::object& object, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [name, member] : object) {
    if (!std::exchange(first, false)) out += ',';
    out += json::serialize(name);
    out += ':';
    write(member, out);
  }
  out += '}';
}

void write(const json::value& value, std::string& out) {
  if (value.is_object()) return write_object(value.get_object(), out);
  if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const json::value& each : value.get_array()) {
      if (!std::exchange(first, false)) out += ',';
      write(each, out);
    }
    out += ']';
    return;
  }
  if (!value.is_double()) {
    out += json::serialize(value);
    return;
  }
  std::string number = fmt::format("{:.6f}", value.get_double());
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  out += number == "-0" ? "0" : number;
}

}  // namespace

std::string plain_json(const json::value& value) {
  std::string out;
  write(value, out);
  return out;
}

json::value to_json(const Report& report) {
  json::array rows;
  for (const Row& row : report.rows) rows.push_back(row_of(row));
  return json::object{{"service", report.service}, {"world", report.world},   {"profile", report.profile},
                      {"at", report.at},           {"rate", report.rate},     {"slo", report.slo},
                      {"passed", report.passed()}, {"drills", std::move(rows)}};
}

Result<std::map<std::string, Earlier>> read_earlier(std::string_view text) {
  const auto broken = [] { return fail(Reason::kInvalid, "this is no report.json of minato drill"); };
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  const json::value* rows = !error && value.is_object() ? value.get_object().if_contains("drills") : nullptr;
  if (rows == nullptr || !rows->is_array()) return broken();
  std::map<std::string, Earlier> out;
  for (const json::value& row : rows->get_array()) {
    if (!row.is_object()) return broken();
    const json::value* kind = row.get_object().if_contains("kind");
    const json::value* recovery = row.get_object().if_contains("recoverySeconds");
    const json::value* requests = row.get_object().if_contains("requests");
    const json::value* passed = row.get_object().if_contains("passed");
    if (kind == nullptr || !kind->is_string() || requests == nullptr || !requests->is_object()) return broken();
    Earlier& earlier = out[std::string(kind->get_string())];
    if (recovery != nullptr && recovery->is_number()) {
      earlier.recovery = Duration{static_cast<std::int64_t>(recovery->to_number<double>() * 1e9)};
    }
    const json::value* failed = requests->get_object().if_contains("failed");
    if (failed != nullptr && failed->is_int64()) earlier.failed = static_cast<std::uint64_t>(failed->get_int64());
    earlier.passed = passed != nullptr && passed->is_bool() && passed->get_bool();
  }
  return out;
}

}  // namespace minato::drill
