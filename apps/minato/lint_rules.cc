#include "lint_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "host/files.h"
#include "host/loop.h"
#include "lint/lint.h"
#include "render/render.h"
#include "spec/locate.h"

namespace minato::app {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxJudgedBytes = 4 << 20;
constexpr std::size_t kMaxFiles = 5000;

bool is_read(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".tf" || extension == ".yaml" || extension == ".yml";
}

Result<render::Files> read_directory(const std::string& directory) {
  render::Files out;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    // Terraform's copies of modules and providers are not what people wrote.
    if (at->path().filename() == ".terraform") at.disable_recursion_pending();
    if (!at->is_regular_file() || !is_read(at->path())) continue;
    if (out.size() == kMaxFiles)
      return fail(Reason::kInvalid, fmt::format("{}: more than {} files", directory, kMaxFiles));
    ASSIGN_OR_RETURN(std::string text, host::read_file(at->path().string(), kMaxJudgedBytes));
    out.emplace(fs::relative(at->path(), directory).string(), std::move(text));
  }
  if (error) return fail(Reason::kInvalid, fmt::format("{}: {}", directory, error.message()));
  return out;
}

// What to judge besides the file; a sentence for people where that is nothing.
Result<render::Files> files_to_judge(const spec::Spec& spec,
                                     const std::vector<spec::Source>& sources,
                                     const std::vector<std::string>& directories,
                                     const cloud::Catalogue& catalogue, std::string& remark) {
  render::Files out;
  for (const std::string& directory : directories) {
    ASSIGN_OR_RETURN(render::Files files, read_directory(directory));
    out.merge(files);
  }
  if (!directories.empty()) return out;
  auto rendered = render::render(spec, catalogue);
  if (rendered) return std::move(*rendered);
  remark =
      "not rendered, so the file alone is judged; for EKS it lacks:\n" +
      spec::with_places(rendered.error(), sources).message;
  return out;
}

// "minato.yaml:14: nodes.scaling.types", or the place alone where it is no key of the file.
std::string shown(const lint::Finding& finding, const std::vector<spec::Source>& sources) {
  const std::string line = spec::locate(sources, finding.place);
  return line.empty() ? finding.place : line + ": " + finding.place;
}

void print_findings(const std::vector<lint::Finding>& findings,
                const std::vector<spec::Source>& sources, const std::string& remark) {
  int errors = 0, warnings = 0, notes = 0, waived = 0;
  for (const lint::Finding& finding : findings) {
    if (!finding.waived.empty()) {
      ++waived;
      fmt::print("waived  {:<4} {}: {}\n             because: {}\n", finding.rule->id,
                 shown(finding, sources), finding.message, finding.waived);
      continue;
    }
    ++(finding.rule->severity == lint::Severity::kError     ? errors
       : finding.rule->severity == lint::Severity::kWarning ? warnings
                                                            : notes);
    fmt::print("{:<7} {:<4} {}: {}\n             why: {} ({})\n             fix: {}\n",
               to_string(finding.rule->severity), finding.rule->id, shown(finding, sources),
               finding.message, finding.rule->reason, finding.rule->source, finding.rule->fix);
  }
  fmt::print(
      "{}{} errors, {} warnings, {} notes, {} waived; how long each failure takes: minato lint "
      "--timings\n",
      findings.empty() ? "" : "\n", errors, warnings, notes, waived);
  if (!remark.empty()) fmt::print("{}\n", remark);
}

void print_findings_json(const std::vector<lint::Finding>& findings,
                const std::vector<spec::Source>& sources, const std::string& remark) {
  json::array rows;
  for (const lint::Finding& finding : findings) {
    const lint::Rule& rule = *finding.rule;
    rows.push_back(json::object{{"rule", rule.id},
                                {"severity", to_string(rule.severity)},
                                {"place", finding.place},
                                {"line", spec::locate(sources, finding.place)},
                                {"message", finding.message},
                                {"reason", rule.reason},
                                {"source", rule.source},
                                {"fix", rule.fix},
                                {"waived", finding.waived}});
  }
  const bool failed = std::ranges::any_of(findings, &lint::Finding::blocks);
  fmt::print("{}\n", json::serialize(json::object{
                         {"valid", !failed}, {"findings", std::move(rows)}, {"remark", remark}}));
}

}  // namespace

std::vector<std::string> take_directories(std::vector<std::string>& paths) {
  std::vector<std::string> out;
  std::ranges::copy_if(paths, std::back_inserter(out),
                       [](const std::string& path) { return fs::is_directory(path); });
  std::erase_if(paths, [](const std::string& path) { return fs::is_directory(path); });
  return out;
}

int lint_rules(const spec::Spec& spec, const std::vector<spec::Source>& sources,
               const std::vector<std::string>& directories, const cloud::Catalogue& catalogue,
               const Common& common) {
  std::string remark;
  const auto files = files_to_judge(spec, sources, directories, catalogue, remark);
  if (!files) return fail_with(files.error(), common);
  host::Loop loop;
  const std::vector<lint::Finding> findings = lint::check(spec, *files, catalogue, loop.wall());
  if (common.json())
    print_findings_json(findings, sources, remark);
  else
    print_findings(findings, sources, remark);
  return std::ranges::any_of(findings, &lint::Finding::blocks) ? kFailed : kDone;
}

}  // namespace minato::app
