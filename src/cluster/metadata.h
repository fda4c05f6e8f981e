// What the metadata service of an instance tells, from what the embedded cloud knows of it. Pure
// reading; what AWS has and a local cloud has not (accounts, subnets, credentials) is made up from
// the instance's id, in AWS's forms, and grants nothing.
#pragma once

#include <string>

#include "cloudmodel/cloud.h"
#include "imds/instance_view.h"

namespace minato::cluster {

imds::InstanceView metadata_of(const cloudmodel::Cloud& cloud, const cloud::Instance& instance,
                               const std::string& region, WallTime now);

}  // namespace minato::cluster
