// NetworkPolicies as text, and with real traffic through a real kernel.
#include "linux_net/policy_rules.h"

#include <atomic>
#include <thread>

#include "linux_net/address_ranges.h"
#include "linux_net/network_fixture.h"
#include "linux_net/service_rules.h"
#include "linux_net/vpc.h"

namespace minato::linux_net {
namespace {

using network::Allowance;
using network::NodePolicies;
using network::PortRange;

std::vector<std::string> texts(const Result<std::vector<AddressRange>>& ranges) {
  std::vector<std::string> out;
  for (const AddressRange& range : ranges.value()) out.push_back(range.to_string());
  return out;
}

TEST(AddressRangesTest, ExceptionsLeaveWhatIsAroundThem) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts(ranges_without("10.0.0.0/8", {})), Texts{"10.0.0.0-10.255.255.255"});
  EXPECT_EQ(texts(ranges_without("0.0.0.0/0", {"169.254.169.254/32"})),
            (Texts{"0.0.0.0-169.254.169.253", "169.254.169.255-255.255.255.255"}));
  EXPECT_EQ(texts(ranges_without("10.0.0.0/30", {"10.0.0.0/32", "10.0.0.2/31"})), Texts{"10.0.0.1"});
  EXPECT_EQ(texts(ranges_without("10.0.0.0/24", {"10.0.0.0/16"})), Texts{});
  EXPECT_EQ(texts(ranges_without("10.0.0.9/24", {"192.0.2.0/24"})), Texts{"10.0.0.0-10.0.0.255"});
}

TEST(AddressRangesTest, WhatIsNoBlockIsNamed) {
  for (const char* text : {"10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/x", "::/0", "10.0.0.0/8 "}) {
    const auto range = range_of_block(text);
    ASSERT_TRUE(failed_with(range, Reason::kInvalid)) << text;
    EXPECT_NE(range.error().message.find(text), std::string::npos);
  }
}

TEST(PolicyScriptTest, PeersAndPortsAreMultipliedOut) {
  NodePolicies policies;
  policies.peers["ingress-u-0"] = {.pods = {"10.77.16.9"}, .blocks = {{"10.1.0.0/16", {}}}};
  policies.pods = {{.ip = "10.77.16.1",
                    .ingress = {{Allowance{"ingress-u-0", {{network::Transport::kTcp, 80, 80}, {network::Transport::kUdp, 1, 9}}}}},
                    .egress = std::vector<Allowance>{}}};
  const std::string script = policy_script(policies)->finish({});
  for (const char* line : {
           "add set ip minato-policy peers-ingress-u-0 { type ipv4_addr; }",
           "add element ip minato-policy peers-ingress-u-0 { 10.77.16.9 }",
           "add element ip minato-policy ingress-pods { 10.77.16.1 : goto ingress-10.77.16.1 }",
           "add rule ip minato-policy ingress-10.77.16.1 ip saddr @peers-ingress-u-0 tcp dport 80 accept",
           "add rule ip minato-policy ingress-10.77.16.1 ip saddr 10.1.0.0-10.1.255.255 udp dport 1-9 accept",
           "add rule ip minato-policy ingress-10.77.16.1 drop",
           "add rule ip minato-policy egress-10.77.16.1 drop"}) {
    EXPECT_TRUE(has_line(script, line)) << line << "\nnot in\n" << script;
  }
}

TEST(PolicyScriptTest, AWrongBlockIsAnError) {
  NodePolicies policies;
  policies.peers["p"] = {.pods = {}, .blocks = {{"10.0.0.0/99", {}}}};
  policies.pods = {{.ip = "10.77.16.1", .ingress = {{Allowance{"p", {}}}}, .egress = {}}};
  EXPECT_TRUE(failed_with(policy_script(policies), Reason::kInvalid));
}

class PolicyRulesTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    auto opened = Vpc::open({.directory = dir_, .zones = {"az-a", "az-b"}}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    vpc_ = std::move(opened).value();
    node_ = vpc_->add_node("i-1", "az-a")->name;
    far_ = vpc_->add_node("i-2", "az-b")->name;
    pod_ = vpc_->attach_pod(node_, "pod").value();
    client_ = vpc_->attach_pod(node_, "client").value();
    far_client_ = vpc_->attach_pod(far_, "far-client").value();
    rules_.emplace(*vpc_);
    server_ = serve(pod_.netns_path, 8080);
    other_port_ = serve(pod_.netns_path, 9090);
  }
  void apply(const NodePolicies& policies) {
    const Status status = rules_->apply(node_, policies);
    ASSERT_TRUE(status) << status.error().message;
  }
  // Ingress of the Pod from these, on these ports.
  NodePolicies ingress(network::Peers peers, std::vector<PortRange> ports = {}) const {
    NodePolicies out;
    out.peers["in"] = std::move(peers);
    out.pods = {{.ip = pod_.ip, .ingress = {{Allowance{"in", std::move(ports)}}}, .egress = {}}};
    return out;
  }
  NodePolicies egress(network::Peers peers, std::vector<PortRange> ports = {}) const {
    NodePolicies out;
    out.peers["out"] = std::move(peers);
    out.pods = {{.ip = pod_.ip, .ingress = {}, .egress = {{Allowance{"out", std::move(ports)}}}}};
    return out;
  }
  std::string reach(const PodLink& from, int port = 8080) { return connect(from.netns_path, pod_.ip, port); }
  std::string knock(const PodLink& from, int port = 8080) { return connect_briefly(from.netns_path, pod_.ip, port); }
  std::string node_netns() { return vpc_->node_link(node_)->netns_path; }

  std::unique_ptr<Vpc> vpc_;
  std::optional<NftPolicyRules> rules_;
  std::string node_, far_;
  PodLink pod_, client_, far_client_;
  host::Fd server_, other_port_;
};

constexpr PortRange kWeb{network::Transport::kTcp, 8080, 8080};

TEST_F(PolicyRulesTest, WithoutPoliciesThereIsNoTable) {
  apply({});
  const NetnsGuard guard = NetnsGuard::enter(node_netns()).value();
  EXPECT_EQ(run_nft("list tables ip")->find("minato-policy"), std::string::npos);
}

TEST_F(PolicyRulesTest, DenyAllLetsOnlyTheNodeIn) {
  apply({.pods = {{.ip = pod_.ip, .ingress = std::vector<Allowance>{}, .egress = {}}}, .peers = {}});
  EXPECT_EQ(knock(client_), "lost");
  EXPECT_EQ(knock(far_client_), "lost");
  EXPECT_EQ(connect(node_netns(), pod_.ip, 8080), "") << "kubelet's probes";
  const host::Fd elsewhere = serve(client_.netns_path, 8080);
  EXPECT_EQ(connect(pod_.netns_path, client_.ip, 8080), "") << "egress is not restricted, and answers come back";
  apply({});
  EXPECT_EQ(reach(client_), "");
}

TEST_F(PolicyRulesTest, PodsOfASetAndPortsOfARangeGetIn) {
  apply(ingress({.pods = {client_.ip}, .blocks = {}}, {{network::Transport::kTcp, 8000, 8999}}));
  EXPECT_EQ(reach(client_), "");
  EXPECT_EQ(knock(client_, 9090), "lost");
  EXPECT_EQ(knock(far_client_), "lost");
}

TEST_F(PolicyRulesTest, BlocksLeaveOutTheirExceptions) {
  apply(ingress({.pods = {}, .blocks = {{"10.77.0.0/16", {far_client_.ip + "/32"}}}}));
  EXPECT_EQ(reach(client_, 9090), "");
  EXPECT_EQ(knock(far_client_), "lost");
}

