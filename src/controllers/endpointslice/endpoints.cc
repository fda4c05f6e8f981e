#include "controllers/endpointslice/endpoints.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "kube/json.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kIpv4 = "IPv4";
constexpr std::string_view kIpv6 = "IPv6";
constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";

std::string_view address_type_of(const std::string& address) {
  return address.find(':') == std::string::npos ? kIpv4 : kIpv6;
}

std::vector<std::string> address_types(const kube::Service& service) {
  if (service.spec.ip_families.empty()) return {std::string(kIpv4)};
  return service.spec.ip_families;
}

std::string address_of(const kube::Pod& pod, const std::string& type) {
  if (!pod.status.pod_ip.empty() && address_type_of(pod.status.pod_ip) == type) {
    return pod.status.pod_ip;
  }
  for (const kube::PodIP& each : pod.status.pod_ips) {
    if (address_type_of(each.ip) == type) return each.ip;
  }
  return {};
}

std::optional<std::int32_t> named_port(const kube::Pod& pod, const std::string& name,
                                       const std::string& protocol) {
  // Init containers serve only when they are sidecars.
  std::vector<const kube::Container*> serving;
  for (const kube::Container& each : pod.spec.containers) serving.push_back(&each);
  for (const kube::Container& each : pod.spec.init_containers) {
    if (each.restart_policy == "Always") serving.push_back(&each);
  }
  for (const kube::Container* container : serving) {
    for (const kube::ContainerPort& port : container->ports) {
      const bool speaks = port.protocol.empty() ? protocol == "TCP" : port.protocol == protocol;
      if (speaks && port.name == name) return port.container_port;
    }
  }
  return std::nullopt;
}

// Ports whose name no container has are left out.
std::vector<kube::EndpointPort> ports_of(const kube::Service& service, const kube::Pod& pod) {
  std::vector<kube::EndpointPort> out;
  for (const kube::ServicePort& wanted : service.spec.ports) {
    const std::string protocol = wanted.protocol.empty() ? "TCP" : wanted.protocol;
    std::optional<std::int32_t> number;
    if (!wanted.target_port.is_int()) {
      number = named_port(pod, wanted.target_port.text(), protocol);
    } else {
      number = wanted.target_port.number() != 0 ? wanted.target_port.number() : wanted.port;
    }
    if (!number) continue;
    kube::EndpointPort port;
    port.name = wanted.name;
    port.protocol = protocol;
    port.port = *number;
    port.app_protocol = wanted.app_protocol;
    out.push_back(std::move(port));
  }
  return out;
}

kube::Endpoint endpoint_of(const kube::Service& service, const kube::Pod& pod,
                           const std::string& address, const kube::Node* node) {
  const bool serving = is_pod_ready(pod);
  const bool terminating = is_deleting(pod.metadata);
  kube::Endpoint out;
  out.addresses = {address};
  out.conditions.ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
  out.conditions.serving = serving;
  out.conditions.terminating = terminating;
  kube::ObjectReference target;
  target.kind = kube::Pod::static_kind().kind;
  target.namespace_ = pod.metadata.namespace_;
  target.name = pod.metadata.name;
  target.uid = pod.metadata.uid;
  out.target_ref = std::move(target);
  if (!pod.spec.node_name.empty()) out.node_name = pod.spec.node_name;
  if (node != nullptr) {
    const auto zone = node->metadata.labels.find(std::string(kube::kLabelZone));
    if (zone != node->metadata.labels.end()) out.zone = zone->second;
  }
  if (!pod.spec.hostname.empty() && pod.spec.subdomain == service.metadata.name) {
    out.hostname = pod.spec.hostname;
  }
  return out;
}

std::string group_key(std::string_view address_type, const std::vector<kube::EndpointPort>& ports) {
  return std::string(address_type) + kube::to_json_text(ports);
}

// Who an endpoint is, whatever its conditions: uid and address, good for as long as it is.
using Identity = std::pair<std::string_view, std::string_view>;

Identity identity(const kube::Endpoint& endpoint) {
  return {endpoint.target_ref ? std::string_view(endpoint.target_ref->uid) : std::string_view(),
          endpoint.addresses.empty() ? std::string_view()
                                     : std::string_view(endpoint.addresses.front())};
}

