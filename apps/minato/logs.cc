#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "ask.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct LogArguments {
  Common common;
  std::string pod;
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::int64_t tail = -1;
};

int print_logs(const LogArguments& arguments) {
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  control::Request request{"logs",
                           {{"pod", arguments.pod},
                            {"container", arguments.container},
                            {"follow", arguments.follow},
                            {"previous", arguments.previous},
                            {"timestamps", arguments.timestamps},
                            {"tail", arguments.tail}}};
  const Status status = control::Client(world->control_socket())
                            .call(request, [](const json::value& data) {
                              const std::string chunk(data.as_string());
                              std::fwrite(chunk.data(), 1, chunk.size(), stdout);
                              return std::fflush(stdout) == 0;  // A closed pipe ends the stream.
                            });
  return status ? kDone : fail_with(status.error(), arguments.common);
}

struct EventArguments {
  Common common;
  bool follow = false;
};

int print_events(const EventArguments& arguments) {
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  const Status status = control::Client(world->control_socket())
                            .call({"events", {{"follow", arguments.follow}}},
                                  [&](const json::value& event) {
                                    if (arguments.common.json()) {
                                      fmt::print("{}\n", json::serialize(event));
                                    } else {
                                      fmt::print("{}  {:<7}  {:<22}  {}  {}\n", text(event, "time"),
                                                 text(event, "type"), text(event, "reason"),
                                                 text(event, "object"), text(event, "message"));
                                    }
                                    return std::fflush(stdout) == 0;
                                  });
  return status ? kDone : fail_with(status.error(), arguments.common);
}

}  // namespace

void add_logs(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<LogArguments>();
  CLI::App* command = app.add_subcommand("logs", "What the service's containers print");
  add_name(*command, arguments->common);
  command->add_option("POD", arguments->pod, "One Pod (default: all Pods of the service)");
  command->add_option("-c,--container", arguments->container, "Container (default: the first)");
  command->add_flag("-f,--follow", arguments->follow, "Go on as more is printed");
  command->add_flag("-p,--previous", arguments->previous, "Of the container before its last restart");
  command->add_flag("--timestamps", arguments->timestamps, "Put the time before each line");
  command->add_option("--tail", arguments->tail, "Only the last N lines")->check(CLI::NonNegativeNumber);
  command->callback([arguments, &exit_code] { exit_code = print_logs(*arguments); });
}

void add_events(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<EventArguments>();
  CLI::App* command = app.add_subcommand("events", "What happened, oldest first");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_flag("-f,--follow", arguments->follow, "Go on as more happens");
  command->callback([arguments, &exit_code] { exit_code = print_events(*arguments); });
}

}  // namespace minato::app
