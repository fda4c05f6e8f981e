// Service rules as text, and with real traffic through a real kernel.
#include "linux_net/service_rules.h"

#include <fmt/format.h>

#include <atomic>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

#include "linux_net/network_fixture.h"
#include "linux_net/vpc.h"

namespace minato::linux_net {
namespace {

using network::Endpoint;
using network::NodeRules;
using network::Protocol;
using network::ServicePort;

constexpr const char* kPods = "10.77.16.0-10.77.255.255";

ServicePort web(std::vector<Endpoint> endpoints) {
  return {.name_space = "default",
          .service = "web",
          .port_name = "http",
          .cluster_ip = "10.100.0.10",
          .port = 80,
          .node_port = 30080,
          .cluster_endpoints = std::move(endpoints)};
}

TEST(RenderRulesTest, ClusterServiceHasKubeProxysShape) {
  const std::string script =
      render_rules({{web({{"10.77.16.1", 8080}, {"10.77.16.2", 8080}})}}, kPods);
  for (const char* line :
       {"add element ip minato service-ips { 10.100.0.10 . tcp . 80 : goto "
        "service-default/web/tcp/http }",
        "add element ip minato service-nodeports { tcp . 30080 : goto "
        "external-default/web/tcp/http }",
        "add rule ip minato service-default/web/tcp/http numgen random mod 2 vmap { 0 : goto "
        "endpoint-default/web/tcp/http__10.77.16.1/8080, 1 : goto "
        "endpoint-default/web/tcp/http__10.77.16.2/8080 }",
        "add rule ip minato service-default/web/tcp/http goto "
        "endpoint-default/web/tcp/http__10.77.16.2/8080",
        "add rule ip minato endpoint-default/web/tcp/http__10.77.16.1/8080 ip saddr 10.77.16.1 "
        "jump mark-for-masquerade",
        "add rule ip minato endpoint-default/web/tcp/http__10.77.16.1/8080 meta l4proto tcp dnat "
        "to 10.77.16.1:8080",
        "add rule ip minato external-default/web/tcp/http jump mark-for-masquerade",
        "add rule ip minato external-default/web/tcp/http goto service-default/web/tcp/http"}) {
    EXPECT_TRUE(has_line(script, line)) << line << "\nnot in\n" << script;
  }
}

TEST(RenderRulesTest, LocalPolicyWithoutLocalEndpointsDropsOutsidersOnly) {
  ServicePort service = web({{"10.77.16.1", 8080}});
  service.external_local = true;
  const std::string script = render_rules({{service}}, kPods);
  EXPECT_TRUE(
      has_line(script, "add element ip minato no-endpoint-nodeports { tcp . 30080 : drop }"));
  EXPECT_TRUE(has_line(script,
                       "add rule ip minato external-default/web/tcp/http ip saddr "
                       "10.77.16.0-10.77.255.255 goto service-default/web/tcp/http"));
  EXPECT_EQ(script.find("local-default"), std::string::npos);
}

TEST(RenderRulesTest, NoEndpointsIsARejection) {
  const std::string script = render_rules({{web({})}}, kPods);
  EXPECT_TRUE(has_line(script,
                       "add element ip minato no-endpoint-services { 10.100.0.10 . tcp . 80 "
                       ": goto reject-chain }"));
  EXPECT_TRUE(has_line(script,
                       "add element ip minato no-endpoint-nodeports { tcp . 30080 : goto "
                       "reject-chain }"));
  EXPECT_EQ(script.find("service-default"), std::string::npos);
}

TEST(RenderRulesTest, AffinityKeepsItsSetsOverChanges) {
  ServicePort service = web({{"10.77.16.1", 8080}});
  service.client_ip_affinity = 10800s;
  const std::string set = "affinity-10800-default/web/tcp/http__10.77.16.1/8080";
  const std::string script = render_rules({{service}}, kPods, {"set " + set});
  EXPECT_TRUE(has_line(script, "add set ip minato " + set +
                                   " { type ipv4_addr; flags dynamic, timeout; timeout 10800s; }"));
  EXPECT_EQ(script.find("flush set"), std::string::npos);
  EXPECT_EQ(script.find("delete set"), std::string::npos);
}

TEST(RenderRulesTest, StaleObjectsAreEmptiedThenDeleted) {
  const std::string element = "service-nodeports { tcp . 30080 : goto old }";
  const std::string script = render_rules(
      {}, kPods, {"chain old", "set affinity-old", "map service-ips", "element " + element});
  EXPECT_TRUE(has_line(script, "delete element ip minato " + element));
  EXPECT_TRUE(has_line(script, "flush chain ip minato old"));
  EXPECT_TRUE(has_line(script, "delete chain ip minato old"));
  EXPECT_TRUE(has_line(script, "delete set ip minato affinity-old"));
  EXPECT_EQ(script.find("delete map"), std::string::npos);
  EXPECT_LT(script.find("delete element"), script.find("delete chain"));
}

TEST(RenderRulesTest, WhatIsInAMapAlreadyStaysThere) {
  const std::string kept =
      "element service-nodeports { tcp . 30080 : goto external-default/web/tcp/http }";
  const std::string script = render_rules({{web({{"10.77.16.1", 8080}})}}, kPods, {kept});
  EXPECT_EQ(script.find("flush map"), std::string::npos);
  EXPECT_EQ(script.find("element ip minato service-nodeports"), std::string::npos) << script;
  EXPECT_NE(script.find("add element ip minato service-ips"), std::string::npos) << script;
}

class ServiceRulesTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    auto opened = Vpc::open({.directory = dir_, .zones = {"az-a", "az-b"}}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    vpc_ = std::move(opened).value();
    node_ = vpc_->add_node("i-1", "az-a")->name;
    far_ = vpc_->add_node("i-2", "az-b")->name;
    node_ip_ = vpc_->node_link(node_)->ip;
    pod_ = vpc_->attach_pod(node_, "pod").value();
    far_pod_ = vpc_->attach_pod(far_, "far-pod").value();
    client_ = vpc_->attach_pod(node_, "client").value();
    rules_.emplace(*vpc_, kPods, log_);
  }
  void apply(const ServicePort& service) {
    const Status status = rules_->apply(node_, {{service}});
    ASSERT_TRUE(status) << status.error().message;
  }
  Endpoint on(const PodLink& pod) { return {pod.ip, 8080}; }
  // An address outside of the VPC, on the router's loopback.
  void become_outside() {
    ASSERT_TRUE(Netlink::open()->add_address("lo", Prefix::parse("192.0.2.7/32").value()));
  }
  std::string connect_from_outside(const std::string& ip, int port) {
    const host::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in own = socket_address("192.0.2.7", 0), to = socket_address(ip, port);
    timeval timeout{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return "";
    return errno == ECONNREFUSED ? "refused" : "lost";
  }
  std::unique_ptr<Vpc> vpc_;
  std::optional<NftServiceRules> rules_;
  std::string node_, far_, node_ip_;
  PodLink pod_, far_pod_, client_;
};

TEST_F(ServiceRulesTest, ClusterIpLeadsToEveryEndpoint) {
  const host::Fd near = serve(pod_.netns_path, 8080), far = serve(far_pod_.netns_path, 8080);
  apply(web({on(pod_), on(far_pod_)}));
  int at_near = 0, at_far = 0;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(connect(client_.netns_path, "10.100.0.10", 80), "");
    pollfd waiting[2] = {{near.get(), POLLIN, 0}, {far.get(), POLLIN, 0}};
    ASSERT_EQ(::poll(waiting, 2, 5000), 1);
    const bool is_near = waiting[0].revents != 0;
    ++(is_near ? at_near : at_far);
    EXPECT_EQ(accept_from(is_near ? near : far), client_.ip) << "the source is kept";
  }
  EXPECT_GT(at_near, 0);
  EXPECT_GT(at_far, 0);
  EXPECT_EQ(connect(vpc_->node_link(node_)->netns_path, "10.100.0.10", 80), "") << "from the Node";
}

TEST_F(ServiceRulesTest, HairpinIsMasqueraded) {
  const host::Fd server = serve(pod_.netns_path, 8080);
  apply(web({on(pod_)}));
  ASSERT_EQ(connect(pod_.netns_path, "10.100.0.10", 80), "");
  EXPECT_EQ(accept_from(server), node_ip_);
}

TEST_F(ServiceRulesTest, NodePortClusterReachesOtherNodesMasqueraded) {
  become_outside();
  const host::Fd far = serve(far_pod_.netns_path, 8080);
  apply(web({on(far_pod_)}));
  ASSERT_EQ(connect_from_outside(node_ip_, 30080), "");
  EXPECT_EQ(accept_from(far), node_ip_);
  ASSERT_EQ(connect("", node_ip_, 30080), "") << "from the load balancer";
}

TEST_F(ServiceRulesTest, NodePortLocalKeepsTheClientAndDropsWithoutEndpoints) {
  become_outside();
  // The Node routes to the outsider as to everything, through the router.
  const host::Fd near = serve(pod_.netns_path, 8080), far = serve(far_pod_.netns_path, 8080);
  ServicePort service = web({on(pod_), on(far_pod_)});
  service.external_local = true;
  service.local_endpoints = {on(pod_)};
  apply(service);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(connect_from_outside(node_ip_, 30080), "");
    EXPECT_EQ(accept_from(near), "192.0.2.7");
  }
  service.local_endpoints = {};
  apply(service);
  EXPECT_EQ(connect_from_outside(node_ip_, 30080), "lost");
  EXPECT_EQ(connect_briefly("", node_ip_, 30080), "lost") << "so does the load balancer's traffic";
  EXPECT_EQ(connect(client_.netns_path, node_ip_, 30080), "") << "Pods get any endpoint";
}

