// One decision: from what is seen and remembered to what is to be done. Nothing outside is touched,
// and the same arguments give the same Plan.
//
// Order as upstream's RunOnce: learn, correct what failed, stop when the cluster is too unwell,
// place what fits, grow for the rest, then look for what is not needed.
// Rules: cluster-autoscaler core/static_autoscaler.go.
#pragma once

#include "autoscaler/memory.h"
#include "autoscaler/observation.h"
#include "autoscaler/plan.h"
#include "env/env.h"

namespace minato::autoscaler {

// The Snapshot is changed and put back. A copy of Memory makes it a what-if.
Plan decide(const Observation& seen, const Options& options, Memory& memory, env::Rng& rng);

}  // namespace minato::autoscaler
