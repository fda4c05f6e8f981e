// As whom a container runs and what it may do.
//
// The defaults bear images that start as root, as most do: what is dropped then is what a web service
// does not use even as root. Values; pure.
// Rule: Kubernetes, "Pod Security Standards".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace minato::spec {

class Reader;

struct Confinement {
  std::optional<std::int64_t> user;   // Not said: the image's own.
  std::optional<std::int64_t> group;  // Not said: the image's own.
  bool non_root = false;              // Root is refused; so it is with any `user` but 0.
  bool read_only_root = false;
  // All that are left, without "CAP_". Not said: dropped_capabilities() are taken away.
  std::optional<std::vector<std::string>> capabilities;

  std::vector<std::string> dropped_capabilities() const;
  // What of the Pod Security Standards a container like this keeps: "restricted", "baseline" or
  // "privileged".
  std::string_view security_level() const;
};

// Reads `user`, `non_root`, `read_only_root` and `capabilities`.
void read_confinement(Reader& in, Confinement& confinement);

}  // namespace minato::spec
