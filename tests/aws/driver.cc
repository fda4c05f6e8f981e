// The AWS adapter as a program, for tests that give it an AWS: a command per line in, a JSON document
// per line out. `actions` needs no AWS; everything else goes by AWS_ENDPOINT_URL and the credentials of
// the environment.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>
#include <thread>

#include "aws_http/auto_scaling.h"
#include "aws_http/curl_transport.h"
#include "aws_http/load_balancing.h"
#include "base/strings.h"
#include "host/files.h"

namespace minato {
namespace {

namespace json = boost::json;
constexpr Duration kPeriod = 200ms;

class StderrLog final : public env::Log {
 public:
  void write(env::Level, std::string_view component, std::string_view message) override {
    fmt::print(stderr, "{}: {}\n", component, message);
  }
};

json::value from_status(const Status& status) {
  if (status) return {{"ok", true}};
  return {{"ok", false}, {"reason", to_string(status.error().reason)}, {"message", status.error().message}};
}

json::value from_group(const cloud::AutoScalingGroup& group) {
  json::array hooks;
  for (const auto& hook : group.lifecycle_hooks) hooks.push_back(json::string(hook.name));
  json::array suspended;
  for (const auto& process : group.suspended_processes) suspended.push_back(json::string(process));
  return {{"name", group.name}, {"min", group.min_size}, {"max", group.max_size}, {"desired", group.desired_capacity},
          {"types", json::value_from(group.types)}, {"zones", json::value_from(group.zones)},
          {"tags", json::value_from(group.tags)}, {"hooks", hooks}, {"suspended", suspended},
          {"on_demand_base", group.distribution.on_demand_base_capacity},
          {"attached", group.attached_to_target_group}, {"rebalance", group.capacity_rebalance}};
}

json::value from_instance(const cloud::Instance& instance) {
  return {{"id", instance.id}, {"provider_id", instance.provider_id()}, {"group", instance.group},
          {"type", instance.type}, {"state", to_string(instance.state)}, {"hostname", instance.hostname},
          {"ip", instance.private_ip}, {"market", to_string(instance.market)},
          {"launched", format_rfc3339(instance.launch_time)}};
}

json::value from_target(const cloud::TargetHealth& target) {
  return {{"id", target.instance_id}, {"port", target.port}, {"state", to_string(target.state)},
          {"reason", target.reason}, {"ip", target.ip}, {"zone", target.zone}};
}

class Driver {
 public:
  Driver(aws_http::Settings settings, std::vector<std::string> groups, std::string target_group)
      : credentials_(env_.fork("credentials"), transport_, settings,
                     {aws_http::process_variable, [](const std::string& path) { return host::read_file(path); }}),
        client_(env_.fork("client"), transport_, credentials_, settings),
        groups_(env_.fork("groups"), client_, {.groups = std::move(groups), .busy_period = kPeriod, .calm_period = kPeriod}),
        balancing_(env_.fork("balancing"), client_, groups_,
                   {.target_group = std::move(target_group), .busy_period = kPeriod, .calm_period = kPeriod}) {}

  int run() {
    std::thread reader([this] {
      for (std::string line; std::getline(std::cin, line);) {
        loop_.post_from_thread([this, line] { act(split(line, ' ')); });
      }
      loop_.post_from_thread([this] { loop_.stop(); });
    });
    loop_.run();
    reader.join();
    return 0;
  }

 private:
  void print(const json::value& value) { fmt::print("{}\n", json::serialize(value)), std::fflush(stdout); }
  cloud::Done printed() {
    return [this](Status status) { print(from_status(status)); };
  }

  // After the next look at both.
  void when_looked(MonoTime since, std::function<void()> then) {
    const bool is_new = groups_.last_success().value_or(MonoTime{}) > since + kPeriod &&
                        balancing_.last_success().value_or(MonoTime{}) > since + kPeriod;
    if (is_new) return then();
    timer_ = loop_.after(10ms, [this, since, then = std::move(then)] { when_looked(since, then); });
  }

  template <class All, class Read>
  void print_all(const All& all, Read read) {
    json::array out;
    for (const auto& each : all) out.push_back(read(each));
    print(out);
  }

  void act(const std::vector<std::string>& words) {
    const std::string& verb = words[0];
    if (verb == "start") {
      return groups_.start([this](Status status) {
        if (!status) return print(from_status(status));
        balancing_.start(printed());
      });
    }
    if (verb == "look") return when_looked(loop_.monotonic(), [this] { print({{"ok", true}}); });
    if (verb == "groups") return print_all(groups_.describe_auto_scaling_groups(), from_group);
    if (verb == "instances") return print_all(groups_.describe_auto_scaling_instances(), from_instance);
    if (verb == "targets") return print_all(balancing_.describe_target_health(), from_target);
    if (verb == "delay") return print(to_seconds(balancing_.deregistration_delay()));
    change(verb, words);
  }

  void change(const std::string& verb, const std::vector<std::string>& words) {
    if (verb == "set-desired") {
      return groups_.set_desired_capacity(words.at(1), static_cast<std::int32_t>(*parse_int(words.at(2))), printed());
    }
    if (verb == "terminate") {
      const auto decrement = words.at(2) == "yes" ? cloud::Decrement::kYes : cloud::Decrement::kNo;
      return groups_.terminate_instance_in_auto_scaling_group(words.at(1), decrement, printed());
    }
    if (verb == "on-demand-base") {
      cloud::InstancesDistribution distribution;
      distribution.on_demand_base_capacity = static_cast<std::int32_t>(*parse_int(words.at(2)));
      return groups_.update_instances_distribution(words.at(1), distribution, printed());
    }
    if (verb == "complete") {
      return groups_.complete_lifecycle_action(words.at(1), words.at(2), words.at(3), cloud::LifecycleResult::kContinue, printed());
    }
    if (verb == "heartbeat") {
      return groups_.record_lifecycle_action_heartbeat(words.at(1), words.at(2), words.at(3), printed());
    }
    if (verb == "register") return balancing_.register_target(words.at(1), printed());
    if (verb == "deregister") return balancing_.deregister_target(words.at(1), printed());
    print({{"ok", false}, {"message", "no such command: " + verb}});
  }

  host::Loop loop_;
  StderrLog log_;
  env::Env env_{loop_, loop_, log_, env::Rng(1)};
  aws_http::CurlTransport transport_{loop_};
  aws_http::CredentialChain credentials_;
  aws_http::Client client_;
  aws_http::AutoScaling groups_;
  aws_http::LoadBalancing balancing_;
  env::TimerHandle timer_;
};

int list_actions() {
  for (const auto& action : aws_http::actions()) fmt::print("{}\n", permission(action));
  return 0;
}

}  // namespace
}  // namespace minato

int main(int argc, char** argv) {
  using namespace minato;
  if (argc == 2 && std::string_view(argv[1]) == "actions") return list_actions();
  if (argc != 3) {
    fmt::print(stderr, "usage: {} actions | GROUP,GROUP… TARGET_GROUP\n", argv[0]);
    return 2;
  }
  auto settings = aws_http::Settings::read(aws_http::process_variable);
  if (!settings) {
    fmt::print(stderr, "{}\n", settings.error().message);
    return 1;
  }
  return Driver(std::move(*settings), split(argv[1], ','), argv[2]).run();
}
