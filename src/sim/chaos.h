// A long life of a service, drawn from a seed: deploys good and bad, rollbacks, crashes, machines
// that die, zones without capacity, a control process that is killed. In the end everything must
// come to rest in the state that was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/sim_world.h"

namespace minato::sim {

struct ChaosOptions {
  std::uint64_t seed = 1;
  int steps = 200;
  double requests_per_second = 20;
  const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();
  env::Log* log = nullptr;
};

struct ChaosReport {
  std::uint64_t seed = 0;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;  // Turns of the virtual loop.
  std::uint64_t writes = 0;
  Duration simulated{};
  Duration convergence{};  // From the last fault until everything was at rest.
  RequestCounts requests;
  std::vector<std::string> violations;  // Empty: all invariants held, and it converged.
};

// The service of `spec`; its image, and those deployed, are modelled ones.
ChaosReport run_chaos(spec::Spec spec, const ChaosOptions& options);

}  // namespace minato::sim
