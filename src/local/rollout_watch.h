// Tells one client how a rollout goes until it is over; turns back by itself when it has failed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/view.h"
#include "control/server.h"
#include "host/loop.h"

namespace minato::local {

enum class OnFailure { kRollBack, kLeave };

// Keeps itself alive until the rollout ends or the client goes (which ends the watching, not the
// rollout). `rolled_back` is called when it has turned back.
void watch_rollout(host::Loop& loop, cluster::Cluster& cluster, kube::ObjectKey deployment,
                   OnFailure on_failure, std::shared_ptr<control::Exchange> exchange,
                   std::function<void()> rolled_back = {});

}  // namespace minato::local
