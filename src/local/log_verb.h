// The "logs" verb: one Pod's log, or the logs of all Pods of a service with the Pod's name in front
// of each line; followed Pods that appear later are joined in.
#pragma once

#include <memory>

#include "cluster/cluster.h"
#include "control/server.h"
#include "host/loop.h"

namespace minato::local {

void stream_logs(host::Loop& loop, cluster::Cluster& cluster, const std::string& namespace_,
                 const control::Request& request, std::shared_ptr<control::Exchange> exchange);

}  // namespace minato::local
