#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "commands.h"
#include "linux_container/shim.h"
#include "version.h"

namespace minato::app {

int fail_with(const Error& error, const Common& common) {
  if (common.json()) {
    const boost::json::object out{{"error", {{"reason", std::string(to_string(error.reason))}, {"message", error.message}}}};
    fmt::print(stderr, "{}\n", boost::json::serialize(out));
  } else {
    fmt::print(stderr, "minato: {}\n", error.message);
  }
  switch (error.reason) {
    case Reason::kInvalid:
    case Reason::kBadRequest: return kUsage;
    case Reason::kAborted: return kInterrupted;
    default: return kFailed;
  }
}

int fail_without_world(const Error& error, const Common& common) {
  const int code = fail_with(error, common);
  return is(error, Reason::kNotFound) ? static_cast<int>(kNotUp) : code;
}

void add_name(CLI::App& command, Common& common) {
  command.add_option("--name", common.name, "Which service, when several are up here");
}

void add_output(CLI::App& command, Common& common) {
  common.output = "text";
  command.add_option("-o,--output", common.output, "text or json")->check(CLI::IsMember({"text", "json"}));
}

namespace {

// CLI11 only says that a command is missing. "" where it is one.
std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (word.starts_with('-') || std::ranges::find(names, word) != names.end()) return {};
  const std::string near = nearest(word, names);
  return fmt::format("minato: there is no command '{}'{}; see: minato --help\n", word,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

int run_command_line(int argc, char** argv) {
  CLI::App app("minato runs a web service the EKS way: on this machine, in virtual time, on EKS.");
  app.set_version_flag("--version", std::string("minato ") + kVersion);
  app.require_subcommand(1);
  app.footer("Start with: minato up FILE");
  int exit_code = kDone;
  add_up(app, exit_code);
  add_down(app, exit_code);
  add_status(app, exit_code);
  add_logs(app, exit_code);
  add_events(app, exit_code);
  add_deploy(app, exit_code);
  add_rollback(app, exit_code);
  add_pull(app, exit_code);
  add_image(app, exit_code);
  add_load(app, exit_code);
  add_drill(app, exit_code);
  add_calibrate(app, exit_code);
  add_lint(app, exit_code);
  add_simulate(app, exit_code);
  add_trust(app, exit_code);
  add_doctor(app, exit_code);
  add_drain(app, exit_code);
  add_explain(app, exit_code);
  add_cloud(app, exit_code);
  add_roles(app, exit_code);
  add_kubeconfig(app, exit_code);
  add_render(app, exit_code);
  add_import(app, exit_code);
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return kUsage;
  }
  if (const std::string problem = unknown_command(app, argv[1]); !problem.empty()) {
    fmt::print(stderr, "{}", problem);
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kDone : kUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace minato::app

int main(int argc, char** argv) {
  // Roles come first: a shim per Pod must not carry what only people need.
  if (argc > 1 && std::strcmp(argv[1], "shim") == 0) return minato::linux_container::run_shim(argc - 2, argv + 2);
  if (argc > 1 && std::strcmp(argv[1], "control") == 0) return minato::app::run_control(argc - 1, argv + 1);
  return minato::app::run_command_line(argc, argv);
}
