// The parts of an import: each reads one input into the draft of the file. Internal to the module.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ecs/fields.h"
#include "spec/sidecar.h"

namespace minato::ecs {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What is read alike of every container, and said alike of the service and of its sidecars.
struct Program {
  std::string image;
  std::vector<std::string> command, args;
  std::int64_t cpu_milli = 0, memory_mib = 0;
  Pairs env;
  std::vector<std::string> secrets;  // Names; where they come from is in the draft.
  std::string user;                  // "1000", "1000:1000"
  bool read_only_root = false;
  std::optional<std::vector<std::string>> capabilities;
  Pairs mounts;  // Path and volume.
};

struct Sidecar {
  std::string name;
  spec::Sidecar::Runs runs = spec::Sidecar::Runs::kBeside;
  Program program;
  std::vector<std::string> check;
  std::int64_t startup_seconds = 0;
};

struct Volume {
  std::int64_t size_mib = 0;
  bool in_memory = false;
};

// What minato.yaml will say; unset where the input says nothing, so that minato's defaults hold.
struct Draft {
  std::string service;
  Program program;
  std::int64_t port = 0;
  std::string health;
  std::int64_t min_replicas = 0, max_replicas = 0, cpu_percent = 0, memory_percent = 0;
  Pairs secrets;  // Of all containers: name and source.
  std::map<std::string, Volume> volumes;
  std::vector<Sidecar> sidecars;
  std::int64_t stop_seconds = 0, startup_seconds = 0;
  std::string region;
  bool arm64 = false;
  std::optional<std::int64_t> spot_percent;
  std::int64_t on_demand_base = 0;
  std::vector<std::string> types;  // Of the scaling group.
  std::int64_t min_nodes = 2, max_nodes = 10;
  std::map<std::string, std::string> health_check;  // Keys of load_balancer.health_check.
  std::int64_t deregistration_seconds = -1, slow_start_seconds = 0;
  std::string main_container;  // That the load balancer names; "": the first with a port.
  std::int64_t main_port = 0;
};

void read_service(const boost::json::value& service, Draft& draft, std::vector<Entry>& report);
Status read_task(const boost::json::value& task, Draft& draft, std::vector<Entry>& report);
void read_target_group(const boost::json::value& group, Draft& draft, std::vector<Entry>& report);

// The service's own container.
void read_container(Fields& in, Draft& draft);
// The others; `main` is the service's own, whose dependencies say when each of them runs.
void read_sidecars(const boost::json::array& containers, const boost::json::value& main,
                   Draft& draft, std::vector<Entry>& report);
// What each of them has. `draft.volumes` are known by then.
void read_program(Fields& in, Draft& draft, Program& program);

// Brings what was taken over within what minato's own rules allow, and finds Nodes that hold it;
// says so in the report.
void fit(Draft& draft, const cloud::Catalogue& catalogue, std::vector<Entry>& report);
// replicas.max, given or assumed.
std::int64_t most_replicas(const Draft& draft);

// The region in an ARN; "" where there is none.
std::string region_of(std::string_view arn);
// A name as minato takes it: a-z, 0-9 and '-', at most 40.
std::string service_name(std::string_view text);
// The first of the object's list of that name, else `otherwise`.
const boost::json::value& first_of(const boost::json::value& object, std::string_view list,
                                   const boost::json::value& otherwise);
// The member of an object when it is text, else "".
std::string text_of(const boost::json::value& object, std::string_view member);
// The items of a list that are text.
std::vector<std::string> texts_of(const boost::json::array& list);

}  // namespace minato::ecs
