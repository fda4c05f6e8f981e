// A real VPC in a namespace of the test's own; traffic between its Pods.
#include "linux_net/vpc.h"

#include <fmt/format.h>

#include "linux_net/netlink.h"
#include "linux_net/network_fixture.h"

namespace minato::linux_net {
namespace {

TEST(AddressPlanTest, DividesTheVpc) {
  const AddressPlan plan = AddressPlan::make("10.77.0.0/16").value();
  EXPECT_EQ(plan.dns().to_string(), "10.77.0.2");
  EXPECT_EQ(plan.api().to_string(), "10.77.0.3");
  EXPECT_EQ(plan.load_balancer().to_string(), "10.77.0.4");
  EXPECT_EQ(plan.router(3).to_string(), "10.77.3.1");
  EXPECT_EQ(plan.host(3, 11).to_string(), "10.77.3.11");
  EXPECT_EQ(plan.pod_prefix(0).to_string(), "10.77.16.0/25");
  EXPECT_EQ(plan.pod_range(), "10.77.16.0-10.77.255.255");
  EXPECT_EQ(plan.pod_prefix(kPodPrefixes - 1).to_string(), "10.77.255.128/25");
  EXPECT_TRUE(failed_with(AddressPlan::make("10.77.0.0/20"), Reason::kInvalid));
  EXPECT_TRUE(failed_with(AddressPlan::make("10.77.1.0/16"), Reason::kInvalid));
}

TEST(AddressPlanTest, HostnamesAreEc2s) {
  const Ipv4 address = Ipv4::parse("10.77.1.11").value();
  EXPECT_EQ(instance_hostname(address, "ap-northeast-1"),
            "ip-10-77-1-11.ap-northeast-1.compute.internal");
  EXPECT_EQ(instance_hostname(address, "us-east-1"), "ip-10-77-1-11.ec2.internal");
}

TEST(AddressTest, RefusesWhatIsNone) {
  for (const char* text : {"", "10.77.1", "10.77.1.256", "10.77.1.1.1", "a.b.c.d", "10.77.1.-1"}) {
    EXPECT_FALSE(Ipv4::parse(text)) << text;
  }
  EXPECT_FALSE(Prefix::parse("10.77.0.0"));
  EXPECT_FALSE(Prefix::parse("10.77.0.0/33"));
}

class VpcTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (!IsSkipped()) reopen();
  }
  // As after a restart of the process: a new object on what is there.
  void reopen() {
    vpc_.reset();
    auto opened = Vpc::open({.directory = dir_, .zones = {"az-a", "az-b", "az-c"}}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    vpc_ = std::move(opened).value();
  }
  std::string add_node(const std::string& id, const std::string& zone) {
    const auto node = vpc_->add_node(id, zone);
    EXPECT_TRUE(node) << node.error().message;
    return node ? node->name : "";
  }
  PodLink attach(const std::string& node, const std::string& uid) {
    const auto link = vpc_->attach_pod(node, uid);
    EXPECT_TRUE(link) << link.error().message;
    return link.value_or(PodLink{});
  }
  std::unique_ptr<Vpc> vpc_;
};

TEST_F(VpcTest, PodsReachEachOtherWithTheirOwnAddresses) {
  const std::string one = add_node("i-1", "az-a"), two = add_node("i-2", "az-a"),
                    far = add_node("i-3", "az-b");
  const PodLink server = attach(one, "server");
  const host::Fd listener = serve(server.netns_path, 8080);
  for (const auto& [node, uid] : {std::pair(one, "same-node"), {two, "same-zone"}, {far, "far"}}) {
    const PodLink client = attach(node, uid);
    EXPECT_EQ(connect(client.netns_path, server.ip, 8080), "") << uid;
    EXPECT_EQ(accept_from(listener), client.ip) << uid;
  }
  EXPECT_EQ(connect("", server.ip, 8080), "") << "from the router";
  EXPECT_EQ(connect(vpc_->node_link(far)->netns_path, server.ip, 8080), "") << "from a node";
  EXPECT_EQ(connect(server.netns_path, server.ip, 8080), "") << "from itself";
}

TEST_F(VpcTest, NodesAndPodsReachNodes) {
  const std::string one = add_node("i-1", "az-a"), two = add_node("i-2", "az-a");
  const host::Fd listener = serve(vpc_->node_link(one)->netns_path, 10250);
  EXPECT_EQ(connect(vpc_->node_link(two)->netns_path, vpc_->node_link(one)->ip, 10250), "");
  EXPECT_EQ(connect(attach(two, "pod").netns_path, vpc_->node_link(one)->ip, 10250), "");
  EXPECT_EQ(connect(vpc_->node_link(one)->netns_path, "127.0.0.1", 10250), "");
}

TEST_F(VpcTest, AddingIsIdempotent) {
  const std::string node = add_node("i-1", "az-a");
  EXPECT_EQ(node, "ip-10-77-1-11.ap-northeast-1.compute.internal");
  EXPECT_EQ(add_node("i-1", "az-a"), node);
  const PodLink pod = attach(node, "uid-1");
  EXPECT_EQ(attach(node, "uid-1").ip, pod.ip);
  EXPECT_TRUE(vpc_->detach_pod(node, "uid-1"));
  EXPECT_TRUE(vpc_->detach_pod(node, "uid-1"));
  EXPECT_NE(attach(node, "uid-2").ip, pod.ip) << "addresses are not reused at once";
  EXPECT_TRUE(vpc_->remove_node(node));
  EXPECT_TRUE(vpc_->remove_node(node));
  EXPECT_TRUE(failed_with(vpc_->attach_pod(node, "uid-3"), Reason::kNotFound));
  EXPECT_TRUE(failed_with(vpc_->add_node("i-2", "az-z"), Reason::kInvalid));
}

TEST_F(VpcTest, ADetachedPodIsSilent) {
  const std::string node = add_node("i-1", "az-a");
  const PodLink server = attach(node, "server"), client = attach(node, "client");
  host::Fd listener = serve(server.netns_path, 8080);
  ASSERT_TRUE(vpc_->detach_pod(node, "server"));
  EXPECT_NE(connect_briefly(client.netns_path, server.ip, 8080), "refused");
  EXPECT_FALSE(is_netns(server.netns_path));
}

TEST_F(VpcTest, ACutNodeIsSilentAndComesBack) {
  const std::string near = add_node("i-1", "az-a"), cut = add_node("i-2", "az-a");
  const PodLink server = attach(cut, "server"), client = attach(near, "client"),
                beside = attach(cut, "beside");
  const host::Fd listener = serve(server.netns_path, 8080);
  ASSERT_TRUE(vpc_->set_node_link(cut, LinkState::kDown));
  EXPECT_EQ(connect_briefly(client.netns_path, server.ip, 8080), "lost");
  EXPECT_EQ(connect_briefly("", server.ip, 8080), "lost");
  EXPECT_EQ(connect(beside.netns_path, server.ip, 8080), "") << "what is on the node goes on";
  ASSERT_TRUE(vpc_->set_node_link(cut, LinkState::kUp));
  EXPECT_EQ(connect(client.netns_path, server.ip, 8080), "");
}

TEST_F(VpcTest, ACutZoneIsSilentAndOthersAreNot) {
  const std::string a = add_node("i-1", "az-a"), b = add_node("i-2", "az-b"),
                    c = add_node("i-3", "az-c");
  const PodLink in_a = attach(a, "a"), in_b = attach(b, "b"), in_c = attach(c, "c");
  const host::Fd server_a = serve(in_a.netns_path, 80), server_b = serve(in_b.netns_path, 80);
  ASSERT_TRUE(vpc_->set_node_link(a, LinkState::kDown));
  ASSERT_TRUE(vpc_->set_zone_link("az-a", LinkState::kDown));
  reopen();
  EXPECT_EQ(vpc_->zone_link("az-a"), LinkState::kDown) << "remembered";
  EXPECT_EQ(connect_briefly(in_c.netns_path, in_a.ip, 80), "lost");
  EXPECT_EQ(connect(in_c.netns_path, in_b.ip, 80), "");
  const std::string late = add_node("i-4", "az-a");
  EXPECT_EQ(connect_briefly(vpc_->node_link(late)->netns_path, in_b.ip, 80), "lost");
  ASSERT_TRUE(vpc_->set_zone_link("az-a", LinkState::kUp));
  EXPECT_EQ(connect_briefly(in_c.netns_path, in_a.ip, 80), "lost")
      << "the node's own link is still out";
  EXPECT_EQ(connect(vpc_->node_link(late)->netns_path, in_b.ip, 80), "");
  ASSERT_TRUE(vpc_->set_node_link(a, LinkState::kUp));
  EXPECT_EQ(connect(in_c.netns_path, in_a.ip, 80), "");
}

TEST_F(VpcTest, EverythingIsFoundAgain) {
  const std::string one = add_node("i-1", "az-a"), two = add_node("i-2", "az-b");
  const PodLink server = attach(one, "server"), client = attach(two, "client");
  const host::Fd listener = serve(server.netns_path, 8080);
  reopen();
  ASSERT_EQ(vpc_->nodes().size(), 2u);
  EXPECT_EQ(vpc_->find_instance("i-2")->name, two);
  ASSERT_EQ(vpc_->pods(one).size(), 1u);
  EXPECT_EQ(vpc_->pods(one)[0].pod_uid, "server");
  EXPECT_EQ(vpc_->pods(one)[0].link.ip, server.ip);
  EXPECT_EQ(connect(client.netns_path, server.ip, 8080), "");
  const PodLink more = attach(one, "more");
  EXPECT_NE(more.ip, server.ip);
  EXPECT_NE(vpc_->add_node("i-3", "az-a")->ip, vpc_->node_link(one)->ip);
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(VpcTest, WhatWasInterruptedIsTornDownOnReopening) {
  const std::string node = add_node("i-1", "az-a");
  attach(node, "whole");
  VpcRecords records = VpcRecords::open(dir_ + "/vpc").value();
  ASSERT_TRUE(records.put(PodRecord{.uid = "half", .node = node, .address = {0x0a4d1009}},
                          VpcRecords::Stage::kPending));
  ASSERT_TRUE(create_netns(dir_ + "/netns/pod-half"));
  ASSERT_TRUE(records.put(NodeRecord{.name = "half-node",
                                     .instance_id = "i-9",
                                     .zone = "az-b",
                                     .address = {0x0a4d0264},
                                     .pod_prefix = 77},
                          VpcRecords::Stage::kPending));
  ASSERT_TRUE(Netlink::open()->add_veth({"node-2-100", MacAddress::of(Ipv4{1}), ""},
                                        {"other", MacAddress::of(Ipv4{2}), ""}));
  reopen();
  EXPECT_FALSE(is_netns(dir_ + "/netns/pod-half"));
  EXPECT_TRUE(failed_with(Netlink::open()->find_link("node-2-100"), Reason::kNotFound));
  EXPECT_EQ(vpc_->pods(node).size(), 1u);
  EXPECT_EQ(vpc_->nodes().size(), 1u);
}

TEST_F(VpcTest, AVanishedNodeIsDroppedOnReopening) {
  const std::string node = add_node("i-1", "az-a");
  attach(node, "pod");
  ASSERT_TRUE(Netlink::open()->delete_link("node-1-11"));
  reopen();
  EXPECT_TRUE(vpc_->nodes().empty());
  EXPECT_EQ(log_.lines.size(), 1u);
  EXPECT_FALSE(is_netns(dir_ + "/netns/pod-pod"));
  add_node("i-1", "az-a");
}

TEST_F(VpcTest, RemovingANodeLeavesNothingOfIt) {
  const std::string node = add_node("i-1", "az-a");
  attach(node, "one");
  attach(node, "two");
  ASSERT_TRUE(vpc_->remove_node(node));
  EXPECT_TRUE(failed_with(Netlink::open()->find_link("node-1-11"), Reason::kNotFound));
  EXPECT_FALSE(is_netns(dir_ + "/netns/" + node));
  EXPECT_FALSE(is_netns(dir_ + "/netns/pod-one"));
  reopen();
  EXPECT_TRUE(vpc_->nodes().empty());
}

TEST_F(VpcTest, ANamespaceInUseBySomebodyElseIsRefused) {
  vpc_.reset();
  Netlink netlink = Netlink::open().value();
  ASSERT_TRUE(netlink.add_bridge("eth0", MacAddress::of(Ipv4{1})));
  ASSERT_TRUE(netlink.set_link("eth0", LinkState::kUp));
  EXPECT_TRUE(
      failed_with(Vpc::open({.directory = dir_, .zones = {"az-a"}}, log_), Reason::kConflict));
}

TEST_F(VpcTest, ANodeRunsOutOfAddressesAtItsPrefix) {
  const std::string node = add_node("i-1", "az-a");
  for (std::uint32_t i = kFirstPod; i <= kLastPod; ++i) attach(node, std::to_string(i));
  EXPECT_TRUE(failed_with(vpc_->attach_pod(node, "more"), Reason::kUnavailable));
  ASSERT_TRUE(vpc_->detach_pod(node, "60"));
  EXPECT_EQ(attach(node, "more").ip, "10.77.16.60");
}

TEST_F(VpcTest, SixtyNodesOfThirtyPods) {
  std::vector<PodLink> last;
  for (int n = 0; n < 60; ++n) {
    const std::string node = add_node(fmt::format("i-{}", n), n % 2 == 0 ? "az-a" : "az-b");
    for (int p = 0; p < 29; ++p) attach(node, fmt::format("{}-{}", n, p));
    last.push_back(attach(node, fmt::format("{}-last", n)));
  }
  const host::Fd listener = serve(last[0].netns_path, 8080);
  for (const PodLink& pod : last) EXPECT_EQ(connect(pod.netns_path, last[0].ip, 8080), "");
  reopen();
  EXPECT_EQ(vpc_->nodes().size(), 60u);
}

}  // namespace
}  // namespace minato::linux_net
