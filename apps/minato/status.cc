#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "ask.h"
#include "base/time.h"
#include "table.h"

namespace minato::app {
namespace json = boost::json;

std::string text(const json::value& object, const char* name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::int64_t number(const json::value& object, const char* name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

const json::array& list(const json::value& object, const char* name) {
  static const json::array kEmpty;
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}

namespace {

std::string age(const json::value& row) {
  return format_age(std::chrono::seconds(number(row, "ageSeconds")));
}

std::string render_service(const json::value& service) {
  std::string out = fmt::format(
      "{}  {}\n  image    {}\n  replicas {} desired, {} ready, {} updated, {} available   revision {}\n",
      text(service, "name"), text(service, "url"), text(service, "image"),
      number(service, "desired"), number(service, "ready"), number(service, "updated"),
      number(service, "available"), text(service, "revision"));
  if (const std::string digest = text(service, "digest"); !digest.empty()) {
    out += "  digest   " + digest + "\n";
  }
  if (const json::value* scaling = service.as_object().if_contains("autoscaling")) {
    const json::value* current = scaling->as_object().if_contains("currentPercent");
    out += fmt::format("  scaling  {} to {} Pods at {}% CPU (now {})\n", number(*scaling, "min"), number(*scaling, "max"),
                       number(*scaling, "targetPercent"),
                       current == nullptr ? "not known" : fmt::format("{}%", number(*scaling, "currentPercent")));
  }
  if (const std::string message = text(service, "message"); !message.empty()) {
    out += "  rollout  " + message + "\n";
  }
  return out;
}

}  // namespace

std::string render_status(const json::value& status) {
  std::string out = render_service(status.at("service"));
  if (const json::value* world = status.as_object().if_contains("world")) {
    if (const auto percent = number(*world, "cpuScalePercent"); percent != 100) {
      out += fmt::format("  machine  a vCPU here is worth {}% of a real one (cpu_scale)\n", percent);
    }
  }
  Table nodes({"NODE", "ZONE", "GROUP", "TYPE", "MARKET", "STATUS", "PODS", "AGE"});
  for (const json::value& node : list(status, "nodes")) {
    nodes.add({text(node, "name"), text(node, "zone"), text(node, "group"), text(node, "type"),
               text(node, "market"), text(node, "status"), std::to_string(number(node, "pods")), age(node)});
  }
  Table pods({"POD", "READY", "STATUS", "RESTARTS", "NODE", "ZONE", "AGE"});
  for (const json::value& pod : list(status, "pods")) {
    pods.add({text(pod, "name"), text(pod, "ready"), text(pod, "status"),
              std::to_string(number(pod, "restarts")), text(pod, "node"), text(pod, "zone"), age(pod)});
  }
  Table targets({"TARGET", "NODE", "ZONE", "HEALTH", "REASON"});
  for (const json::value& target : list(status, "targets")) {
    targets.add({text(target, "id"), text(target, "node"), text(target, "zone"),
                 text(target, "state"), text(target, "reason") +
                     (text(target, "description").empty() ? "" : ": " + text(target, "description"))});
  }
  Table warnings({"LAST", "COUNT", "REASON", "OBJECT", "MESSAGE"});
  for (const json::value& warning : list(status, "warnings")) {
    warnings.add({age(warning), std::to_string(number(warning, "count")), text(warning, "reason"),
                  text(warning, "object"), text(warning, "message")});
  }
  out += "\n" + nodes.render("  ") + "\n" + pods.render("  ") + "\n" + targets.render("  ");
  if (!warnings.empty()) out += "\nLast warnings\n" + warnings.render("  ");
  return out;
}

void add_status(CLI::App& app, int& exit_code) {
  auto common = std::make_shared<Common>();
  CLI::App* command = app.add_subcommand("status", "The service, its Nodes, Pods, targets and last Warnings");
  add_name(*command, *common);
  add_output(*command, *common);
  command->callback([common, &exit_code] {
    const auto world = choose_world(common->name);
    if (!world) {
      exit_code = fail_without_world(world.error(), *common);
      return;
    }
    const auto status = control::Client(world->control_socket()).ask({"status", {}});
    if (!status) {
      exit_code = fail_with(status.error(), *common);
      return;
    }
    fmt::print("{}", common->json() ? json::serialize(*status) + "\n" : render_status(*status));
    exit_code = kDone;
  });
}

}  // namespace minato::app
