#include "load/generator.h"

namespace minato::load {
namespace {

constexpr Duration kLate = 20ms;

}  // namespace

std::uint64_t Report::failed() const {
  std::uint64_t total = 0;
  for (const auto& [cause, count] : failures) total += count;
  return total;
}

bool Report::is_generator_slow() const { return lateness.percentile(990) > kLate || waited * 100 > sent; }

void Report::add(const Report& other) {
  sent += other.sent;
  ok += other.ok;
  for (const auto& [cause, count] : other.failures) failures[cause] += count;
  for (const auto& [status, count] : other.statuses) statuses[status] += count;
  latency.add(other.latency);
  lateness.add(other.lateness);
  waited += other.waited;
  if (timeline.begun() == MonoTime{}) timeline.begin(other.timeline.begun());
  timeline.add(other.timeline);
  elapsed = std::max(elapsed, other.elapsed);
  last_failure = std::max(last_failure, other.last_failure);
  if (other.first_failure != MonoTime{} && (first_failure == MonoTime{} || other.first_failure < first_failure)) {
    first_failure = other.first_failure;
    example = other.example;
  }
}

}  // namespace minato::load
