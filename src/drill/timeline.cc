#include "drill/timeline.h"

#include <algorithm>
#include <numeric>

namespace minato::drill {

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kRefused: return "refused";
    case Cause::kReset: return "reset";
    case Cause::kTimeout: return "timeout";
    case Cause::kTls: return "tls";
    case Cause::kStatus4xx: return "4xx";
    case Cause::kBalancer5xx: return "5xx by the balancer";
    case Cause::kTarget5xx: return "5xx by the target";
    case Cause::kGenerator: return "not sent";
    case Cause::kOther: return "other";
  }
  return "";
}

std::uint32_t Slice::failures() const { return std::accumulate(failed.begin(), failed.end(), 0U); }

void Timeline::begin(MonoTime at, Duration slow_after) {
  begun_ = at;
  slow_after_ = slow_after;
  slices_.clear();
}

Slice* Timeline::at(MonoTime due) {
  if (begun_ == MonoTime{} || due < begun_) return nullptr;
  const auto index = static_cast<std::size_t>((due - begun_) / kSlice);
  if (index >= kMaxSlices) return nullptr;
  if (index >= slices_.size()) slices_.resize(index + 1);
  return &slices_[index];
}

void Timeline::sent(MonoTime due, std::uint32_t count) {
  if (Slice* slice = at(due)) slice->sent += count;
}

void Timeline::ok(MonoTime due, Duration latency, std::uint32_t count) {
  Slice* slice = at(due);
  if (slice == nullptr) return;
  slice->ok += count;
  if (latency > slow_after_) slice->slow += count;
  slice->slowest = std::max(slice->slowest, latency);
}

void Timeline::failed(MonoTime due, Cause cause, std::uint32_t count) {
  if (Slice* slice = at(due)) slice->failed[static_cast<std::size_t>(cause)] += count;
}

void Timeline::add(const Timeline& other) {
  if (slices_.size() < other.slices_.size()) slices_.resize(other.slices_.size());
  for (std::size_t i = 0; i < other.slices_.size(); ++i) {
    slices_[i].sent += other.slices_[i].sent;
    slices_[i].ok += other.slices_[i].ok;
    slices_[i].slow += other.slices_[i].slow;
    slices_[i].slowest = std::max(slices_[i].slowest, other.slices_[i].slowest);
    for (std::size_t cause = 0; cause < kCauses; ++cause) slices_[i].failed[cause] += other.slices_[i].failed[cause];
  }
}

Slice Timeline::sum(MonoTime from, MonoTime to) const {
  Slice out;
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    if (start_of(i) + kSlice <= from || start_of(i) >= to) continue;
    out.sent += slices_[i].sent;
    out.ok += slices_[i].ok;
    out.slow += slices_[i].slow;
    out.slowest = std::max(out.slowest, slices_[i].slowest);
    for (std::size_t cause = 0; cause < kCauses; ++cause) out.failed[cause] += slices_[i].failed[cause];
  }
  return out;
}

}  // namespace minato::drill
