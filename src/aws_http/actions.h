// Every action of AWS that minato's controllers call, by service: what Client can call, and what the
// rendered IAM policy has to allow. There is no other list.
//
// Pure data. Rules: botocore's service models (endpoint prefix, API version, signing name); Service
// Authorization Reference (names of permissions).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace minato::aws_http {

enum class Service { kAutoScaling, kEc2, kElasticLoadBalancingV2, kSts };

struct ServiceInfo {
  std::string_view signing_name;  // Also the endpoint's prefix, and that of permissions.
  std::string_view api_version;
  std::string_view endpoint_variable;  // Overrides the endpoint of this service alone.
};
const ServiceInfo& info(Service service);

enum class Action {
  kCompleteLifecycleAction,
  kDescribeAutoScalingGroups,
  kDescribeLifecycleHooks,
  kDescribeScalingActivities,
  kRecordLifecycleActionHeartbeat,
  kSetDesiredCapacity,
  kTerminateInstanceInAutoScalingGroup,
  kUpdateAutoScalingGroup,
  kDescribeInstances,
  kDeregisterTargets,
  kDescribeTargetGroupAttributes,
  kDescribeTargetGroups,
  kDescribeTargetHealth,
  kRegisterTargets,
};

// Looking is allowed on everything, changing on what is the cluster's own.
enum class Access { kLook, kChange };

struct ActionInfo {
  Action action;
  Service service;
  std::string_view name;
  Access access;
};
std::span<const ActionInfo> actions();
const ActionInfo& info(Action action);

// As IAM spells it: "autoscaling:SetDesiredCapacity".
std::string permission(const ActionInfo& action);

}  // namespace minato::aws_http
