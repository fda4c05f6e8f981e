// What an observer's reader knows when the observed starts anew: tells news from what is only said
// again, and what has gone unsaid. Pure; values.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "drill/observation.h"

namespace minato::drill {

class Memory {
 public:
  // A new observer begins: it will say everything there is again.
  void begin() { fresh_.clear(); }
  // Whether this is news.
  bool take(const Observation& seen);
  // All there is has been said: what is known and was not said again is gone since `at`.
  std::vector<Observation> missing(MonoTime at) const;

 private:
  using Key = std::pair<Subject, std::string>;
  std::map<Key, Observation> known_;
  std::set<Key> fresh_;  // Said since begin().
};

}  // namespace minato::drill
