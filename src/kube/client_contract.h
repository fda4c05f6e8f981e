// What every kube::Client keeps, as tests that each implementation runs: registry (in process) and
// kube_http. For tests only.
//
// A ClientWorld makes a client of an empty cluster that has the namespace "default", and lets time
// pass until events that are on their way have come.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "kube/client.h"
#include "kube/types/config.h"
#include "kube/types/node.h"

namespace minato::kube {

class ClientWorld {
 public:
  virtual ~ClientWorld() = default;
  virtual Client& client() = 0;
  // Until `is_so`, or the test has waited for long enough.
  virtual void until(const std::function<bool()>& is_so) = 0;
};

class ClientContract : public testing::TestWithParam<std::function<std::unique_ptr<ClientWorld>()>> {
 protected:
  ClientContract() : world_(GetParam()()), client_(world_->client()) {}

  static ConfigMap config_map(const std::string& name) {
    ConfigMap out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    out.data["color"] = "red";
    return out;
  }
  std::shared_ptr<const ConfigMap> must_create(const std::string& name) {
    auto made = kube::create(client_, config_map(name));
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : std::make_shared<const ConfigMap>();
  }

  std::unique_ptr<ClientWorld> world_;
  Client& client_;
};

TEST_P(ClientContract, WhatIsCreatedIsThereWithItsMetadata) {
  const auto made = must_create("a");
  EXPECT_FALSE(made->metadata.uid.empty());
  EXPECT_FALSE(made->metadata.resource_version.empty());
  const auto got = kube::get<ConfigMap>(client_, {"default", "a"});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ((*got)->data.at("color"), "red");
  EXPECT_EQ((*got)->metadata.uid, made->metadata.uid);
}

TEST_P(ClientContract, FailuresHaveTheReasonsOfTheApi) {
  EXPECT_TRUE(failed_with(kube::get<ConfigMap>(client_, {"default", "none"}), Reason::kNotFound));
  must_create("a");
  EXPECT_TRUE(failed_with(kube::create(client_, config_map("a")), Reason::kAlreadyExists));
  ConfigMap wrong = config_map("Not A Name");
  const auto invalid = kube::create(client_, wrong);
  ASSERT_TRUE(failed_with(invalid, Reason::kInvalid)) << (invalid ? "" : invalid.error().message);
  ASSERT_FALSE(invalid.error().causes.empty());
  EXPECT_EQ(invalid.error().causes.front().field, "metadata.name");
  EXPECT_TRUE(failed_with(client_.remove(ConfigMap::static_kind(), {"default", "none"}), Reason::kNotFound));
}

TEST_P(ClientContract, AnUpdateOfAnOldVersionIsAConflict) {
  ConfigMap first = *must_create("a");
  ConfigMap second = first;
  first.data["color"] = "green";
  ASSERT_TRUE(kube::update(client_, first));
  second.data["color"] = "blue";
  EXPECT_TRUE(failed_with(kube::update(client_, second), Reason::kConflict));
  second.metadata.resource_version.clear();
  const auto forced = kube::update(client_, second);
  ASSERT_TRUE(forced) << forced.error().message;
  EXPECT_EQ((*forced)->data.at("color"), "blue");
}

TEST_P(ClientContract, StatusAndTheRestAreWrittenApart) {
  Node node;
  node.metadata.name = "n";
  auto made = kube::create(client_, node);
  ASSERT_TRUE(made) << made.error().message;
  Node changed = **made;
  changed.status.conditions.push_back({.type = "Ready", .status = "True"});
  changed.metadata.labels["x"] = "y";
  const auto status = kube::update(client_, changed, Subresource::kStatus);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ((*status)->status.conditions.size(), 1u);
  EXPECT_FALSE((*status)->spec.unschedulable);
  Node cordoned = **status;
  cordoned.status.conditions.clear();
  cordoned.spec.unschedulable = true;
  const auto rest = kube::update(client_, cordoned);
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_TRUE((*rest)->spec.unschedulable);
  EXPECT_EQ((*rest)->status.conditions.size(), 1u);
}

TEST_P(ClientContract, EveryTypeOfPatchIsTaken) {
  must_create("a");
  const ObjectKey key{"default", "a"};
  const Kind& kind = ConfigMap::static_kind();
  ASSERT_TRUE(client_.patch(kind, key, PatchType::kMerge, R"({"data":{"color":null,"size":"1"}})"));
  ASSERT_TRUE(client_.patch(kind, key, PatchType::kStrategicMerge, R"({"metadata":{"labels":{"l":"1"}}})"));
  const auto last = client_.patch(kind, key, PatchType::kJson, R"([{"op":"replace","path":"/data/size","value":"2"}])");
  ASSERT_TRUE(last) << last.error().message;
  const auto& map = as<ConfigMap>(**last);
  EXPECT_EQ(map.data, (std::map<std::string, std::string>{{"size", "2"}}));
  EXPECT_EQ(map.metadata.labels.at("l"), "1");
}

TEST_P(ClientContract, ListsAreOrderedAndSelected) {
  for (const char* name : {"c", "a", "b"}) must_create(name);
  ConfigMap labelled = config_map("d");
  labelled.metadata.labels["app"] = "web";
  ASSERT_TRUE(kube::create(client_, labelled));
  ListOptions by_label{.namespace_ = "default"};
  by_label.labels = Selector::from_labels({{"app", "web"}});
  const auto found = kube::list<ConfigMap>(client_, by_label);
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ(found->front()->metadata.name, "d");
  ListOptions by_name{.namespace_ = "default"};
  by_name.fields = {{"metadata.name", "b"}};
  const auto named = kube::list<ConfigMap>(client_, by_name);
  ASSERT_TRUE(named && named->size() == 1);
  const auto all = kube::list<ConfigMap>(client_, {.namespace_ = "default"});
  ASSERT_TRUE(all);
  EXPECT_TRUE(std::ranges::is_sorted(*all, {}, [](const auto& each) { return each->key(); }));
  EXPECT_GE(all->size(), 4u);
}

// What the controllers build on: a cache that is fed so is never behind its own writes.
TEST_P(ClientContract, AWatchTellsOfOwnWritesAtOnceAndOfEachOnce) {
  const ListOptions options{.namespace_ = "default"};
  const auto listed = client_.list(ConfigMap::static_kind(), options);
  ASSERT_TRUE(listed);
  std::vector<std::pair<WatchEventType, std::string>> seen;
  auto watch = client_.watch(ConfigMap::static_kind(), options, listed->resource_version, [&](const WatchEvent& event) {
    if (event.object->metadata.name == "a") seen.emplace_back(event.type, as<ConfigMap>(*event.object).data.at("color"));
  });
  ASSERT_TRUE(watch) << watch.error().message;
  ConfigMap map = *must_create("a");
  ASSERT_EQ(seen.size(), 1u);
  map.data["color"] = "green";
  ASSERT_TRUE(kube::update(client_, map));
  ASSERT_EQ(seen.size(), 2u);
  ASSERT_TRUE(client_.remove(ConfigMap::static_kind(), {"default", "a"}));
  world_->until([&] { return seen.size() == 3; });
  const std::vector<std::pair<WatchEventType, std::string>> expected = {
      {WatchEventType::kAdded, "red"}, {WatchEventType::kModified, "green"}, {WatchEventType::kDeleted, "green"}};
  EXPECT_EQ(seen, expected);
}

TEST_P(ClientContract, AnEndedWatchTellsNothing) {
  const auto listed = client_.list(ConfigMap::static_kind(), {});
  ASSERT_TRUE(listed);
  int events = 0;
  auto watch = client_.watch(ConfigMap::static_kind(), {}, listed->resource_version, [&](const WatchEvent&) { ++events; });
  ASSERT_TRUE(watch);
  watch->reset();
  must_create("a");
  EXPECT_EQ(events, 0);
}

TEST_P(ClientContract, PreconditionsOfARemovalAreKept) {
  const auto made = must_create("a");
  const auto other = client_.remove(ConfigMap::static_kind(), {"default", "a"}, {.precondition_uid = "another"});
  EXPECT_TRUE(failed_with(other, Reason::kConflict)) << (other ? "removed" : other.error().message);
  EXPECT_TRUE(client_.remove(ConfigMap::static_kind(), {"default", "a"}, {.precondition_uid = made->metadata.uid}));
}

}  // namespace minato::kube
