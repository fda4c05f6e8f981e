// The other containers of a task: when each runs, by what depends on what.
//
// Rule: Amazon ECS API Reference, ContainerDependency; Kubernetes, "Sidecar Containers".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

using Runs = spec::Sidecar::Runs;

constexpr std::int64_t kCpuMilli = 50, kMemoryMib = 128;

struct Dependency {
  std::string container;
  std::string condition;
};

std::vector<Dependency> dependencies_of(const json::value& container) {
  std::vector<Entry> unused;
  Fields in(container, "", unused);
  std::vector<Dependency> out;
  for (const json::value& each : in.list("dependsOn"))
    out.push_back({text_of(each, "containerName"), text_of(each, "condition")});
  return out;
}

std::ptrdiff_t strength(const std::string& condition) {
  constexpr std::array<std::string_view, 4> kWeakestFirst{"START", "HEALTHY", "COMPLETE",
                                                          "SUCCESS"};
  return std::ranges::find(kWeakestFirst, condition) - kWeakestFirst.begin();
}

// What the service's own container waits for, directly or through others, in the order in which it
// has to start; and how it waits for each.
class Order {
 public:
  Order(const json::array& containers, const json::value& main) : containers_(containers) {
    visit(main);
  }

  // Null where nothing waits for it.
  const std::string* condition(const std::string& name) const {
    const auto found = std::ranges::find(conditions_, name, &Dependency::container);
    return found == conditions_.end() ? nullptr : &found->condition;
  }
  std::size_t position(const std::string& name) const {
    return static_cast<std::size_t>(std::ranges::find(started_, name) - started_.begin());
  }

 private:
  void visit(const json::value& container) {
    if (!seen_.insert(text_of(container, "name")).second) return;
    for (const Dependency& each : dependencies_of(container)) {
      add(each);
      for (const json::value& other : containers_) {
        if (text_of(other, "name") == each.container) visit(other);
      }
    }
    started_.push_back(text_of(container, "name"));
  }

  // Who waits longest decides when it runs.
  void add(const Dependency& added) {
    const auto known = std::ranges::find(conditions_, added.container, &Dependency::container);
    if (known == conditions_.end())
      conditions_.push_back(added);
    else if (strength(added.condition) > strength(known->condition))
      known->condition = added.condition;
  }

  const json::array& containers_;
  std::set<std::string> seen_;
  std::vector<Dependency> conditions_;
  std::vector<std::string> started_;
};

bool must_end(const std::string& condition) {
  return condition == "SUCCESS" || condition == "COMPLETE";
}

Runs runs_of(const Order& order, const std::string& name) {
  const std::string* condition = order.condition(name);
  if (condition == nullptr) return Runs::kBeside;
  return must_end(*condition) ? Runs::kFirst : Runs::kAround;
}

std::string order_note(const Order& order, const std::string& name) {
  const std::string* condition = order.condition(name);
  if (condition == nullptr)
    return "runs: beside: nothing waits for it, so it starts and stops with the service";
  if (*condition == "COMPLETE") return "runs: first: before the service, and it must end well";
  if (*condition == "SUCCESS")
    return "runs: first: before the service, which starts once it has ended well";
  if (*condition == "HEALTHY")
    return "runs: around: before the service, which starts once its check is well";
  return "runs: around: before the service, and until after it";
}

std::string advice_for(const std::string& image) {
  if (image.find("datadog") != std::string::npos)
    return "; one agent for each node, by its own chart as a DaemonSet, would do for all Pods";
  if (image.find("xray") != std::string::npos || image.find("otel") != std::string::npos)
    return "; one collector for each node, as a DaemonSet, would do for all Pods";
  return "";
}

