// `minato drain`: takes a Node out of service without losing a request, and tells of every step.
//
// The answer goes on until the removal has ended or its asker has gone; the removal itself goes on
// without anybody looking. Loop thread only.
#pragma once

#include <memory>

#include "cluster/cluster.h"
#include "control/server.h"
#include "host/loop.h"

namespace minato::local {

void add_drain_verbs(control::Server& server, host::Loop& loop, cluster::Cluster& cluster);

}  // namespace minato::local
