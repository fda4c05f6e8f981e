#include "removal/record.h"

#include <gtest/gtest.h>

#include "kube/names.h"

namespace minato::removal {
namespace {

const WallTime kBegun{Duration{1'767'225'600'123'456'000}};
const std::string kLabel(kube::kLabelExcludeFromLoadBalancers);

Record full_record() {
  Record out;
  out.request = {"node-1", Cause::kSpotInterruption, After::kTerminateAndReplace, kBegun + 120s,
                 "notice \"now\""};
  out.phase = Phase::kEvicting;
  out.begun = kBegun;
  out.since = kBegun + 5s;
  out.admitted = out.cordoned = out.was_target = out.drained = true;
  out.detached = kBegun + 1s;
  out.replacement = Replacement{"scaling", 4, kBegun, true, "i-9"};
  out.cuts = {"pod a/b was still there"};
  return out;
}

TEST(RecordTest, ComesBackAsItWasWritten) {
  const Record record = full_record();
  const auto back = decode(encode(record), "node-1");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->request.deadline, record.request.deadline);
  EXPECT_EQ(back->request.message, record.request.message);
  EXPECT_EQ(back->request.cause, record.request.cause);
  EXPECT_EQ(back->replacement, record.replacement);
  EXPECT_EQ(encode(*back), encode(record));
}

TEST(RecordTest, HostileTextIsRefusedWithWhatIsWrong) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{\"cause\":1}"),
        std::string("{\"cause\":\"Drain\",\"after\":\"Keep\",\"phase\":\"Nap\"}"),
        std::string("{\"cause\":\"Drain\",\"after\":\"Keep\",\"phase\":\"Done\",\"begun\":\"x\"}"),
        std::string("{\"cause\":\"Drain\",\"after\":\"Keep\",\"phase\":\"Done\","
                    "\"replacement\":{\"desiredBefore\":-1}}"),
        std::string(kMaxRecordBytes + 1, ' ')}) {
    const auto decoded = decode(text, "node-1");
    ASSERT_FALSE(decoded) << text;
    EXPECT_NE(decoded.error().message.find("Node node-1"), std::string::npos);
  }
}

TEST(RecordTest, JoiningKeepsTheNearerDeadlineAndTheMoreUrgentCause) {
  Request under_way{"n", Cause::kMaintenance, After::kTerminateAndReplace, kBegun + 1h, "slow"};
  join(under_way,
       {"n", Cause::kSpotInterruption, After::kTerminateAndReplace, kBegun + 2min, "fast"});
  EXPECT_EQ(under_way.cause, Cause::kSpotInterruption);
  EXPECT_EQ(under_way.message, "fast");
  EXPECT_EQ(under_way.deadline, kBegun + 2min);
  join(under_way, {"n", Cause::kDrain, After::kKeep, {}, "late"});
  EXPECT_EQ(under_way.cause, Cause::kSpotInterruption);
  EXPECT_EQ(under_way.after, After::kTerminateAndReplace);
  EXPECT_EQ(under_way.deadline, kBegun + 2min);
}

TEST(RecordTest, MarksComeAndGoAndThoseOfOthersStay) {
  kube::Node node;
  node.metadata.name = "node-1";
  node.spec.taints.push_back({.key = "other", .effect = "NoSchedule"});
  Record record = full_record();
  const kube::Node marked = mark(node, record, Marks::kUnderWay, kBegun);
  EXPECT_EQ(marked.spec.taints.size(), 2u);
  EXPECT_TRUE(marked.spec.unschedulable);
  EXPECT_EQ(marked.metadata.labels.at(kLabel), kExcludedByRemoval);
  EXPECT_EQ(marked.metadata.finalizers, std::vector<std::string>{std::string(kFinalizerRemoval)});
  EXPECT_TRUE(is_leaving(marked));
  EXPECT_TRUE(kube::equal(mark(marked, record, Marks::kUnderWay, kBegun + 9s), marked));
  const kube::Node cleared = mark(marked, record, Marks::kFinished, kBegun);
  EXPECT_TRUE(kube::equal(cleared, node));
  EXPECT_FALSE(is_leaving(cleared));
}

TEST(RecordTest, ALabelOfSomebodyElseStays) {
  kube::Node node;
  node.metadata.labels[kLabel] = "operator";
  const Record record = full_record();
  const kube::Node cleared =
      mark(mark(node, record, Marks::kUnderWay, kBegun), record, Marks::kFinished, kBegun);
  EXPECT_EQ(cleared.metadata.labels.at(kLabel), "operator");
}

TEST(RecordTest, CutsAreBoundedAndSaidOnce) {
  Record record;
  for (int i = 0; i < 100; ++i) add_cut(record, "cut " + std::to_string(i % 50));
  EXPECT_EQ(record.cuts.size(), kMaxCuts);
}

}  // namespace
}  // namespace minato::removal
