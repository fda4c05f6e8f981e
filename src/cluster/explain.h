// Why things are as they are: why a Pod waits, why a Node stays or goes, why this many replicas, why
// a group does not grow. The same code that decides is asked; nothing is changed.
//
// Loop thread only. Errors: NotFound; BadRequest (no such sort of thing).
#pragma once

#include <string>

#include "cluster/cluster.h"

namespace minato::cluster {

// `kind`: "pod", "node", "hpa", "group". A name without a namespace is looked for in `namespace_`.
// Lines for people.
Result<std::string> explain(Cluster& cluster, const std::string& kind, const std::string& name,
                            const std::string& namespace_);

// "Draining: 3 requests in flight (…)" of removals under way or just ended; a line each.
std::string describe(const removal::Progress& progress);

}  // namespace minato::cluster
