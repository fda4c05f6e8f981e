// cloud::AutoScaling on AWS: the groups that are named, and those that carry a tag.
//
// Descriptions are of the last look (poller.h): every busy_period while a group is not at rest, else
// every calm_period, and after each change. They come from DescribeAutoScalingGroups, and where these
// tell too little: DescribeInstances once for each instance, DescribeLifecycleHooks every hooks_period,
// DescribeScalingActivities while a group is short of instances. A change that AWS accepted is in the
// descriptions at once; a look that began before it is thrown away.
//
// AWS's activities have no numbers: they get them in the order in which they are seen. A launch that
// failed in one zone for every type of the group is one Activity for each type.
//
// Owned by the composition; the client outlives it. Loop thread only. Nothing is described until the
// first look has succeeded: controllers begin after start() has called back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws_http/client.h"
#include "aws_http/poller.h"
#include "aws_http/readers.h"
#include "cloud/auto_scaling.h"

namespace minato::aws_http {

class AutoScaling final : public cloud::AutoScaling {
 public:
  struct Options {
    std::vector<std::string> groups;          // Names; those that do not exist are left out.
    std::map<std::string, std::string> tags;  // Groups with all of these; empty: by name only.
    Duration busy_period = 5s;
    Duration calm_period = 30s;
    Duration hooks_period = 5min;
  };
  AutoScaling(env::Env env, Client& client, Options options);

  // Begins to look; `first` hears of the first look, in a later turn.
  void start(cloud::Done first) { poller_.start(std::move(first)); }
  std::optional<MonoTime> last_success() const { return poller_.last_success(); }

  std::vector<cloud::AutoScalingGroup> describe_auto_scaling_groups() const override;
  std::vector<cloud::Instance> describe_auto_scaling_instances() const override;
  std::vector<cloud::Activity> describe_scaling_activities() const override { return activities_; }

  void set_desired_capacity(const std::string& group, std::int32_t desired,
                            cloud::Done done) override;
  void terminate_instance_in_auto_scaling_group(const std::string& id, cloud::Decrement decrement,
                                                cloud::Done done) override;
  void update_instances_distribution(const std::string& group,
                                     const cloud::InstancesDistribution& distribution,
                                     cloud::Done done) override;
  void complete_lifecycle_action(const std::string& group, const std::string& hook,
                                 const std::string& id, cloud::LifecycleResult result,
                                 cloud::Done done) override;
  void record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                         const std::string& id, cloud::Done done) override;

 private:
  struct Hooks {
    std::vector<cloud::LifecycleHook> hooks;
    MonoTime asked{};
  };
  struct Look;
  using LookPtr = std::shared_ptr<Look>;
  // Goes on with `next` where the call succeeded, else ends the look.
  cloud::Done then(const LookPtr& look, void (AutoScaling::*next)(const LookPtr&));
  void look(cloud::Done done);
  void look_for_groups(const LookPtr& look);
  void look_at_instances(const LookPtr& look);
  void look_at_hooks(const LookPtr& look);
  void look_at_activities(const LookPtr& look);
  void publish(const LookPtr& look);
  void publish_activities();
  std::vector<Parameters> questions_for_groups() const;
  std::vector<std::string> groups_to_ask_for_activities(const Look& look) const;
  bool is_at_rest() const;

  // Calls, and once AWS accepted, edits what is described.
  void change(Action action, Parameters parameters, std::function<void()> edit, cloud::Done done);

  env::Env env_;
  Client& client_;
  Options options_;
  std::map<std::string, cloud::AutoScalingGroup> groups_;
  std::map<std::string, cloud::Instance> instances_;
  std::vector<cloud::Activity> activities_;
  std::map<std::string, InstanceDetails> details_;  // By instance id.
  std::map<std::string, Hooks> hooks_;              // By group.
  std::map<std::string, std::vector<ActivityDescription>> told_;  // By group, as AWS last told.
  std::map<std::string, std::uint64_t> numbers_;    // By AWS's id of the activity, and type.
  std::uint64_t next_number_ = 1;
  std::uint64_t changes_ = 0;
  int thrown_away_ = 0;  // Looks in a row.
  std::shared_ptr<bool> alive_;
  Poller poller_;
};

}  // namespace minato::aws_http
