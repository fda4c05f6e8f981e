// Directories of files that a Pod's containers are shown: ConfigMaps, Secrets, downward API.
//
// A reader sees the old content or the new one, never a mixture: the files are in a directory that
// "..data" points to, what is visible points into "..data", and only that link is ever changed.
// Programs that watch for changes watch that link.
//
// Files have the modes and owners that are asked for; where the volume has a group, files are the
// group's to read as well, and its directories the group's.
//
// One per Runtime, shared with its workers: thread-safe, all calls block for as long as memory
// takes. Rules: k8s.io/kubernetes pkg/volume/util/atomic_writer.go, pkg/volume/volume_linux.go.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "container/runtime.h"

namespace minato::linux_container {

// "a/b.txt": below the volume, without climbing.
Status check_relative_path(std::string_view what, const std::string& path);

// What any user of the Pod may write; what is made inside is the group's, if there is one (not -1).
Status give_scratch(const std::string& dir, std::int64_t group);

// The files as they are, for what does not change any more. Errors: Invalid, naming the volume.
Status write_files(const std::string& dir, const container::Mount& mount);

class VolumeFiles {
 public:
  // Says which of two contents is newer, in the order of asking; begins with 1.
  std::uint64_t next_version();

  // Makes `dir` show the mount's files. Content older than what it shows already is dropped:
  // workers finish in any order. Errors: Invalid, naming the volume; those of files.
  Status show(const std::string& dir, const container::Mount& mount, std::uint64_t version);
  // Of a Pod that is gone.
  void forget(const std::string& dir_prefix);

 private:
  std::mutex mutex_;
  std::uint64_t last_version_ = 0;
  std::map<std::string, std::uint64_t> shown_;  // By directory.
};

}  // namespace minato::linux_container
