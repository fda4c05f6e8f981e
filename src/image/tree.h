// A directory that entries of strangers are written into: every operation stays inside it.
//
// Names are looked up relative to one directory descriptor, by openat2(2) with RESOLVE_BENEATH or
// RESOLVE_IN_ROOT; where openat2 is closed (ENOSYS, or EPERM by seccomp) by a walk that refuses
// symbolic links. No name is checked first and used later: callers act on the descriptor of the
// parent and a last component that is never followed.
//
// Blocking. One thread at a time. Owns its descriptor. Errors: Invalid for names that do not stay
// inside or are too long, those of errno else (Unavailable when the disk is full).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/files.h"

namespace minato::image {

// The name of an archive entry as components below the root: leading '/' and '.' are dropped.
// Refuses "..", components of more than 255 bytes, NUL, and more than kMaxDepth components.
Result<std::vector<std::string>> split_entry_name(std::string_view name);

class Tree {
 public:
  // Bounds the depth of what is made, so that removing it needs bounded descriptors and stack.
  static constexpr std::size_t kMaxDepth = 200;

  enum class Lookup { kOpenat2, kWalk };

  // Takes a directory that nobody else writes to. The lookup is chosen by trying openat2.
  static Result<Tree> open(const std::string& directory);
  static Result<Tree> open(const std::string& directory, Lookup lookup);

  // Opens the directory. Symbolic links on the way are followed as if the tree were "/" (not with
  // kWalk: refused). Fails with NotFound, and with Invalid when something on the way is no
  // directory.
  Result<host::Fd> open_directory(const std::vector<std::string>& components) const;
  // The same, making missing ones with mode 0755.
  Result<host::Fd> make_directories(const std::vector<std::string>& components) const;
  int root() const { return root_.get(); }

 private:
  Tree(host::Fd root, Lookup lookup) : root_(std::move(root)), lookup_(lookup) {}
  Result<host::Fd> walk(const std::vector<std::string>& components) const;
  Status check_depth(int directory) const;

  host::Fd root_;
  Lookup lookup_;
};

// Removes whatever `name` is in the directory, with its content; what is not there is success.
Status remove_entry(int parent, const std::string& name);

}  // namespace minato::image
