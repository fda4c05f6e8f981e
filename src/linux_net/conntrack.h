// Connection tracking entries that outlive what they stand for.
//
// Protocol: linux/netfilter/nfnetlink_conntrack.h. Blocking, calling thread's network namespace.
#pragma once

#include <set>

#include "base/result.h"
#include "network/network.h"

namespace minato::linux_net {

// Deletes UDP entries whose destination was rewritten to an endpoint that is not in `current`, so
// that the next packet is given to a live one.
Status clear_stale_udp(const std::set<network::Endpoint>& current);

}  // namespace minato::linux_net
