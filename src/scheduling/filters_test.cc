#include <gtest/gtest.h>

#include "scheduling/testing.h"

namespace minato::scheduling {
namespace {

using namespace testing;

constexpr const char* kNoAffinityMatch = "node(s) didn't match Pod's node affinity/selector";
constexpr const char* kSpread = "node(s) didn't match pod topology spread constraints";
constexpr const char* kAffinity = "node(s) didn't match pod affinity rules";
constexpr const char* kAnti = "node(s) didn't match pod anti-affinity rules";
constexpr const char* kExisting = "node(s) didn't satisfy existing pods anti-affinity rules";

TEST(RequestsTest, FollowTheInitContainerAndSidecarRule) {
  const auto container = [](const char* cpu, const char* restart = nullptr) {
    kube::Container out;
    out.resources.requests["cpu"] = quantity(cpu);
    if (restart) out.restart_policy = restart;
    return out;
  };
  kube::PodSpec spec;
  spec.containers = {container("100m"), container("200m")};
  EXPECT_EQ(pod_requests(spec).milli_cpu, 300);
  spec.init_containers = {container("250m")};
  EXPECT_EQ(pod_requests(spec).milli_cpu, 300);
  spec.init_containers = {container("500m")};
  EXPECT_EQ(pod_requests(spec).milli_cpu, 500);
  // A sidecar counts beside the containers and beside the init containers after it.
  spec.init_containers = {container("100m", "Always"), container("500m")};
  EXPECT_EQ(pod_requests(spec).milli_cpu, 600);
  spec.init_containers = {container("500m"), container("100m", "Always")};
  EXPECT_EQ(pod_requests(spec).milli_cpu, 500);
  spec.overhead["cpu"] = quantity("50m");
  EXPECT_EQ(pod_requests(spec).milli_cpu, 550);
}

TEST(RequestsTest, ScoringGivesDefaultsOnlyWhereNothingIsSaid) {
  kube::Pod pod = make_pod("p");
  EXPECT_EQ(pod_requests_for_scoring(pod.spec).milli_cpu, 100);
  EXPECT_EQ(pod_requests_for_scoring(pod.spec).memory_bytes, 200LL << 20);
  pod.spec.containers[0].resources.requests["cpu"] = quantity("0");
  EXPECT_EQ(pod_requests_for_scoring(pod.spec).milli_cpu, 0);
  EXPECT_EQ(pod_requests(pod.spec).memory_bytes, 0);
}

TEST(NodeUnschedulableTest, CordonedNodesTakeOnlyWhoTolerates) {
  Bench bench;
  kube::Node node = make_node("a");
  node.spec.unschedulable = true;
  bench.node(node);
  EXPECT_EQ(bench.why_not(make_pod("p"), "a"), "node(s) were unschedulable");
  kube::Pod daemon = make_pod("d");
  daemon.spec.tolerations.push_back(
      {"node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule", {}, {}});
  EXPECT_EQ(bench.why_not(daemon, "a"), "");
}

TEST(NodeNameTest, OnlyTheNamedNodePasses) {
  Bench bench;
  bench.node(make_node("a"));
  bench.node(make_node("b"));
  kube::Pod pod = make_pod("p");
  pod.spec.node_name = "b";
  EXPECT_EQ(bench.why_not(pod, "a"), "node(s) didn't match the requested node name");
  EXPECT_EQ(bench.why_not(pod, "b"), "");
}

TEST(TaintTolerationTest, Cases) {
  struct Case {
    kube::Taint taint;
    kube::Toleration toleration;
    bool passes;
  };
  const Case cases[] = {
      {{"k", "v", "NoSchedule", {}, {}}, {"k", "Equal", "v", "NoSchedule", {}, {}}, true},
      {{"k", "v", "NoSchedule", {}, {}}, {"k", "", "v", "", {}, {}}, true},
      {{"k", "v", "NoSchedule", {}, {}}, {"k", "Equal", "w", "NoSchedule", {}, {}}, false},
      {{"k", "v", "NoSchedule", {}, {}}, {"k", "Exists", "", "", {}, {}}, true},
      {{"k", "v", "NoExecute", {}, {}}, {"k", "Exists", "", "NoSchedule", {}, {}}, false},
      {{"k", "v", "NoExecute", {}, {}}, {"", "Exists", "", "", {}, {}}, true},
      {{"k", "v", "PreferNoSchedule", {}, {}}, {"other", "Exists", "", "", {}, {}}, true},
  };
  for (const Case& c : cases) {
    Bench bench;
    kube::Node node = make_node("a");
    node.spec.taints = {c.taint};
    bench.node(node);
    kube::Pod pod = make_pod("p");
    pod.spec.tolerations = {c.toleration};
    EXPECT_EQ(bench.why_not(pod, "a"), c.passes ? "" : "node(s) had untolerated taint {k: v}");
  }
}

TEST(NodeAffinityTest, Cases) {
  struct Case {
    const char* affinity;  // Of nodeSelectorTerms.
    bool passes;
  };
  const Case cases[] = {
      {R"([{"matchExpressions":[{"key":"size","operator":"In","values":["4","8"]}]}])", true},
      {R"([{"matchExpressions":[{"key":"size","operator":"NotIn","values":["4"]}]}])", false},
      {R"([{"matchExpressions":[{"key":"none","operator":"NotIn","values":["4"]}]}])", true},
      {R"([{"matchExpressions":[{"key":"none","operator":"DoesNotExist"}]}])", true},
      {R"([{"matchExpressions":[{"key":"size","operator":"Gt","values":["3"]}]}])", true},
      {R"([{"matchExpressions":[{"key":"size","operator":"Gt","values":["4"]}]}])", false},
      {R"([{"matchExpressions":[{"key":"size","operator":"Lt","values":["5"]}]}])", true},
      {R"([{"matchExpressions":[{"key":"word","operator":"Lt","values":["5"]}]}])", false},
      {R"([{"matchExpressions":[{"key":"none","operator":"Lt","values":["5"]}]}])", false},
      // Terms are alternatives; requirements of one term are not.
      {R"([{"matchExpressions":[{"key":"none","operator":"Exists"}]},
           {"matchExpressions":[{"key":"size","operator":"Exists"}]}])", true},
      {R"([{"matchExpressions":[{"key":"size","operator":"Exists"},
                                {"key":"none","operator":"Exists"}]}])", false},
      {R"([{}])", false},
      {R"([])", false},
      {R"([{"matchFields":[{"key":"metadata.name","operator":"In","values":["a"]}]}])", true},
      {R"([{"matchFields":[{"key":"metadata.name","operator":"In","values":["b"]}]}])", false},
      {R"([{"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["b"]}],
            "matchExpressions":[{"key":"size","operator":"Exists"}]}])", true},
  };
  Bench bench;
  bench.node(make_node("a", {{"size", "4"}, {"word", "x"}}));
  for (const Case& c : cases) {
    kube::Pod pod = make_pod("p");
    pod.spec.affinity = from_text<kube::Affinity>(fmt::format(
        R"({{"nodeAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":
            {{"nodeSelectorTerms":{}}}}}}})", c.affinity));
    EXPECT_EQ(bench.why_not(pod, "a"), c.passes ? "" : kNoAffinityMatch) << c.affinity;
  }
}

