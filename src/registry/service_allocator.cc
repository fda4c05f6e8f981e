#include "registry/service_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Service;
using kube::ServicePort;

namespace {

constexpr std::string_view kHeadless = "None";

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  if (!kube::check_ipv4(text).empty()) return std::nullopt;
  std::uint32_t out = 0;
  for (const std::string& part : split(text, '.')) {
    out = (out << 8) | static_cast<std::uint32_t>(*parse_int(part));
  }
  return out;
}

std::string format_ipv4(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 0xFF, (address >> 8) & 0xFF,
                     address & 0xFF);
}

bool wants_cluster_ip(const Service& service) { return service.spec.type != "ExternalName"; }

bool wants_node_ports(const Service& service) {
  return service.spec.type == "NodePort" ||
         (service.spec.type == "LoadBalancer" &&
          service.spec.allocate_load_balancer_node_ports.value_or(true));
}

bool has_address(const Service& service) {
  return !service.spec.cluster_ip.empty() && service.spec.cluster_ip != kHeadless;
}

bool uses_port(const Service* service, std::int32_t port) {
  return service != nullptr && std::ranges::any_of(service->spec.ports, [&](const ServicePort& p) {
           return p.node_port == port;
         });
}

// The port of `service` that `like` continues, so that an update without nodePort keeps its number.
const ServicePort* same_port(const Service* service, const ServicePort& like) {
  if (service == nullptr) return nullptr;
  const auto found = std::ranges::find_if(service->spec.ports, [&](const ServicePort& port) {
    return port.port == like.port && port.protocol == like.protocol;
  });
  return found == service->spec.ports.end() ? nullptr : &*found;
}

}  // namespace

NumberPool::NumberPool(std::uint32_t first, std::uint32_t last, std::uint32_t reserved)
    : first_(first),
      last_(last),
      upper_first_(std::min(first + reserved, last)),
      upper_cursor_(upper_first_),
      lower_cursor_(first) {}

void NumberPool::release(std::uint32_t number) {
  const auto found = held_.find(number);
  if (found != held_.end() && --found->second == 0) held_.erase(found);
}

std::uint32_t NumberPool::find_free(const std::set<std::uint32_t>& except) {
  if (const std::uint32_t upper = find_between(upper_first_, last_, upper_cursor_, except)) {
    return upper;
  }
  return find_between(first_, last_, lower_cursor_, except);
}

std::uint32_t NumberPool::find_between(std::uint32_t first, std::uint32_t last,
                                       std::uint32_t& cursor,
                                       const std::set<std::uint32_t>& except) const {
  const std::uint32_t size = last - first + 1;
  for (std::uint32_t tried = 0; tried < size; ++tried) {
    const std::uint32_t number = cursor;
    cursor = cursor == last ? first : cursor + 1;
    if (!is_held(number) && !except.contains(number)) return number;
  }
  return 0;
}

Result<ServiceAllocator> ServiceAllocator::make(const std::string& cidr, PortRange ports) {
  const std::vector<std::string> parts = split(cidr, '/');
  const auto base = parse_ipv4(parts.front());
  const auto bits = parse_int(parts.size() == 2 ? parts.back() : "");
  if (!base || !bits || *bits < 8 || *bits > 29) {
    return fail(Reason::kInvalid,
                fmt::format("service CIDR \"{}\": expected an IPv4 range such as 10.100.0.0/16, "
                            "/8 to /29", cidr));
  }
  const std::uint32_t size = 1U << (32 - *bits);
  if (*base % size != 0) {
    return fail(Reason::kInvalid, fmt::format("service CIDR \"{}\": the address does not start a "
                                              "/{} range", cidr, *bits));
  }
  if (ports.first < 1 || ports.last > 65535 || ports.first > ports.last) {
    return fail(Reason::kInvalid, fmt::format("node ports {}-{}: expected a range within 1-65535",
                                              ports.first, ports.last));
  }
  // The bands' sizes are upstream's: a sixteenth, at least 16, at most 256 addresses or 128 ports.
  const auto band = [](std::uint32_t count, std::uint32_t step, std::uint32_t most) {
    return std::min(std::max(16U, count / step), std::min(most, count / 2));
  };
  const auto port_count = static_cast<std::uint32_t>(ports.last - ports.first + 1);
  return ServiceAllocator(
      // Neither the network's own address nor its broadcast address.
      NumberPool(*base + 1, *base + size - 2, band(size, 16, 256)),
      NumberPool(static_cast<std::uint32_t>(ports.first), static_cast<std::uint32_t>(ports.last),
                 band(port_count, 32, 128)));
}

