// What must hold after every event, checked against the store and the modelled machines directly.
//
//   I1  a Pod is bound once and never moves; it has a sandbox on its own Node's machine only
//   I2  requests on a Node never exceed what it can allocate, Pods never its limit
//   I4  every request is accounted for
//   I7  versions in a watch only grow (Trace)
//   I12 a Pod that waits for a Node says why
// Numbers: docs/TESTING.md.
#pragma once

#include <map>
#include <string>

#include "sim/balancer.h"
#include "sim/datacenter.h"
#include "store/store.h"

namespace minato::sim {

class Invariants {
 public:
  // A Pod may wait this long before it must carry a reason.
  static constexpr Duration kReasonWithin = 10s;

  Invariants(const env::Clock& clock, const store::Store& store, const Datacenter& datacenter)
      : clock_(clock), store_(store), datacenter_(datacenter) {}

  // "" while all hold. `control_is_up`: I12 is the control plane's work.
  std::string check(const RequestCounts& requests, bool control_is_up);

 private:
  std::string check_binding();
  std::string check_capacity() const;
  std::string check_reasons() const;
  std::string check_machines() const;

  const env::Clock& clock_;
  const store::Store& store_;
  const Datacenter& datacenter_;
  std::uint64_t seen_version_ = 0;
  std::map<std::string, std::string> bound_;  // Pod uid to Node.
};

}  // namespace minato::sim