TEST(NodeAffinityTest, SelectorAndAffinityMustBothHold) {
  Bench bench;
  bench.node(make_node("a", {{"size", "4"}}));
  kube::Pod pod = make_pod("p");
  pod.spec.node_selector = {{"size", "4"}};
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  pod.spec.node_selector = {{"size", "5"}};
  EXPECT_EQ(bench.why_not(pod, "a"), kNoAffinityMatch);
}

TEST(NodePortsTest, ConflictByPortProtocolAndAddress) {
  Bench bench;
  bench.node(make_node("a"));
  const auto with_port = [](const std::string& name, int port, const std::string& protocol,
                            const std::string& ip) {
    kube::Pod pod = make_pod(name);
    pod.spec.containers[0].ports.push_back({"", port, port, protocol, ip, {}});
    return pod;
  };
  bench.place(with_port("x", 80, "TCP", "127.0.0.1"), "a");
  constexpr const char* kTaken = "node(s) didn't have free ports for the requested pod ports";
  EXPECT_EQ(bench.why_not(with_port("p", 80, "TCP", ""), "a"), kTaken);
  EXPECT_EQ(bench.why_not(with_port("p", 80, "", "127.0.0.1"), "a"), kTaken);
  EXPECT_EQ(bench.why_not(with_port("p", 80, "TCP", "127.0.0.2"), "a"), "");
  EXPECT_EQ(bench.why_not(with_port("p", 80, "UDP", ""), "a"), "");
  EXPECT_EQ(bench.why_not(with_port("p", 81, "TCP", ""), "a"), "");
  bench.snapshot.remove_pod("uid-x");
  EXPECT_EQ(bench.why_not(with_port("p", 80, "TCP", ""), "a"), "");
}

