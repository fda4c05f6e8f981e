#include "drill/memory.h"

namespace minato::drill {

bool Memory::take(const Observation& seen) {
  const Key key{seen.subject, seen.name};
  fresh_.insert(key);
  const auto before = known_.find(key);
  if (before != known_.end() && before->second.says_the_same(seen)) return false;
  if (seen.state == "gone") {
    known_.erase(key);
  } else {
    known_[key] = seen;
  }
  return true;
}

std::vector<Observation> Memory::missing(MonoTime at) const {
  std::vector<Observation> out;
  for (const auto& [key, seen] : known_) {
    // Whether control is there is said by whoever watches it, not by it.
    if (fresh_.contains(key) || seen.subject == Subject::kControl) continue;
    out.push_back(seen);
    out.back().state = "gone";
    out.back().at = at;
  }
  return out;
}

}  // namespace minato::drill
