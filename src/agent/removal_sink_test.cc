#include "agent/removal_sink.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "env/virtual_time.h"
#include "kube/types/config.h"
#include "registry/in_process_client.h"
#include "store/store.h"

namespace minato::agent {
namespace {

using removal::After;
using removal::Cause;

class FakeRemovals final : public removal::Removals {
 public:
  Status begin(removal::Request request) override {
    if (!begin_status) return begin_status;
    requests.push_back(std::move(request));
    return {};
  }
  Status cancel(const std::string& node) override {
    cancelled.push_back(node);
    return cancel_status;
  }
  std::vector<removal::Progress> progress() const override { return {}; }
  Status begin_status;
  Status cancel_status;
  std::vector<removal::Request> requests;
  std::vector<std::string> cancelled;
};

class RemovalSinkTest : public testing::Test {
 protected:
  RemovalSinkTest() {
    EXPECT_TRUE(registry_->bootstrap());
    kube::Node node;
    node.metadata.name = "node-1";
    EXPECT_TRUE(kube::create(client_, std::move(node)));
  }
  RemovalSink& sink(RebalancePolicy policy = RebalancePolicy::kRemove) {
    sink_ = std::make_unique<RemovalSink>(env_, client_, informers_, removals_,
                                          RemovalSink::Options{.node = "node-1",
                                                               .rebalance = policy});
    EXPECT_TRUE(informers_.start());
    return *sink_;
  }
  bool is_cordoned() {
    return (*kube::get<kube::Node>(client_, {"", "node-1"}))->spec.unschedulable;
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_ = *registry::Registry::make(env_, store_);
  registry::InProcessClient in_process_{*registry_};
  kube::Client& client_ = in_process_;
  informer::Informers informers_{client_};
  FakeRemovals removals_;
  std::unique_ptr<RemovalSink> sink_;
};

TEST_F(RemovalSinkTest, EachNoticeBecomesTheRemovalItCallsFor) {
  RemovalSink& sink = this->sink();
  const WallTime now = time_.wall();
  struct Case {
    Notice notice;
    Cause cause;
    After after;
    std::optional<Duration> left;
  };
  for (const Case& each : {
           Case{{Kind::kSpotInterruption, now + 120s, "terminate"}, Cause::kSpotInterruption,
                After::kTerminateAndReplace, 118s},
           Case{{Kind::kSpotInterruption, {}, "hibernate"}, Cause::kSpotInterruption,
                After::kTerminateAndReplace, RemovalSink::kNoLead - 2s},
           Case{{Kind::kRebalanceRecommendation, now, "risk"}, Cause::kRebalanceRecommendation,
                After::kTerminateAndReplace, {}},
           Case{{Kind::kMaintenance, now + 24h, "reboot"}, Cause::kMaintenance,
                After::kTerminateAndReplace, 24h - 2s},
           Case{{Kind::kTargetLifecycle, {}, "hook"}, Cause::kMaintenance,
                After::kTerminateAndShrink, 58s},
       }) {
    ASSERT_TRUE(sink.notice(each.notice));
    const removal::Request& request = removals_.requests.back();
    EXPECT_EQ(request.node, "node-1");
    EXPECT_EQ(request.cause, each.cause);
    EXPECT_EQ(request.after, each.after);
    EXPECT_EQ(request.message, each.notice.text);
    ASSERT_EQ(request.deadline.has_value(), each.left.has_value());
    if (each.left) {
      EXPECT_EQ(*request.deadline, now + *each.left);
    }
  }
}

TEST_F(RemovalSinkTest, AWithdrawnNoticeCancelsUnlessAnotherStands) {
  RemovalSink& sink = this->sink();
  ASSERT_TRUE(sink.notice({Kind::kMaintenance, time_.wall() + 1h, "reboot"}));
  ASSERT_TRUE(sink.notice({Kind::kRebalanceRecommendation, time_.wall(), "risk"}));
  sink.cancelled(Kind::kMaintenance);
  EXPECT_TRUE(removals_.cancelled.empty());
  removals_.cancel_status = fail(Reason::kConflict, "terminating");
  sink.cancelled(Kind::kRebalanceRecommendation);
  EXPECT_EQ(removals_.cancelled, std::vector<std::string>{"node-1"});
  sink.cancelled(Kind::kRebalanceRecommendation);
  EXPECT_EQ(removals_.cancelled.size(), 1u);
}

TEST_F(RemovalSinkTest, ARefusedNoticeIsAnErrorAndCancelsNothing) {
  RemovalSink& sink = this->sink();
  removals_.begin_status = fail(Reason::kNotFound, "no such Node");
  EXPECT_FALSE(sink.notice({Kind::kMaintenance, time_.wall() + 1h, "reboot"}));
  sink.cancelled(Kind::kMaintenance);
  EXPECT_TRUE(removals_.cancelled.empty());
}

TEST_F(RemovalSinkTest, TheRebalancePolicyMayIgnoreOrOnlyCordon) {
  const Notice notice{Kind::kRebalanceRecommendation, time_.wall(), "risk"};
  RemovalSink& sink = this->sink(RebalancePolicy::kCordon);
  ASSERT_TRUE(sink.notice(notice));
  EXPECT_TRUE(is_cordoned());
  EXPECT_TRUE(removals_.requests.empty());
  sink.cancelled(Kind::kRebalanceRecommendation);
  EXPECT_FALSE(is_cordoned());
  RemovalSink ignoring(env_, client_, informers_, removals_,
                       {.node = "node-1", .rebalance = RebalancePolicy::kIgnore});
  ASSERT_TRUE(ignoring.notice(notice));
  EXPECT_FALSE(is_cordoned());
}

TEST_F(RemovalSinkTest, ACordonOfSomebodyElseStays) {
  kube::Node node = **kube::get<kube::Node>(client_, {"", "node-1"});
  node.spec.unschedulable = true;
  ASSERT_TRUE(kube::update(client_, std::move(node)));
  RemovalSink& sink = this->sink(RebalancePolicy::kCordon);
  ASSERT_TRUE(sink.notice({Kind::kRebalanceRecommendation, time_.wall(), "risk"}));
  sink.cancelled(Kind::kRebalanceRecommendation);
  EXPECT_TRUE(is_cordoned());
}

TEST_F(RemovalSinkTest, TroubleWithTheMetadataIsAWarningOnTheNode) {
  sink().troubled("no answer within 2s");
  const auto events = *kube::list<kube::Event>(client_);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]->reason, "InstanceMetadataUnavailable");
  EXPECT_EQ(events[0]->type, "Warning");
}

}  // namespace
}  // namespace minato::agent
