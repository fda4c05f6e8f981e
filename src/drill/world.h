// What a drill needs of a world: see it, break it, and send requests to it.
//
// Implementations: local (control socket and load generator, in local/drill_world.h), simulated
// (sim/drill_world.h). Owned by the caller of the Runner and outlives it; everything on the turns
// of its Env, `done` always in a later one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "drill/drill.h"
#include "drill/observation.h"
#include "drill/timeline.h"

namespace minato::drill {

// One thing done to one victim.
struct Act {
  Verb verb = Verb::kKillProcess;
  std::string target;  // Pod, Node, instance id, zone or role; "" where the verb needs none.
  std::int32_t count = 0;
};

// How fast requests were answered, of all since the load began.
struct Latency {
  Duration p50{};
  Duration p99{};
  Duration maximum{};
  // How late the generator itself was, at its p99: above this its figures are its own doing.
  Duration generator_late{};
};

class World {
 public:
  virtual ~World() = default;
  using Sink = std::function<void(const Observation&)>;
  using Done = std::move_only_function<void(Status)>;

  // Tells everything there is, then each change. Errors come as control "down", the end of the world
  // as control "gone".
  virtual void observe(Sink sink) = 0;
  virtual void act(const Act& act, Done done) = 0;

  // Open-loop load; a second call changes it. Errors: those of the generator.
  virtual Status set_load(double requests_per_second, const std::string& path) = 0;
  virtual void stop_load() = 0;
  virtual const Timeline& timeline() const = 0;
  virtual Latency latency() const = 0;
};

}  // namespace minato::drill