TEST_F(PolicyRulesTest, BothEndsDecideOnOneNode) {
  NodePolicies both = ingress({.pods = {client_.ip}, .blocks = {}}, {kWeb});
  both.pods.push_back({.ip = client_.ip, .ingress = {}, .egress = std::vector<Allowance>{}});
  apply(both);
  EXPECT_EQ(knock(client_), "lost") << "let in, but not out";
  both.pods.back().egress->push_back({.peers = "", .ports = {kWeb}});
  apply(both);
  EXPECT_EQ(reach(client_), "");
}

TEST_F(PolicyRulesTest, EgressIsAskedWhereThePodLives) {
  const host::Fd far = serve(far_client_.netns_path, 8080), near = serve(client_.netns_path, 8080);
  apply(egress({.pods = {far_client_.ip}, .blocks = {}}, {kWeb}));
  EXPECT_EQ(connect(pod_.netns_path, far_client_.ip, 8080), "");
  EXPECT_EQ(connect_briefly(pod_.netns_path, client_.ip, 8080), "lost");
  EXPECT_EQ(connect_briefly(pod_.netns_path, vpc_->node_link(far_)->ip, 8080), "lost") << "another Node";
  EXPECT_EQ(connect(pod_.netns_path, vpc_->node_link(node_)->ip, 7), "refused") << "its own Node is not asked about";
}

TEST_F(PolicyRulesTest, InstanceMetadataIsNotTheNode) {
  const host::Fd metadata = serve(node_netns(), 80);
  apply(egress({.pods = {}, .blocks = {{"0.0.0.0/0", {"169.254.169.254/32"}}}}));
  EXPECT_EQ(connect_briefly(pod_.netns_path, "169.254.169.254", 80), "lost");
  EXPECT_EQ(connect(client_.netns_path, "169.254.169.254", 80), "") << "of a Pod without policy";
  apply(egress({.pods = {}, .blocks = {{"0.0.0.0/0", {}}}}));
  EXPECT_EQ(connect(pod_.netns_path, "169.254.169.254", 80), "");
}

TEST_F(PolicyRulesTest, ServicesAreSeenThrough) {
  NftServiceRules services(*vpc_, vpc_->plan().pod_range(), log_);
  const host::Fd far = serve(far_client_.netns_path, 8080);
  network::ServicePort web{.name_space = "default", .service = "web", .port_name = "http",
                           .cluster_ip = "10.100.0.10", .port = 80, .node_port = 30080,
                           .cluster_endpoints = {{far_client_.ip, 8080}}};
  ASSERT_TRUE(services.apply(node_, {{web}}));
  apply(egress({.pods = {far_client_.ip}, .blocks = {}}, {kWeb}));
  EXPECT_EQ(connect(pod_.netns_path, "10.100.0.10", 80), "") << "the endpoint and its port count";

  web.cluster_endpoints = {{pod_.ip, 8080}};
  ASSERT_TRUE(services.apply(node_, {{web}}));
  EXPECT_EQ(connect(pod_.netns_path, "10.100.0.10", 80), "") << "a Pod may always reach itself";
  apply(ingress({.pods = {}, .blocks = {{vpc_->plan().vpc().to_string(), {}}}}, {kWeb}));
  EXPECT_EQ(connect("", vpc_->node_link(node_)->ip, 30080), "") << "the load balancer";
}

TEST_F(PolicyRulesTest, DatagramsAndTheirAnswersPass) {
  const host::Fd far = serve(far_client_.netns_path, 53, Transport::kUdp);
  apply(egress({.pods = {}, .blocks = {{"10.77.0.0/16", {}}}}, {{network::Transport::kUdp, 53, 53}}));
  const host::Fd socket = open_socket(pod_.netns_path, Transport::kUdp);
  send_datagram(socket, far_client_.ip, 53);
  EXPECT_EQ(receive_from(far), pod_.ip);
  send_datagram(socket, far_client_.ip, 54);
  EXPECT_EQ(receive_from(far, 100), "");
}