TEST(NodeResourcesFitTest, EveryShortageIsNamed) {
  Bench bench;
  kube::Node node = make_node("a", {}, "2", "4Gi", 1);
  node.status.allocatable["nvidia.com/gpu"] = kube::Quantity::of(1);
  node.status.allocatable["ephemeral-storage"] = quantity("1Gi");
  bench.node(node);
  kube::Pod full = make_pod("p", {}, "3", "8Gi");
  full.spec.containers[0].resources.requests["nvidia.com/gpu"] = kube::Quantity::of(2);
  full.spec.containers[0].resources.requests["ephemeral-storage"] = quantity("2Gi");
  bench.place(make_pod("x"), "a");
  EXPECT_EQ(bench.run(full), "");
  EXPECT_EQ(bench.message,
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient ephemeral-storage, "
            "1 Insufficient memory, 1 Insufficient nvidia.com/gpu, 1 Too many pods.");
}

TEST(NodeResourcesFitTest, ExactFitPassesAndZeroRequestIgnoresOvercommitment) {
  Bench bench;
  bench.node(make_node("a", {}, "2", "4Gi"));
  EXPECT_EQ(bench.why_not(make_pod("p", {}, "2", "4Gi"), "a"), "");
  bench.place(make_pod("x", {}, "3", "4Gi"), "a");
  EXPECT_EQ(bench.why_not(make_pod("p"), "a"), "");
  EXPECT_EQ(bench.why_not(make_pod("p", {}, "1m"), "a"), "Insufficient cpu");
}

TEST(PodTopologySpreadTest, SkewCountsAgainstTheEmptiestZone) {
  Bench bench;
  for (const char* zone : {"a", "b"}) bench.node(make_node(zone, {{kZone, zone}}));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  add_spread(pod, kZone, 1);
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), kSpread);
  EXPECT_EQ(bench.why_not(pod, "b"), "");
  bench.node(make_node("nozone"));
  EXPECT_EQ(bench.why_not(pod, "nozone"),
            "node(s) didn't match pod topology spread constraints (missing required label)");
}

TEST(PodTopologySpreadTest, APodThatItDoesNotMatchAddsNothingItself) {
  Bench bench;
  for (const char* zone : {"a", "b"}) bench.node(make_node(zone, {{kZone, zone}}));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  add_spread(pod, kZone, 1);
  pod.metadata.labels = {{"app", "other"}};
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), "");
}

TEST(PodTopologySpreadTest, OtherNamespacesAndTerminatingPodsDoNotCount) {
  Bench bench;
  for (const char* zone : {"a", "b"}) bench.node(make_node(zone, {{kZone, zone}}));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  add_spread(pod, kZone, 1);
  kube::Pod other = make_pod("x", {{"app", "w"}});
  other.metadata.namespace_ = "elsewhere";
  bench.place(other, "a");
  kube::Pod leaving = make_pod("y", {{"app", "w"}});
  leaving.metadata.deletion_timestamp = WallTime{1s};
  bench.place(leaving, "a");
  EXPECT_EQ(bench.why_not(pod, "a"), "");
}

