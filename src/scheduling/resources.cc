#include "scheduling/resources.h"

#include <algorithm>

#include "kube/names.h"

namespace minato::scheduling {
namespace {

constexpr std::int64_t kDefaultMilliCpu = 100;
constexpr std::int64_t kDefaultMemoryBytes = 200LL * 1024 * 1024;

enum class Missing { kIsZero, kIsDefault };

// Merges two sorted lists; `combine` sees zero where one side has no entry.
template <class Combine>
void merge_extended(Resources& into, const Resources& other, Combine combine) {
  if (other.extended.empty()) return;
  for (const auto& [name, amount] : other.extended) {
    const auto at = std::ranges::lower_bound(into.extended, name, {},
                                             &std::pair<std::string, std::int64_t>::first);
    if (at != into.extended.end() && at->first == name) {
      at->second = combine(at->second, amount);
    } else {
      into.extended.emplace(at, name, combine(0, amount));
    }
  }
  std::erase_if(into.extended, [](const auto& entry) { return entry.second == 0; });
}

Resources container_requests(const kube::ResourceRequirements& resources, Missing missing) {
  Resources out = parse_resources(resources.requests);
  if (missing == Missing::kIsDefault) {
    if (!resources.requests.contains(std::string(kube::kCpu))) out.milli_cpu = kDefaultMilliCpu;
    if (!resources.requests.contains(std::string(kube::kMemory))) {
      out.memory_bytes = kDefaultMemoryBytes;
    }
  }
  return out;
}

Resources total_requests(const kube::PodSpec& spec, Missing missing) {
  Resources running;
  for (const kube::Container& container : spec.containers) {
    running += container_requests(container.resources, missing);
  }
  Resources sidecars;
  Resources initialising;
  for (const kube::Container& container : spec.init_containers) {
    Resources here = container_requests(container.resources, missing);
    if (container.restart_policy == "Always") {
      running += here;
      sidecars += here;
      here = sidecars;
    } else {
      here += sidecars;
    }
    initialising.raise_to(here);
  }
  running.raise_to(initialising);
  running += parse_resources(spec.overhead);
  return running;
}

}  // namespace

Resources& Resources::operator+=(const Resources& other) {
  milli_cpu += other.milli_cpu;
  memory_bytes += other.memory_bytes;
  ephemeral_storage_bytes += other.ephemeral_storage_bytes;
  merge_extended(*this, other, [](std::int64_t a, std::int64_t b) { return a + b; });
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  milli_cpu -= other.milli_cpu;
  memory_bytes -= other.memory_bytes;
  ephemeral_storage_bytes -= other.ephemeral_storage_bytes;
  merge_extended(*this, other, [](std::int64_t a, std::int64_t b) { return a - b; });
  return *this;
}

void Resources::raise_to(const Resources& other) {
  milli_cpu = std::max(milli_cpu, other.milli_cpu);
  memory_bytes = std::max(memory_bytes, other.memory_bytes);
  ephemeral_storage_bytes = std::max(ephemeral_storage_bytes, other.ephemeral_storage_bytes);
  merge_extended(*this, other, [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
}

std::int64_t Resources::extended_amount(std::string_view name) const {
  for (const auto& [key, amount] : extended) {
    if (key == name) return amount;
  }
  return 0;
}

Resources parse_resources(const std::map<std::string, kube::Quantity>& amounts) {
  Resources out;
  for (const auto& [name, amount] : amounts) {  // Ordered, so `extended` comes out sorted.
    if (name == kube::kCpu) {
      out.milli_cpu = amount.milli_value();
    } else if (name == kube::kMemory) {
      out.memory_bytes = amount.value();
    } else if (name == "ephemeral-storage") {
      out.ephemeral_storage_bytes = amount.value();
    } else if (name != kube::kPods && !amount.is_zero()) {
      out.extended.emplace_back(name, amount.value());
    }
  }
  return out;
}

Resources pod_requests(const kube::PodSpec& spec) {
  return total_requests(spec, Missing::kIsZero);
}

Resources pod_requests_for_scoring(const kube::PodSpec& spec) {
  return total_requests(spec, Missing::kIsDefault);
}

}  // namespace minato::scheduling
