// When Pods move: patience, one at a time, budgets, and what was in vain.
#include <gtest/gtest.h>

#include "descheduler/descheduler.h"
#include "env/virtual_time.h"
#include "kube/types/policy.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "scheduling/testing.h"
#include "store/store.h"

namespace minato::descheduler {
namespace {

namespace st = scheduling::testing;

// Nodes in zones a and c, and a ReplicaSet whose Pods the test places by hand.
class DeschedulerTest : public ::testing::Test {
 protected:
  DeschedulerTest() : env{time, time, log, env::Rng(1)} {
    registry = std::move(*registry::Registry::make(env.fork("registry"), store, {}));
    CHECK(registry->bootstrap().has_value(), "bootstrap");
    client = std::make_unique<registry::InProcessClient>(*registry);
    informers = std::make_unique<informer::Informers>(*client);
    descheduler = std::make_unique<Descheduler>(env.fork("descheduler"), *client, *informers,
                                                Descheduler::Options{.scan_interval = 1s, .settle = 10s, .settle_max = 60s});
    CHECK(informers->start().has_value(), "informers");
    node("a1", "a");
    node("c1", "c");
    kube::Namespace space;
    space.metadata.name = "default";
    (void)kube::create(*client, std::move(space));
    owner = replica_set("web-1", 4);
    for (int i = 0; i < 4; ++i) pod(fmt::format("web-{}", i), "a1");
    descheduler->start();
    descheduler->set_active(true);
  }

  void node(const std::string& name, const std::string& zone) {
    kube::Node made = st::make_node(name, {{st::kZone, zone}});
    made.status.conditions.push_back({.type = std::string(kube::kReady), .status = std::string(kube::kTrue)});
    kube::Node status = made;
    CHECK(kube::create(*client, std::move(made)).has_value(), "node");
    auto stored = **kube::get<kube::Node>(*client, {"", name});
    stored.spec.taints.clear();
    CHECK(kube::update(*client, stored).has_value(), "taints");
    status.metadata = (*kube::get<kube::Node>(*client, {"", name}))->metadata;
    CHECK(kube::update(*client, std::move(status), kube::Subresource::kStatus).has_value(), "status");
  }
  static kube::Pod web(const std::string& name) {
    kube::Pod out = st::make_pod(name, {{"app", "web"}}, "500m");
    out.metadata.uid.clear();
    st::add_spread(out, st::kZone, 1, "ScheduleAnyway");
    return out;
  }
  std::shared_ptr<const kube::ReplicaSet> replica_set(const std::string& name, int replicas) {
    kube::ReplicaSet out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    kube::OwnerReference deployment{.api_version = "apps/v1", .kind = "Deployment", .name = "web", .uid = "uid-web"};
    deployment.controller = true;
    out.metadata.owner_references.push_back(deployment);
    out.spec.replicas = replicas;
    out.spec.selector = st::select({{"app", "web"}});
    out.spec.template_.metadata.labels = {{"app", "web"}};
    out.spec.template_.spec = web("template").spec;
    auto made = kube::create(*client, std::move(out));
    CHECK(made.has_value(), "{}", made.error().message);
    return *made;
  }
  void pod(const std::string& name, const std::string& on_node) {
    kube::Pod made = web(name);
    kube::OwnerReference reference{.api_version = "apps/v1", .kind = "ReplicaSet", .name = owner->metadata.name, .uid = owner->metadata.uid};
    reference.controller = true;
    made.metadata.owner_references.push_back(reference);
    made.spec.node_name = on_node;
    auto stored = kube::create(*client, std::move(made));
    CHECK(stored.has_value(), "{}", stored.error().message);
    set_ready(name, true);
  }
  void set_ready(const std::string& name, bool is_ready) {
    kube::Pod changed = **kube::get<kube::Pod>(*client, {"default", name});
    changed.metadata.resource_version.clear();
    changed.status.phase = std::string(kube::kPodRunning);
    changed.status.conditions = {{.type = std::string(kube::kReady), .status = std::string(is_ready ? kube::kTrue : kube::kFalse)}};
    CHECK(kube::update(*client, std::move(changed), kube::Subresource::kStatus).has_value(), "status of {}", name);
  }
  // Names of Pods that are on their way out, or gone.
  std::vector<std::string> leaving() {
    std::vector<std::string> out;
    const auto pods = kube::list<kube::Pod>(*client).value();
    for (const auto& each : pods) {
      if (is_set(each->metadata.deletion_timestamp)) out.push_back(each->metadata.name);
    }
    return out;
  }
  // What ReplicaSet controller, scheduler and kubelet would do.
  void replace(const std::string& name, const std::string& successor, const std::string& on_node) {
    CHECK(client->remove(kube::Pod::static_kind(), {"default", name}, {.grace_period_seconds = 0}).has_value(), "{}", name);
    pod(successor, on_node);
  }

