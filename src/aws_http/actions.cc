#include "aws_http/actions.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/check.h"

namespace minato::aws_http {
namespace {

using enum Access;

constexpr std::array kServices = {
    ServiceInfo{"autoscaling", "2011-01-01", "AWS_ENDPOINT_URL_AUTO_SCALING"},
    ServiceInfo{"ec2", "2016-11-15", "AWS_ENDPOINT_URL_EC2"},
    ServiceInfo{"elasticloadbalancing", "2015-12-01", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"},
    ServiceInfo{"sts", "2011-06-15", "AWS_ENDPOINT_URL_STS"},
};

constexpr std::array kActions = {
    ActionInfo{Action::kCompleteLifecycleAction, Service::kAutoScaling, "CompleteLifecycleAction",
               kChange},
    ActionInfo{Action::kDescribeAutoScalingGroups, Service::kAutoScaling,
               "DescribeAutoScalingGroups", kLook},
    ActionInfo{Action::kDescribeLifecycleHooks, Service::kAutoScaling, "DescribeLifecycleHooks",
               kLook},
    ActionInfo{Action::kDescribeScalingActivities, Service::kAutoScaling,
               "DescribeScalingActivities", kLook},
    ActionInfo{Action::kRecordLifecycleActionHeartbeat, Service::kAutoScaling,
               "RecordLifecycleActionHeartbeat", kChange},
    ActionInfo{Action::kSetDesiredCapacity, Service::kAutoScaling, "SetDesiredCapacity", kChange},
    ActionInfo{Action::kTerminateInstanceInAutoScalingGroup, Service::kAutoScaling,
               "TerminateInstanceInAutoScalingGroup", kChange},
    ActionInfo{Action::kUpdateAutoScalingGroup, Service::kAutoScaling, "UpdateAutoScalingGroup",
               kChange},
    ActionInfo{Action::kDescribeInstances, Service::kEc2, "DescribeInstances", kLook},
    ActionInfo{Action::kDeregisterTargets, Service::kElasticLoadBalancingV2, "DeregisterTargets",
               kChange},
    ActionInfo{Action::kDescribeTargetGroupAttributes, Service::kElasticLoadBalancingV2,
               "DescribeTargetGroupAttributes", kLook},
    ActionInfo{Action::kDescribeTargetGroups, Service::kElasticLoadBalancingV2,
               "DescribeTargetGroups", kLook},
    ActionInfo{Action::kDescribeTargetHealth, Service::kElasticLoadBalancingV2,
               "DescribeTargetHealth", kLook},
    ActionInfo{Action::kRegisterTargets, Service::kElasticLoadBalancingV2, "RegisterTargets",
               kChange},
};

consteval bool is_in_order() {
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    if (std::to_underlying(kActions[i].action) != static_cast<int>(i)) return false;
  }
  return true;
}
static_assert(is_in_order(), "kActions is indexed by Action");

}  // namespace

const ServiceInfo& info(Service service) {
  return kServices.at(static_cast<std::size_t>(std::to_underlying(service)));
}

std::span<const ActionInfo> actions() { return kActions; }

const ActionInfo& info(Action action) {
  return kActions.at(static_cast<std::size_t>(std::to_underlying(action)));
}

std::string permission(const ActionInfo& action) {
  return fmt::format("{}:{}", info(action.service).signing_name, action.name);
}

}  // namespace minato::aws_http
