// Where a world keeps its things on this machine, and which worlds there are.
//
// A world is one service running locally; its name is the service's. Directories are private (0700).
// State survives a crash of minato, runtime files do not survive a reboot; `minato down` removes
// both. Images are kept apart, shared by all worlds.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace minato::app {

struct World {
  std::string name;
  std::string state_dir;  // Database, logs, certificates, saved file.
  std::string run_dir;    // Sockets, pids.
  std::string control_socket() const { return run_dir + "/control.sock"; }
  std::string log_file() const { return state_dir + "/minato.log"; }
  std::string authority_dir() const { return state_dir + "/authority"; }
};

// Why the control process could not start the last time; absent when it could.
inline std::string start_error_file(const World& world) { return world.run_dir + "/start-error"; }

World world_named(const std::string& name);
std::string image_cache_dir();
// What was fetched for this user and outlives worlds, other than images.
std::string data_dir();
// Runtime files may be below /tmp, where anybody could have made their directory first: then it is
// not used. Errors: Forbidden.
Status check_run_root();
// Every world of this user that left something, running or not; by name.
std::vector<World> existing_worlds();
// The named one, or the only one there is. Errors: NotFound, Conflict (several; names them).
Result<World> choose_world(const std::string& name);

}  // namespace minato::app