TEST_F(PolicyRulesTest, WhatIsThereIsReadAsItWasWritten) {
  NodePolicies policies = ingress({.pods = {"10.77.16.5", "10.77.16.6", "10.77.16.7", "10.77.17.1", client_.ip},
                                   .blocks = {{"10.0.0.0/8", {"10.1.0.0/16"}}}},
                                  {kWeb, {network::Transport::kSctp, 7, 7}, {network::Transport::kUdp}});
  apply(policies);
  const NetnsGuard guard = NetnsGuard::enter(node_netns()).value();
  EXPECT_EQ(list_nft_objects("ip minato-policy").value(), policy_script(policies)->objects());
}

TEST_F(PolicyRulesTest, ANewProcessTakesOverWhatIsThere) {
  apply(ingress({.pods = {client_.ip, "10.77.16.77"}, .blocks = {}}));
  rules_.emplace(*vpc_);
  apply(ingress({.pods = {far_client_.ip}, .blocks = {}}));
  EXPECT_EQ(reach(far_client_), "");
  EXPECT_EQ(knock(client_), "lost");
  rules_.emplace(*vpc_);
  apply({});
  EXPECT_EQ(reach(client_), "");
}

TEST_F(PolicyRulesTest, EstablishedConnectionsOutliveAChange) {
  NftServiceRules services(*vpc_, vpc_->plan().pod_range(), log_);
  ASSERT_TRUE(services.apply(node_, {}));  // As on every Node: its connections are tracked from their beginning.
  host::Fd connection;
  ASSERT_EQ(connect(client_.netns_path, pod_.ip, 8080, &connection), "");
  const host::Fd accepted(::accept(server_.get(), nullptr, nullptr));
  apply({.pods = {{.ip = pod_.ip, .ingress = std::vector<Allowance>{}, .egress = {}}}, .peers = {}});
  ASSERT_EQ(::write(connection.get(), "hello", 5), 5);
  char buffer[8];
  EXPECT_EQ(::read(accepted.get(), buffer, sizeof buffer), 5);
}

TEST_F(PolicyRulesTest, NobodyWhoIsAllowedIsLostWhilePeersChange) {
  const auto policies = [&](int round) {
    network::Peers peers{.pods = {client_.ip}, .blocks = {}};
    for (int i = 0; i < round % 20; ++i) peers.pods.push_back("10.77.99." + std::to_string(i + 1));
    if (round % 3 == 0) peers.blocks = {{"192.0.2.0/24", {}}};
    return ingress(std::move(peers), round % 2 == 0 ? std::vector{kWeb} : std::vector{kWeb, PortRange{network::Transport::kUdp, 9, 9}});
  };
  apply(policies(0));
  std::atomic<bool> changing = true;
  std::atomic<int> connected = 0, lost = 0;
  std::jthread knocking([&] {
    while (changing) {
      host::Fd connection;
      const timeval before_a_repeat{.tv_sec = 0, .tv_usec = 900'000};  // The kernel sends again after 1 s.
      const std::string outcome = connect_within(before_a_repeat, client_.netns_path, pod_.ip, 8080, &connection);
      const linger at_once{.l_onoff = 1, .l_linger = 0};  // The port is free again.
      ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ++(outcome.empty() ? connected : lost);
      if (outcome.empty()) accept_from(server_);  // So that none is lost for want of room there.
    }
  });
  for (int i = 1; i <= 200; ++i) {
    if (i % 50 == 0) rules_.emplace(*vpc_);  // As after a restart.
    apply(policies(i));
  }
  changing = false;
  knocking.join();
  EXPECT_GT(connected, 0);
  EXPECT_EQ(lost, 0) << "of " << connected << " connections";
}

TEST_F(PolicyRulesTest, UnknownNodeIsNotFound) {
  EXPECT_TRUE(failed_with(rules_->apply("ip-1", {}), Reason::kNotFound));
}

}  // namespace
}  // namespace minato::linux_net
