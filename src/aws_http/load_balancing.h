// cloud::LoadBalancing on AWS: one target group, named by its ARN or its name.
//
// Descriptions are of the last look (poller.h): every busy_period while a target is on its way in or
// out, else every calm_period, and after each change; a change that AWS accepted is described at once.
// Addresses and zones of instances are those of `instances`, since DescribeTargetHealth tells neither.
// `since` is when a state was first seen here. Until the first look succeeds there are no targets, and
// the deregistration delay is AWS's default.
//
// Owned by the composition; client and instances outlive it. Loop thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws_http/client.h"
#include "aws_http/poller.h"
#include "cloud/load_balancing.h"

namespace minato::aws_http {

class LoadBalancing final : public cloud::LoadBalancing {
 public:
  struct Options {
    std::string target_group;  // "arn:aws:elasticloadbalancing:…" or "shop".
    Duration busy_period = 3s;
    Duration calm_period = 15s;
    Duration attributes_period = 5min;
  };
  LoadBalancing(env::Env env, Client& client, const cloud::AutoScaling& instances, Options options);

  // Begins to look; `first` hears of the first look, in a later turn.
  void start(cloud::Done first) { poller_.start(std::move(first)); }
  std::optional<MonoTime> last_success() const { return poller_.last_success(); }

  std::vector<cloud::TargetHealth> describe_target_health() const override;
  Duration deregistration_delay() const override { return deregistration_delay_; }
  void register_target(const std::string& instance_id, cloud::Done done) override;
  void deregister_target(const std::string& instance_id, cloud::Done done) override;

 private:
  void look(cloud::Done done);
  void look_for_arn(cloud::Done done);
  void look_at_attributes(cloud::Done done);
  void look_at_targets(cloud::Done done);
  void publish(const Element& answer);
  void accepted(Action action, const std::string& instance_id);
  void change(Action action, const std::string& instance_id, cloud::Done done);
  bool is_at_rest() const;
  cloud::Done then(cloud::Done done, void (LoadBalancing::*next)(cloud::Done));

  env::Env env_;
  Client& client_;
  const cloud::AutoScaling& instances_;
  Options options_;
  std::string arn_;
  Duration deregistration_delay_ = 300s;
  std::optional<MonoTime> attributes_asked_;
  std::map<std::string, cloud::TargetHealth> targets_;
  std::uint64_t changes_ = 0;
  std::shared_ptr<bool> alive_;
  Poller poller_;
};

}  // namespace minato::aws_http
