// Latencies in buckets of at most 1.6 % width, from a microsecond to an hour, in fixed memory.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace minato::load {

class Histogram {
 public:
  void add(Duration latency);
  void add(const Histogram& other);
  std::uint64_t count() const { return count_; }
  // The latency that `permille` of 1000 requests did not exceed (upper edge of its bucket); 0 when
  // empty.
  Duration percentile(std::uint32_t permille) const;
  Duration maximum() const { return maximum_; }

 private:
  static constexpr std::size_t kSubBuckets = 64;  // Per power of two.
  static constexpr std::size_t kPowers = 33;
  static std::size_t bucket_of(std::uint64_t microseconds);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<std::uint64_t, kSubBuckets * kPowers> buckets_{};
  std::uint64_t count_ = 0;
  Duration maximum_{};
};

}  // namespace minato::load
