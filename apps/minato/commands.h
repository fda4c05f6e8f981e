// The command line: one function per command, each returning the process's exit code.
//
// Exit codes: 0 done; 1 failed; 2 wrong usage or a file with errors; 3 nothing of that name is up;
// 4 this machine cannot (doctor says why); 130 interrupted.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::app {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotUp = 3,
  kCannot = 4,
  kInterrupted = 130,
};

// Options that every command shares.
struct Common {
  std::string name;    // World.
  std::string output;  // "text" or "json".
  bool json() const { return output == "json"; }
};

// Prints "minato: message" (or a JSON object) to standard error and gives the exit code for it.
int fail_with(const Error& error, const Common& common = {});
// The same for a world that could not be chosen: kNotUp when there is none of that name.
int fail_without_world(const Error& error, const Common& common = {});

// Each adds its subcommand to the application; the callback sets `exit_code`.
void add_up(CLI::App& app, int& exit_code);
void add_down(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_logs(CLI::App& app, int& exit_code);
void add_events(CLI::App& app, int& exit_code);
void add_deploy(CLI::App& app, int& exit_code);
void add_rollback(CLI::App& app, int& exit_code);
void add_pull(CLI::App& app, int& exit_code);
void add_image(CLI::App& app, int& exit_code);
void add_trust(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);
void add_load(CLI::App& app, int& exit_code);
void add_drill(CLI::App& app, int& exit_code);
void add_calibrate(CLI::App& app, int& exit_code);
void add_lint(CLI::App& app, int& exit_code);
void add_simulate(CLI::App& app, int& exit_code);
void add_drain(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_cloud(CLI::App& app, int& exit_code);
void add_catalogue(CLI::App& cloud, int& exit_code);  // Below `minato cloud`.
void add_kubeconfig(CLI::App& app, int& exit_code);
void add_roles(CLI::App& app, int& exit_code);
void add_render(CLI::App& app, int& exit_code);
void add_import(CLI::App& app, int& exit_code);

void add_name(CLI::App& command, Common& common);
void add_output(CLI::App& command, Common& common);

// Roles that minato starts of itself; not for people.
int run_control(int argc, char** argv);

}  // namespace minato::app
