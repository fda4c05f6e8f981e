#include "registry/service_allocator.h"

#include <set>

#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::Service;

class ServiceTest : public RegistryFixture {
 protected:
  ServiceTest()
      : RegistryFixture({.service_cidr = "10.100.0.0/28",
                         .node_ports = {.first = 30000, .last = 30003}}) {}
};

TEST(ServiceAllocatorTest, OptionsAreChecked) {
  for (const char* cidr : {"", "10.100.0.0", "10.100.0.0/33", "10.100.0.1/16", "x/16"}) {
    EXPECT_TRUE(failed_with(ServiceAllocator::make(cidr, {}), Reason::kInvalid)) << cidr;
  }
  EXPECT_TRUE(failed_with(ServiceAllocator::make("10.0.0.0/16", {.first = 5, .last = 4}),
                          Reason::kInvalid));
}

TEST_F(ServiceTest, AddressesAreUniqueUntilTheRangeIsFull) {
  std::set<std::string> addresses;
  for (int i = 0; i < 14; ++i) {
    const auto service = must_create(make_service("s" + std::to_string(i), "ClusterIP"));
    EXPECT_TRUE(addresses.insert(service->spec.cluster_ip).second);
    EXPECT_EQ(service->spec.cluster_ips, std::vector{service->spec.cluster_ip});
  }
  const auto full = kube::create(client_, make_service("full", "ClusterIP"));
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message.find("range is full"), std::string::npos);
  ASSERT_TRUE(client_.remove(Service::static_kind(), {"default", "s3"}));
  must_create(make_service("full", "ClusterIP"));
}

TEST_F(ServiceTest, AnAddressCanBeAskedFor) {
  Service wanted = make_service("a", "ClusterIP");
  wanted.spec.cluster_ip = "10.100.0.10";
  EXPECT_EQ(must_create(wanted)->spec.cluster_ip, "10.100.0.10");
  wanted.metadata.name = "b";
  EXPECT_TRUE(failed_with(kube::create(client_, wanted), Reason::kInvalid));
  wanted.spec.cluster_ip = "10.101.0.10";
  EXPECT_TRUE(failed_with(kube::create(client_, wanted), Reason::kInvalid));
  wanted.spec.cluster_ip = "None";
  EXPECT_EQ(must_create(wanted)->spec.cluster_ips, std::vector<std::string>{"None"});
}

TEST_F(ServiceTest, AnAddressNeverChanges) {
  const auto created = must_create(make_service("a", "ClusterIP"));
  Service change = *created;
  change.spec.cluster_ip = "10.100.0.14";
  EXPECT_TRUE(failed_with(kube::update(client_, change), Reason::kInvalid));
  change = *created;
  change.spec.cluster_ip.clear();
  change.spec.cluster_ips.clear();
  change.spec.selector["app"] = "web";
  EXPECT_EQ(must_update(change)->spec.cluster_ip, created->spec.cluster_ip);
}

TEST_F(ServiceTest, NodePortsAreGivenKeptAndFreed) {
  const auto created = must_create(make_service("a", "NodePort"));
  const std::int32_t port = created->spec.ports.at(0).node_port;
  EXPECT_GE(port, 30000);
  EXPECT_LE(port, 30003);
  Service change = *created;
  change.spec.ports[0].node_port = 0;  // As an applied manifest without it.
  change.spec.selector["app"] = "web";
  EXPECT_EQ(must_update(change)->spec.ports.at(0).node_port, port);
  Service other = make_service("b", "NodePort");
  other.spec.ports[0].node_port = port;
  const auto taken = kube::create(client_, other);
  EXPECT_EQ(taken.error().message,
            "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: " +
                std::to_string(port) + ": provided port is already allocated");
  change = *read<Service>("a");
  change.spec.type = "ClusterIP";
  EXPECT_EQ(must_update(change)->spec.ports.at(0).node_port, 0);
  EXPECT_EQ(must_create(other)->spec.ports.at(0).node_port, port);
}

TEST_F(ServiceTest, NodePortsHaveARange) {
  Service service = make_service("a", "NodePort");
  service.spec.ports[0].node_port = 8080;
  EXPECT_TRUE(failed_with(kube::create(client_, service), Reason::kInvalid));
  service.spec.ports[0].node_port = -1;
  EXPECT_TRUE(failed_with(kube::create(client_, service), Reason::kInvalid));
  service = make_service("a", "ClusterIP");
  service.spec.ports[0].node_port = 30001;
  EXPECT_TRUE(failed_with(kube::create(client_, service), Reason::kInvalid));
}

TEST_F(ServiceTest, PortsOfOneServiceDoNotCollide) {
  Service service = make_service("a", "NodePort");
  service.spec.ports = {{.name = "a", .port = 1}, {.name = "b", .port = 2},
                        {.name = "c", .port = 3, .node_port = 30002}, {.name = "d", .port = 4}};
  std::set<std::int32_t> ports;
  for (const auto& port : must_create(service)->spec.ports) ports.insert(port.node_port);
  EXPECT_EQ(ports.size(), 4U);
}

TEST_F(ServiceTest, AllocationsAreFoundAgainAfterARestart) {
  const auto created = must_create(make_service("a", "NodePort"));
  auto next = *Registry::make(env::Env{time_, time_, log_, env::Rng(2)}, store_,
                              {.service_cidr = "10.100.0.0/28",
                               .node_ports = {.first = 30000, .last = 30003}});
  InProcessClient client(*next);
  Service same = make_service("b", "NodePort");
  same.spec.cluster_ip = created->spec.cluster_ip;
  EXPECT_TRUE(failed_with(kube::create(client, same), Reason::kInvalid));
  same.spec.cluster_ip.clear();
  same.spec.ports[0].node_port = created->spec.ports[0].node_port;
  EXPECT_TRUE(failed_with(kube::create(client, same), Reason::kInvalid));
}

TEST_F(ServiceTest, AnExternalNameHasNoAddress) {
  Service service = make_service("a", "ExternalName");
  service.spec.external_name = "db.example.com";
  EXPECT_EQ(must_create(service)->spec.cluster_ip, "");
}

}  // namespace
}  // namespace minato::registry