TEST(PodTopologySpreadTest, MinDomainsTreatsMissingZonesAsEmpty) {
  Bench bench;
  for (const char* zone : {"a", "b"}) bench.node(make_node(zone, {{kZone, zone}}));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  add_spread(pod, kZone, 1);
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  bench.place(make_pod("y", {{"app", "w"}}), "b");
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  pod.spec.topology_spread_constraints[0].min_domains = 3;
  EXPECT_EQ(bench.why_not(pod, "a"), kSpread);
}

TEST(PodTopologySpreadTest, NodesThatThePodCannotUseAreNoDomains) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}, {"group", "web"}}));
  bench.node(make_node("b", {{kZone, "b"}}));
  kube::Node tainted = make_node("c", {{kZone, "c"}, {"group", "web"}});
  tainted.spec.taints.push_back({"k", "v", "NoSchedule", {}, {}});
  bench.node(tainted);
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  pod.spec.node_selector = {{"group", "web"}};
  add_spread(pod, kZone, 1);
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  // By default taints are ignored, so the tainted zone is there, empty.
  EXPECT_EQ(bench.why_not(pod, "a"), kSpread);
  pod.spec.topology_spread_constraints[0].node_taints_policy = "Honor";
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  // Ignoring the selector brings zone b in.
  pod.spec.topology_spread_constraints[0].node_affinity_policy = "Ignore";
  EXPECT_EQ(bench.why_not(pod, "a"), kSpread);
}

TEST(PodTopologySpreadTest, MatchLabelKeysSeparatesRevisions) {
  Bench bench;
  for (const char* zone : {"a", "b"}) bench.node(make_node(zone, {{kZone, zone}}));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  add_spread(pod, kZone, 1);
  pod.metadata.labels["pod-template-hash"] = "2";
  pod.spec.topology_spread_constraints[0].match_label_keys = {"pod-template-hash"};
  bench.place(make_pod("x", {{"app", "w"}, {"pod-template-hash", "1"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  bench.place(make_pod("y", {{"app", "w"}, {"pod-template-hash", "2"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), kSpread);
}

TEST(InterPodAffinityTest, FirstPodOfAGroupMayGoAnywhereWithTheKey) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}}));
  bench.node(make_node("b", {{kZone, "b"}}));
  bench.node(make_node("c"));
  kube::Pod pod = make_pod("p", {{"app", "w"}});
  require_near(pod, {{"app", "w"}}, kZone);
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  EXPECT_EQ(bench.why_not(pod, "c"), kAffinity);
  bench.place(make_pod("x", {{"app", "w"}}), "b");
  EXPECT_EQ(bench.why_not(pod, "a"), kAffinity);
  EXPECT_EQ(bench.why_not(pod, "b"), "");
  // Who wants others near is not the first of its own group.
  kube::Pod other = make_pod("q", {{"app", "v"}});
  require_near(other, {{"app", "nobody"}}, kZone);
  EXPECT_EQ(bench.why_not(other, "a"), kAffinity);
}

TEST(InterPodAffinityTest, OnePodMustMatchAllTerms) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}}));
  kube::Pod pod = make_pod("p");
  require_near(pod, {{"app", "w"}}, kZone);
  require_near(pod, {{"tier", "1"}}, kZone);
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  bench.place(make_pod("y", {{"tier", "1"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), kAffinity);
  bench.place(make_pod("z", {{"app", "w"}, {"tier", "1"}}), "a");
  EXPECT_EQ(bench.why_not(pod, "a"), "");
}

TEST(InterPodAffinityTest, AntiAffinityHoldsBothWays) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}}));
  bench.node(make_node("a2", {{kZone, "a"}}));
  bench.node(make_node("b", {{kZone, "b"}}));
  kube::Pod loner = make_pod("loner", {{"app", "l"}});
  require_away(loner, {{"app", "w"}}, kZone);
  bench.place(make_pod("x", {{"app", "w"}}), "a");
  EXPECT_EQ(bench.why_not(loner, "a2"), kAnti);
  EXPECT_EQ(bench.why_not(loner, "b"), "");
  bench.place(loner, "b");
  EXPECT_EQ(bench.why_not(make_pod("y", {{"app", "w"}}), "b"), kExisting);
  EXPECT_EQ(bench.why_not(make_pod("y", {{"app", "v"}}), "b"), "");
  bench.snapshot.remove_pod("uid-loner");
  EXPECT_EQ(bench.why_not(make_pod("y", {{"app", "w"}}), "b"), "");
}

