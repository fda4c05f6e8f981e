#include "registry/registry.h"

#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::ObjectKey;
using kube::Pod;
using kube::Subresource;
using kube::WatchEvent;
using kube::WatchEventType;

class RegistryTest : public RegistryFixture {};

TEST_F(RegistryTest, BootstrapMakesWhatEveryClusterHasAndMayRunAgain) {
  for (const char* name : {"default", "kube-system", "kube-node-lease", "kube-public"}) {
    const auto found = read<kube::Namespace>(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->status.phase, "Active");
    EXPECT_EQ(found->spec.finalizers, std::vector<std::string>{"kubernetes"});
    EXPECT_EQ(found->metadata.labels.at("kubernetes.io/metadata.name"), name);
  }
  EXPECT_EQ(read<kube::PriorityClass>("system-node-critical")->value, 2'000'001'000);
  const auto version = store_.resource_version();
  EXPECT_TRUE(registry_->bootstrap());
  EXPECT_EQ(store_.resource_version(), version);
}

TEST_F(RegistryTest, CreateFillsInWhatOnlyTheServerKnows) {
  time_.advance(1500ms);
  Pod wanted = make_pod("web");
  wanted.metadata.uid = "mine";
  wanted.metadata.generation = 7;
  wanted.status.phase = "Running";
  const auto pod = must_create(std::move(wanted));
  EXPECT_EQ(pod->metadata.uid.size(), 36U);
  EXPECT_EQ(pod->metadata.generation, 0);  // Pods have none.
  EXPECT_EQ(pod->status.phase, "Pending");
  EXPECT_EQ(pod->status.qos_class, "BestEffort");
  EXPECT_EQ(pod->metadata.resource_version, std::to_string(store_.resource_version()));
  EXPECT_EQ(WallTime(pod->metadata.creation_timestamp), env::VirtualTime::kDefaultStart + 1s);
}

TEST_F(RegistryTest, ErrorsAreWordedAsUpstream) {
  EXPECT_EQ(client_.get(Pod::static_kind(), {"default", "x"}).error().message,
            "pods \"x\" not found");
  must_create(make_deployment("x"));
  const auto again = kube::create(client_, make_deployment("x"));
  EXPECT_EQ(again.error().reason, Reason::kAlreadyExists);
  EXPECT_EQ(again.error().message, "deployments.apps \"x\" already exists");

  must_create(make_pod("x"));
  Pod stale = *read<Pod>("x");
  Pod first = stale;
  first.metadata.labels["a"] = "b";
  must_update(std::move(first));
  stale.metadata.labels["a"] = "c";
  const auto lost = kube::update(client_, stale);
  EXPECT_EQ(lost.error().reason, Reason::kConflict);
  EXPECT_EQ(lost.error().message,
            "Operation cannot be fulfilled on pods \"x\": the object has been modified; please "
            "apply your changes to the latest version and try again");

  kube::Deployment bad = make_deployment("y");
  bad.spec.replicas = -1;
  const auto refused = kube::create(client_, bad);
  EXPECT_EQ(refused.error().reason, Reason::kInvalid);
  EXPECT_EQ(refused.error().message,
            "Deployment.apps \"y\" is invalid: spec.replicas: Invalid value: -1: must be greater "
            "than or equal to 0");
  ASSERT_EQ(refused.error().causes.size(), 1U);
  EXPECT_EQ(refused.error().causes[0].field, "spec.replicas");
}

TEST_F(RegistryTest, GenerateNameIsCompleted) {
  Pod wanted = make_pod("");
  wanted.metadata.generate_name = "web-";
  const auto first = must_create(wanted);
  const auto second = must_create(wanted);
  EXPECT_TRUE(first->metadata.name.starts_with("web-"));
  EXPECT_EQ(first->metadata.name.size(), 9U);
  EXPECT_NE(first->metadata.name, second->metadata.name);
}

TEST_F(RegistryTest, NamespacesMustExistAndBeOpen) {
  Pod lost = make_pod("a");
  lost.metadata.namespace_ = "nowhere";
  const auto missing = kube::create(client_, lost);
  EXPECT_EQ(missing.error().message, "namespaces \"nowhere\" not found");

  kube::Namespace shop;
  shop.metadata.name = "shop";
  must_create(shop);
  ASSERT_TRUE(client_.remove(kube::Namespace::static_kind(), {"", "shop"}));
  lost.metadata.namespace_ = "shop";
  const auto closed = kube::create(client_, lost);
  EXPECT_EQ(closed.error().reason, Reason::kForbidden);
  EXPECT_EQ(closed.error().message,
            "pods \"a\" is forbidden: unable to create new content in namespace shop because it "
            "is being terminated");
}

TEST_F(RegistryTest, UnchangedUpdateKeepsTheVersion) {
  const auto pod = must_create(make_pod("web"));
  const auto same = must_update(Pod(*pod));
  EXPECT_EQ(same.get(), pod.get());
  EXPECT_EQ(must_update(Pod(*pod), Subresource::kStatus).get(), pod.get());
}

TEST_F(RegistryTest, SpecAndStatusAreWrittenApart) {
  const auto created = must_create(make_deployment("web"));
  EXPECT_EQ(created->metadata.generation, 1);
  kube::Deployment change = *created;
  change.spec.replicas = 3;
  change.status.replicas = 9;
  auto now = must_update(change);
  EXPECT_EQ(now->metadata.generation, 2);
  EXPECT_EQ(now->status.replicas, 0);
  change = *now;
  change.spec.replicas = 5;
  change.metadata.labels["x"] = "y";
  change.status.replicas = 2;
  now = must_update(change, Subresource::kStatus);
  EXPECT_EQ(now->metadata.generation, 2);
  EXPECT_EQ(now->spec.replicas, 3);
  EXPECT_EQ(now->status.replicas, 2);
  EXPECT_TRUE(now->metadata.labels.empty());
  change = *now;
  change.metadata.labels["x"] = "y";
  EXPECT_EQ(must_update(change)->metadata.generation, 2);
}

TEST_F(RegistryTest, SystemMetadataCannotBeChanged) {
  const auto created = must_create(make_pod("web"));
  Pod change = *created;
  change.metadata.creation_timestamp = WallTime(Duration(1s));
  EXPECT_TRUE(failed_with(kube::update(client_, change), Reason::kInvalid));
  change = *created;
  change.metadata.uid = "other";
  EXPECT_TRUE(failed_with(kube::update(client_, change), Reason::kConflict));
  // Left out they stay, and without a version the update is unconditional.
  change = make_pod("web");
  change.spec = created->spec;
  change.metadata.labels["new"] = "label";
  const auto updated = must_update(change);
  EXPECT_EQ(updated->metadata.uid, created->metadata.uid);
  EXPECT_EQ(WallTime(updated->metadata.creation_timestamp),
            WallTime(created->metadata.creation_timestamp));
}

TEST_F(RegistryTest, FieldAndLabelSelectorsNarrowLists) {
  must_create(make_pod("a"));
  must_create(make_pod("b"));
  ASSERT_TRUE(client_.bind({"default", "b"}, "", "node-a"));
  kube::ListOptions on_node{.fields = {{"spec.nodeName", "node-a"}}};
  EXPECT_EQ((*kube::list<Pod>(client_, on_node)).size(), 1U);
  EXPECT_EQ((*kube::list<Pod>(client_, {.fields = {{"metadata.name", "a"}}})).size(), 1U);
  EXPECT_EQ((*kube::list<Pod>(client_, {.namespace_ = "kube-system"})).size(), 0U);
  EXPECT_EQ((*kube::list<Pod>(client_, {.labels = *kube::Selector::parse("app=web")})).size(), 2U);
  EXPECT_TRUE(failed_with(kube::list<Pod>(client_, {.fields = {{"spec.image", "x"}}}),
                          Reason::kBadRequest));
}

TEST_F(RegistryTest, AWatchSeesObjectsEnterAndLeaveItsSelector) {
  std::vector<std::pair<WatchEventType, std::string>> seen;
  const auto watch = client_.watch(
      Pod::static_kind(), {.labels = *kube::Selector::parse("tier=front")},
      store_.resource_version(), [&](const WatchEvent& event) {
        seen.emplace_back(event.type, event.object->metadata.labels.at("tier"));
      });
  ASSERT_TRUE(watch);
  const auto relabel = [&](const std::string& tier) {
    Pod pod = *read<Pod>("a");
    pod.metadata.labels["tier"] = tier;
    must_update(std::move(pod));
  };
  must_create(make_pod("a"));
  relabel("front");
  relabel("back");
  relabel("front");
  ASSERT_TRUE(client_.remove(Pod::static_kind(), {"default", "a"}));
  using enum WatchEventType;
  const std::vector<std::pair<WatchEventType, std::string>> expected{
      {kAdded, "front"}, {kDeleted, "front"}, {kAdded, "front"}, {kDeleted, "front"}};
  EXPECT_EQ(seen, expected);
}

TEST_F(RegistryTest, UnknownFieldsSurviveUpdatesAndPatches) {
  auto parsed = kube::object_from_json(std::string_view(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"default"},
          "future":{"a":1}})"));
  ASSERT_TRUE(client_.create(std::move(*parsed)));
  const auto patched = client_.patch(kube::ConfigMap::static_kind(), {"default", "c"},
                                     kube::PatchType::kMerge, R"({"data":{"k":"v"}})");
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_NE(kube::to_json(**patched).find(R"("future":{"a":1})"), std::string::npos);
}

