// Control groups of this machine behind one small surface: v2, or v1 with a v2 tree beside it
// ("hybrid"), or none. minato makes the groups itself; runtimes are told to leave cgroups alone.
//
// Groups are named by a path below one root, e.g. "i-0abc/pod-<uid>/hello-0"; parents are made as
// needed and bound their children. Everything is below `minato-<world>`, so that remove_root() can
// clean up after any crash. Blocking calls on kernel files, microseconds each. Loop thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace minato::host {

struct CgroupLimits {
  std::int64_t cpu_milli = 0;     // 0: not limited.
  std::int64_t cpu_weight_milli = 0;  // Relative share under contention; 0: default.
  std::int64_t memory_bytes = 0;  // 0: not limited.
  std::int64_t pids = 0;          // 0: not limited.
};

struct CgroupUsage {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_working_set_bytes = 0;  // memory - inactive_file, as cAdvisor counts it.
  std::uint64_t oom_kills = 0;                 // In this group and below.
};

class Cgroups {
 public:
  // `root_name` is one path component, "minato-<world>". Never fails: where nothing may be bounded
  // it works with mode kNone and says why in describe().
  static Cgroups detect(const std::string& root_name);

  enum class Mode { kNone, kV1, kV2 };
  Mode mode() const { return mode_; }
  std::string describe() const { return description_; }  // For people: `minato doctor`, `up`.

  // Makes the group, or changes the limits of one that is there.
  Status create(const std::string& path, const CgroupLimits& limits);
  // Files into which a process writes "0" to enter the group (async-signal-safe: for a child
  // between fork and exec). Empty with kNone.
  std::vector<std::string> join_files(const std::string& path) const;
  Status add_process(const std::string& path, pid_t pid);
  Result<CgroupUsage> usage(const std::string& path) const;
  std::vector<pid_t> processes(const std::string& path) const;  // In the group and below.
  // SIGKILL to everything in the group and below, until nothing is left.
  Status kill(const std::string& path);
  Status freeze(const std::string& path, bool frozen);
  // Removes an empty group and its empty children. NotFound is success.
  Status remove(const std::string& path);
  Status remove_root();  // kill + remove of all that this world made.

 private:
  std::string root_name_;
  Mode mode_ = Mode::kNone;
  std::string description_;
  std::string unified_;                   // Directory of the v2 tree's root group, or "".
  std::vector<std::string> controllers_;  // v1: directories of the root group per controller.
};

}  // namespace minato::host
