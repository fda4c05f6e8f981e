// HAProxy processes of one run directory: starting, finding again, ending.
//
// A process of ours is known by its command line, "-f <run_dir>/haproxy-<digest>.cfg": it is true
// from exec to exit, whenever its parent died. The newest one serves; older ones are those it
// relieved, finishing what they have in flight. Besides, `haproxy.pid` names the newest for people.
//
// Stateless functions on /proc, of this PID namespace; short blocking calls. Loop thread or setup.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::haproxy {

struct FoundProcess {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // Clock ticks since boot: tells a reused pid from the old one.
  std::string digest;            // Of the settings it was started with.
};

// Living processes, oldest first; zombies are not living.
std::vector<FoundProcess> find_processes(const std::string& run_dir);

struct LaunchOptions {
  std::string program = "haproxy";
  std::string run_dir;
  std::string digest;
  int https_fd = -1;
  int http_fd = -1;                // -1: no port 80.
  std::string access_log_file;     // Appended to.
  std::string error_log_file;      // What HAProxy prints.
  std::vector<pid_t> relieve;      // Told to finish once the new process listens.
  // Runtime socket of the process to take listening sockets from, "" when none is reachable: what
  // waits in the relay socket's queue would be lost if the new process bound its own.
  std::string sockets_from;
};
// Starts HAProxy in a session of its own, without capabilities, with the sockets as descriptors
// kHttpsDescriptor and kHttpDescriptor. NotFound: the program is missing.
Result<pid_t> launch(const LaunchOptions& options);

// Invalid unless the descriptor is a listening stream socket; says which option gave it.
Status check_listening_socket(int fd, const std::string& option);

// Ends every HAProxy of the run directory, by force after `patience`, and removes what they left in
// it. Blocks until they are gone. For `minato down` also without a Driver.
Status stop_processes(const std::string& run_dir, Duration patience);

}  // namespace minato::haproxy
