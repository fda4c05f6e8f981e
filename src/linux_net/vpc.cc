#include "linux_net/vpc.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/files.h"
#include "linux_net/netns.h"

namespace minato::linux_net {
namespace {

constexpr std::string_view kVpc = "vpc";
constexpr Prefix kDefaultRoute{Ipv4{0}, 0};
constexpr Ipv4 kMetadataAddress{0xA9FEA9FE};  // 169.254.169.254

std::string bridge_name(int zone) { return fmt::format("zone-{}", zone); }
std::string node_port_name(Ipv4 address) {
  return fmt::format("node-{}-{}", address.octet(2), address.octet(3));
}
std::string pod_port_name(Ipv4 address) {
  return fmt::format("pod-{}-{}", address.octet(2), address.octet(3));
}

// Of the calling thread's namespace. The default of IPv6 concerns interfaces made later; loopback
// keeps ::1.
Status write_router_sysctls() {
  // Forwarding first: it resets some of the others.
  RETURN_IF_ERROR(write_net_sysctl("net/ipv4/ip_forward", "1"));
  for (const char* scope : {"all", "default"}) {
    const std::string conf = fmt::format("net/ipv4/conf/{}/", scope);
    RETURN_IF_ERROR(write_net_sysctl(conf + "rp_filter", "0"));
    // Instances of a zone reach each other through the router, on the bridge they came from.
    RETURN_IF_ERROR(write_net_sysctl(conf + "send_redirects", "0"));
  }
  return {};
}

Status disable_new_ipv6() {
  return ignore_not_found(write_net_sysctl("net/ipv6/conf/default/disable_ipv6", "1"));
}

// Nobody's real network: refuses where an interface is in use that we do not make.
Status check_own_namespace(Netlink& netlink) {
  ASSIGN_OR_RETURN(const auto links, netlink.links());
  for (const Link& link : links) {
    const bool ours =
        link.name == "lo" || link.name.starts_with("zone-") || link.name.starts_with("node-");
    if (!ours && link.state == LinkState::kUp) {
      return fail(Reason::kConflict,
                  fmt::format("this network namespace has interface {} in use; a VPC is built only "
                              "in a namespace of its own (start it through the holder)",
                              link.name));
    }
  }
  return {};
}

}  // namespace

Vpc::Vpc(VpcOptions options, AddressPlan plan, VpcRecords records, env::Log& log)
    : options_(std::move(options)), plan_(plan), records_(std::move(records)), log_(log) {}

Result<std::unique_ptr<Vpc>> Vpc::open(VpcOptions options, env::Log& log) {
  ASSIGN_OR_RETURN(const AddressPlan plan, AddressPlan::make(options.cidr));
  if (options.zones.empty() || options.zones.size() > kMaxZones) {
    return fail(Reason::kInvalid, fmt::format("a VPC has 1 to {} zones", kMaxZones));
  }
  for (const std::string& zone : options.zones) RETURN_IF_ERROR(check_file_name(zone));
  RETURN_IF_ERROR(host::make_directories(options.directory + "/netns"));
  ASSIGN_OR_RETURN(VpcRecords records, VpcRecords::open(options.directory + "/vpc"));
  std::unique_ptr<Vpc> vpc(new Vpc(std::move(options), plan, std::move(records), log));
  RETURN_IF_ERROR(vpc->build_router());
  RETURN_IF_ERROR(vpc->adopt());
  return vpc;
}

Status Vpc::build_router() {
  ASSIGN_OR_RETURN(Netlink netlink, Netlink::open());
  RETURN_IF_ERROR(check_own_namespace(netlink));
  RETURN_IF_ERROR(write_router_sysctls());
  RETURN_IF_ERROR(disable_new_ipv6());
  // Bridged frames must not pass the router's packet filter; absent without br_netfilter.
  RETURN_IF_ERROR(ignore_not_found(write_net_sysctl("net/bridge/bridge-nf-call-iptables", "0")));
  RETURN_IF_ERROR(netlink.set_link("lo", LinkState::kUp));
  RETURN_IF_ERROR(netlink.add_address("lo", {plan_.dns(), 32}));
  RETURN_IF_ERROR(netlink.add_address("lo", {plan_.api(), 32}));
  RETURN_IF_ERROR(netlink.add_address("lo", {plan_.load_balancer(), 32}));
  for (int zone = 1; zone <= static_cast<int>(options_.zones.size()); ++zone) {
    const std::string bridge = bridge_name(zone);
    RETURN_IF_ERROR(netlink.add_bridge(bridge, MacAddress::of(plan_.router(zone))));
    RETURN_IF_ERROR(netlink.set_link(bridge, LinkState::kUp));
    RETURN_IF_ERROR(netlink.add_address(bridge, {plan_.router(zone), 24}));
  }
  return {};
}

Status Vpc::adopt() {
  ASSIGN_OR_RETURN(const VpcRecords::Contents found, records_.load());
  cut_zones_ = {found.cut_zones.begin(), found.cut_zones.end()};
  for (const PodRecord& pod : found.pending_pods) RETURN_IF_ERROR(tear_down_pod(pod));
  ASSIGN_OR_RETURN(Netlink netlink, Netlink::open());
  for (const NodeRecord& record : found.pending_nodes) {
    log_.write(env::Level::kWarning, kVpc,
               fmt::format("removing half-made instance {}", record.instance_id));
    ASSIGN_OR_RETURN(const int zone, zone_number(record.zone));
    RETURN_IF_ERROR(tear_down_node({.record = record, .zone = zone}));
  }
  for (const NodeRecord& record : found.nodes) {
    ASSIGN_OR_RETURN(const int zone, zone_number(record.zone));
    Node node{.record = record, .zone = zone};
    if (!is_netns(netns_path(record.name)) || !netlink.find_link(node_port_name(record.address))) {
      log_.write(env::Level::kWarning, kVpc,
                 fmt::format("the network of {} is gone; removing what is left", record.name));
      RETURN_IF_ERROR(tear_down_node(node));
      continue;
    }
    last_host_[zone] = std::max(last_host_[zone], record.address.value & 0xff);
    next_prefix_ = std::max(next_prefix_, record.pod_prefix + 1);
    nodes_.emplace(record.name, std::move(node));
  }
  std::map<std::string, std::set<std::string>> interfaces;
  for (const auto& [name, node] : nodes_) {
    ASSIGN_OR_RETURN(interfaces[name], interfaces_of(node));
  }
  for (const PodRecord& pod : found.pods) {
    const auto node = nodes_.find(pod.node);
    if (node == nodes_.end() || !is_netns(pod_netns_path(pod.uid)) ||
        !interfaces[pod.node].contains(pod_port_name(pod.address))) {
      RETURN_IF_ERROR(tear_down_pod(pod));
      continue;
    }
    const std::uint32_t offset =
        pod.address.value - plan_.pod_prefix(node->second.record.pod_prefix).base.value;
    node->second.last_pod = std::max(node->second.last_pod, offset);
    node->second.pods.emplace(pod.uid, pod);
  }
  return {};
}

Result<std::set<std::string>> Vpc::interfaces_of(const Node& node) const {
  ASSIGN_OR_RETURN(Netlink netlink, Netlink::open_in(netns_path(node.record.name)));
  ASSIGN_OR_RETURN(const auto links, netlink.links());
  std::set<std::string> names;
  for (const Link& link : links) names.insert(link.name);
  return names;
}

Result<VpcNode> Vpc::add_node(const std::string& instance_id, const std::string& zone) {
  if (auto existing = find_instance(instance_id)) return existing;
  RETURN_IF_ERROR(check_file_name(instance_id));
  Node node;
  ASSIGN_OR_RETURN(node.zone, zone_number(zone));
  ASSIGN_OR_RETURN(node.record, allocate_node(instance_id, zone));
  RETURN_IF_ERROR(records_.put(node.record, VpcRecords::Stage::kPending));
  Status built = build_node(node);
  if (built) built = records_.put(node.record, VpcRecords::Stage::kComplete);
  if (!built) {
    (void)tear_down_node(node);
    return std::unexpected(built.error());
  }
  const std::string name = node.record.name;
  return describe(nodes_.emplace(name, std::move(node)).first->second);
}

Status Vpc::build_node(const Node& node) {
  const std::string netns = netns_path(node.record.name);
  RETURN_IF_ERROR(create_netns(netns));
  {
    ASSIGN_OR_RETURN(const NetnsGuard guard, NetnsGuard::enter(netns));
    RETURN_IF_ERROR(write_router_sysctls());
    RETURN_IF_ERROR(disable_new_ipv6());
  }
  const Ipv4 address = node.record.address;
  ASSIGN_OR_RETURN(Netlink router, Netlink::open());
  RETURN_IF_ERROR(router.add_veth(
      {node_port_name(address), MacAddress::of(address, MacAddress::Side::kPeer), ""},
      {"eth0", MacAddress::of(address), netns}));
  RETURN_IF_ERROR(router.set_master(node_port_name(address), bridge_name(node.zone)));
  RETURN_IF_ERROR(configure_node_side(node));
  return connect_node(node);
}

Status Vpc::configure_node_side(const Node& node) {
  ASSIGN_OR_RETURN(Netlink inside, Netlink::open_in(netns_path(node.record.name)));
  RETURN_IF_ERROR(inside.set_link("lo", LinkState::kUp));
  // Instance metadata is answered on the instance itself.
  RETURN_IF_ERROR(inside.add_address("lo", {kMetadataAddress, 32}));
  RETURN_IF_ERROR(inside.set_link("eth0", LinkState::kUp));
  // A /32: neighbours in the zone are reached through the router too, so that one permanent entry
  // is enough.
  RETURN_IF_ERROR(inside.add_address("eth0", {node.record.address, 32}));
  const Ipv4 router = plan_.router(node.zone);
  RETURN_IF_ERROR(inside.add_neighbour("eth0", router, MacAddress::of(router)));
  RETURN_IF_ERROR(inside.add_route({kDefaultRoute, router, "eth0", true}));
  // What is for a Pod that is gone must not travel back to the router and round again.
  return inside.add_route({.destination = plan_.pod_prefix(node.record.pod_prefix)});
}

Status Vpc::connect_node(const Node& node) {
  ASSIGN_OR_RETURN(Netlink router, Netlink::open());
  const std::string bridge = bridge_name(node.zone);
  const Ipv4 address = node.record.address;
  RETURN_IF_ERROR(router.add_neighbour(bridge, address, MacAddress::of(address)));
  RETURN_IF_ERROR(
      router.add_route({plan_.pod_prefix(node.record.pod_prefix), address, bridge, false}));
  return apply_link(node);
}

// Ports and not the bridge go down: then addresses, routes and neighbours stay, and packets are
// lost silently instead of being refused, as when a zone fails.
Status Vpc::apply_link(const Node& node) {
  const bool up = node.record.link == LinkState::kUp && !cut_zones_.contains(node.record.zone);
  ASSIGN_OR_RETURN(Netlink router, Netlink::open());
  return router.set_link(node_port_name(node.record.address),
                         up ? LinkState::kUp : LinkState::kDown);
}

Status Vpc::remove_node(const std::string& name) {
  const auto at = nodes_.find(name);
  if (at == nodes_.end()) return {};
  for (const auto& [uid, pod] : at->second.pods) {
    // The links go with the instance's namespace.
    RETURN_IF_ERROR(delete_netns(pod_netns_path(uid)));
    RETURN_IF_ERROR(records_.remove_pod(uid));
  }
  RETURN_IF_ERROR(tear_down_node(at->second));
  nodes_.erase(at);
  return {};
}

Status Vpc::tear_down_node(const Node& node) {
  ASSIGN_OR_RETURN(Netlink router, Netlink::open());
  const std::string bridge = bridge_name(node.zone);
  const Ipv4 address = node.record.address;
  RETURN_IF_ERROR(
      router.delete_route({plan_.pod_prefix(node.record.pod_prefix), address, bridge, false}));
  RETURN_IF_ERROR(router.delete_neighbour(bridge, address));
  RETURN_IF_ERROR(router.delete_link(node_port_name(address)));
  RETURN_IF_ERROR(delete_netns(netns_path(node.record.name)));
  return records_.remove_node(node.record.name);
}

std::vector<VpcNode> Vpc::nodes() const {
  std::vector<VpcNode> all;
  for (const auto& [name, node] : nodes_) all.push_back(describe(node));
  return all;
}

Result<VpcNode> Vpc::find_instance(const std::string& instance_id) const {
  for (const auto& [name, node] : nodes_) {
    if (node.record.instance_id == instance_id) return describe(node);
  }
  return fail(Reason::kNotFound, fmt::format("instance {} has no network", instance_id));
}

std::vector<PodAttachment> Vpc::pods(const std::string& node) const {
  std::vector<PodAttachment> all;
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return all;
  for (const auto& [uid, pod] : at->second.pods) {
    all.push_back({uid, {pod_netns_path(uid), pod.address.to_string()}});
  }
  return all;
}

Status Vpc::set_node_link(const std::string& name, LinkState state) {
  ASSIGN_OR_RETURN(Node* const node, find_node(name));
  node->record.link = state;
  RETURN_IF_ERROR(records_.put(node->record, VpcRecords::Stage::kComplete));
  return apply_link(*node);
}

Status Vpc::set_zone_link(const std::string& zone, LinkState state) {
  RETURN_IF_ERROR(zone_number(zone));
  RETURN_IF_ERROR(records_.set_zone_cut(zone, state));
  if (state == LinkState::kUp) {
    cut_zones_.erase(zone);
  } else {
    cut_zones_.insert(zone);
  }
  for (const auto& [name, node] : nodes_) {
    if (node.record.zone == zone) RETURN_IF_ERROR(apply_link(node));
  }
  return {};
}

LinkState Vpc::zone_link(const std::string& zone) const {
  return cut_zones_.contains(zone) ? LinkState::kDown : LinkState::kUp;
}

Result<PodLink> Vpc::attach_pod(const std::string& node_name, const std::string& pod_uid) {
  RETURN_IF_ERROR(check_file_name(pod_uid));
  ASSIGN_OR_RETURN(Node* const node, find_node(node_name));
  const auto existing = node->pods.find(pod_uid);
  if (existing != node->pods.end()) {
    return PodLink{pod_netns_path(pod_uid), existing->second.address.to_string()};
  }
  PodRecord pod{.uid = pod_uid, .node = node_name};
  ASSIGN_OR_RETURN(pod.address, allocate_pod(*node));
  RETURN_IF_ERROR(records_.put(pod, VpcRecords::Stage::kPending));
  Status built = build_pod(*node, pod);
  if (built) built = records_.put(pod, VpcRecords::Stage::kComplete);
  if (!built) {
    (void)tear_down_pod(pod);
    return std::unexpected(built.error());
  }
  node->pods.emplace(pod_uid, pod);
  return PodLink{pod_netns_path(pod_uid), pod.address.to_string()};
}

Status Vpc::build_pod(const Node& node, const PodRecord& pod) {
  const std::string netns = pod_netns_path(pod.uid);
  const std::string port = pod_port_name(pod.address);
  const MacAddress port_mac = MacAddress::of(pod.address, MacAddress::Side::kPeer);
  RETURN_IF_ERROR(create_netns(netns));
  {
    ASSIGN_OR_RETURN(const NetnsGuard guard, NetnsGuard::enter(netns));
    RETURN_IF_ERROR(disable_new_ipv6());
  }
  ASSIGN_OR_RETURN(Netlink outside, Netlink::open_in(netns_path(node.record.name)));
  RETURN_IF_ERROR(
      outside.add_veth({port, port_mac, ""}, {"eth0", MacAddress::of(pod.address), netns}));
  RETURN_IF_ERROR(outside.set_link(port, LinkState::kUp));
  RETURN_IF_ERROR(outside.add_neighbour(port, pod.address, MacAddress::of(pod.address)));

  ASSIGN_OR_RETURN(Netlink inside, Netlink::open_in(netns));
  RETURN_IF_ERROR(inside.set_link("lo", LinkState::kUp));
  RETURN_IF_ERROR(inside.set_link("eth0", LinkState::kUp));
  RETURN_IF_ERROR(inside.add_address("eth0", {pod.address, 32}));
  RETURN_IF_ERROR(inside.add_neighbour("eth0", kPodGateway, port_mac));
  RETURN_IF_ERROR(inside.add_route({{kPodGateway, 32}, std::nullopt, "eth0", false}));
  RETURN_IF_ERROR(inside.add_route({kDefaultRoute, kPodGateway, "eth0", false}));
  // Reachable only now that all of it is there.
  return outside.add_route({{pod.address, 32}, std::nullopt, port, false});
}

Status Vpc::detach_pod(const std::string& node_name, const std::string& pod_uid) {
  const auto node = nodes_.find(node_name);
  if (node == nodes_.end()) return {};
  const auto pod = node->second.pods.find(pod_uid);
  if (pod == node->second.pods.end()) return {};
  RETURN_IF_ERROR(tear_down_pod(pod->second));
  node->second.pods.erase(pod);
  return {};
}

Status Vpc::tear_down_pod(const PodRecord& pod) {
  const std::string node_netns = netns_path(pod.node);
  if (is_netns(node_netns)) {
    ASSIGN_OR_RETURN(Netlink outside, Netlink::open_in(node_netns));
    RETURN_IF_ERROR(outside.delete_link(pod_port_name(pod.address)));
  }
  RETURN_IF_ERROR(delete_netns(pod_netns_path(pod.uid)));
  return records_.remove_pod(pod.uid);
}

Result<PodLink> Vpc::node_link(const std::string& node_name) {
  ASSIGN_OR_RETURN(const Node* const node, find_node(node_name));
  return PodLink{netns_path(node_name), node->record.address.to_string()};
}

Result<int> Vpc::zone_number(const std::string& zone) const {
  const auto at = std::ranges::find(options_.zones, zone);
  if (at == options_.zones.end()) {
    return fail(Reason::kInvalid, fmt::format("the VPC has no zone \"{}\"", zone));
  }
  return static_cast<int>(at - options_.zones.begin()) + 1;
}

Result<NodeRecord> Vpc::allocate_node(const std::string& instance_id, const std::string& zone) {
  ASSIGN_OR_RETURN(const int number, zone_number(zone));
  std::set<Ipv4> hosts;
  std::set<std::uint32_t> prefixes;
  for (const auto& [name, node] : nodes_) {
    hosts.insert(node.record.address);
    prefixes.insert(node.record.pod_prefix);
  }
  constexpr std::uint32_t kHosts = kLastHost - kFirstHost + 1;
  std::uint32_t& last = last_host_.try_emplace(number, kFirstHost - 1).first->second;
  std::uint32_t tried = 0;
  do {
    last = last < kFirstHost || last >= kLastHost ? kFirstHost : last + 1;
  } while (hosts.contains(plan_.host(number, last)) && ++tried < kHosts);
  if (tried == kHosts || prefixes.size() == kPodPrefixes) {
    return fail(
        Reason::kUnavailable,
        fmt::format("InsufficientFreeAddressesInSubnet: zone {} has no free address", zone));
  }
  while (prefixes.contains(next_prefix_ % kPodPrefixes)) ++next_prefix_;
  const Ipv4 address = plan_.host(number, last);
  return NodeRecord{.name = instance_hostname(address, options_.region),
                    .instance_id = instance_id,
                    .zone = zone,
                    .address = address,
                    .pod_prefix = next_prefix_++ % kPodPrefixes};
}

Result<Ipv4> Vpc::allocate_pod(Node& node) {
  if (node.pods.size() > kLastPod - kFirstPod) {
    return fail(Reason::kUnavailable,
                fmt::format("node {} has no free address for a Pod", node.record.name));
  }
  const Ipv4 base = plan_.pod_prefix(node.record.pod_prefix).base;
  const auto taken = [&](Ipv4 address) {
    return std::ranges::any_of(node.pods,
                               [&](const auto& entry) { return entry.second.address == address; });
  };
  do {
    node.last_pod = node.last_pod >= kLastPod ? kFirstPod : node.last_pod + 1;
  } while (taken(base + node.last_pod));
  return base + node.last_pod;
}

Result<Vpc::Node*> Vpc::find_node(const std::string& name) {
  const auto at = nodes_.find(name);
  if (at == nodes_.end())
    return fail(Reason::kNotFound, fmt::format("node {} has no network", name));
  return &at->second;
}

std::string Vpc::netns_path(const std::string& name) const {
  return fmt::format("{}/netns/{}", options_.directory, name);
}

std::string Vpc::pod_netns_path(const std::string& uid) const {
  return fmt::format("{}/netns/pod-{}", options_.directory, uid);
}

VpcNode Vpc::describe(const Node& node) const {
  return {.name = node.record.name,
          .instance_id = node.record.instance_id,
          .zone = node.record.zone,
          .ip = node.record.address.to_string(),
          .netns_path = netns_path(node.record.name),
          .link = node.record.link};
}

}  // namespace minato::linux_net
