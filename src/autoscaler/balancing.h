// Groups that offer the same Nodes grow evenly.
//
// Pure. Rules: cluster-autoscaler processors/nodegroupset (balancing_processor.go,
// compare_nodegroups.go, aws_nodegroups.go): capacities equal but for memory (1.5 %), allocatable
// and free within 5 % of the larger, labels equal but for those that tell Nodes apart.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/node_template.h"

namespace minato::autoscaler {

bool similar(const NodeTemplate& a, const NodeTemplate& b,
             const std::vector<std::string>& ignored_labels);

struct Share {
  std::string group;
  std::int32_t size = 0;
  std::int32_t max = 0;
  std::int32_t new_size = 0;
  bool operator==(const Share&) const = default;
};
// Gives `nodes` one after another to the group that is then the smallest. Groups at or above their
// maximum are left out.
std::vector<Share> balance(std::vector<Share> groups, std::int32_t nodes);

}  // namespace minato::autoscaler
