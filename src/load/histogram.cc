#include "load/histogram.h"

#include <algorithm>
#include <bit>

namespace minato::load {

std::size_t Histogram::bucket_of(std::uint64_t microseconds) {
  if (microseconds < kSubBuckets) return microseconds;
  const auto power = static_cast<std::size_t>(std::bit_width(microseconds)) - 7;  // ≥ 0 from 64 on.
  const std::size_t bucket = (power + 1) * kSubBuckets + ((microseconds >> power) - kSubBuckets);
  return std::min(bucket, kSubBuckets * kPowers - 1);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const std::size_t power = bucket / kSubBuckets - 1;
  return ((bucket % kSubBuckets + kSubBuckets + 1) << power) - 1;
}

void Histogram::add(Duration latency) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  ++buckets_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(microseconds, 0)))];
  ++count_;
  maximum_ = std::max(maximum_, latency);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  maximum_ = std::max(maximum_, other.maximum_);
}

Duration Histogram::percentile(std::uint32_t permille) const {
  const std::uint64_t rank = (count_ * permille + 999) / 1000;
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank && seen > 0) {
      return std::min<Duration>(std::chrono::microseconds(upper_edge(bucket)), maximum_);
    }
  }
  return Duration{0};
}

}  // namespace minato::load
