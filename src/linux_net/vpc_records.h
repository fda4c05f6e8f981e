// What a Vpc remembers beside the kernel's own state, one small file per thing, so that a control
// process that comes back finds its instances and Pods again.
//
// Directory layout: nodes/<name>, pods/<pod uid>, cut-zones/<zone>. A record is written with the
// suffix ".pending" before anything is made in the kernel and renamed when all of it is there: what
// is pending at start was interrupted and is torn down. The directory should be on a file system
// that ends with the namespaces (tmpfs), where syncing costs nothing. Blocking, microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "linux_net/address.h"
#include "linux_net/netlink.h"

namespace minato::linux_net {

struct NodeRecord {
  std::string name;
  std::string instance_id;
  std::string zone;
  Ipv4 address;
  std::uint32_t pod_prefix = 0;  // Index in the address plan.
  LinkState link = LinkState::kUp;
};

struct PodRecord {
  std::string uid;
  std::string node;
  Ipv4 address;
};

class VpcRecords {
 public:
  static Result<VpcRecords> open(const std::string& directory);

  enum class Stage { kPending, kComplete };
  Status put(const NodeRecord& record, Stage stage);
  Status put(const PodRecord& record, Stage stage);
  Status remove_node(const std::string& name);
  Status remove_pod(const std::string& uid);
  Status set_zone_cut(const std::string& zone, LinkState state);

  struct Contents {
    std::vector<NodeRecord> nodes, pending_nodes;
    std::vector<PodRecord> pods, pending_pods;
    std::vector<std::string> cut_zones;
  };
  Result<Contents> load() const;

 private:
  explicit VpcRecords(std::string directory) : directory_(std::move(directory)) {}
  Status write(const std::string& path, const std::string& text, Stage stage);
  std::string directory_;
};

// Names become file names: letters, digits, '-', '_' and '.' only. Errors: Invalid.
Status check_file_name(const std::string& name);

}  // namespace minato::linux_net
