// Verbs that break and mend the local cloud, and show it: what `minato cloud …` asks for.
//
// Registered on the control server by Service; the Cluster outlives the server. Loop thread only.
#pragma once

#include "cluster/cluster.h"
#include "control/server.h"
#include "host/loop.h"

namespace minato::local {

void add_cloud_verbs(control::Server& server, host::Loop& loop, cluster::Cluster& cluster);

// "m5.large/a" or "m5.large/ap-northeast-1a" or "m5.large" or "/a". Errors: Invalid (a zone that no
// group has, a type that no group uses).
Result<cloudmodel::PoolFilter> parse_pool(const std::string& text, const cluster::Cluster& cluster);
// "a" or the full name. Errors: Invalid, naming the zones that there are.
Result<std::string> parse_zone(const std::string& text, const cluster::Cluster& cluster);

}  // namespace minato::local
