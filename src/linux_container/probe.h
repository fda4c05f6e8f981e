// HTTP, HTTPS, TCP and gRPC probes from inside a network namespace: what a kubelet asks of its
// containers.
//
// The socket is made in the namespace, during a moment in which the calling thread is there; from
// then on it is an ordinary socket on the loop. Loop thread only. The callback is never called from
// inside the call; it is dropped when `alive` has expired. Every probe is bounded in time and size.
#pragma once

#include <memory>
#include <string>

#include "container/runtime.h"
#include "host/loop.h"

namespace minato::linux_container {

struct ProbeContext {
  host::Loop& loop;
  std::string netns_path;  // "": the present one.
  std::weak_ptr<const void> alive;
};

void probe_http(const ProbeContext& context, container::HttpRequest request, Duration timeout,
                container::Done<container::HttpResponse> done);
void probe_tcp(const ProbeContext& context, const std::string& host, std::uint16_t port,
               Duration timeout, container::DoneStatus done);
void probe_health(const ProbeContext& context, const container::HealthCheck& request,
                  Duration timeout, container::Done<container::HealthAnswer> done);

}  // namespace minato::linux_container
