#include "proxy/proxy.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "env/virtual_time.h"
#include "proxy/service_dns.h"
#include "registry/in_process_client.h"

namespace minato::proxy {
namespace {

class FakeRules final : public network::ServiceRules {
 public:
  Status apply(const std::string& node, const network::NodeRules& rules) override {
    ++applies;
    if (failing) return fail(Reason::kUnavailable, "no network");
    applied[node] = rules;
    return {};
  }
  std::map<std::string, network::NodeRules> applied;
  int applies = 0;
  bool failing = false;
};

class FakeDns final : public network::Dns {
 public:
  Status apply(const std::vector<network::DnsRecord>& wanted) override {
    ++applies;
    records = wanted;
    return {};
  }
  std::string server_address() const override { return "10.0.0.2"; }
  std::vector<network::DnsRecord> records;
  int applies = 0;
};

class ProxyTest : public testing::Test {
 protected:
  ProxyTest() {
    auto made = registry::Registry::make(env_.fork("registry"), store_);
    CHECK(made.has_value(), "{}", made.error().message);
    registry_ = *std::move(made);
    CHECK(registry_->bootstrap().has_value(), "bootstrap");
    client_ = std::make_unique<registry::InProcessClient>(*registry_);
    informers_ = std::make_unique<informer::Informers>(*client_);
  }

  void make_proxy(const Proxy::Options& options = {}) {
    proxy_ = std::make_unique<Proxy>(env_.fork("proxy"), *informers_, rules_, options);
    dns_ = std::make_unique<ServiceDns>(env_.fork("dns"), *informers_, dns_records_,
                                        ServiceDns::Options{});
    CHECK(informers_->start().has_value(), "informers");
    proxy_->add_node({"node-a", "zone-a"});
    proxy_->add_node({"node-b", "zone-b"});
    time_.settle();
    rules_.applies = 0;
  }

  void add_service(const std::string& name) {
    kube::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = name;
    service.spec.selector["app"] = name;
    kube::ServicePort port;
    port.port = 80;
    service.spec.ports.push_back(port);
    const auto made = kube::create(*client_, std::move(service));
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }

  void add_slice(const std::string& service, const std::string& ip) {
    kube::EndpointSlice slice;
    slice.metadata.namespace_ = "default";
    slice.metadata.name = service + "-" + ip;
    slice.metadata.labels["kubernetes.io/service-name"] = service;
    slice.address_type = "IPv4";
    kube::EndpointPort port;
    port.name = "";
    port.protocol = "TCP";
    port.port = 8080;
    slice.ports.push_back(port);
    kube::Endpoint endpoint;
    endpoint.addresses = {ip};
    endpoint.conditions.ready = true;
    slice.endpoints.push_back(endpoint);
    const auto made = kube::create(*client_, std::move(slice));
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }

  std::size_t endpoints_on(const std::string& node) {
    const network::NodeRules& rules = rules_.applied[node];
    return rules.services.empty() ? 0 : rules.services[0].cluster_endpoints.size();
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::InProcessClient> client_;
  std::unique_ptr<informer::Informers> informers_;
  FakeRules rules_;
  FakeDns dns_records_;
  std::unique_ptr<Proxy> proxy_;
  std::unique_ptr<ServiceDns> dns_;
};

TEST_F(ProxyTest, ChangesOfOneTurnBecomeOneApplyPerNode) {
  make_proxy();
  add_service("web");
  for (int i = 1; i <= 5; ++i) add_slice("web", "10.0.0." + std::to_string(i));
  EXPECT_EQ(rules_.applies, 0);
  time_.settle();
  EXPECT_EQ(rules_.applies, 2);
  EXPECT_EQ(endpoints_on("node-a"), 5u);
  EXPECT_EQ(endpoints_on("node-b"), 5u);
}

TEST_F(ProxyTest, NodesWhoseRulesStayTheSameAreLeftAlone) {
  make_proxy();
  add_service("web");
  add_slice("web", "10.0.0.1");
  time_.settle();
  rules_.applies = 0;
  kube::Service changed = **kube::get<kube::Service>(*client_, {"default", "web"});
  changed.metadata.labels["team"] = "a";
  ASSERT_TRUE(kube::update(*client_, changed).has_value());
  time_.settle();
  EXPECT_EQ(rules_.applies, 0);
}

TEST_F(ProxyTest, MinSyncPeriodSpacesApplies) {
  make_proxy({.min_sync_period = 1s});
  time_.advance(1s);
  add_service("web");
  time_.settle();
  EXPECT_EQ(rules_.applies, 2);
  add_slice("web", "10.0.0.1");
  time_.advance(999ms);
  EXPECT_EQ(rules_.applies, 2);
  time_.advance(1ms);
  EXPECT_EQ(rules_.applies, 4);
}

TEST_F(ProxyTest, FailedAppliesAreRetriedUntilTheNodeIsRemoved) {
  make_proxy();
  rules_.failing = true;
  add_service("web");
  time_.advance(3s);
  const int failed = rules_.applies;
  EXPECT_GE(failed, 6);
  rules_.failing = false;
  proxy_->remove_node("node-b");
  time_.advance(5s);
  EXPECT_EQ(rules_.applies, failed + 1);
  EXPECT_EQ(rules_.applied["node-a"].services.size(), 1u);
}

TEST_F(ProxyTest, DeletedServicesLeaveTheRulesAndTheNames) {
  make_proxy();
  add_service("web");
  time_.settle();
  ASSERT_FALSE(dns_records_.records.empty());
  const std::size_t before = dns_records_.records.size();
  ASSERT_TRUE(client_->remove(kube::Service::static_kind(), {"default", "web"}, {}).has_value());
  time_.settle();
  EXPECT_TRUE(rules_.applied["node-a"].services.empty());
  EXPECT_EQ(dns_records_.records.size(), before - 1);
}

TEST_F(ProxyTest, ADestroyedProxyHearsNothingMore) {
  make_proxy();
  add_service("web");
  proxy_.reset();
  dns_.reset();
  add_slice("web", "10.0.0.1");
  time_.settle();
  EXPECT_EQ(rules_.applies, 0);
}

}  // namespace
}  // namespace minato::proxy