TEST_F(ServiceRulesTest, WithoutEndpointsConnectionsAreRefused) {
  apply(web({}));
  EXPECT_EQ(connect(client_.netns_path, "10.100.0.10", 80), "refused");
  EXPECT_EQ(connect(vpc_->node_link(node_)->netns_path, "10.100.0.10", 80), "refused");
  EXPECT_EQ(connect("", node_ip_, 30080), "refused");
}

TEST_F(ServiceRulesTest, AffinityBindsAClientAlsoOverChanges) {
  const host::Fd near = serve(pod_.netns_path, 8080), far = serve(far_pod_.netns_path, 8080);
  ServicePort service = web({on(pod_), on(far_pod_)});
  service.client_ip_affinity = 60s;
  apply(service);
  std::set<bool> answered_near;
  for (int i = 0; i < 20; ++i) {
    if (i == 10) {
      service.port_name = "http";
      ServicePort other = web({on(pod_)});
      other.service = "zother";
      other.cluster_ip = "10.100.0.11";
      other.node_port = 30081;
      ASSERT_TRUE(rules_->apply(node_, {{service, other}}));
      rules_.emplace(*vpc_, kPods, log_);  // As after a restart.
      ASSERT_TRUE(rules_->apply(node_, {{service}}));
    }
    ASSERT_EQ(connect(client_.netns_path, "10.100.0.10", 80), "");
    pollfd waiting[2] = {{near.get(), POLLIN, 0}, {far.get(), POLLIN, 0}};
    ASSERT_EQ(::poll(waiting, 2, 5000), 1);
    answered_near.insert(waiting[0].revents != 0);
    accept_from(waiting[0].revents != 0 ? near : far);
  }
  EXPECT_EQ(answered_near.size(), 1u);
}

