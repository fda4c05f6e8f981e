// `minato calibrate`: how long machines and containers took in measured drills, for simulated ones.
#include <fmt/format.h>

#include "commands.h"
#include "drill/calibration.h"
#include "drill/report.h"
#include "host/files.h"

namespace minato::app {
namespace {

constexpr std::size_t kMaxReportBytes = 64 << 20;

struct Calibrate {
  Common common;
  std::string report;
  std::string profile = "fast";
};

int calibrate(const Calibrate& arguments) {
  const auto text = host::read_file(arguments.report, kMaxReportBytes);
  if (!text) return fail_with(text.error(), arguments.common);
  const cluster::Profile& profile = arguments.profile == "realistic" ? cluster::kRealistic : cluster::kFast;
  const auto found = drill::calibrate_from_report(*text, drill::default_calibration(profile));
  if (!found) return fail_with(wrap(arguments.report, found.error()).error(), arguments.common);
  if (arguments.common.json()) {
    fmt::print("{}\n", drill::plain_json(drill::to_json(*found)));
    return kDone;
  }
  const auto line = [](const char* what, Duration duration, std::int32_t count) {
    fmt::print("{:<44} {:7.3f} s  {}\n", what, std::chrono::duration<double>(duration).count(),
               count == 0 ? std::string("not measured: the profile's") : fmt::format("median of {}", count));
  };
  line("from the order of an instance until it runs", found->boot, found->boots);
  line("from a bound Pod to a process that runs", found->start, found->starts);
  line("from the end of a process to the next", found->restart, found->restarts);
  return kDone;
}

}  // namespace

void add_calibrate(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Calibrate>();
  CLI::App* command = app.add_subcommand("calibrate", "What measured drills say of this machine; with -o json, for: minato drill --calibration");
  add_output(*command, arguments->common);
  command->add_option("REPORT", arguments->report, "A report.json of minato drill")->required();
  command->add_option("--profile", arguments->profile, "Whose figures stand in for what was not measured")
      ->check(CLI::IsMember({"fast", "realistic"}))->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = calibrate(*arguments); });
}

}  // namespace minato::app
