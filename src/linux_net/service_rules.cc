#include "linux_net/service_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "linux_net/conntrack.h"
#include "linux_net/netns.h"
#include "linux_net/nft.h"

namespace minato::linux_net {
namespace {

using network::Endpoint;
using network::NodeRules;
using network::Protocol;
using network::ServicePort;

constexpr std::string_view kComponent = "service-rules";
constexpr const char* kTable = "ip minato";
// kube-proxy's --iptables-masquerade-bit 14.
constexpr std::string_view kMasqueradeMark = "0x4000";

std::string_view to_string(Protocol protocol) { return protocol == Protocol::kTcp ? "tcp" : "udp"; }

std::string service_name(const ServicePort& service) {
  return fmt::format("{}/{}/{}/{}", service.name_space, service.service,
                     to_string(service.protocol), service.port_name);
}

std::string endpoint_name(const ServicePort& service, const Endpoint& endpoint) {
  return fmt::format("{}__{}/{}", service_name(service), endpoint.ip, endpoint.port);
}

std::int64_t affinity_seconds(const ServicePort& service) {
  return std::chrono::ceil<std::chrono::seconds>(service.client_ip_affinity).count();
}

// The timeout is part of the name since the kernel does not change that of an existing set.
std::string affinity_set(const ServicePort& service, const Endpoint& endpoint) {
  return fmt::format("affinity-{}-{}", affinity_seconds(service), endpoint_name(service, endpoint));
}

// What does not depend on the Services (kube-proxy's setupNFTables).
void add_base(NftScript& script) {
  script.verdict_map("service-ips", "ipv4_addr . inet_proto . inet_service");
  script.verdict_map("service-nodeports", "inet_proto . inet_service");
  script.verdict_map("no-endpoint-services", "ipv4_addr . inet_proto . inet_service");
  script.verdict_map("no-endpoint-nodeports", "inet_proto . inet_service");
  script.chain("nat-prerouting", "type nat hook prerouting priority dstnat;");
  script.chain("nat-output", "type nat hook output priority -100;");
  script.chain("nat-postrouting", "type nat hook postrouting priority srcnat;");
  script.chain("filter-input", "type filter hook input priority filter;");
  script.chain("filter-forward", "type filter hook forward priority filter;");
  script.chain("filter-output", "type filter hook output priority filter;");
  for (const char* chain :
       {"services", "mark-for-masquerade", "masquerading", "service-endpoints-check",
        "nodeport-endpoints-check", "reject-chain"}) {
    script.chain(chain);
  }
  script.rule("nat-prerouting", "jump services");
  script.rule("nat-output", "jump services");
  script.rule("nat-postrouting", "jump masquerading");
  script.rule("services", "ip daddr . meta l4proto . th dport vmap @service-ips");
  script.rule("services",
              "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap "
              "@service-nodeports");
  script.rule("mark-for-masquerade", fmt::format("meta mark set meta mark | {}", kMasqueradeMark));
  script.rule("masquerading", fmt::format("meta mark & {} == 0 return", kMasqueradeMark));
  script.rule("masquerading", fmt::format("meta mark set meta mark ^ {}", kMasqueradeMark));
  script.rule("masquerading", "masquerade fully-random");
  // These see only what was not rewritten: it came for a Service without endpoints.
  script.rule("filter-input", "ct state new jump nodeport-endpoints-check");
  script.rule("filter-input", "ct state new jump service-endpoints-check");
  script.rule("filter-forward", "ct state new jump service-endpoints-check");
  script.rule("filter-output", "ct state new jump nodeport-endpoints-check");
  script.rule("filter-output", "ct state new jump service-endpoints-check");
  script.rule("service-endpoints-check",
              "ip daddr . meta l4proto . th dport vmap @no-endpoint-services");
  script.rule("nodeport-endpoints-check",
              "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap "
              "@no-endpoint-nodeports");
  // Upstream only sends the ICMP error; a reset is refusal too, and is not rate-limited.
  script.rule("reject-chain", "meta l4proto tcp reject with tcp reset");
  script.rule("reject-chain", "reject");
}

// A chain that hands each new connection to one of the endpoints.
void add_choice(NftScript& script, const std::string& chain, const ServicePort& service,
                const network::Endpoints& endpoints) {
  script.chain(chain);
  std::string targets;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::string target = "endpoint-" + endpoint_name(service, endpoints[i]);
    if (affinity_seconds(service) > 0) {
      script.rule(chain,
                  fmt::format("ip saddr @{} goto {}", affinity_set(service, endpoints[i]), target));
    }
    targets += fmt::format("{}{} : goto {}", i == 0 ? "" : ", ", i, target);
  }
  script.rule(chain, fmt::format("numgen random mod {} vmap {{ {} }}", endpoints.size(), targets));
  // A packet on its way while the rule is replaced finds the old rule's map marked as gone and
  // matches nothing: without this one, about two microseconds' worth of new connections would be
  // refused at each change. No set or map is looked up here, so it holds until the packet has left.
  script.rule(chain, "goto endpoint-" + endpoint_name(service, endpoints[endpoints.size() - 1]));
}

void add_endpoint(NftScript& script, const ServicePort& service, const Endpoint& endpoint) {
  const std::string chain = "endpoint-" + endpoint_name(service, endpoint);
  script.chain(chain);
  // Hairpin: a Pod that reaches itself must not see its own address as the source.
  script.rule(chain, fmt::format("ip saddr {} jump mark-for-masquerade", endpoint.ip));
  if (affinity_seconds(service) > 0) {
    const std::string set = affinity_set(service, endpoint);
    // Never emptied: who is bound to an endpoint stays so.
    script.set(set, fmt::format("type ipv4_addr; flags dynamic, timeout; timeout {}s;", affinity_seconds(service)));
    script.rule(chain, fmt::format("update @{} {{ ip saddr }}", set));
  }
  script.rule(chain, fmt::format("meta l4proto {} dnat to {}:{}", to_string(service.protocol),
                                 endpoint.ip, endpoint.port));
}

// The way in through a NodePort.
void add_node_port(NftScript& script, const ServicePort& service, const std::string& pod_range) {
  const std::string key = fmt::format("{} . {}", to_string(service.protocol), service.node_port);
  const bool reachable_inside = !service.cluster_endpoints.empty();
  const bool reachable =
      service.external_local ? !service.local_endpoints.empty() : reachable_inside;
  if (!reachable) {
    script.element("no-endpoint-nodeports", key,
                   service.external_local ? "drop" : "goto reject-chain");
    if (!service.external_local || !reachable_inside) return;
  }
  const std::string name = service_name(service);
  const std::string chain = "external-" + name;
  script.chain(chain);
  script.element("service-nodeports", key, "goto " + chain);
  if (!service.external_local) {
    script.rule(chain, "jump mark-for-masquerade");
    script.rule(chain, "goto service-" + name);
    return;
  }
  if (reachable_inside) {
    // Policy Local is about clients outside: Pods and the Node itself get any endpoint.
    script.rule(chain, fmt::format("ip saddr {} goto service-{}", pod_range, name));
    script.rule(chain, "fib saddr type local jump mark-for-masquerade");
    script.rule(chain, fmt::format("fib saddr type local goto service-{}", name));
  }
  if (reachable) {
    add_choice(script, "local-" + name, service, service.local_endpoints);
    script.rule(chain, "goto local-" + name);
  }
}

void add_service(NftScript& script, const ServicePort& service, const std::string& pod_range) {
  const std::string name = service_name(service);
  const std::string key =
      fmt::format("{} . {} . {}", service.cluster_ip, to_string(service.protocol), service.port);
  std::set<Endpoint> endpoints(service.cluster_endpoints.begin(), service.cluster_endpoints.end());
  endpoints.insert(service.local_endpoints.begin(), service.local_endpoints.end());
  for (const Endpoint& endpoint : endpoints) add_endpoint(script, service, endpoint);
  if (!service.cluster_endpoints.empty()) {
    add_choice(script, "service-" + name, service, service.cluster_endpoints);
  }
  if (!service.cluster_ip.empty()) {
    if (service.cluster_endpoints.empty()) {
      script.element("no-endpoint-services", key, "goto reject-chain");
    } else {
      script.element("service-ips", key, "goto service-" + name);
    }
  }
  if (service.node_port != 0) add_node_port(script, service, pod_range);
}

// UDP endpoints that traffic may still be pinned to: "connections" of UDP never end by themselves
// while packets keep coming (kube-proxy pkg/proxy/conntrack).
std::set<Endpoint> udp_endpoints(const NodeRules& rules) {
  std::set<Endpoint> endpoints;
  for (const ServicePort& service : rules.services) {
    if (service.protocol != Protocol::kUdp) continue;
    endpoints.insert(service.cluster_endpoints.begin(), service.cluster_endpoints.end());
    endpoints.insert(service.local_endpoints.begin(), service.local_endpoints.end());
  }
  return endpoints;
}

NftScript make_script(const NodeRules& rules, const std::string& pod_range) {
  NftScript script(kTable);
  add_base(script);
  for (const ServicePort& service : rules.services) add_service(script, service, pod_range);
  return script;
}

}  // namespace

