// NetworkPolicy. Rules: k8s.io/kubernetes pkg/apis/networking (v1/defaults.go, validation).
#include <charconv>
#include <optional>

#include "base/strings.h"
#include "kube/types/networking.h"
#include "registry/strategy.h"

namespace minato::registry {
namespace {

constexpr std::string_view kDirections[] = {"Ingress", "Egress"};
constexpr std::string_view kTransports[] = {"SCTP", "TCP", "UDP"};

void default_ports(std::vector<kube::NetworkPolicyPort>& ports) {
  for (kube::NetworkPolicyPort& port : ports) {
    if (!port.protocol) port.protocol = "TCP";
  }
}

void set_policy_defaults(kube::Object& object) {
  auto& spec = mutable_as<kube::NetworkPolicy>(object).spec;
  for (auto& rule : spec.ingress) default_ports(rule.ports);
  for (auto& rule : spec.egress) default_ports(rule.ports);
  if (!spec.policy_types.empty()) return;
  spec.policy_types = {"Ingress"};
  if (!spec.egress.empty()) spec.policy_types.emplace_back("Egress");
}

struct Block {
  std::uint64_t first = 0, last = 0;
};

// Of IPv4; nothing when it is none.
std::optional<Block> parse_block(std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  if (slash == std::string_view::npos || !kube::check_ipv4(cidr.substr(0, slash)).empty()) return std::nullopt;
  const std::string_view text = cidr.substr(slash + 1);
  unsigned length = 33;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || length > 32) return std::nullopt;
  std::uint64_t address = 0;
  for (const std::string& part : split(cidr.substr(0, slash), '.')) address = address * 256 + std::stoul(part);
  const std::uint64_t size = std::uint64_t{1} << (32 - length);
  return Block{address & ~(size - 1), address | (size - 1)};
}

// Those of IPv6 are kept as they are: nobody here has such an address.
bool is_ipv6(std::string_view cidr) { return cidr.contains(':') && cidr.contains('/'); }

void check_block(const kube::IPBlock& block, const kube::FieldPath& path, kube::FieldErrors& errors) {
  const kube::FieldPath cidr = path.child("cidr"), excepts = path.child("except");
  if (block.cidr.empty()) return errors.required(cidr);
  const auto whole = parse_block(block.cidr);
  if (!whole && !is_ipv6(block.cidr)) {
    errors.invalid(cidr, block.cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
  for (std::size_t i = 0; i < block.except.size(); ++i) {
    const std::string& text = block.except[i];
    const auto cut = parse_block(text);
    if (!cut && !is_ipv6(text)) {
      errors.invalid(excepts.index(i), text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    } else if (cut && whole) {
      const bool within = whole->first <= cut->first && cut->last <= whole->last;
      const bool smaller = cut->last - cut->first < whole->last - whole->first;
      if (!within || !smaller) errors.invalid(excepts.index(i), text, "must be a strict subset of `cidr`");
    }
  }
}

void check_port(const kube::NetworkPolicyPort& port, const kube::FieldPath& path, kube::FieldErrors& errors) {
  const kube::FieldPath number = path.child("port"), end = path.child("endPort");
  if (port.protocol) errors.one_of(path.child("protocol"), *port.protocol, kTransports);
  if (!port.port) {
    if (port.end_port) errors.required(end, "must be specified when `endPort` is specified");
    return;
  }
  if (!port.port->is_int()) {
    errors.grammar(number, port.port->text(), kube::check_port_name(port.port->text()));
    if (port.end_port) errors.invalid(end, *port.end_port, "may not be specified when `port` is non-numeric");
    return;
  }
  errors.port(number, port.port->number());
  if (!port.end_port) return;
  if (*port.end_port < port.port->number()) {  // Upstream names the port's number, too.
    errors.invalid(end, port.port->number(), "must be greater than or equal to `port`");
  }
  errors.port(end, *port.end_port);
}

void check_peer(const kube::NetworkPolicyPeer& peer, const kube::FieldPath& path, kube::FieldErrors& errors) {
  const kube::FieldPath pods = path.child("podSelector"), spaces = path.child("namespaceSelector"),
                        block = path.child("ipBlock");
  if (!peer.pod_selector && !peer.namespace_selector && !peer.ip_block) {
    return errors.required(path, "must specify a peer");
  }
  if (peer.ip_block && (peer.pod_selector || peer.namespace_selector)) {
    return errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
  if (peer.pod_selector) kube::validate_label_selector(*peer.pod_selector, pods, errors);
  if (peer.namespace_selector) kube::validate_label_selector(*peer.namespace_selector, spaces, errors);
  if (peer.ip_block) check_block(*peer.ip_block, block, errors);
}

void check_rule(const std::vector<kube::NetworkPolicyPort>& ports, const std::vector<kube::NetworkPolicyPeer>& peers,
                std::string_view peers_name, const kube::FieldPath& path, kube::FieldErrors& errors) {
  const kube::FieldPath of_ports = path.child("ports"), of_peers = path.child(peers_name);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const kube::FieldPath at = of_ports.index(i);
    check_port(ports[i], at, errors);
  }
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const kube::FieldPath at = of_peers.index(i);
    check_peer(peers[i], at, errors);
  }
}

void validate_policy(const kube::Object& object, kube::FieldErrors& errors) {
  const kube::NetworkPolicySpec& spec = kube::as<kube::NetworkPolicy>(object).spec;
  const kube::FieldPath path("spec");
  const kube::FieldPath selector = path.child("podSelector"), ingress = path.child("ingress"),
                        egress = path.child("egress"), types = path.child("policyTypes");
  kube::validate_label_selector(spec.pod_selector, selector, errors);
  for (std::size_t i = 0; i < spec.ingress.size(); ++i) {
    const kube::FieldPath at = ingress.index(i);
    check_rule(spec.ingress[i].ports, spec.ingress[i].from, "from", at, errors);
  }
  for (std::size_t i = 0; i < spec.egress.size(); ++i) {
    const kube::FieldPath at = egress.index(i);
    check_rule(spec.egress[i].ports, spec.egress[i].to, "to", at, errors);
  }
  if (spec.policy_types.size() > 2) {
    return errors.add(types, "may not specify more than two policyTypes");
  }
  for (std::size_t i = 0; i < spec.policy_types.size(); ++i) {
    errors.one_of(types.index(i), spec.policy_types[i], kDirections);
  }
}

}  // namespace

Strategy network_policy_strategy() {
  Strategy out = make_strategy<kube::NetworkPolicy>();
  out.changes_generation = &spec_changed<kube::NetworkPolicy>;
  out.set_defaults = &set_policy_defaults;
  out.validate = &validate_policy;
  return out;
}

}  // namespace minato::registry
