#include "proxy/rules.h"

#include <gtest/gtest.h>

#include "proxy/service_dns.h"

namespace minato::proxy {
namespace {

using network::Endpoint;

std::shared_ptr<kube::Service> service() {
  auto out = std::make_shared<kube::Service>();
  out->metadata.namespace_ = "default";
  out->metadata.name = "web";
  out->spec.type = "NodePort";
  out->spec.cluster_ip = "10.100.0.7";
  kube::ServicePort port;
  port.name = "http";
  port.port = 80;
  port.node_port = 30080;
  out->spec.ports.push_back(port);
  return out;
}

enum class Condition { kReady, kNotReady, kLingering, kLeaving };

kube::Endpoint endpoint(std::string ip, std::string node, Condition condition,
                        std::string hint = {}) {
  kube::Endpoint out;
  out.addresses = {std::move(ip)};
  out.node_name = std::move(node);
  out.conditions.ready = condition == Condition::kReady;
  out.conditions.serving = condition == Condition::kReady || condition == Condition::kLingering;
  out.conditions.terminating =
      condition == Condition::kLingering || condition == Condition::kLeaving;
  if (!hint.empty()) out.hints.ensure().for_zones.push_back({.name = std::move(hint)});
  return out;
}

std::shared_ptr<kube::EndpointSlice> slice(std::vector<kube::Endpoint> endpoints,
                                           std::string name = "web-1") {
  auto out = std::make_shared<kube::EndpointSlice>();
  out->metadata.namespace_ = "default";
  out->metadata.name = std::move(name);
  out->metadata.labels["kubernetes.io/service-name"] = "web";
  out->address_type = "IPv4";
  kube::EndpointPort port;
  port.name = "http";
  port.protocol = "TCP";
  port.port = 8080;
  out->ports.push_back(port);
  out->endpoints = std::move(endpoints);
  return out;
}

const NodeView kNodeA{"node-a", "zone-a"};

network::ServicePort rule_of(const kube::Service& from, const Slices& slices,
                             const NodeView& node = kNodeA) {
  const auto ports = ServicePorts(from, slices).on(node);
  EXPECT_EQ(ports.size(), 1u);
  return ports.empty() ? network::ServicePort{} : ports[0];
}

TEST(RulesTest, ReadyEndpointsServeBothClusterIpAndNodePort) {
  const auto rule = rule_of(*service(), {slice({endpoint("10.0.0.2", "node-b", Condition::kReady),
                                                endpoint("10.0.0.1", "node-a", Condition::kReady),
                                                endpoint("10.0.0.3", "node-a",
                                                         Condition::kNotReady)})});
  network::ServicePort expected;
  expected.name_space = "default";
  expected.service = "web";
  expected.port_name = "http";
  expected.cluster_ip = "10.100.0.7";
  expected.port = 80;
  expected.node_port = 30080;
  expected.cluster_endpoints = {{"10.0.0.1", 8080}, {"10.0.0.2", 8080}};
  EXPECT_EQ(rule, expected);
}

TEST(RulesTest, TerminatingEndpointsThatServeAreUsedOnlyWhenNoneIsReady) {
  const auto lingering = endpoint("10.0.0.1", "node-a", Condition::kLingering);
  const auto leaving = endpoint("10.0.0.2", "node-a", Condition::kLeaving);
  const auto ready = endpoint("10.0.0.3", "node-b", Condition::kReady);
  EXPECT_EQ(rule_of(*service(), {slice({lingering, leaving})}).cluster_endpoints,
            (network::Endpoints{{"10.0.0.1", 8080}}));
  EXPECT_EQ(rule_of(*service(), {slice({lingering, leaving, ready})}).cluster_endpoints,
            (network::Endpoints{{"10.0.0.3", 8080}}));
}

TEST(RulesTest, ExternalTrafficPolicyLocalFallsBackByItself) {
  auto local = service();
  local->spec.external_traffic_policy = "Local";
  const Slices slices{slice({endpoint("10.0.0.1", "node-a", Condition::kLingering),
                             endpoint("10.0.0.2", "node-b", Condition::kReady)})};
  const auto rule = rule_of(*local, slices);
  EXPECT_TRUE(rule.external_local);
  EXPECT_EQ(rule.cluster_endpoints, (network::Endpoints{{"10.0.0.2", 8080}}));
  EXPECT_EQ(rule.local_endpoints, (network::Endpoints{{"10.0.0.1", 8080}}));
  EXPECT_TRUE(rule_of(*local, slices, {"node-c", "zone-a"}).local_endpoints.empty());
}

TEST(RulesTest, InternalTrafficPolicyLocalKeepsToTheNode) {
  auto local = service();
  local->spec.internal_traffic_policy = "Local";
  const Slices slices{slice({endpoint("10.0.0.1", "node-a", Condition::kReady),
                             endpoint("10.0.0.2", "node-b", Condition::kReady)})};
  EXPECT_EQ(rule_of(*local, slices).cluster_endpoints,
            (network::Endpoints{{"10.0.0.1", 8080}}));
  EXPECT_TRUE(rule_of(*local, slices, {"node-c", ""}).cluster_endpoints.empty());
}

TEST(RulesTest, ZoneHintsApplyOnlyWhenEveryReadyEndpointHasThem) {
  const auto a = endpoint("10.0.0.1", "node-a", Condition::kReady, "zone-a");
  const auto b = endpoint("10.0.0.2", "node-b", Condition::kReady, "zone-b");
  const auto none = endpoint("10.0.0.3", "node-c", Condition::kReady);
  EXPECT_EQ(rule_of(*service(), {slice({a, b})}).cluster_endpoints,
            (network::Endpoints{{"10.0.0.1", 8080}}));
  EXPECT_EQ(rule_of(*service(), {slice({a, b, none})}).cluster_endpoints.size(), 3u);
  const NodeView elsewhere{"node-x", "zone-c"};
  EXPECT_EQ(rule_of(*service(), {slice({a, b})}, elsewhere).cluster_endpoints.size(), 2u);
}

TEST(RulesTest, EndpointsInTwoSlicesCountOnce) {
  const auto same = endpoint("10.0.0.1", "node-a", Condition::kReady);
  EXPECT_EQ(rule_of(*service(), {slice({same}), slice({same}, "web-2")}).cluster_endpoints.size(),
            1u);
}

TEST(RulesTest, HeadlessAndExternalNameServicesHaveNoRules) {
  auto headless = service();
  headless->spec.cluster_ip = "None";
  EXPECT_TRUE(ServicePorts(*headless, {}).on(kNodeA).empty());
  auto external = service();
  external->spec.type = "ExternalName";
  EXPECT_TRUE(ServicePorts(*external, {}).on(kNodeA).empty());
}

TEST(RulesTest, SessionAffinityHasUpstreamsDefaultTimeout) {
  auto sticky = service();
  sticky->spec.session_affinity = "ClientIP";
  EXPECT_EQ(rule_of(*sticky, {}).client_ip_affinity, 10800s);
  sticky->spec.session_affinity_config.ensure().client_ip.ensure().timeout_seconds = 60;
  EXPECT_EQ(rule_of(*sticky, {}).client_ip_affinity, 60s);
}

TEST(RulesTest, ClusterIpServicesHaveNoNodePort) {
  auto internal = service();
  internal->spec.type = "ClusterIP";
  EXPECT_EQ(rule_of(*internal, {}).node_port, 0);
}

TEST(RulesTest, NodesShareWhatTheyHaveInCommon) {
  const ServicePorts ports(*service(), {slice({endpoint("10.0.0.1", "node-a", Condition::kReady)})});
  const auto on_a = ports.on(kNodeA).at(0), on_b = ports.on({"node-b", "zone-b"}).at(0);
  EXPECT_EQ(on_a.cluster_endpoints.begin(), on_b.cluster_endpoints.begin());
}

TEST(ServiceDnsTest, NamesResolveToClusterIpsOrReadyEndpoints) {
  auto headless = service();
  headless->spec.cluster_ip = "None";
  auto named = endpoint("10.0.0.1", "node-a", Condition::kReady);
  named.hostname = "web-0";
  const Slices slices{slice({named, endpoint("10.0.0.2", "node-a", Condition::kNotReady)})};
  using Records = std::vector<network::DnsRecord>;
  EXPECT_EQ(build_records({service()}, slices, "cluster.local"),
            (Records{{"web.default.svc.cluster.local", {"10.100.0.7"}}}));
  EXPECT_EQ(build_records({headless}, slices, "cluster.local"),
            (Records{{"web-0.web.default.svc.cluster.local", {"10.0.0.1"}},
                     {"web.default.svc.cluster.local", {"10.0.0.1"}}}));
  headless->spec.publish_not_ready_addresses = true;
  EXPECT_EQ(build_records({headless}, slices, "cluster.local")[1].addresses,
            (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
}

}  // namespace
}  // namespace minato::proxy