std::string render_rules(const NodeRules& rules, const std::string& pod_range,
                         const std::set<std::string>& existing) {
  return make_script(rules, pod_range).finish(existing);
}

NftServiceRules::NftServiceRules(PodNetwork& pods, std::string pod_range, env::Log& log)
    : pods_(pods), pod_range_(std::move(pod_range)), log_(log) {}

Status NftServiceRules::apply(const std::string& node, const NodeRules& rules) {
  ASSIGN_OR_RETURN(const PodLink link, pods_.node_link(node));
  // Unknown after a restart or a failure: then the kernel is asked what is there.
  std::optional<Applied> last;
  if (auto known = applied_.extract(node); known && known.mapped().netns_path == link.netns_path) {
    last = std::move(known.mapped());
  }
  if (!last || last->rules != rules)
    RETURN_IF_ERROR(replace(link, last ? &last->rules : nullptr, rules));
  applied_[node] = {link.netns_path, rules};
  return {};
}

Status NftServiceRules::replace(const PodLink& link, const NodeRules* last,
                                const NodeRules& rules) {
  ASSIGN_OR_RETURN(const NetnsGuard guard, NetnsGuard::enter(link.netns_path));
  std::set<std::string> existing;
  if (last != nullptr) {
    existing = make_script(*last, pod_range_).objects();
  } else {
    ASSIGN_OR_RETURN(existing, list_nft_objects(kTable));
  }
  RETURN_IF_ERROR(run_nft(render_rules(rules, pod_range_, existing)));
  const std::set<Endpoint> current = udp_endpoints(rules);
  const bool may_be_stale =
      last == nullptr ? !existing.empty() : !std::ranges::includes(current, udp_endpoints(*last));
  if (may_be_stale) {
    if (const Status cleared = clear_stale_udp(current); !cleared) {
      log_.write(env::Level::kWarning, kComponent, cleared.error().message);
    }
  }
  return {};
}

void NftServiceRules::forget(const std::string& node) { applied_.erase(node); }

}  // namespace minato::linux_net