std::map<std::string, std::string> slice_labels(const kube::Service& service) {
  std::map<std::string, std::string> labels = service.metadata.labels;
  labels.erase(std::string(kHeadlessLabel));
  labels[std::string(kube::kLabelServiceName)] = service.metadata.name;
  labels[std::string(kube::kLabelManagedBy)] = kEndpointSliceManager;
  if (service.spec.cluster_ip == "None") labels[std::string(kHeadlessLabel)] = "";
  return labels;
}

kube::EndpointSlice new_slice(const kube::Service& service, const EndpointGroup& group) {
  kube::EndpointSlice out;
  out.metadata.namespace_ = service.metadata.namespace_;
  out.metadata.generate_name = service.metadata.name + "-";
  out.metadata.labels = slice_labels(service);
  out.metadata.owner_references.push_back(controller_reference(service));
  out.address_type = group.address_type;
  out.ports = group.ports;
  return out;
}

// An endpoint that should be, in its group.
using Wanted = kube::Endpoint*;

// What a slice becomes. Nothing is copied of one that stays as it is.
struct Draft {
  SlicePtr before;            // Null: a new one.
  std::vector<Wanted> after;  // Its endpoints.
  bool changed = false;
};

// The endpoints of a group, to be given to slices.
class Pool {
 public:
  explicit Pool(std::vector<kube::Endpoint>& endpoints) {
    by_identity_.reserve(endpoints.size());
    for (kube::Endpoint& endpoint : endpoints) by_identity_.emplace_back(identity(endpoint), &endpoint);
    order_.resize(endpoints.size());
    std::ranges::transform(endpoints, order_.begin(), [](kube::Endpoint& each) { return &each; });
    std::ranges::sort(by_identity_, {}, &Entry::first);
  }
  // Each is given once.
  Wanted take(const Identity& who) {
    const auto found = std::ranges::lower_bound(by_identity_, who, {}, &Entry::first);
    if (found == by_identity_.end() || found->first != who) return nullptr;
    return std::exchange(found->second, nullptr);
  }
  // Those that nobody took, in the order of the group.
  std::vector<Wanted> left() {
    std::vector<Wanted> out;
    for (Wanted each : order_) {
      if (Wanted found = take(identity(*each)); found != nullptr) out.push_back(found);
    }
    return out;
  }

 private:
  using Entry = std::pair<Identity, Wanted>;
  std::vector<Entry> by_identity_;
  std::vector<Wanted> order_;
};

Draft keep_wanted(const SlicePtr& slice, const std::map<std::string, std::string>& labels,
                  Pool& pool) {
  Draft draft{.before = slice};
  draft.changed = slice->metadata.labels != labels;
  draft.after.reserve(slice->endpoints.size());
  for (const kube::Endpoint& endpoint : slice->endpoints) {
    const Wanted kept = pool.take(identity(endpoint));
    draft.changed = draft.changed || kept == nullptr || !kube::equal(*kept, endpoint);
    if (kept != nullptr) draft.after.push_back(kept);
  }
  return draft;
}

void fill(Draft& draft, std::vector<Wanted>& left, std::size_t max_per_slice) {
  const std::size_t room = max_per_slice - std::min(max_per_slice, draft.after.size());
  const auto count = static_cast<std::ptrdiff_t>(std::min(room, left.size()));
  draft.after.insert(draft.after.end(), left.begin(), left.begin() + count);
  left.erase(left.begin(), left.begin() + count);
  draft.changed = draft.changed || count > 0;
}

kube::EndpointSlice finished(kube::EndpointSlice slice, const Draft& draft) {
  slice.endpoints.clear();
  for (const Wanted endpoint : draft.after) slice.endpoints.push_back(std::move(*endpoint));
  return slice;
}

// The fullest of the untouched slices that takes all that is left; null: none does.
Draft* best_untouched(std::vector<Draft>& drafts, std::size_t left, std::size_t max_per_slice) {
  Draft* best = nullptr;
  for (Draft& draft : drafts) {
    if (draft.changed || draft.after.size() + left > max_per_slice) continue;
    if (best == nullptr || draft.after.size() > best->after.size()) best = &draft;
  }
  return best;
}

