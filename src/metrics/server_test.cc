#include "metrics/server.h"

#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "kube/names.h"
#include "registry/in_process_client.h"
#include "registry/registry.h"
#include "store/store.h"

namespace minato::metrics {
namespace {

class ServerTest : public testing::Test {
 protected:
  ServerTest()
      : registry_(*registry::Registry::make(env::Env{time_, time_, log_, env::Rng(1)}, store_)),
        client_(*registry_),
        informers_(client_) {
    EXPECT_TRUE(registry_->bootstrap());
    for (const char* name : {"n1", "n2"}) {
      kube::Node node;
      node.metadata.name = name;
      node.metadata.labels["zone"] = name;
      EXPECT_TRUE(kube::create(client(), std::move(node)));
    }
  }
  kube::Client& client() { return client_; }

  void start(Server::Options options = {}) {
    options.scrape = [this](const std::string& node) -> Result<NodeUsage> {
      ++scrapes_;
      const auto found = usage_.find(node);
      if (found == usage_.end()) return fail(Reason::kUnavailable, "no answer");
      return found->second;
    };
    server_ = std::make_unique<Server>(env::Env{time_, time_, log_, env::Rng(1)}, informers_,
                                       std::move(options));
    ASSERT_TRUE(informers_.start());
  }
  // A running Pod that uses so much in each of its containers.
  std::string run_pod(const std::string& name, const std::string& node,
                      const std::vector<std::int64_t>& used, const std::string& app = "web") {
    kube::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    pod.metadata.labels["app"] = app;
    pod.spec.node_name = node;
    for (std::size_t i = 0; i < used.size(); ++i) {
      pod.spec.containers.push_back({"c" + std::to_string(i), "web:1"});
    }
    const auto created = kube::create(client(), pod);
    EXPECT_TRUE(created) << created.error().message;
    pod = **created;
    pod.status.phase = kube::kPodRunning;
    for (const kube::Container& container : pod.spec.containers) {
      kube::ContainerStatus& status = pod.status.container_statuses.emplace_back();
      status.name = container.name;
      status.state.running.emplace();
    }
    EXPECT_TRUE(kube::update(client(), pod, kube::Subresource::kStatus));
    NodeUsage& usage = usage_[node];
    usage.at = time_.wall();
    usage.window = 15s;
    for (std::size_t i = 0; i < used.size(); ++i) {
      usage.containers.push_back({pod.metadata.uid, pod.spec.containers[i].name, used[i], 1 << 20});
      usage.cpu_milli += used[i];
    }
    return pod.metadata.uid;
  }
  std::vector<PodMetrics> pods(const kube::Selector& selector = {}) {
    const auto found = server_->pod_metrics("default", selector);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(std::vector<PodMetrics>{});
  }

  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  registry::InProcessClient client_;
  informer::Informers informers_;
  std::map<std::string, NodeUsage> usage_;
  std::unique_ptr<Server> server_;
  int scrapes_ = 0;
};

TEST_F(ServerTest, AnswersWithTheNewestRound) {
  start();
  run_pod("b", "n1", {100, 50});
  run_pod("a", "n2", {20});
  server_->set_active(true);
  time_.settle();
  const auto found = pods();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "a");
  EXPECT_EQ(found[1].labels.at("app"), "web");
  EXPECT_EQ(found[1].window, 15s);
  EXPECT_EQ(found[1].timestamp, usage_["n1"].at);
  ASSERT_EQ(found[1].containers.size(), 2u);
  EXPECT_EQ(found[1].containers[0].cpu_milli, 100);
  EXPECT_EQ(found[1].containers[1].memory_bytes, 1 << 20);
  usage_["n1"].containers[0].cpu_milli = 300;
  time_.advance(14s);
  EXPECT_EQ(pods()[1].containers[0].cpu_milli, 100);
  time_.advance(1s);
  EXPECT_EQ(pods()[1].containers[0].cpu_milli, 300);
  EXPECT_EQ(scrapes_, 4);
}

TEST_F(ServerTest, SelectsByLabelsAndNamespace) {
  start();
  run_pod("a", "n1", {20});
  run_pod("b", "n1", {20}, "db");
  server_->set_active(true);
  time_.settle();
  ASSERT_EQ(pods(kube::Selector::from_labels({{"app", "db"}})).size(), 1u);
  EXPECT_EQ(pods(kube::Selector::from_labels({{"app", "db"}}))[0].name, "b");
  EXPECT_TRUE(server_->pod_metrics("elsewhere", {})->empty());
  EXPECT_EQ(server_->pod_metrics("", {})->size(), 2u);
}

TEST_F(ServerTest, IsUnavailableWhileInactiveAndAsksNobody) {
  start();
  run_pod("a", "n1", {20});
  time_.advance(1min);
  EXPECT_EQ(scrapes_, 0);
  const auto away = server_->pod_metrics("default", {});
  ASSERT_TRUE(failed_with(away, Reason::kUnavailable));
  EXPECT_EQ(away.error().message,
            "the server is currently unable to handle the request (get pods.metrics.k8s.io)");
  EXPECT_EQ(server_->node_metrics({}).error().message,
            "the server is currently unable to handle the request (get nodes.metrics.k8s.io)");
  server_->set_active(true);
  EXPECT_TRUE(failed_with(server_->pod_metrics("default", {}), Reason::kUnavailable));
  time_.settle();
  EXPECT_EQ(pods().size(), 1u);
  server_->set_active(false);
  const int before = scrapes_;
  time_.advance(1min);
  EXPECT_EQ(scrapes_, before);
  EXPECT_TRUE(failed_with(server_->pod_metrics("default", {}), Reason::kUnavailable));
}

TEST_F(ServerTest, ForgetsNodesThatDoNotAnswerAndPodsThatAreGone) {
  start();
  run_pod("a", "n1", {20});
  run_pod("b", "n2", {20});
  server_->set_active(true);
  time_.settle();
  ASSERT_EQ(pods().size(), 2u);
  ASSERT_TRUE(client().remove(kube::Pod::static_kind(), {"default", "a"},
                              {.grace_period_seconds = 0}));
  EXPECT_EQ(pods().size(), 1u);
  usage_.erase("n2");
  time_.advance(15s);
  EXPECT_TRUE(pods().empty());
  ASSERT_TRUE(client().remove(kube::Node::static_kind(), {"", "n1"}));
  EXPECT_TRUE(server_->node_metrics({})->empty());
}

TEST_F(ServerTest, ASampleThatIsNotRenewedGrowsTooOld) {
  start({.max_age = 40s});
  run_pod("a", "n1", {20});
  server_->set_active(true);
  time_.advance(40s);
  EXPECT_EQ(pods().size(), 1u);
  time_.jump_wall(2h);  // Ages are not read from the wall clock.
  EXPECT_EQ(pods().size(), 1u);
  time_.advance(6s);
  EXPECT_TRUE(pods().empty());
  usage_["n1"].at = time_.wall();
  time_.advance(15s);
  EXPECT_EQ(pods().size(), 1u);
}

TEST_F(ServerTest, APodIsAnsweredWithAllItsRunningContainersOrNotAtAll) {
  start();
  const std::string uid = run_pod("a", "n1", {20, 30});
  usage_["n1"].containers.pop_back();  // Started anew: no rate yet.
  server_->set_active(true);
  time_.settle();
  EXPECT_TRUE(pods().empty());
  kube::Pod pod = **kube::get<kube::Pod>(client(), {"default", "a"});
  pod.status.container_statuses[1].state = {};
  pod.status.container_statuses[1].state.waiting.emplace();  // Crashed: nothing runs.
  ASSERT_TRUE(kube::update(client(), pod, kube::Subresource::kStatus));
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_EQ(pods()[0].containers.size(), 1u);
  pod = **kube::get<kube::Pod>(client(), {"default", "a"});
  pod.status.phase = kube::kPodSucceeded;
  ASSERT_TRUE(kube::update(client(), pod, kube::Subresource::kStatus));
  EXPECT_TRUE(pods().empty());
}

TEST_F(ServerTest, AScaledCpuCountsAsAWholeOne) {
  start({.cpu_scale_percent = 25});
  run_pod("a", "n1", {250});  // A whole vCPU of a quarter.
  server_->set_active(true);
  time_.settle();
  EXPECT_EQ(pods().at(0).containers.at(0).cpu_milli, 1000);
  const auto nodes = server_->node_metrics({});
  ASSERT_TRUE(nodes);
  ASSERT_EQ(nodes->size(), 1u);
  EXPECT_EQ(nodes->at(0).cpu_milli, 1000);
  EXPECT_EQ(nodes->at(0).labels.at("zone"), "n1");
}

}  // namespace
}  // namespace minato::metrics
