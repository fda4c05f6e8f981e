// What minato's own roles may do with the API of a cluster that is not minato's: what they do, and
// nothing else. Rendered as ClusterRole and Role; a test of `eks` compares it with what they ask for.
// Pure data. "" as name_space: in all of them, and of what has none.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace minato::blueprint {

struct Permission {
  std::string_view group;     // "" for core.
  std::string_view resource;  // "pods", "pods/eviction"
  std::vector<std::string_view> verbs;
  std::string_view name_space;
};

std::vector<Permission> controller_access();
std::vector<Permission> agent_access();

}  // namespace minato::blueprint
