#include "sim/trace.h"

#include <fmt/format.h>

#include "base/check.h"

namespace minato::sim {

Trace::Trace(const env::Clock& clock, store::Store& store) : clock_(clock) {
  for (const kube::Kind* kind : kube::all_kinds()) {
    auto watch = store.watch(*kind, store.resource_version(),
                             [this, kind](const store::Event& event) { record(*kind, event); });
    CHECK(watch, "an empty store can be watched");
    watches_.push_back(std::move(watch).value());
  }
}

void Trace::mix(std::uint64_t number) { hash_ = (hash_ ^ number) * 0x100000001b3; }

void Trace::mix(std::string_view text) {
  for (const char c : text) mix(static_cast<unsigned char>(c));
}

void Trace::record(const kube::Kind& kind, const store::Event& event) {
  ++writes_;
  ++by_resource_[kind.resource];
  if (event.resource_version <= last_version_ && violation_.empty()) {
    violation_ = fmt::format("watch of {}: version {} came after {}", kind.resource,
                             event.resource_version, last_version_);
  }
  last_version_ = event.resource_version;
  mix(kind.resource);
  mix(event.object->metadata.namespace_);
  mix(event.object->metadata.name);
  mix(event.resource_version);
  mix(static_cast<std::uint64_t>(event.type));
  mix(static_cast<std::uint64_t>(clock_.monotonic().time_since_epoch().count()));
}

}  // namespace minato::sim
