#include "eks/controller.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "blueprint/access.h"
#include "eks/node_agent.h"
#include "eks/testing/recorded_client.h"
#include "env/virtual_time.h"
#include "registry/in_process_client.h"
#include "removal/testing/fake_cloud.h"

namespace minato::eks {
namespace {

using testing::HasSubstr;

std::set<std::string> declared(const std::vector<blueprint::Permission>& permissions) {
  std::set<std::string> out;
  for (const blueprint::Permission& each : permissions) {
    for (const std::string_view verb : each.verbs) {
      out.insert(fmt::format("{} {}{}{}", verb, each.resource, each.group.empty() ? "" : ".", each.group));
    }
  }
  return out;
}

// A metadata service that tells of a spot interruption once it is asked to.
class FakeMetadata final : public cloud::InstanceMetadata {
 public:
  explicit FakeMetadata(env::VirtualTime& time) : time_(time) {}
  std::string action;
  void get(const std::string& path, Callback done) override {
    std::optional<std::string> answer;
    if (path == agent::metadata_path(agent::Kind::kSpotInterruption) && !action.empty()) answer = action;
    time_.post([answer = std::move(answer), done = std::move(done)]() mutable { done(std::move(answer)); });
  }

 private:
  env::VirtualTime& time_;
};

// An API and a cloud of two Nodes of the group "scaling"; whoever schedules has given up on Pods that
// say so, and evicted Pods end at once.
class ControllerTest : public testing::Test {
 protected:
  struct Process {
    Process(ControllerTest& test, const std::string& identity) : client(test.in_process_) {
      auto made = Controller::make(test.env_.fork(identity), {client, test.lease_client_, test.cloud_, test.cloud_},
                                   {.cluster = "shop", .identity = identity});
      EXPECT_TRUE(made) << made.error().message;
      controller = std::move(*made);
      client.may_write = [this] { return controller->may_write(); };
      EXPECT_TRUE(controller->start());
    }
    RecordedClient client;
    std::unique_ptr<Controller> controller;
  };

  ControllerTest()
      : env_{time_, time_, log_, env::Rng(1)}, registry_(*registry::Registry::make(env_, store_)), in_process_(*registry_),
        lease_client_(in_process_), cloud_(time_, env::Rng(2)) {
    EXPECT_TRUE(registry_->bootstrap());
    cloud_.group.types = {"m6i.large"};
    cloud_.group.zones = {"a"};
    cloud_.group.tags = {{"k8s.io/cluster-autoscaler/enabled", "true"}, {"k8s.io/cluster-autoscaler/shop", "owned"}};
    cloud_.came = [this](const cloud::Instance& instance) { add_node(instance); };
    cloud_.fill(2);
  }

