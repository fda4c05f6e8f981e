// `minato drain` and `minato explain`.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "ask.h"
#include "render/secrets.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct Drain {
  Common common;
  std::string node;
  bool undo = false;
  bool replace = false;
  bool no_wait = false;
};

int drain(const Drain& arguments) {
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  const control::Request request{arguments.undo ? "undrain" : "drain",
                                 {{"node", arguments.node},
                                  {"replace", arguments.replace},
                                  {"wait", !arguments.no_wait}}};
  const Status status = control::Client(world->control_socket()).call(request, [&](const json::value& line) {
    fmt::print("{}\n", arguments.common.json() ? json::serialize(line) : text(line, "message"));
    std::fflush(stdout);
    return true;
  });
  return status ? static_cast<int>(kDone) : fail_with(status.error(), arguments.common);
}

struct Explain {
  Common common;
  std::string kind;
  std::string name;
};

// Needs no world: what may be chosen in eks.secrets.
int explain_secrets(const Common& common) {
  if (common.json()) {
    json::array rows;
    for (const render::SecretWay& way : render::secret_ways()) {
      rows.push_back(json::object{
          {"way", way.key}, {"how", way.how}, {"merits", way.merits}, {"drawbacks", way.drawbacks}});
    }
    fmt::print("{}\n", json::serialize(rows));
    return kDone;
  }
  fmt::print("How secrets reach Pods on EKS (eks.secrets in the file):\n");
  for (const render::SecretWay& way : render::secret_ways())
    fmt::print("\n{}\n  {}.\n  for:     {}.\n  against: {}.\n", way.key, way.how, way.merits, way.drawbacks);
  fmt::print("\nIn all of them values stay out of the file, Terraform's state and rendered manifests; here, in the\n"
             "local world, they come from file:, env: or generated:.\n");
  return kDone;
}

int explain(const Explain& arguments) {
  if (arguments.kind == "secrets") return explain_secrets(arguments.common);
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  const std::string name = arguments.name.empty() && arguments.kind == "hpa" ? world->name : arguments.name;
  if (name.empty()) {
    return fail_with(Error{Reason::kBadRequest, fmt::format("say which {}: minato explain {} NAME", arguments.kind, arguments.kind)},
                     arguments.common);
  }
  const auto answer = control::Client(world->control_socket())
                          .ask({"explain", {{"kind", arguments.kind}, {"name", name}, {"namespace", world->name}}});
  if (!answer) return fail_with(answer.error(), arguments.common);
  fmt::print("{}", arguments.common.json() ? json::serialize(*answer) + "\n" : text(*answer, "text"));
  return kDone;
}

}  // namespace

void add_drain(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Drain>();
  CLI::App* command = app.add_subcommand("drain", "Take a Node out of service without losing a request");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("NODE", arguments->node, "Node or instance id")->required();
  command->add_flag("--undo", arguments->undo, "Put it back into service");
  command->add_flag("--replace", arguments->replace, "Have another instance first, then end this one");
  command->add_flag("--no-wait", arguments->no_wait, "Return once it has begun");
  command->callback([arguments, &exit_code] { exit_code = drain(*arguments); });
}

void add_explain(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Explain>();
  CLI::App* command = app.add_subcommand(
      "explain", "Why a Pod waits, why a Node stays or goes, why this many replicas, why a group cannot grow; how secrets get to EKS");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("KIND", arguments->kind, "pod, node, hpa, group or secrets")
      ->required()
      ->check(CLI::IsMember({"pod", "node", "hpa", "group", "secrets"}));
  command->add_option("NAME", arguments->name, "Its name; of another namespace: NAMESPACE/NAME");
  command->callback([arguments, &exit_code] { exit_code = explain(*arguments); });
}

}  // namespace minato::app