TEST_F(ServiceRulesTest, UdpFollowsItsEndpoints) {
  const host::Fd near = serve(pod_.netns_path, 8080, Transport::kUdp),
                 far = serve(far_pod_.netns_path, 8080, Transport::kUdp);
  ServicePort service = web({on(pod_)});
  service.protocol = Protocol::kUdp;
  apply(service);
  const host::Fd socket = open_socket(client_.netns_path, Transport::kUdp);
  send_datagram(socket, "10.100.0.10", 80);
  EXPECT_EQ(receive_from(near), client_.ip);
  // The same socket: without removing the tracked connection it would stay with the old endpoint.
  service.cluster_endpoints = {on(far_pod_)};
  apply(service);
  send_datagram(socket, "10.100.0.10", 80);
  EXPECT_EQ(receive_from(far), client_.ip);
  EXPECT_EQ(receive_from(near, 100), "");
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(ServiceRulesTest, EstablishedConnectionsOutliveAChange) {
  const host::Fd server = serve(pod_.netns_path, 8080);
  apply(web({on(pod_)}));
  host::Fd connection;
  ASSERT_EQ(connect(client_.netns_path, "10.100.0.10", 80, &connection), "");
  const host::Fd accepted(::accept(server.get(), nullptr, nullptr));
  apply(web({on(far_pod_)}));
  ASSERT_EQ(::write(connection.get(), "hello", 5), 5);
  char buffer[8];
  EXPECT_EQ(::read(accepted.get(), buffer, sizeof buffer), 5);
}

TEST_F(ServiceRulesTest, NoConnectionIsRefusedWhileEndpointsChange) {
  const host::Fd near = serve(pod_.netns_path, 8080), far = serve(far_pod_.netns_path, 8080);
  apply(web({on(pod_), on(far_pod_)}));
  std::atomic<bool> changing = true;
  std::atomic<int> connected = 0, refused = 0;
  // One that finds no room among those not accepted yet is lost, whatever the rules.
  std::counting_semaphore<> room(kBacklog / 2);
  const auto knock = [&] {
    while (changing) {
      if (!room.try_acquire_for(100ms)) continue;
      host::Fd connection;
      const std::string outcome = connect("", node_ip_, 30080, &connection);
      const linger at_once{.l_onoff = 1, .l_linger = 0};  // The port is free again.
      ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ++(outcome.empty() ? connected : refused);
      if (!outcome.empty()) room.release();
      EXPECT_TRUE(outcome.empty() || outcome == "refused") << outcome;
    }
  };
  const auto answer = [&] {
    while (changing) {
      pollfd waiting[2] = {{near.get(), POLLIN, 0}, {far.get(), POLLIN, 0}};
      ::poll(waiting, 2, 100);
      if (waiting[0].revents != 0 && !accept_from(near).empty()) room.release();
      if (waiting[1].revents != 0 && !accept_from(far).empty()) room.release();
    }
  };
  std::vector<std::jthread> threads;
  threads.emplace_back(answer);
  for (int i = 0; i < 2; ++i) threads.emplace_back(knock);
  for (int i = 0; i < 150; ++i) {
    if (i % 50 == 49) rules_.emplace(*vpc_, kPods, log_);  // As after a restart.
    apply(i % 2 == 0 ? web({on(pod_)}) : web({on(pod_), on(far_pod_)}));
  }
  changing = false;
  threads.clear();
  EXPECT_GT(connected, 0);
  EXPECT_EQ(refused, 0) << "of " << connected << " connections";
}

TEST_F(ServiceRulesTest, UnknownNodeIsNotFound) {
  EXPECT_TRUE(failed_with(rules_->apply("ip-1", {}), Reason::kNotFound));
}

}  // namespace
}  // namespace minato::linux_net