// The slices of one port list and address type.
void plan_group(const kube::Service& service, const std::vector<SlicePtr>& existing,
                EndpointGroup group, std::size_t max_per_slice, SlicePlan& plan) {
  Pool pool(group.endpoints);
  const auto labels = slice_labels(service);
  std::vector<Draft> drafts;
  for (const SlicePtr& slice : existing) drafts.push_back(keep_wanted(slice, labels, pool));
  std::vector<Wanted> left = pool.left();
  for (Draft& draft : drafts) {
    if (draft.changed) fill(draft, left, max_per_slice);
  }
  if (!left.empty()) {
    if (Draft* best = best_untouched(drafts, left.size(), max_per_slice)) {
      fill(*best, left, max_per_slice);
    }
  }
  while (!left.empty()) {
    Draft fresh;
    fill(fresh, left, max_per_slice);
    plan.create.push_back(finished(new_slice(service, group), fresh));
  }
  for (const Draft& draft : drafts) {
    if (draft.after.empty()) {
      plan.remove.push_back(draft.before);
    } else if (draft.changed) {
      kube::EndpointSlice changed = *draft.before;
      changed.metadata.labels = labels;
      plan.update.push_back(finished(std::move(changed), draft));
    }
  }
}

// Readers tell "no endpoints" from "not looked at yet" by the empty slice.
void keep_placeholder(const kube::Service& service, SlicePlan& plan) {
  EndpointGroup nothing;
  nothing.address_type = address_types(service).front();
  const auto same_type = std::ranges::find_if(plan.remove, [&](const SlicePtr& slice) {
    return slice->address_type == nothing.address_type;
  });
  if (same_type == plan.remove.end()) {
    plan.create.push_back(new_slice(service, nothing));
    return;
  }
  kube::EndpointSlice emptied = **same_type;
  emptied.metadata.labels = slice_labels(service);
  emptied.endpoints.clear();
  emptied.ports.clear();
  if (!kube::equal(emptied, **same_type)) plan.update.push_back(std::move(emptied));
  plan.remove.erase(same_type);
}

}  // namespace

std::vector<EndpointGroup> desired_endpoints(
    const kube::Service& service, const std::vector<std::shared_ptr<const kube::Pod>>& pods,
    const FindNode& find_node) {
  std::map<std::string, EndpointGroup> groups;
  for (const std::string& type : address_types(service)) {
    EndpointGroup* last = nullptr;  // Nearly always the next Pod's, too.
    for (const auto& pod : pods) {
      const std::string address = address_of(*pod, type);
      if (address.empty() || is_pod_terminal(*pod)) continue;
      const auto node = find_node(pod->spec.node_name);
      if (!node && !service.spec.publish_not_ready_addresses) continue;
      std::vector<kube::EndpointPort> ports = ports_of(service, *pod);
      if (last == nullptr || !kube::equal(last->ports, ports)) {
        last = &groups[group_key(type, ports)];
        last->address_type = type;
        last->ports = std::move(ports);
      }
      last->endpoints.push_back(endpoint_of(service, *pod, address, node.get()));
    }
  }
  std::vector<EndpointGroup> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

SlicePlan plan_slices(const kube::Service& service, const std::vector<SlicePtr>& existing,
                      std::vector<EndpointGroup> desired, std::size_t max_per_slice) {
  SlicePlan plan;
  std::map<std::string, std::vector<SlicePtr>> by_group;
  for (const SlicePtr& slice : existing) {
    by_group[group_key(slice->address_type, slice->ports)].push_back(slice);
  }
  const bool any = !desired.empty();
  for (EndpointGroup& group : desired) {
    const auto found = by_group.extract(group_key(group.address_type, group.ports));
    plan_group(service, found.empty() ? std::vector<SlicePtr>{} : found.mapped(), std::move(group),
               max_per_slice, plan);
  }
  for (const auto& [key, unused] : by_group) {
    plan.remove.insert(plan.remove.end(), unused.begin(), unused.end());
  }
  if (!any) keep_placeholder(service, plan);
  return plan;
}

}  // namespace minato::controllers
