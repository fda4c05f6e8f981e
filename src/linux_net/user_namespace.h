// The ids of a world: who is who in the user namespace that everything of it runs in.
//
// As root every id maps to itself. An ordinary user is root there, and the ids of its ranges in
// /etc/subuid and /etc/subgid are the users from 1 on (newuidmap(1), subuid(5)); files of the world
// therefore belong to ids that the user itself cannot give, read or remove from outside.
// run_with_world_ids() is for what is done to such files outside the world.
//
// Blocking. Errors name the step that failed and how to allow it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace minato::linux_net {

// Maps the ids of a process that has just entered a user namespace of its own; gives back what is
// limited there and why ("" when nothing is). Errors: Forbidden.
Result<std::string> map_ids(pid_t pid);

// Runs `body` with the ids of a world: here as root, else in a child that enters a user namespace
// and nothing more, so network and files are the caller's. Of what it does, only files, output and
// the Status come back. Forks: call it while there are no threads.
// Errors: those of `body`; Forbidden and Unavailable (the host does not allow the namespace).
Status run_with_world_ids(const std::function<Status()>& body);

// Why the kernel may have refused namespaces, and the setting that allows them; "" if unknown.
std::string namespace_hint();
std::unexpected<Error> namespace_refused(const std::string& step, int error_number);

// The calling user's range in /etc/subuid or /etc/subgid: first id and count. Errors: NotFound.
struct SubordinateRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};
Result<SubordinateRange> subordinate_range(const std::string& file);

}  // namespace minato::linux_net
