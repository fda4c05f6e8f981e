#include "network_policy/enforcer.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "env/virtual_time.h"
#include "registry/in_process_client.h"

namespace minato::network_policy {
namespace {

class FakeRules final : public network::PolicyRules {
 public:
  Status apply(const std::string& node, const network::NodePolicies& policies) override {
    ++applies;
    if (failing) return fail(Reason::kUnavailable, "no network");
    applied[node] = policies;
    return {};
  }
  std::map<std::string, network::NodePolicies> applied;
  int applies = 0;
  bool failing = false;
};

class EnforcerTest : public testing::Test {
 protected:
  EnforcerTest() {
    auto made = registry::Registry::make(env_.fork("registry"), store_);
    CHECK(made.has_value(), "{}", made.error().message);
    registry_ = *std::move(made);
    CHECK(registry_->bootstrap().has_value(), "bootstrap");
    client_ = std::make_unique<registry::InProcessClient>(*registry_);
    informers_ = std::make_unique<informer::Informers>(*client_);
    enforcer_ = std::make_unique<Enforcer>(env_.fork("enforcer"), *informers_, rules_, Enforcer::Options{});
    CHECK(informers_->start().has_value(), "informers");
    enforcer_->add_node("node-a");
    enforcer_->add_node("node-b");
    time_.settle();
    rules_.applies = 0;
  }
  void add_pod(const std::string& name, const std::string& node, const std::string& ip) {
    kube::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.spec.node_name = node;
    pod.spec.containers.emplace_back().name = "main";
    pod.spec.containers.back().image = "registry.example.com/main:1";
    const auto created = kube::create(*client_, std::move(pod));
    ASSERT_TRUE(created) << created.error().message;
    kube::Pod running = **created;
    running.status.phase = "Running";
    running.status.pod_ip = ip;
    const auto updated = kube::update(*client_, std::move(running), kube::Subresource::kStatus);
    ASSERT_TRUE(updated) << updated.error().message;
  }
  void add_policy() {
    kube::NetworkPolicy policy;
    policy.metadata.name = "deny";
    policy.metadata.namespace_ = "default";
    policy.spec.policy_types = {"Ingress"};
    const auto created = kube::create(*client_, std::move(policy));
    ASSERT_TRUE(created) << created.error().message;
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::InProcessClient> client_;
  std::unique_ptr<informer::Informers> informers_;
  FakeRules rules_;
  std::unique_ptr<Enforcer> enforcer_;
};

TEST_F(EnforcerTest, OnlyNodesWhoseRulesChangeAreWritten) {
  add_pod("web", "node-a", "10.0.0.1");
  time_.settle();
  EXPECT_EQ(rules_.applies, 0) << "without policies";
  add_policy();
  time_.settle();
  EXPECT_EQ(rules_.applies, 1);
  ASSERT_EQ(rules_.applied["node-a"].pods.size(), 1u);
  add_pod("other", "node-b", "10.0.0.2");
  time_.settle();
  EXPECT_EQ(rules_.applies, 2);
  EXPECT_EQ(rules_.applied["node-b"].pods.at(0).ip, "10.0.0.2");
}

TEST_F(EnforcerTest, ThePolicysEndFreesItsPods) {
  add_pod("web", "node-a", "10.0.0.1");
  add_policy();
  time_.settle();
  ASSERT_TRUE(client_->remove(kube::NetworkPolicy::static_kind(), {"default", "deny"}, {}));
  time_.settle();
  EXPECT_TRUE(rules_.applied["node-a"].pods.empty());
}

TEST_F(EnforcerTest, ANodeThatFailedIsTriedAgain) {
  rules_.failing = true;
  add_pod("web", "node-a", "10.0.0.1");
  add_policy();
  time_.settle();
  EXPECT_EQ(rules_.applies, 1);
  rules_.failing = false;
  time_.advance(1s);
  EXPECT_EQ(rules_.applied["node-a"].pods.size(), 1u);
  rules_.failing = true;
  enforcer_->add_node("node-a");
  time_.settle();
  enforcer_->remove_node("node-a");
  const int applies = rules_.applies;
  time_.advance(10s);
  EXPECT_EQ(rules_.applies, applies) << "until it is gone";
}

}  // namespace
}  // namespace minato::network_policy
