// A running hash over everything that was written to the store: kind, key, version, kind of change
// and virtual time. Two runs of one seed must give the same; a difference means that something below
// looked at the outside world.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "env/env.h"
#include "store/store.h"

namespace minato::sim {

class Trace {
 public:
  Trace(const env::Clock& clock, store::Store& store);
  std::uint64_t hash() const { return hash_; }
  std::uint64_t writes() const { return writes_; }
  // By resource, "pods".
  const std::map<std::string_view, std::uint64_t>& writes_by_resource() const { return by_resource_; }
  // The first broken promise of the watch ("" so far): versions must grow without end.
  const std::string& violation() const { return violation_; }

 private:
  void mix(std::string_view text);
  void mix(std::uint64_t number);
  void record(const kube::Kind& kind, const store::Event& event);

  const env::Clock& clock_;
  std::vector<std::unique_ptr<kube::Watch>> watches_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::uint64_t writes_ = 0;
  std::map<std::string_view, std::uint64_t> by_resource_;
  std::uint64_t last_version_ = 0;
  std::string violation_;
};

}  // namespace minato::sim
