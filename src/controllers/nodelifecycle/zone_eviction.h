// How fast Nodes of a zone may be marked for eviction, by how much of the zone is well.
//
// Rules: k8s.io/kubernetes pkg/controller/nodelifecycle (ComputeZoneState, handleDisruption,
// setLimiterInZone) and scheduler/rate_limited_queue.go: one Node per eviction_interval in a well
// zone and in a zone that is wholly down; one per secondary_eviction_interval in a large zone that
// is partly down; none in a small one; and none anywhere while all zones are down, since then it is
// more likely that the control plane is cut off.
//
// Owned by the node lifecycle controller. Loop thread only; time is passed in.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "controllers/nodelifecycle/node_taints.h"

namespace minato::controllers {

struct EvictionRates {
  Duration eviction_interval = 10s;             // 0.1 Nodes per second.
  Duration secondary_eviction_interval = 100s;  // 0.01.
  std::int32_t large_zone_nodes = 50;           // Zones with more Nodes are large.
  std::int32_t unhealthy_percent = 55;          // From here on a zone is partly down.
};

enum class ZoneState { kInitial, kNormal, kPartialDisruption, kFullDisruption };
struct ZoneCounts {
  std::int32_t ready = 0;
  std::int32_t not_ready = 0;
  std::int32_t total() const { return ready + not_ready; }
};
ZoneState zone_state(const ZoneCounts& counts, std::int32_t unhealthy_percent);

// Nodes waiting for their NoExecute taint, zone by zone, each zone at its own pace.
class ZoneEviction {
 public:
  explicit ZoneEviction(EvictionRates rates) : rates_(rates) {}

  enum class Turn { kNone, kAllZonesWentDown, kRecoveredFromAllDown };
  // Takes in how the zones are now and adjusts the pace of each.
  Turn update(const std::map<std::string, ZoneCounts>& zones, MonoTime now);

  // Adding a Node again is a no-op.
  void add(const std::string& zone, const std::string& node);
  void remove(const std::string& node);
  // The next Node that may be tainted now; taking it uses up its zone's turn.
  std::optional<std::string> take(MonoTime now);
  // When take() will give a Node if nothing changes.
  std::optional<MonoTime> next_turn() const;
  ZoneState state(const std::string& zone) const;

 private:
  struct Zone {
    ZoneState state = ZoneState::kInitial;
    std::optional<Duration> interval;  // Nothing: stopped.
    MonoTime next{};
    std::deque<std::string> waiting;
  };
  void set_pace(Zone& zone, std::optional<Duration> interval, MonoTime now);
  std::optional<Duration> interval_for(ZoneState state, const ZoneCounts& counts) const;

  EvictionRates rates_;
  std::map<std::string, Zone> zones_;
  std::set<std::string> queued_;
};

}  // namespace minato::controllers