void ServiceAllocator::complete(Service& service, const Service* before, FieldErrors& errors) {
  complete_address(service, before, errors);
  complete_ports(service, before, errors);
}

void ServiceAllocator::complete_address(Service& service, const Service* before,
                                        FieldErrors& errors) {
  if (!wants_cluster_ip(service)) {
    service.spec.cluster_ip.clear();
    service.spec.cluster_ips.clear();
    return;
  }
  const FieldPath spec("spec");
  const FieldPath path = spec.child("clusterIPs");
  if (before != nullptr && service.spec.cluster_ip.empty()) {
    service.spec.cluster_ip = before->spec.cluster_ip;
  }
  if (service.spec.cluster_ip.empty()) {
    const std::uint32_t address = addresses_.find_free();
    if (address == 0) {
      errors.invalid(path, "", "failed to allocate a serviceIP: range is full");
      return;
    }
    service.spec.cluster_ip = format_ipv4(address);
  } else if (has_address(service) &&
             (before == nullptr || before->spec.cluster_ip != service.spec.cluster_ip)) {
    const auto address = parse_ipv4(service.spec.cluster_ip);
    if (!address || !addresses_.contains(*address)) {
      errors.invalid(path, service.spec.cluster_ip,
                     "failed to allocate IP: the provided IP is not in the valid range");
    } else if (addresses_.is_held(*address)) {
      errors.invalid(path, service.spec.cluster_ip,
                     "failed to allocate IP: provided IP is already allocated");
    }
  }
  service.spec.cluster_ips = {service.spec.cluster_ip};
}

void ServiceAllocator::complete_ports(Service& service, const Service* before,
                                      FieldErrors& errors) {
  const FieldPath spec("spec");
  const FieldPath ports = spec.child("ports");
  std::set<std::uint32_t> used_here;  // By this Service, asked for or found.
  for (const ServicePort& port : service.spec.ports) {
    if (port.node_port > 0) used_here.insert(static_cast<std::uint32_t>(port.node_port));
  }
  for (std::size_t i = 0; i < service.spec.ports.size(); ++i) {
    ServicePort& port = service.spec.ports[i];
    const FieldPath at = ports.index(i);
    const FieldPath path = at.child("nodePort");
    const ServicePort* old = same_port(before, port);
    if (!wants_node_ports(service)) {
      // A Service that turns into a ClusterIP one lets its ports go unless it names new ones.
      if (old != nullptr && old->node_port == port.node_port) port.node_port = 0;
      continue;
    }
    if (port.node_port == 0 && old != nullptr) port.node_port = old->node_port;
    if (port.node_port == 0) {
      const std::uint32_t number = ports_.find_free(used_here);
      port.node_port = static_cast<std::int32_t>(number);
      if (number == 0) errors.invalid(path, 0, "failed to allocate a nodePort: range is full");
    } else if (!ports_.contains(static_cast<std::uint32_t>(port.node_port))) {
      errors.invalid(path, port.node_port, "provided port is not in the valid range");
    } else if (!uses_port(before, port.node_port) &&
               ports_.is_held(static_cast<std::uint32_t>(port.node_port))) {
      errors.invalid(path, port.node_port, "provided port is already allocated");
    }
    used_here.insert(static_cast<std::uint32_t>(port.node_port));
  }
}

void ServiceAllocator::commit(const Service* before, const Service* after) {
  const auto for_each = [this](const Service* service, void (NumberPool::*change)(std::uint32_t)) {
    if (service == nullptr) return;
    if (const auto address = parse_ipv4(service->spec.cluster_ip)) (addresses_.*change)(*address);
    for (const ServicePort& port : service->spec.ports) {
      if (port.node_port > 0) (ports_.*change)(static_cast<std::uint32_t>(port.node_port));
    }
  };
  for_each(after, &NumberPool::hold);
  for_each(before, &NumberPool::release);
}

}  // namespace minato::registry