// "CMD-SHELL" runs in a shell, "CMD" as it is, and neither word stands for "CMD-SHELL" too.
void read_check(Fields& in, Sidecar& out, bool awaited) {
  const json::value& value = in.object("healthCheck");
  if (value.is_null()) return;
  if (out.runs == Runs::kFirst) {
    in.lost("healthCheck", "it is over before anyone could ask it");
    return;
  }
  std::vector<Entry> unused;
  Fields check(value, "", unused);
  std::vector<std::string> words = texts_of(check.list("command"));
  if (words.empty() || words.front() == "NONE") return;
  const bool plain = words.front() == "CMD";
  if (plain || words.front() == "CMD-SHELL") words.erase(words.begin());
  if (!plain) words = {"/bin/sh", "-c", join(words, " ")};
  if (out.runs == Runs::kAround && !awaited) {
    in.lost("healthCheck", "the service waits for its start only, so its check would hold it up");
    return;
  }
  out.check = std::move(words);
  out.startup_seconds = check.number("startPeriod").value_or(0);
  in.changed("healthCheck", "check, by minato's intervals; it is started anew where it fails");
}

// Where the definition leaves them to the task.
void give_size(Fields& in, Program& program) {
  if (program.cpu_milli == 0) program.cpu_milli = kCpuMilli;
  if (program.memory_mib > 0) return;
  program.memory_mib = kMemoryMib;
  in.changed("memory",
             fmt::format("memory: {}Mi, of the task's; say how much it needs", kMemoryMib));
}

// Tasks often name a container as the service is named, whose own container has that name here.
std::string free_name(const std::string& wanted, const Draft& draft) {
  std::string out = wanted;
  const auto is_taken = [&] {
    return out == draft.service ||
           std::ranges::find(draft.sidecars, out, &Sidecar::name) != draft.sidecars.end();
  };
  for (int i = 2; is_taken(); ++i) out = fmt::format("{}-{}", wanted, i);
  return out;
}

Sidecar read_sidecar(const json::value& value, const Order& order, Draft& draft,
                     std::vector<Entry>& report) {
  const std::string name = text_of(value, "name");
  Fields in(value, fmt::format("containerDefinitions[{}]", name), report);
  Sidecar out;
  out.name = free_name(service_name(name), draft);
  out.runs = runs_of(order, name);
  in.changed("", fmt::format("sidecars.{}; {}{}", out.name, order_note(order, name),
                             advice_for(text_of(value, "image"))));
  read_program(in, draft, out.program);
  give_size(in, out.program);
  const std::string* condition = order.condition(name);
  read_check(in, out, condition != nullptr && *condition == "HEALTHY");
  if (!in.list("dependsOn").empty()) {
    if (out.runs == Runs::kBeside)
      in.lost("dependsOn", "what runs beside the service starts with it, in no order");
    else
      in.kept("dependsOn", "the order of sidecars");
  }
  const json::value* essential = in.take("essential");
  const bool spared = essential != nullptr && essential->is_bool() && !essential->get_bool();
  if (spared && out.runs != Runs::kFirst)
    in.changed("essential", "the service goes on without it, and it is started again");
  if (!in.list("portMappings").empty())
    in.changed("portMappings",
               "containers of a Pod reach each other on localhost; nobody else reaches it");
  in.lose("stopTimeout", "stop.timeout is the Pod's");
  in.lose("restartPolicy", "containers that end are always started again");
  in.finish();
  return out;
}

}  // namespace

void read_sidecars(const json::array& containers, const json::value& main, Draft& draft,
                   std::vector<Entry>& report) {
  const Order order(containers, main);
  std::map<std::string, std::size_t> positions;
  for (const json::value& each : containers) {
    if (&each == &main) continue;
    const std::string name = text_of(each, "name");
    const json::object* members = each.if_object();
    if (members != nullptr && members->contains("firelensConfiguration")) {
      report.push_back({Fate::kLost, fmt::format("containerDefinitions[{}]", name),
                        text_of(each, "image") + "; the cluster's agent collects logs"});
      continue;
    }
    draft.sidecars.push_back(read_sidecar(each, order, draft, report));
    positions[draft.sidecars.back().name] = order.position(name);
  }
  std::ranges::stable_sort(draft.sidecars, {},
                           [&](const Sidecar& sidecar) { return positions.at(sidecar.name); });
}

}  // namespace minato::ecs