  env::VirtualTime time;
  env::NullLog log;
  env::Env env;
  store::Store store;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<informer::Informers> informers;
  std::unique_ptr<Descheduler> descheduler;
  std::shared_ptr<const kube::ReplicaSet> owner;
};

TEST_F(DeschedulerTest, OnePodMovesAtATimeAndOnlyAfterAWhile) {
  time.advance(9s);
  EXPECT_TRUE(leaving().empty());
  time.advance(10s);
  ASSERT_EQ(leaving().size(), 1U);
  time.advance(1min);
  EXPECT_EQ(leaving().size(), 1U) << "the next only when all replicas are ready again";
  replace(leaving().front(), "web-4", "c1");
  time.advance(5s);
  ASSERT_EQ(leaving().size(), 1U) << "3 and 1 is still uneven";
  replace(leaving().front(), "web-5", "c1");
  time.advance(10min);
  EXPECT_TRUE(leaving().empty()) << "2 and 2";
}

TEST_F(DeschedulerTest, AnEventSaysWhy) {
  time.advance(20s);
  const auto events = kube::list<kube::Event>(*client).value();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front()->reason, "Descheduled");
  EXPECT_EQ(events.front()->message, "4 of 4 Pods of web-1 are in a (topology.kubernetes.io/zone), 0 in c: one moves");
}

TEST_F(DeschedulerTest, DoesNothingWhileItIsNotActive) {
  descheduler->set_active(false);
  time.advance(10min);
  EXPECT_TRUE(leaving().empty());
  descheduler->set_active(true);
  time.advance(20s);
  EXPECT_EQ(leaving().size(), 1U);
}

TEST_F(DeschedulerTest, WaitsForEveryReplica) {
  set_ready("web-0", false);
  time.advance(10min);
  EXPECT_TRUE(leaving().empty());
  set_ready("web-0", true);
  time.advance(20s);
  EXPECT_EQ(leaving().size(), 1U);
}

TEST_F(DeschedulerTest, ARolloutIsLeftAlone) {
  const auto other = replica_set("web-2", 1);
  time.advance(10min);
  EXPECT_TRUE(leaving().empty());
  CHECK(client->remove(kube::ReplicaSet::static_kind(), other->key()).has_value(), "other");
  time.advance(20s);
  EXPECT_EQ(leaving().size(), 1U);
}

TEST_F(DeschedulerTest, ABudgetIsAskedAndAskedAgain) {
  kube::PodDisruptionBudget budget;
  budget.metadata.namespace_ = "default";
  budget.metadata.name = "web";
  budget.spec.selector.ensure() = st::select({{"app", "web"}});
  budget.spec.min_available = kube::IntOrString{std::int32_t{4}};
  CHECK(kube::create(*client, std::move(budget)).has_value(), "budget");
  time.advance(10min);
  EXPECT_TRUE(leaving().empty());
  CHECK(client->remove(kube::PodDisruptionBudget::static_kind(), {"default", "web"}).has_value(), "budget");
  time.advance(2s);
  EXPECT_EQ(leaving().size(), 1U);
}

TEST_F(DeschedulerTest, AMoveInVainIsTriedLessAndLessOften) {
  int moves = 0;
  for (int second = 0; second < 600; ++second) {
    time.advance(1s);
    for (const std::string& name : leaving()) {
      replace(name, fmt::format("again-{}", moves++), "a1");
    }
  }
  EXPECT_GE(moves, 8);
  EXPECT_LE(moves, 14) << "after 10, 20, 40, then every 60 seconds";
}

}  // namespace
}  // namespace minato::descheduler