TEST_F(RegistryTest, PatchesAreUpdates) {
  must_create(make_deployment("web"));
  const ObjectKey key{"default", "web"};
  const auto& kind = kube::Deployment::static_kind();
  auto patched = client_.patch(kind, key, kube::PatchType::kStrategicMerge,
                               R"({"spec":{"template":{"spec":{"containers":[
                                   {"name":"main","image":"web:2"}]}}}})");
  ASSERT_TRUE(patched) << patched.error().message;
  const auto& deployment = kube::as<kube::Deployment>(**patched);
  EXPECT_EQ(deployment.spec.template_.spec.containers.at(0).image, "web:2");
  EXPECT_EQ(deployment.metadata.generation, 2);
  EXPECT_TRUE(failed_with(client_.patch(kind, key, kube::PatchType::kMerge,
                                        R"({"metadata":{"resourceVersion":"1"}})"),
                          Reason::kConflict));
  EXPECT_TRUE(failed_with(client_.patch(kind, key, kube::PatchType::kMerge,
                                        R"({"metadata":{"name":"other"}})"),
                          Reason::kBadRequest));
  patched = client_.patch(kind, key, kube::PatchType::kJson,
                          R"([{"op":"replace","path":"/status/replicas","value":4},
                              {"op":"replace","path":"/spec/replicas","value":4}])",
                          Subresource::kStatus);
  EXPECT_FALSE(patched);  // status.replicas is not there: omitted while zero.
  patched = client_.patch(kind, key, kube::PatchType::kMerge,
                          R"({"status":{"replicas":4},"spec":{"replicas":4}})",
                          Subresource::kStatus);
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ(kube::as<kube::Deployment>(**patched).status.replicas, 4);
  EXPECT_EQ(kube::as<kube::Deployment>(**patched).spec.replicas, 1);
}

TEST_F(RegistryTest, ObjectsHaveALargestSize) {
  kube::ConfigMap config;
  config.metadata = {"big", "default"};
  config.data["k"] = std::string(2 << 20, 'x');
  EXPECT_FALSE(kube::create(client_, config));
  Pod pod = make_pod("big");
  pod.spec.containers[0].args.assign(1600, std::string(1024, 'x'));
  EXPECT_TRUE(failed_with(kube::create(client_, pod), Reason::kBadRequest));
}

TEST_F(RegistryTest, LeasesAndBudgetsAreUpdatedWithTheirVersionOnly) {
  kube::PodDisruptionBudget budget;
  budget.metadata = {"web", "default"};
  must_create(budget);
  const auto refused = kube::update(client_, budget);
  EXPECT_TRUE(failed_with(refused, Reason::kInvalid));
}

}  // namespace
}  // namespace minato::registry
