// `minato lint`: whether a file, and what it is rendered to, keeps the rules; with --timings, the worst
// case of every failure.
#include <fmt/format.h>

#include "catalogue_choice.h"
#include "commands.h"
#include "drill/table.h"
#include "lint_rules.h"
#include "sources.h"
#include "spec/spec.h"
#include "table.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct Lint {
  Common common;
  std::vector<std::string> files;
  std::vector<std::string> directories;  // Of Terraform and manifests.
  bool timings = false;
  std::string profile;
  std::string catalogue;
  std::string kind;
  double rate = 100;
};

std::string indented(const drill::Cells& cells, const std::string& indent = "") {
  Table table(cells.front());
  for (std::size_t i = 1; i < cells.size(); ++i) table.add(cells[i]);
  return table.render(indent);
}

json::object to_json(const bounds::Bound& bound, double rate) {
  json::array terms, losses;
  const auto seconds = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
  for (const bounds::Term& term : bound.terms) {
    terms.push_back(json::object{{"phase", std::string(to_string(term.phase))}, {"what", term.what},
                                 {"setting", term.setting}, {"formula", term.formula},
                                 {"seconds", seconds(term.duration)}, {"rule", term.rule}});
  }
  for (const bounds::Loss& loss : bound.losses) {
    losses.push_back(json::object{{"what", loss.what}, {"seconds", seconds(loss.window)}, {"share", loss.share}});
  }
  return {{"kind", bound.kind}, {"seconds", seconds(bound.total())}, {"terms", std::move(terms)},
          {"losses", std::move(losses)}, {"failed", bound.failed_at(rate)}, {"dominating", bound.dominating},
          {"advice", bound.advice}, {"beside", bound.beside}};
}

void print_terms(const bounds::Bound& bound) {
  fmt::print("\n{}: at most {}\n{}", bound.kind, drill::minutes(bound.total()), indented(drill::term_cells(bound), "  "));
  for (const bounds::Loss& loss : bound.losses) {
    fmt::print("  fails: {:.0f}% for {}: {}\n", loss.share * 100, drill::seconds(loss.window), loss.what);
  }
  if (!bound.beside.empty()) fmt::print("  {}\n", bound.beside);
  if (!bound.advice.empty()) fmt::print("  {} dominates: {}\n", bound.dominating, bound.advice);
}

int lint(const Lint& arguments) {
  const auto sources = read_sources(arguments.files);
  if (!sources) return fail_with(sources.error(), arguments.common);
  const auto spec = spec::read(*sources);
  if (!spec) return fail_with(spec.error(), arguments.common);
  if (!arguments.timings) {
    const auto types = choose_catalogue(arguments.catalogue);  // A rule says which types are not known.
    if (!types) return fail_with(types.error(), arguments.common);
    return lint_rules(*spec, *sources, arguments.directories, (*types)->catalogue, arguments.common);
  }
  const bool realistic = arguments.profile.empty() ? spec->local.realistic : arguments.profile == "realistic";
  const cluster::Profile& profile = realistic ? cluster::kRealistic : cluster::kFast;
  std::vector<bounds::Bound> bounds = bounds::compute(*spec, profile);
  if (!arguments.kind.empty()) {
    const bounds::Bound* one = bounds::find(bounds, arguments.kind);
    if (one == nullptr) {
      return fail_with(Error{Reason::kInvalid, fmt::format("there is no failure '{}'; see: minato lint --timings", arguments.kind)},
                       arguments.common);
    }
    bounds = {bounds::Bound(*one)};
  }
  if (arguments.common.json()) {
    json::array rows;
    for (const bounds::Bound& bound : bounds) rows.push_back(to_json(bound, arguments.rate));
    fmt::print("{}\n", drill::plain_json(json::object{{"profile", profile.name}, {"rate", arguments.rate}, {"bounds", std::move(rows)}}));
    return kDone;
  }
  fmt::print("Worst cases, {} profile, with {:.0f} requests per second; phases in seconds\n\n{}", profile.name, arguments.rate,
             indented(drill::bound_cells(bounds, arguments.rate)));
  for (const bounds::Bound& bound : bounds) print_terms(bound);
  return kDone;
}

}  // namespace

void add_lint(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Lint>();
  CLI::App* command = app.add_subcommand("lint", "Check a file; with --timings, the worst case of every failure");
  add_output(*command, arguments->common);
  command->add_option("FILE", arguments->files, "minato.yaml, then overlays; a directory of Terraform and manifests, else they are rendered")->required();
  command->add_flag("--timings", arguments->timings, "How long each failure takes at most, term by term");
  add_catalogue_option(*command, arguments->catalogue);
  command->add_option("--profile", arguments->profile, "fast or realistic; default: the file's")->check(CLI::IsMember({"fast", "realistic"}));
  command->add_option("--kind", arguments->kind, "Only this failure");
  command->add_option("--rate", arguments->rate, "Requests per second, for what may fail")->check(CLI::Range(0.0, 1e7))->capture_default_str();
  command->callback([arguments, &exit_code] {
    arguments->directories = take_directories(arguments->files);
    exit_code = lint(*arguments);
  });
}

}  // namespace minato::app
