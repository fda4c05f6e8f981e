#include "linux_net/service_rules.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/strings.h"
#include "linux_net/conntrack.h"
#include "linux_net/netns.h"

namespace minato::linux_net {
namespace {

using network::Endpoint;
using network::NodeRules;
using network::Protocol;
using network::ServicePort;

constexpr std::string_view kComponent = "service-rules";
constexpr std::string_view kTable = "ip minato";
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

// "element service-ips { 10.100.0.10 . tcp . 80 : goto x }"; `content` is key and verdict.
std::string element_name(std::string_view map, std::string_view content) {
  return fmt::format("element {} {{ {} }}", map, content);
}

// Collects the objects and rules of one table and prints them in the order that nftables needs:
// declarations, then removal of what is stale, then contents.
class Script {
 public:
  // Not flushed: a packet that comes between the removal of an element and its return is refused.
  void map(const std::string& name, std::string_view key) {
    declare("map", name, fmt::format("{{ type {} : verdict; }}", key));
  }
  void affinity_set(const std::string& name, std::int64_t seconds) {
    // Not flushed: who is bound to an endpoint stays so.
    declare("set", name,
            fmt::format("{{ type ipv4_addr; flags dynamic, timeout; timeout {}s; }}", seconds));
  }
  void chain(const std::string& name, std::string_view hook = {}) {
    declare("chain", name, hook.empty() ? std::string() : fmt::format("{{ {} }}", hook));
    flush_ += fmt::format("flush chain {} {}\n", kTable, name);
  }
  void rule(const std::string& chain, std::string_view text) {
    contents_ += fmt::format("add rule {} {} {}\n", kTable, chain, text);
  }
  void element(std::string_view map, std::string_view key, std::string_view verdict) {
    elements_.insert(element_name(map, fmt::format("{} : {}", key, verdict)));
  }
  std::set<std::string> objects() const {
    std::set<std::string> all = declared_;
    all.insert(elements_.begin(), elements_.end());
    return all;
  }
  std::string finish(const std::set<std::string>& existing) const {
    std::string stale_flush, stale_delete, added;
    for (const std::string& object : existing) {
      if (declared_.contains(object) || elements_.contains(object)) continue;
      // A chain that another one or a map still leads to cannot be deleted: all are emptied first.
      if (object.starts_with("element ")) {
        stale_flush += "delete " + in_table(object);
      } else {
        if (object.starts_with("chain ")) stale_flush += "flush " + in_table(object);
        stale_delete += "delete " + in_table(object);
      }
    }
    for (const std::string& element : elements_) {
      if (!existing.contains(element)) added += "add " + in_table(element);
    }
    return fmt::format("add table {}\n", kTable) + declarations_ + flush_ + stale_flush +
           stale_delete + contents_ + added;
  }

 private:
  void declare(std::string_view kind, const std::string& name, const std::string& body) {
    declared_.insert(fmt::format("{} {}", kind, name));
    declarations_ +=
        fmt::format("add {} {} {}{}{}\n", kind, kTable, name, body.empty() ? "" : " ", body);
  }
  // "chain x" as "chain ip minato x", a line.
  static std::string in_table(const std::string& object) {
    const std::size_t space = object.find(' ');
    return fmt::format("{} {} {}\n", object.substr(0, space), kTable, object.substr(space + 1));
  }
  std::set<std::string> declared_, elements_;
  std::string declarations_, flush_, contents_;
};

// What does not depend on the Services (kube-proxy's setupNFTables).
void add_base(Script& script) {
  script.map("service-ips", "ipv4_addr . inet_proto . inet_service");
  script.map("service-nodeports", "inet_proto . inet_service");
  script.map("no-endpoint-services", "ipv4_addr . inet_proto . inet_service");
  script.map("no-endpoint-nodeports", "inet_proto . inet_service");
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
void add_choice(Script& script, const std::string& chain, const ServicePort& service,
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

void add_endpoint(Script& script, const ServicePort& service, const Endpoint& endpoint) {
  const std::string chain = "endpoint-" + endpoint_name(service, endpoint);
  script.chain(chain);
  // Hairpin: a Pod that reaches itself must not see its own address as the source.
  script.rule(chain, fmt::format("ip saddr {} jump mark-for-masquerade", endpoint.ip));
  if (affinity_seconds(service) > 0) {
    const std::string set = affinity_set(service, endpoint);
    script.affinity_set(set, affinity_seconds(service));
    script.rule(chain, fmt::format("update @{} {{ ip saddr }}", set));
  }
  script.rule(chain, fmt::format("meta l4proto {} dnat to {}:{}", to_string(service.protocol),
                                 endpoint.ip, endpoint.port));
}

// The way in through a NodePort.
void add_node_port(Script& script, const ServicePort& service, const std::string& pod_range) {
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

void add_service(Script& script, const ServicePort& service, const std::string& pod_range) {
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

// Runs a script in the calling thread's namespace and gives back what it printed.
Result<std::string> run_nft(const std::string& script) {
  const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                  nft_ctx_free);
  if (!context) return fail(Reason::kInternalError, "libnftables gave no context");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  if (nft_run_cmd_from_buffer(context.get(), script.c_str()) != 0) {
    const std::string_view error = nft_ctx_get_error_buffer(context.get());
    return fail(Reason::kInternalError,
                fmt::format("nftables: {}", trim(error.substr(0, error.find('\n')))));
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

// The elements in a map's block, "… elements = { a : goto x, b : drop } …".
void add_elements(std::string_view map, std::string_view block, std::set<std::string>& objects) {
  constexpr std::string_view kBegin = "elements = {";
  const std::size_t begin = block.find(kBegin);
  if (begin == std::string_view::npos) return;
  block.remove_prefix(begin + kBegin.size());
  for (const std::string& element : split(block.substr(0, block.find('}')), ',')) {
    objects.insert(element_name(map, trim(element)));
  }
}

std::set<std::string> objects_of(std::string_view listing) {
  std::set<std::string> objects;
  while (!listing.empty()) {
    const std::string_view line = listing.substr(0, listing.find('\n'));
    listing.remove_prefix(std::min(line.size() + 1, listing.size()));
    const auto words = split(trim(line), ' ');
    if (words.size() != 3 || words[2] != "{") continue;
    if (words[0] != "chain" && words[0] != "map" && words[0] != "set") continue;
    objects.insert(words[0] + " " + words[1]);
    const std::string_view block = listing.substr(0, listing.find("\n\t}"));
    if (words[0] == "map") add_elements(words[1], block, objects);
  }
  return objects;
}

// "chain x", "map y", "set z" and the maps' elements in our table; empty when there is none yet.
Result<std::set<std::string>> list_objects() {
  const auto tables = run_nft("list tables ip");
  RETURN_IF_ERROR(tables);
  std::set<std::string> objects;
  if (tables->find(fmt::format("table {}\n", kTable)) == std::string::npos) return objects;
  ASSIGN_OR_RETURN(const std::string listing, run_nft(fmt::format("list table {}", kTable)));
  return objects_of(listing);
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

Script make_script(const NodeRules& rules, const std::string& pod_range) {
  Script script;
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
    ASSIGN_OR_RETURN(existing, list_objects());
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
