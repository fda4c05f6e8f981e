// What AWS answers, as the seams' values. Pure; what is missing or new is read as the field's default,
// so that a field that AWS adds breaks nothing.
//
// Rules: Amazon EC2 Auto Scaling, EC2 and ELBv2 API References. LifecycleState has more values than the
// seam: instances that a group holds but does not count (Standby, Detached, Warmed:…) are left out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws_http/xml.h"
#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"

namespace minato::aws_http {

// A member of DescribeAutoScalingGroups, and its instances as far as the group tells of them.
struct GroupDescription {
  cloud::AutoScalingGroup group;  // Without life cycle hooks.
  std::vector<cloud::Instance> instances;
};
GroupDescription read_group(const Element& member);

cloud::LifecycleHook read_lifecycle_hook(const Element& member);

// What only EC2 tells of an instance.
struct InstanceDetails {
  cloud::Market market = cloud::Market::kOnDemand;
  std::string private_ip;
  std::string hostname;
  WallTime launch_time{};
};
// By instance id, of one page of DescribeInstances.
std::map<std::string, InstanceDetails> read_instances(const Element& page);

// A member of DescribeScalingActivities. Numbers are the caller's.
struct ActivityDescription {
  std::string id;  // AWS's, a UUID.
  cloud::Activity activity;
};
ActivityDescription read_activity(const Element& member);

// A member of TargetHealthDescriptions; nothing for a target that is gone.
std::optional<cloud::TargetHealth> read_target(const Element& member);

}  // namespace minato::aws_http
