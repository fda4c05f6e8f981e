// What is described and what is changed; looking is in auto_scaling_look.cc.
#include "aws_http/auto_scaling.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::aws_http {

AutoScaling::AutoScaling(env::Env env, Client& client, Options options)
    : env_(std::move(env)),
      client_(client),
      options_(std::move(options)),
      alive_(std::make_shared<bool>(true)),
      poller_(env_.fork("poller"), "describing Auto Scaling Groups",
              [this](cloud::Done done) { look(std::move(done)); },
              [this] { return is_at_rest() ? options_.calm_period : options_.busy_period; }) {}

std::vector<cloud::AutoScalingGroup> AutoScaling::describe_auto_scaling_groups() const {
  std::vector<cloud::AutoScalingGroup> out;
  for (const auto& [name, group] : groups_) out.push_back(group);
  return out;
}

std::vector<cloud::Instance> AutoScaling::describe_auto_scaling_instances() const {
  std::vector<cloud::Instance> out;
  for (const auto& [id, instance] : instances_) out.push_back(instance);
  return out;
}

bool AutoScaling::is_at_rest() const {
  std::map<std::string, std::int32_t> serving;
  for (const auto& [id, instance] : instances_) {
    if (instance.state != cloud::LifecycleState::kInService || instance.private_ip.empty()) return false;
    ++serving[instance.group];
  }
  return std::ranges::all_of(groups_, [&](const auto& entry) {
    return serving[entry.first] == entry.second.desired_capacity;
  });
}

void AutoScaling::change(Action action, Parameters parameters, std::function<void()> edit,
                         cloud::Done done) {
  client_.call(action, std::move(parameters),
               [this, alive = std::weak_ptr(alive_), edit = std::move(edit),
                done = std::move(done)](Result<Element> answer) mutable {
                 if (!alive.lock()) return;
                 if (answer) {
                   ++changes_;
                   edit();
                 }
                 poller_.soon();
                 done(answer ? Status{} : std::unexpected(answer.error()));
               });
}

void AutoScaling::set_desired_capacity(const std::string& group, std::int32_t desired,
                                       cloud::Done done) {
  change(Action::kSetDesiredCapacity,
         {{"AutoScalingGroupName", group},
          {"DesiredCapacity", std::to_string(desired)},
          {"HonorCooldown", "false"}},
         [this, group, desired] {
           if (const auto found = groups_.find(group); found != groups_.end()) {
             found->second.desired_capacity = desired;
           }
         },
         std::move(done));
}

void AutoScaling::terminate_instance_in_auto_scaling_group(const std::string& id,
                                                           cloud::Decrement decrement,
                                                           cloud::Done done) {
  const bool shrinks = decrement == cloud::Decrement::kYes;
  change(Action::kTerminateInstanceInAutoScalingGroup,
         {{"InstanceId", id}, {"ShouldDecrementDesiredCapacity", shrinks ? "true" : "false"}},
         [this, id, shrinks] {
           const auto found = instances_.find(id);
           if (found == instances_.end()) return;
           if (!is_terminating(found->second.state)) {
             found->second.state = cloud::LifecycleState::kTerminating;
           }
           const auto group = groups_.find(found->second.group);
           if (shrinks && group != groups_.end()) --group->second.desired_capacity;
         },
         std::move(done));
}

void AutoScaling::update_instances_distribution(const std::string& group,
                                                const cloud::InstancesDistribution& distribution,
                                                cloud::Done done) {
  // What a change of an existing policy leaves out stays as it is (API Reference,
  // MixedInstancesPolicy): the launch template is not named, so that the call needs no permission to
  // launch instances.
  const auto name = [](std::string_view field) {
    return fmt::format("MixedInstancesPolicy.InstancesDistribution.{}", field);
  };
  const std::string percentage =
      std::to_string(distribution.on_demand_percentage_above_base_capacity);
  change(Action::kUpdateAutoScalingGroup,
         {{"AutoScalingGroupName", group},
          {name("OnDemandBaseCapacity"), std::to_string(distribution.on_demand_base_capacity)},
          {name("OnDemandPercentageAboveBaseCapacity"), percentage},
          {name("OnDemandAllocationStrategy"),
           std::string(to_string(distribution.on_demand_allocation_strategy))},
          {name("SpotAllocationStrategy"),
           std::string(to_string(distribution.spot_allocation_strategy))}},
         [this, group, distribution] {
           if (const auto found = groups_.find(group); found != groups_.end()) {
             found->second.distribution = distribution;
           }
         },
         std::move(done));
}

void AutoScaling::complete_lifecycle_action(const std::string& group, const std::string& hook,
                                            const std::string& id, cloud::LifecycleResult result,
                                            cloud::Done done) {
  const bool goes_on = result == cloud::LifecycleResult::kContinue;
  change(Action::kCompleteLifecycleAction,
         {{"AutoScalingGroupName", group},
          {"LifecycleHookName", hook},
          {"InstanceId", id},
          {"LifecycleActionResult", goes_on ? "CONTINUE" : "ABANDON"}},
         [] {}, std::move(done));
}

void AutoScaling::record_lifecycle_action_heartbeat(const std::string& group,
                                                    const std::string& hook, const std::string& id,
                                                    cloud::Done done) {
  change(Action::kRecordLifecycleActionHeartbeat,
         {{"AutoScalingGroupName", group}, {"LifecycleHookName", hook}, {"InstanceId", id}}, [] {},
         std::move(done));
}

}  // namespace minato::aws_http
