// What this machine must offer for a local world: each thing is tried out, not looked up.
// For `minato doctor`. Blocking, some tens of milliseconds; forks, so call it before threads are
// started. Leaves nothing behind and never fails: a probe that cannot run is a finding.
#pragma once

#include <string>
#include <vector>

namespace minato::linux_net {

struct Finding {
  enum class Level {
    kOk,
    kLimited,  // Works, with the restriction that `why` tells.
    kMissing,  // A local world cannot run.
  };
  Level level = Level::kOk;
  std::string name;
  std::string why;  // What was found.
  std::string fix;  // What to do; "" when nothing is needed.
};

std::vector<Finding> examine_host();

}  // namespace minato::linux_net