  void add_node(const cloud::Instance& instance) {
    kube::Node node;
    node.metadata.name = instance.hostname;
    node.metadata.labels["kubernetes.io/hostname"] = instance.hostname;
    node.spec.provider_id = instance.provider_id();
    auto made = kube::create(client(), node);
    ASSERT_TRUE(made) << made.error().message;
    node = **made;
    for (auto* list : {&node.status.capacity, &node.status.allocatable}) {
      (*list)["cpu"] = *kube::Quantity::parse("2");
      (*list)["memory"] = *kube::Quantity::parse("8Gi");
      (*list)["pods"] = *kube::Quantity::parse("29");
    }
    node.status.conditions.push_back({.type = "Ready", .status = "True"});
    ASSERT_TRUE(kube::update(client(), node, kube::Subresource::kStatus));
  }
  kube::Pod pod(const std::string& name, const std::string& cpu) {
    kube::Pod out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    out.metadata.owner_references.push_back({.api_version = "apps/v1", .kind = "ReplicaSet", .name = "web", .uid = "u1", .controller = true});
    out.spec.containers.push_back({"main", "web:1"});
    out.spec.containers[0].resources.requests["cpu"] = *kube::Quantity::parse(cpu);
    return out;
  }
  // One that fits nowhere, as kube-scheduler marks it.
  void add_unschedulable(const std::string& name) {
    auto made = kube::create(client(), pod(name, "1500m"));
    ASSERT_TRUE(made) << made.error().message;
    kube::Pod changed = **made;
    changed.status.conditions.push_back({.type = "PodScheduled", .status = "False", .reason = "Unschedulable"});
    ASSERT_TRUE(kube::update(client(), changed, kube::Subresource::kStatus));
  }
  void add_running(const std::string& name, const std::string& node) {
    kube::Pod wanted = pod(name, "1500m");
    wanted.spec.node_name = node;
    auto made = kube::create(client(), wanted);
    ASSERT_TRUE(made) << made.error().message;
    kube::Pod changed = **made;
    changed.status.phase = "Running";
    ASSERT_TRUE(kube::update(client(), changed, kube::Subresource::kStatus));
  }
  void finish_evicted() {
    const auto pods = kube::list<kube::Pod>(client());
    ASSERT_TRUE(pods);
    for (const auto& each : *pods) {
      if (!is_set(each->metadata.deletion_timestamp)) continue;
      ASSERT_TRUE(client().remove(kube::Pod::static_kind(), each->key(), {.grace_period_seconds = 0}));
    }
  }
  // As long as it takes, a second at a time.
  bool wait_until(const std::function<bool()>& is_so, Duration limit = 20min) {
    for (Duration passed{}; passed < limit && !is_so(); passed += 1s) {
      time_.advance(1s);
      finish_evicted();
    }
    return is_so();
  }
  kube::Client& client() { return in_process_; }

  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  env::Env env_;
  std::unique_ptr<registry::Registry> registry_;
  registry::InProcessClient in_process_;
  RecordedClient lease_client_;
  removal::FakeCloud cloud_;
};

TEST_F(ControllerTest, PodsThatFitNowhereMakeTheGroupLarger) {
  add_running("a", "node-01");
  add_running("b", "node-02");
  add_unschedulable("c");
  Process process(*this, "one");
  EXPECT_TRUE(wait_until([&] { return cloud_.group.desired_capacity == 3; }, 1min));
  MetricsText metrics;
  process.controller->add_metrics(metrics);
  EXPECT_THAT(metrics.text(), HasSubstr("# TYPE minato_leader gauge\nminato_leader 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("minato_group_desired_capacity{group=\"scaling\"} 3\n"));
}

TEST_F(ControllerTest, OnlyTheOneThatLeadsActs) {
  Process first(*this, "one");
  time_.advance(5s);
  Process second(*this, "two");
  time_.advance(1min);
  EXPECT_TRUE(first.controller->leads());
  EXPECT_FALSE(second.controller->leads());
  EXPECT_EQ(second.controller->autoscaler().scans(), 0u);
  for (const std::string& asked : second.client.asked) EXPECT_THAT(asked, testing::AnyOf(testing::StartsWith("list"), testing::StartsWith("watch")));
  first.controller->stop();
  add_running("a", "node-01");
  add_running("b", "node-02");
  add_unschedulable("c");
  EXPECT_TRUE(wait_until([&] { return cloud_.group.desired_capacity == 3; }, 1min));
  EXPECT_TRUE(second.controller->leads());
}

// Everything that the controllers ever ask the API for, and nothing else, is what is rendered.
TEST_F(ControllerTest, AsksForExactlyWhatItsRoleAllows) {
  Process process(*this, "one");
  add_running("a", "node-01");
  add_unschedulable("c");
  add_unschedulable("d");
  add_unschedulable("e");
  ASSERT_TRUE(wait_until([&] { return cloud_.group.desired_capacity > 2; }, 1min));
  kube::PodDisruptionBudget budget;
  budget.metadata.name = "web";
  budget.metadata.namespace_ = "default";
  budget.spec.max_unavailable = kube::IntOrString(0);
  budget.spec.selector.emplace();
  ASSERT_TRUE(kube::create(client(), budget));
  // The same event twice is one that counts.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(process.controller->remover().begin({"node-02", removal::Cause::kDrain, removal::After::kKeep, {}, "look"}));
    time_.advance(5s);
    ASSERT_TRUE(process.controller->remover().cancel("node-02"));
    time_.advance(1min);
  }
  // A deadline ends the patience with budgets: what cannot be evicted is deleted.
  ASSERT_TRUE(process.controller->remover().begin({"node-01", removal::Cause::kSpotInterruption, removal::After::kTerminateAndReplace,
                                                   time_.wall() + 120s, "notice"}));
  EXPECT_TRUE(wait_until([&] { return !kube::get<kube::Pod>(client(), {"default", "a"}); }));
  time_.advance(15min);
  std::set<std::string> asked = process.client.asked;
  asked.insert(lease_client_.asked.begin(), lease_client_.asked.end());
  EXPECT_EQ(asked, declared(blueprint::controller_access()));
}

TEST_F(ControllerTest, AnAgentsNoticeIsCarriedOutByTheController) {
  Process process(*this, "one");
  add_running("a", "node-01");
  FakeMetadata metadata(time_);
  RecordedClient agent_client(in_process_);
  NodeAgent agent(env_.fork("agent"), agent_client, metadata, {.node = "node-01"});
  ASSERT_TRUE(agent.start());
  time_.advance(20s);
  metadata.action = fmt::format(R"({{"action":"terminate","time":"{}"}})", format_rfc3339(time_.wall() + 120s));
  EXPECT_TRUE(wait_until([&] { return cloud_.called("deregister i-01"); }, 5s));
  EXPECT_TRUE(wait_until([&] { return !kube::get<kube::Pod>(client(), {"default", "a"}); }, 120s));
  MetricsText metrics;
  agent.add_metrics(metrics);
  EXPECT_THAT(metrics.text(), HasSubstr("minato_agent_notice{kind=\"SpotInterruption\"} 1\n"));
  const std::set<std::string> allowed = declared(blueprint::agent_access());
  EXPECT_TRUE(std::ranges::includes(allowed, agent_client.asked));
  EXPECT_THAT(agent_client.asked, testing::Contains("update nodes"));
}

TEST(MetricsTextTest, ValuesOfLabelsAreEscaped) {
  MetricsText text;
  text.counter("a_total", "Things.", 1, {{"x", "say \"no\"\n"}});
  text.counter("a_total", "Things.", 2.5, {{"x", "y"}});
  EXPECT_EQ(text.text(), "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"say \\\"no\\\"\\n\"} 1\na_total{x=\"y\"} 2.5\n");
}

}  // namespace
}  // namespace minato::eks
