// A registry that cannot be reached for a while, as worlds are told to have one: what a Node has
// already stays, what it would have to fetch is refused.
//
// Counted from the first pull that is refused, because nobody knows when a new Node will ask. A
// value, told the time by its caller; ends with the process that holds it.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace minato::container {

class RegistryOutage {
 public:
  void begin(Duration lasts) {
    lasts_ = lasts;
    until_.reset();
  }
  void end() { lasts_.reset(); }

  // Whether `reference` can be fetched now. Errors: Unavailable.
  Status reach(const std::string& reference, MonoTime now) {
    if (!lasts_) return {};
    if (!until_) until_ = now + *lasts_;
    if (now < *until_) {
      return fail(Reason::kUnavailable, fmt::format("image \"{}\": its registry: connection refused", reference));
    }
    end();
    return {};
  }

 private:
  std::optional<Duration> lasts_;   // While there is one.
  std::optional<MonoTime> until_;
};

}  // namespace minato::container
