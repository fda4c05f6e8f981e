// What people are shown of the embedded cloud: groups, instances with their notices, the last
// scaling activities, pools without capacity, costs. Pure reading; JSON for the command line.
#pragma once

#include <boost/json/value.hpp>

#include "cluster/cluster.h"

namespace minato::cluster {

// {"groups":[…],"instances":[…],"activities":[…],"failedZones":[…],"exhausted":[…],"costs":{…}};
// money in micro-USD, ages and times to come in whole seconds.
boost::json::value view_cloud(Cluster& cluster, WallTime now);

}  // namespace minato::cluster
