// Seam: the instance metadata service (IMDSv2) as a program on one instance sees it.
//
// Implementations: HTTP to 169.254.169.254 (real instances and local ones alike), sim (straight into
// the modelled cloud). Loop thread only; `done` comes in a later turn.
//
// Rules: Amazon EC2 User Guide, "Use instance metadata"; "Spot Instance interruption notices".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace minato::cloud {

class InstanceMetadata {
 public:
  virtual ~InstanceMetadata() = default;

  using Callback = std::move_only_function<void(Result<std::optional<std::string>>)>;

  // The document at a path below /latest/, e.g. "meta-data/spot/instance-action"; nothing when there
  // is none (404). Tokens are the implementation's business. Errors: Unavailable, Timeout.
  virtual void get(const std::string& path, Callback done) = 0;

  // Whether everything that is told now will be told alike until `changing` is called (once, in the
  // turn of the change), so that there is no need to ask meanwhile. Only who models an instance can
  // know that.
  [[nodiscard]] virtual bool will_tell_change(std::function<void()> /*changing*/) { return false; }
};

}  // namespace minato::cloud
