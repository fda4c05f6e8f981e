// The VPC of a local world: zones, instances' and Pods' networks.
//
// The network namespace in which open() is called is the VPC's router: it holds a bridge per zone
// and one routed prefix per instance. An instance is a namespace with eth0 on its zone's bridge; a
// Pod is a namespace with eth0 towards its instance (addresses: address_plan.h). Pods see what the
// AWS VPC CNI gives them: an address of their own /32 and a default route via 169.254.1.1, all of
// it routed, nothing translated. All neighbours are permanent entries, so no ARP, no table limit.
//
//   router: zone-1 10.77.1.1/24 --- node-1-11 | eth0 10.77.1.11/32 :instance
//   instance: pod-16-1 -------------- | eth0 10.77.16.1/32 :Pod
//
// Everything survives this object and the process; open() finds it again. Loop thread only; calls
// take about a millisecond and briefly switch the thread's namespace. Errors name the object.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "env/env.h"
#include "linux_net/address_plan.h"
#include "linux_net/pod_network.h"
#include "linux_net/vpc_records.h"

namespace minato::linux_net {

struct VpcOptions {
  // netns/ and vpc/ are made below. It must end with the namespaces: on the holder's own /run, and
  // not below its run_dir, which is the host's.
  std::string directory;
  std::string cidr = "10.77.0.0/16";
  std::string region = "ap-northeast-1";
  std::vector<std::string> zones;  // Their order gives their number: keep it from start to start.
};

struct VpcNode {
  std::string name;  // Private DNS name, also the Node's.
  std::string instance_id;
  std::string zone;
  std::string ip;
  std::string netns_path;
  LinkState link = LinkState::kUp;
};

struct PodAttachment {
  std::string pod_uid;
  PodLink link;
};

class Vpc final : public PodNetwork {
 public:
  // Builds the router, or adopts what is there. Errors: Conflict when the namespace has interfaces
  // that are not ours and in use: this is then somebody's real network.
  static Result<std::unique_ptr<Vpc>> open(VpcOptions options, env::Log& log);

  // Idempotent per instance id. Errors: Invalid (zone), Unavailable (addresses used up).
  Result<VpcNode> add_node(const std::string& instance_id, const std::string& zone);
  // With all its Pods' networks. Nothing should run in it any more. NotFound is success.
  Status remove_node(const std::string& name);
  std::vector<VpcNode> nodes() const;  // Sorted by name.
  Result<VpcNode> find_instance(const std::string& instance_id) const;
  std::vector<PodAttachment> pods(const std::string& node) const;  // Sorted by uid.

  // Cable in or out: nothing is answered, nothing refused, what runs there keeps running. Both are
  // remembered; a node reaches the others when its own link and its zone's are up.
  Status set_node_link(const std::string& name, LinkState state);
  Status set_zone_link(const std::string& zone, LinkState state);
  LinkState zone_link(const std::string& zone) const;

  const AddressPlan& plan() const { return plan_; }

  Result<PodLink> attach_pod(const std::string& node, const std::string& pod_uid) override;
  Status detach_pod(const std::string& node, const std::string& pod_uid) override;
  Result<PodLink> node_link(const std::string& node) override;

 private:
  struct Node {
    NodeRecord record;
    int zone = 0;
    std::map<std::string, PodRecord> pods;  // By uid.
    std::uint32_t last_pod = 0;             // Addresses are given out round-robin.
  };

  Vpc(VpcOptions options, AddressPlan plan, VpcRecords records, env::Log& log);
  Status build_router();
  Status adopt();
  Result<std::set<std::string>> interfaces_of(const Node& node) const;
  Status build_node(const Node& node);
  Status configure_node_side(const Node& node);
  Status connect_node(const Node& node);
  Status tear_down_node(const Node& node);
  Status build_pod(const Node& node, const PodRecord& pod);
  Status tear_down_pod(const PodRecord& pod);
  Status apply_link(const Node& node);
  Result<int> zone_number(const std::string& zone) const;
  Result<NodeRecord> allocate_node(const std::string& instance_id, const std::string& zone);
  Result<Ipv4> allocate_pod(Node& node);
  Result<Node*> find_node(const std::string& name);
  std::string netns_path(const std::string& name) const;
  std::string pod_netns_path(const std::string& uid) const;
  VpcNode describe(const Node& node) const;

  VpcOptions options_;
  AddressPlan plan_;
  VpcRecords records_;
  env::Log& log_;
  std::map<std::string, Node> nodes_;  // By name.
  std::set<std::string> cut_zones_;
  std::map<int, std::uint32_t> last_host_;  // Per zone; round-robin, as addresses of the dead are
  std::uint32_t next_prefix_ = 0;           // still in caches and connection tables for a while.
};

}  // namespace minato::linux_net
