// `minato cloud`: the local cloud's groups, instances and costs, and the ways to break them.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "ask.h"
#include "base/time.h"
#include "spec/units.h"
#include "table.h"

namespace minato::app {
namespace json = boost::json;
namespace {

Result<json::value> ask(const Common& common, const control::Request& request, int& exit_code) {
  const auto world = choose_world(common.name);
  if (!world) {
    exit_code = fail_without_world(world.error(), common);
    return std::unexpected(world.error());
  }
  auto answer = control::Client(world->control_socket()).ask(request);
  exit_code = answer ? static_cast<int>(kDone) : fail_with(answer.error(), common);
  return answer;
}

std::string words(const json::array& texts) {
  std::string out;
  for (const json::value& text : texts) out += (out.empty() ? "" : ", ") + std::string(text.as_string());
  return out;
}

std::string render_cloud(const json::value& cloud) {
  Table groups({"GROUP", "MIN", "DESIRED", "MAX", "ON-DEMAND", "TYPES", "COST"});
  for (const json::value& group : list(cloud, "groups")) {
    groups.add({text(group, "name"), std::to_string(number(group, "minSize")),
                std::to_string(number(group, "desiredCapacity")), std::to_string(number(group, "maxSize")),
                fmt::format("{} + {}%", number(group, "onDemandBaseCapacity"),
                            number(group, "onDemandPercentageAboveBaseCapacity")),
                words(list(group, "types")), dollars(number(group, "microUsd"))});
  }
  Table instances({"INSTANCE", "TYPE", "ZONE", "MARKET", "STATE", "HEALTH", "NODE", "AGE", "NOTICE"});
  for (const json::value& instance : list(cloud, "instances")) {
    std::string notice = text(instance, "notice");
    if (instance.get_object().contains("endsInSeconds")) {
      notice += fmt::format(", ends in {}", format_age(std::chrono::seconds(number(instance, "endsInSeconds"))));
    }
    instances.add({text(instance, "id"), text(instance, "type"), text(instance, "zone"), text(instance, "market"),
                   text(instance, "state"), text(instance, "health"), text(instance, "node"),
                   format_age(std::chrono::seconds(number(instance, "ageSeconds"))), notice});
  }
  Table activities({"AGO", "STATUS", "ACTIVITY", "CAUSE"});
  for (const json::value& activity : list(cloud, "activities")) {
    const std::string message = text(activity, "message");
    activities.add({format_age(std::chrono::seconds(number(activity, "ageSeconds"))), text(activity, "status"),
                    text(activity, "description"), message.empty() ? text(activity, "cause") : message});
  }
  std::string out = groups.render() + "\n" + instances.render();
  if (!activities.empty()) out += "\n" + activities.render();
  if (!list(cloud, "failedZones").empty()) out += "\nFailed zones: " + words(list(cloud, "failedZones")) + "\n";
  for (const json::value& pool : list(cloud, "exhausted")) {
    out += fmt::format("\nNo capacity: {} in {} ({})", text(pool, "type"), text(pool, "zone"), text(pool, "market"));
  }
  if (!list(cloud, "exhausted").empty()) out += "\n";
  const json::value& costs = cloud.at("costs");
  return out + fmt::format("\nCosts so far {} (on-demand {}, spot {})\n", dollars(number(costs, "totalMicroUsd")),
                           dollars(number(costs, "onDemandMicroUsd")), dollars(number(costs, "spotMicroUsd")));
}

void print_instances(const Common& common, const json::value& answer, const std::string& what) {
  if (common.json()) {
    fmt::print("{}\n", json::serialize(answer));
    return;
  }
  const std::string ids = words(list(answer, "instances"));
  fmt::print("{}{}{}\n", what, ids.empty() ? "" : ": ", ids);
}

// A verb whose answer is a list of instances.
struct Act {
  Common common;
  control::Request request;
  std::string said;
};

int act(const Act& act) {
  int exit_code = kDone;
  const auto answer = ask(act.common, act.request, exit_code);
  if (answer) print_instances(act.common, *answer, act.said);
  return exit_code;
}

CLI::App* add_command(CLI::App& cloud, Common& common, const char* name, const char* help) {
  CLI::App* command = cloud.add_subcommand(name, help);
  add_name(*command, common);
  add_output(*command, common);
  return command;
}

void add_show(CLI::App& cloud, int& exit_code) {
  auto common = std::make_shared<Common>();
  CLI::App* command = add_command(cloud, *common, "show", "Groups, instances, scaling activities, costs");
  command->callback([common, &exit_code] {
    const auto answer = ask(*common, {"cloud-show", {}}, exit_code);
    if (answer) fmt::print("{}", common->json() ? json::serialize(*answer) + "\n" : render_cloud(*answer));
  });
}

struct Interruption {
  Common common;
  std::string instance;
  std::string pool;
  std::string share;
  std::string notice;
  std::string rebalance;
  bool no_notice = false;
};

Result<control::Request> interruption_request(const Interruption& arguments) {
  control::Request out{"cloud-interrupt", {}};
  if (!arguments.instance.empty()) out.arguments["instance"] = arguments.instance;
  if (!arguments.pool.empty()) out.arguments["pool"] = arguments.pool;
  if (!arguments.share.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t percent, spec::parse_percent(arguments.share));
    out.arguments["sharePercent"] = percent;
  }
  if (arguments.instance.empty() && arguments.pool.empty() && arguments.share.empty()) {
    return fail(Reason::kBadRequest, "say what to interrupt: --instance ID, --pool TYPE/ZONE or --share 50%");
  }
  const auto milliseconds = [](Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
  if (arguments.no_notice) out.arguments["noticeMs"] = 0;
  if (!arguments.notice.empty()) {
    ASSIGN_OR_RETURN(const Duration notice, parse_duration(arguments.notice));
    out.arguments["noticeMs"] = milliseconds(notice);
  }
  if (!arguments.rebalance.empty()) {
    ASSIGN_OR_RETURN(const Duration lead, parse_duration(arguments.rebalance));
    out.arguments["rebalanceMs"] = milliseconds(lead);
  }
  return out;
}

void add_interrupt(CLI::App& cloud, int& exit_code) {
  auto arguments = std::make_shared<Interruption>();
  CLI::App* command = add_command(cloud, arguments->common, "interrupt",
                                  "Take spot instances back: a notice, then the machine ends");
  auto* instance = command->add_option("--instance", arguments->instance, "One instance");
  auto* pool = command->add_option("--pool", arguments->pool, "All of a pool: TYPE/ZONE, as m5.large/a");
  auto* share = command->add_option("--share", arguments->share, "A share of all (or of the pool), by chance: 50%");
  instance->excludes(pool)->excludes(share);
  auto* notice = command->add_option("--notice", arguments->notice, "From the notice to the end (2m on AWS)");
  command->add_flag("--no-notice", arguments->no_notice, "The notice that never comes")->excludes(notice);
  command->add_option("--rebalance", arguments->rebalance, "A rebalance recommendation so long before the notice");
  command->callback([arguments, &exit_code] {
    const auto request = interruption_request(*arguments);
    exit_code = request ? act({arguments->common, *request, "interrupted"})
                        : fail_with(request.error(), arguments->common);
  });
}

void add_on_instance(CLI::App& cloud, int& exit_code, const char* name, const char* verb, const char* said,
                     const char* help) {
  auto common = std::make_shared<Common>();
  auto id = std::make_shared<std::string>();
  CLI::App* command = add_command(cloud, *common, name, help);
  command->add_option("INSTANCE", *id, "As 'minato cloud show' lists them")->required();
  command->callback([=, &exit_code] { exit_code = act({*common, {verb, {{"instance", *id}}}, said}); });
}

void add_on_zone(CLI::App& cloud, int& exit_code, const char* name, bool available, const char* said,
                 const char* help) {
  auto common = std::make_shared<Common>();
  auto zone = std::make_shared<std::string>();
  CLI::App* command = add_command(cloud, *common, name, help);
  command->add_option("ZONE", *zone, "Letter or full name")->required();
  command->callback([=, &exit_code] {
    exit_code = act({*common, {"cloud-zone", {{"zone", *zone}, {"available", available}}}, said});
  });
}

void add_on_pool(CLI::App& cloud, int& exit_code, const char* name, bool available, const char* said,
                 const char* help) {
  auto common = std::make_shared<Common>();
  auto pool = std::make_shared<std::string>();
  auto market = std::make_shared<std::string>();
  CLI::App* command = add_command(cloud, *common, name, help);
  command->add_option("POOL", *pool, "TYPE/ZONE, TYPE or /ZONE")->required();
  command->add_option("--market", *market, "Only this one")->check(CLI::IsMember({"spot", "on-demand"}));
  command->callback([=, &exit_code] {
    exit_code = act({*common,
                     {"cloud-capacity", {{"pool", *pool}, {"market", *market}, {"available", available}}},
                     said});
  });
}

}  // namespace

void add_cloud(CLI::App& app, int& exit_code) {
  CLI::App* cloud = app.add_subcommand("cloud", "Look at the local cloud, and break it");
  cloud->require_subcommand(1);
  add_show(*cloud, exit_code);
  add_interrupt(*cloud, exit_code);
  add_on_instance(*cloud, exit_code, "cancel", "cloud-cancel", "notice taken back",
                  "Take back a notice, which AWS never does");
  add_on_instance(*cloud, exit_code, "kill", "cloud-kill", "killed", "End a machine without notice, as hardware does");
  add_on_instance(*cloud, exit_code, "retire", "cloud-maintenance", "retirement scheduled",
                  "Announce a retirement (scheduled maintenance)");
  add_on_zone(*cloud, exit_code, "fail-zone", false, "zone failed", "Lose a zone: its machines end, none can be launched");
  add_on_zone(*cloud, exit_code, "restore-zone", true, "zone restored", "Give the zone back");
  add_on_pool(*cloud, exit_code, "no-capacity", false, "no capacity", "Launches from a pool fail from now on");
  add_on_pool(*cloud, exit_code, "capacity", true, "capacity again", "The pool has capacity again");
  add_catalogue(*cloud, exit_code);
}

}  // namespace minato::app
