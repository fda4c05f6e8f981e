#include "network_policy/decide.h"

#include <gtest/gtest.h>

namespace minato::network_policy {
namespace {

using network::Allowance;
using network::NodePolicies;
using network::PodPolicy;
using network::PortRange;
using network::Transport;
using Labels = std::map<std::string, std::string>;

class DecideTest : public testing::Test {
 protected:
  DecideTest() {
    objects_.namespaces = {{"shop", {{"team", "shop"}}}, {"ops", {{"team", "ops"}}}};
  }
  kube::Pod& add_pod(const std::string& space, const std::string& ip, Labels labels, const std::string& node = "node-a") {
    auto pod = std::make_shared<kube::Pod>();
    pod->metadata.namespace_ = space;
    pod->metadata.labels = std::move(labels);
    pod->spec.node_name = node;
    pod->spec.containers.emplace_back();
    pod->status.pod_ip = ip;
    pod->status.phase = "Running";
    objects_.pods.push_back(pod);
    return *pod;
  }
  // Of all Pods of "shop", restricting nothing yet.
  kube::NetworkPolicy& add_policy(const std::string& uid) {
    auto policy = std::make_shared<kube::NetworkPolicy>();
    policy->metadata.namespace_ = "shop";
    policy->metadata.uid = uid;
    objects_.policies.push_back(policy);
    return *policy;
  }
  NodePolicies on(const std::string& node) const {
    auto decided = decide(objects_);
    return decided.contains(node) ? decided.at(node) : NodePolicies{};
  }
  // The addresses that the only rule of the only policy lets in.
  std::vector<std::string> let_in(const kube::NetworkPolicyPeer& peer) {
    kube::NetworkPolicy& policy = add_policy("u");
    policy.spec.pod_selector.match_labels = {{"app", "web"}};
    policy.spec.ingress.emplace_back().from = {peer};
    const auto decided = on("node-a");
    objects_.policies.clear();
    return decided.peers.at("ingress-u-0").pods;
  }
  Objects objects_;
};

kube::NetworkPolicyPort port(kube::IntOrString number, std::optional<std::string> protocol = {},
                             std::optional<std::int32_t> end = {}) {
  kube::NetworkPolicyPort out;
  out.protocol = std::move(protocol);
  out.port = std::move(number);
  out.end_port = end;
  return out;
}

kube::LabelSelector labelled(Labels labels) {
  kube::LabelSelector out;
  out.match_labels = std::move(labels);
  return out;
}

TEST_F(DecideTest, WhomNoPolicySelectsIsNotRestricted) {
  add_pod("ops", "10.0.0.1", {});
  add_policy("u");
  EXPECT_TRUE(decide(objects_).empty()) << "a policy is about Pods of its own namespace";
}

TEST_F(DecideTest, WithoutTypesEgressIsRestrictedOnlyByRulesForIt) {
  add_pod("shop", "10.0.0.1", {});
  kube::NetworkPolicy& policy = add_policy("u");
  EXPECT_EQ(on("node-a").pods, (std::vector{PodPolicy{"10.0.0.1", std::vector<Allowance>{}, std::nullopt}}));
  policy.spec.egress.emplace_back();
  EXPECT_EQ(on("node-a").pods, (std::vector{PodPolicy{"10.0.0.1", std::vector<Allowance>{}, {{Allowance{}}}}}))
      << "an empty rule allows everything";
  policy.spec.policy_types = {"Egress"};
  EXPECT_EQ(on("node-a").pods, (std::vector{PodPolicy{"10.0.0.1", std::nullopt, {{Allowance{}}}}}));
}

TEST_F(DecideTest, PoliciesAddUp) {
  add_pod("shop", "10.0.0.1", {});
  add_policy("a").spec.ingress.emplace_back().ports = {port(80)};
  add_policy("b").spec.ingress.emplace_back().ports = {port(53, "UDP", 60)};
  EXPECT_EQ(*on("node-a").pods.at(0).ingress,
            (std::vector{Allowance{"", {PortRange{Transport::kTcp, 80, 80}}}, Allowance{"", {PortRange{Transport::kUdp, 53, 60}}}}));
}

TEST_F(DecideTest, APortWithoutNumberIsEveryPortOfItsProtocol) {
  add_pod("shop", "10.0.0.1", {});
  add_policy("u").spec.ingress.emplace_back().ports.emplace_back().protocol = "SCTP";
  EXPECT_EQ(on("node-a").pods.at(0).ingress->at(0).ports, (std::vector{PortRange{Transport::kSctp, 0, 65535}}));
}

TEST_F(DecideTest, SelectorsOfAPeerHoldTogether) {
  using Texts = std::vector<std::string>;
  add_pod("shop", "10.0.0.1", {{"app", "web"}});
  add_pod("shop", "10.0.0.2", {{"app", "job"}}, "node-b");
  add_pod("ops", "10.0.0.3", {{"app", "job"}}, "node-b");
  add_pod("ops", "10.0.0.4", {{"app", "top"}}, "node-b");
  kube::NetworkPolicyPeer peer;
  peer.pod_selector = labelled({{"app", "job"}});
  EXPECT_EQ(let_in(peer), Texts{"10.0.0.2"}) << "of the policy's own namespace";
  peer.namespace_selector = labelled({{"team", "ops"}});
  EXPECT_EQ(let_in(peer), Texts{"10.0.0.3"});
  peer.pod_selector = {};
  EXPECT_EQ(let_in(peer), (Texts{"10.0.0.3", "10.0.0.4"}));
  peer.namespace_selector = labelled({});
  EXPECT_EQ(let_in(peer), (Texts{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}));
}

TEST_F(DecideTest, PodsWithoutAnAddressOfTheirOwnAreNobody) {
  add_pod("shop", "10.0.0.1", {{"app", "web"}});
  add_pod("shop", "", {});
  add_pod("shop", "10.0.0.8", {}).spec.host_network = true;
  add_pod("shop", "10.0.0.9", {}).status.phase = "Succeeded";
  kube::NetworkPolicyPeer everyone_here;
  everyone_here.pod_selector = labelled({});
  EXPECT_EQ(let_in(everyone_here), std::vector<std::string>{"10.0.0.1"});
  add_policy("u");
  EXPECT_EQ(on("node-a").pods.size(), 1u);
}

TEST_F(DecideTest, BlocksKeepTheirExceptionsAndThoseOfIpv6AreNobody) {
  add_pod("shop", "10.0.0.1", {});
  kube::NetworkPolicyPeer four, six;
  four.ip_block.emplace().cidr = "10.0.0.0/8";
  four.ip_block->except = {"10.1.0.0/16"};
  six.ip_block.emplace().cidr = "2001:db8::/32";
  add_policy("u").spec.egress.emplace_back().to = {four, six};
  EXPECT_EQ(on("node-a").peers.at("egress-u-0"), (network::Peers{{}, {{"10.0.0.0/8", {"10.1.0.0/16"}}}}));
}

TEST_F(DecideTest, NamedPortsOfIngressAreThoseOfTheRestrictedPod) {
  add_pod("shop", "10.0.0.1", {}).spec.containers[0].ports = {{.name = "http", .container_port = 8080, .protocol = "TCP"}};
  add_pod("shop", "10.0.0.2", {}).spec.containers[0].ports = {{.name = "http", .container_port = 9090, .protocol = "TCP"}};
  add_pod("shop", "10.0.0.3", {});
  add_policy("u").spec.ingress.emplace_back().ports = {port(kube::IntOrString("http"))};
  const NodePolicies node = on("node-a");
  EXPECT_EQ(node.pods.at(0).ingress->at(0).ports, (std::vector{PortRange{Transport::kTcp, 8080, 8080}}));
  EXPECT_EQ(node.pods.at(1).ingress->at(0).ports, (std::vector{PortRange{Transport::kTcp, 9090, 9090}}));
  EXPECT_TRUE(node.pods.at(2).ingress->empty()) << "without that port nobody gets in";
}

TEST_F(DecideTest, NamedPortsOfEgressAreThoseOfEachPeer) {
  add_pod("shop", "10.0.0.1", {{"app", "client"}});
  add_pod("ops", "10.0.0.2", {}, "node-b").spec.containers[0].ports = {{.name = "db", .container_port = 5432, .protocol = "TCP"}};
  add_pod("ops", "10.0.0.3", {}, "node-b").spec.containers[0].ports = {{.name = "db", .container_port = 6432, .protocol = "TCP"}};
  add_policy("u").spec.egress.emplace_back().ports = {port(kube::IntOrString("db")), port(443)};
  const NodePolicies node = on("node-a");
  EXPECT_EQ(*node.pods.at(0).egress,
            (std::vector{Allowance{"egress-u-0-db-0-5432", {PortRange{Transport::kTcp, 5432, 5432}}},
                         Allowance{"egress-u-0-db-0-6432", {PortRange{Transport::kTcp, 6432, 6432}}},
                         Allowance{"", {PortRange{Transport::kTcp, 443, 443}}}}));
  EXPECT_EQ(node.peers.at("egress-u-0-db-0-6432").pods, std::vector<std::string>{"10.0.0.3"});
}

TEST_F(DecideTest, EachNodeIsToldOfItsOwnPodsOnly) {
  add_pod("shop", "10.0.0.2", {}, "node-a");
  add_pod("shop", "10.0.0.1", {}, "node-a");
  add_pod("shop", "10.0.0.3", {}, "node-b");
  add_policy("u");
  const auto decided = decide(objects_);
  ASSERT_EQ(decided.size(), 2u);
  EXPECT_EQ(decided.at("node-a").pods.at(0).ip, "10.0.0.1") << "sorted";
  EXPECT_EQ(decided.at("node-b").pods.size(), 1u);
}

}  // namespace
}  // namespace minato::network_policy