TEST(InterPodAffinityTest, NamespacesByNameAndByLabel) {
  Bench bench;
  bench.node(make_node("a", {{kZone, "a"}}));
  bench.snapshot.set_namespace("other", {{"team", "x"}});
  kube::Pod there = make_pod("there", {{"app", "w"}});
  there.metadata.namespace_ = "other";
  bench.place(there, "a");
  kube::Pod pod = make_pod("p");
  require_away(pod, {{"app", "w"}}, kZone);
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  auto& term = pod.spec.affinity->pod_anti_affinity
                   ->required_during_scheduling_ignored_during_execution[0];
  term.namespaces = {"other"};
  EXPECT_EQ(bench.why_not(pod, "a"), kAnti);
  term.namespaces.clear();
  term.namespace_selector = select({{"team", "x"}});
  EXPECT_EQ(bench.why_not(pod, "a"), kAnti);
  bench.snapshot.set_namespace("other", {{"team", "y"}});
  EXPECT_EQ(bench.why_not(pod, "a"), "");
  term.namespace_selector = kube::LabelSelector{};  // Every namespace.
  EXPECT_EQ(bench.why_not(pod, "a"), kAnti);
}

TEST(FitErrorTest, AggregatesAndOrdersAsUpstream) {
  Bench bench;
  for (int i = 0; i < 2; ++i) bench.node(make_node(fmt::format("small{}", i), {}, "100m"));
  for (int i = 0; i < 3; ++i) {
    kube::Node node = make_node(fmt::format("tainted{}", i));
    node.spec.taints.push_back({"node.kubernetes.io/not-ready", "", "NoExecute", {}, {}});
    node.metadata.labels["group"] = "web";
    bench.node(node);
  }
  bench.node(make_node("other"));
  for (int i = 0; i < 2; ++i) {
    kube::Node node = make_node(fmt::format("small{}", i), {{"group", "web"}}, "100m");
    bench.node(node);
  }
  kube::Pod pod = make_pod("p", {}, "1");
  pod.spec.node_selector = {{"group", "web"}};
  EXPECT_EQ(bench.run(pod), "");
  EXPECT_EQ(bench.message,
            "0/6 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
            "2 Insufficient cpu, "
            "3 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.");
}

TEST(FitErrorTest, WithoutNodes) {
  Bench bench;
  bench.run(make_pod("p"));
  EXPECT_EQ(bench.message, "no nodes available to schedule pods");
}

TEST(FitErrorTest, DaemonPodsLookAtTheirNodeOnly) {
  Bench bench;
  for (const char* name : {"a", "b", "c"}) bench.node(make_node(name));
  kube::Pod pod = make_pod("p", {}, "1");
  pod.spec.affinity = from_text<kube::Affinity>(
      R"({"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":
          [{"matchFields":[{"key":"metadata.name","operator":"In","values":["b"]}]}]}}})");
  EXPECT_EQ(bench.run(pod), "b");
  pod.metadata.uid = "again";
  bench.place(make_pod("x", {}, "3"), "b");
  EXPECT_EQ(bench.run(pod), "");
  EXPECT_EQ(bench.message,
            "0/3 nodes are available: 1 Insufficient cpu, "
            "2 node(s) didn't satisfy plugin(s) [NodeAffinity].");
}

}  // namespace
}  // namespace minato::scheduling
