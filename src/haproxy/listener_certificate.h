// The listener's certificate in HAProxy: as files for a process that starts, as runtime commands
// for one that runs. The chain is copied into the run directory; the key stays in its own file,
// behind a symbolic link, and reaches a running process over its private socket only.
//
// Stateless; short blocking file access. Invalid: certificate and key are unreadable or no pair.
#pragma once

#include <string>
#include <vector>

#include "balancer/balancer.h"
#include "base/result.h"

namespace minato::haproxy {

Status store_certificate(const std::string& run_dir, const balancer::ListenerConfig& listener);

// In one transaction: a failure leaves the certificate of before in place.
Result<std::vector<std::string>> certificate_commands(const std::string& run_dir,
                                                      const balancer::ListenerConfig& listener);

}  // namespace minato::haproxy
