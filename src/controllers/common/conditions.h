// Conditions lists of any kind, deletion, and the present time as the API writes it.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "env/env.h"
#include "kube/types/meta.h"

namespace minato::controllers {

// The condition of that type in any conditions list, or null.
template <class Condition>
const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::ranges::find_if(
      conditions, [&](const Condition& condition) { return condition.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}
template <class Condition>
Condition* find_condition(std::vector<Condition>& conditions, std::string_view type) {
  return const_cast<Condition*>(find_condition(std::as_const(conditions), type));
}
// It points into the list, which has to live on.
template <class Condition>
const Condition* find_condition(std::vector<Condition>&& conditions,
                                std::string_view type) = delete;
template <class Condition>
void remove_condition(std::vector<Condition>& conditions, std::string_view type) {
  std::erase_if(conditions, [&](const Condition& condition) { return condition.type == type; });
}

inline bool is_deleting(const kube::ObjectMeta& meta) { return is_set(meta.deletion_timestamp); }

// metav1.Time has seconds; a finer value would change when the store is loaded again.
inline kube::Time api_now(const env::Clock& clock) {
  return WallTime(std::chrono::floor<std::chrono::seconds>(clock.wall().time_since_epoch()));
}

}  // namespace minato::controllers
