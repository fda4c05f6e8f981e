// core/v1: Node.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct Taint {
  std::string key;
  std::string value;
  std::string effect;
  Time time_added;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Taint*);

struct ConfigMapNodeConfigSource {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string resource_version;
  std::string kubelet_config_key;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ConfigMapNodeConfigSource*);

struct NodeConfigSource {
  Box<ConfigMapNodeConfigSource> config_map;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeConfigSource*);

struct NodeSpec {
  std::string pod_cidr;
  std::vector<std::string> pod_cidrs;
  std::string provider_id;
  bool unschedulable = false;
  std::vector<Taint> taints;
  Box<NodeConfigSource> config_source;
  std::string external_id;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeSpec*);

struct NodeCondition {
  std::string type;
  std::string status;
  Time last_heartbeat_time;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeCondition*);

struct NodeAddress {
  std::string type;
  std::string address;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeAddress*);

struct DaemonEndpoint {
  std::int32_t port = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DaemonEndpoint*);

struct NodeDaemonEndpoints {
  DaemonEndpoint kubelet_endpoint;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeDaemonEndpoints*);

struct NodeSystemInfo {
  std::string machine_id;
  std::string system_uuid;
  std::string boot_id;
  std::string kernel_version;
  std::string os_image;
  std::string container_runtime_version;
  std::string kubelet_version;
  std::string kube_proxy_version;
  std::string operating_system;
  std::string architecture;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeSystemInfo*);

struct ContainerImage {
  std::vector<std::string> names;
  std::int64_t size_bytes = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerImage*);

struct AttachedVolume {
  std::string name;
  std::string device_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AttachedVolume*);

struct NodeConfigStatus {
  Box<NodeConfigSource> assigned;
  Box<NodeConfigSource> active;
  Box<NodeConfigSource> last_known_good;
  std::string error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeConfigStatus*);

struct NodeRuntimeHandlerFeatures {
  std::optional<bool> recursive_read_only_mounts;
  std::optional<bool> user_namespaces;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeRuntimeHandlerFeatures*);

struct NodeRuntimeHandler {
  std::string name;
  Box<NodeRuntimeHandlerFeatures> features;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeRuntimeHandler*);

struct NodeFeatures {
  std::optional<bool> supplemental_groups_policy;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeFeatures*);

struct NodeStatus {
  DECLARE_SPECIAL_MEMBERS(NodeStatus);
  std::map<std::string, Quantity> capacity;
  std::map<std::string, Quantity> allocatable;
  std::string phase;
  std::vector<NodeCondition> conditions;
  std::vector<NodeAddress> addresses;
  NodeDaemonEndpoints daemon_endpoints;
  NodeSystemInfo node_info;
  std::vector<ContainerImage> images;
  std::vector<std::string> volumes_in_use;
  std::vector<AttachedVolume> volumes_attached;
  Box<NodeConfigStatus> config;
  std::vector<NodeRuntimeHandler> runtime_handlers;
  Box<NodeFeatures> features;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeStatus*);

struct Node final : ObjectOf<Node> {
  DECLARE_SPECIAL_MEMBERS(Node);
  static const Kind& static_kind();
  NodeSpec spec;
  NodeStatus status;
};
const TypeInfo& reflect(const Node*);

}  // namespace minato::kube
