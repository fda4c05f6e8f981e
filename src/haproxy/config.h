// The configuration file of a HAProxy 2.6 that behaves as an Application Load Balancer. Pure: same
// settings, same text. Targets come and go over the runtime socket; only those that a new process
// takes over from the one before are in the file.
//
// Shape: frontend `https` ends TLS and hands every request, on a connection of its own, to frontend
// `requests`, which chooses one of three backends. `targets` holds every target with its health
// check. `targets_open` holds the same targets unchecked and is used while no target is healthy
// (fail-open), so that this works while nobody watches HAProxy. `no_target` answers 503.
//
// Why two frontends: on any request but the first of a connection, and on all of HTTP/2, HAProxy
// closes without an answer when a target cannot be reached or breaks off, so that the client may
// retry; ALB answers 502 or 504. For `requests` every request is the first. Its socket has one path
// for all processes, so that requests on old connections reach the newest process. The few that one
// has accepted when it is told to stop go to `targets`: nbsrv() is 0 then, whatever is there.
//
// Rules: Elastic Load Balancing "Application Load Balancers" user guide (listeners, HTTP headers,
// target groups, troubleshooting), HAProxy 2.6 configuration and management manuals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "base/result.h"

namespace minato::haproxy {

// Backends by name, shared with the code that reads statistics.
inline constexpr char kFrontend[] = "requests";
inline constexpr char kTargets[] = "targets";
inline constexpr char kTargetsOpen[] = "targets_open";

// Descriptor numbers in the HAProxy process: fixed, so that the text does not depend on ours.
inline constexpr int kHttpsDescriptor = 10;
inline constexpr int kHttpDescriptor = 11;

// Everything whose change needs a new process.
struct Settings {
  std::string run_dir;
  bool redirect_http = false;            // Descriptor kHttpDescriptor is there.
  std::uint16_t public_https_port = 443;  // Where port 80 redirects to.
  int threads = 1;
  int maximum_connections = 1000;
  std::string source_ip;  // To connect to targets from; "": whichever leads there.
  Duration connect_timeout = 10s;
  Duration idle_timeout = 60s;
  balancer::TargetGroupConfig target_group;
};

// Fails with Invalid, naming the field, for values that HAProxy could misread or refuse.
Status validate(const Settings& settings);

// Identifies settings: part of the names of config file and runtime socket, so that the command
// line of a running HAProxy tells what it was started with.
std::string settings_digest(const Settings& settings);
std::string config_path(const std::string& run_dir, const std::string& digest);
std::string socket_path(const std::string& run_dir, const std::string& digest);
// Chain that the listener loads; the key is expected beside it with ".key" appended.
std::string certificate_path(const std::string& run_dir);

// A target known when a new process starts. Healthy ones carry traffic from its first moment.
struct SeedTarget {
  balancer::Target target;
  bool healthy = false;
};
std::string render_config(const Settings& settings, const std::vector<SeedTarget>& seeds);

// Connections to targets that nobody uses are closed soon, by us: one that its Pod closes when it
// stops may be chosen for a request in that very moment.
// With a `source_ip`, source ports are ALB's, and each is used again as late as can be: on a Node, a
// port that last led through it to a Pod now dead leads there for two minutes more (nf_conntrack's
// time for SYN_SENT), and a kernel that chooses ports by itself comes back to it within seconds.
std::string connection_options(const std::string& source_ip);

// "check inter 5000ms …": what the config says once for all servers of `targets`. Servers added
// at run time do not take it over: `add server` has to repeat it.
std::string check_options(const balancer::TargetGroupConfig& group, const std::string& source_ip);
std::int64_t to_milliseconds(Duration duration);

}  // namespace minato::haproxy
