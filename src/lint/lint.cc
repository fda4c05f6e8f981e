#include "lint/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/check.h"
#include "lint/rules.h"

namespace minato::lint {
namespace {

// Waivers take effect, and those that waive nothing are found themselves.
void waive(const spec::Spec& spec, std::vector<Finding>& findings) {
  std::vector<Finding> useless;
  for (const spec::Waiver& waiver : spec.waivers) {
    bool used = false;
    for (Finding& finding : findings) {
      if (finding.rule->id != waiver.rule) continue;
      finding.waived = waiver.reason;
      used = true;
    }
    if (used) continue;
    const bool known = find_rule(waiver.rule) != nullptr;
    useless.push_back({find_rule("W0"), "waivers",
                       known ? fmt::format("nothing breaks {}", waiver.rule)
                             : fmt::format("there is no rule {}", waiver.rule),
                       ""});
  }
  findings.insert(findings.end(), useless.begin(), useless.end());
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return {};
}

std::vector<Finding> check(const spec::Spec& spec, const render::Files& files,
                           const cloud::Catalogue& catalogue, WallTime now) {
  std::vector<Finding> out;
  const Sink found = [&](std::string_view id, std::string place, std::string message) {
    const Rule* rule = find_rule(id);
    CHECK(rule != nullptr, "no rule {}", id);
    out.push_back({rule, std::move(place), std::move(message), ""});
  };
  check_spec(spec, catalogue, now, found);
  check_timings(spec, found);
  const Manifests manifests = read_manifests(files);
  const HclModule module = HclModule::read(files);
  check_manifests(manifests, found);
  check_terraform(module, found);
  check_across(module, manifests, found);
  waive(spec, out);
  std::ranges::stable_sort(
      out, {}, [](const Finding& f) { return std::tuple(f.rule->severity, f.rule->id, f.place); });
  return out;
}

}  // namespace minato::lint
