#include "local/cloud_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <set>

#include "base/strings.h"
#include "cluster/cloud_view.h"

namespace minato::local {
namespace json = boost::json;
namespace {

using ExchangePtr = std::shared_ptr<control::Exchange>;

std::vector<std::string> zones_of(const cluster::Cluster& cluster) {
  std::set<std::string> out;
  for (const auto& group : cluster.cloud().describe_auto_scaling_groups()) {
    out.insert(group.zones.begin(), group.zones.end());
  }
  return {out.begin(), out.end()};
}

std::vector<std::string> types_of(const cluster::Cluster& cluster) {
  std::set<std::string> out;
  for (const auto& group : cluster.cloud().describe_auto_scaling_groups()) {
    out.insert(group.types.begin(), group.types.end());
  }
  return {out.begin(), out.end()};
}

cloudmodel::Interruption interruption_of(const control::Request& request) {
  cloudmodel::Interruption out;
  if (request.arguments.contains("noticeMs")) {
    out.notice = std::chrono::milliseconds(request.integer("noticeMs", 0));
  }
  if (request.arguments.contains("rebalanceMs")) {
    out.rebalance_lead = std::chrono::milliseconds(request.integer("rebalanceMs", 0));
  }
  return out;
}

void finish_with(const ExchangePtr& exchange, cluster::Cluster& cluster, const Status& status,
                 const std::vector<std::string>& instances) {
  if (!status) return exchange->finish(status);
  cluster.cloud().flush();
  json::array ids;
  for (const std::string& id : instances) ids.push_back(json::string(id));
  exchange->send(json::object{{"instances", std::move(ids)}});
  exchange->finish({});
}

void interrupt(cluster::Cluster& cluster, const control::Request& request, const ExchangePtr& exchange) {
  cloudmodel::Cloud& cloud = cluster.cloud();
  const cloudmodel::Interruption interruption = interruption_of(request);
  if (const std::string id = request.text("instance"); !id.empty()) {
    return finish_with(exchange, cluster, cloud.interrupt(id, interruption), {id});
  }
  const auto pools = parse_pool(request.text("pool"), cluster);
  if (!pools) return exchange->finish(std::unexpected(pools.error()));
  const auto share = static_cast<std::int32_t>(request.integer("sharePercent", 100));
  if (share < 1 || share > 100) return exchange->finish(fail(Reason::kBadRequest, "a share is 1% to 100%"));
  const auto ids = cloud.interrupt_share(*pools, share, interruption);
  if (ids.empty()) return exchange->finish(fail(Reason::kNotFound, "no spot instance without a notice runs there"));
  finish_with(exchange, cluster, {}, ids);
}

void set_capacity(cluster::Cluster& cluster, const control::Request& request, const ExchangePtr& exchange) {
  auto pools = parse_pool(request.text("pool"), cluster);
  if (!pools) return exchange->finish(std::unexpected(pools.error()));
  if (const std::string market = request.text("market"); !market.empty()) {
    pools->market = market == "spot" ? cloud::Market::kSpot : cloud::Market::kOnDemand;
  }
  cluster.cloud().set_capacity(*pools, request.flag("available") ? cloudmodel::Capacity::kAvailable
                                                                 : cloudmodel::Capacity::kExhausted);
  finish_with(exchange, cluster, {}, {});
}

void set_zone(cluster::Cluster& cluster, const control::Request& request, const ExchangePtr& exchange) {
  const auto zone = parse_zone(request.text("zone"), cluster);
  if (!zone) return exchange->finish(std::unexpected(zone.error()));
  std::vector<std::string> lost;
  if (request.flag("available")) {
    cluster.cloud().restore_zone(*zone);
  } else {
    for (const cloud::Instance& instance : cluster.cloud().describe_auto_scaling_instances()) {
      if (instance.zone == *zone) lost.push_back(instance.id);
    }
    cluster.cloud().fail_zone(*zone);
  }
  finish_with(exchange, cluster, {}, lost);
}

void maintain(cluster::Cluster& cluster, const control::Request& request, const ExchangePtr& exchange) {
  const auto event = cluster.cloud().schedule_maintenance(
      request.text("instance"), cloudmodel::Maintenance::kInstanceRetirement,
      std::chrono::milliseconds(request.integer("inMs", 0)));
  finish_with(exchange, cluster, event ? Status() : Status(std::unexpected(event.error())),
              {request.text("instance")});
}

}  // namespace

Result<std::string> parse_zone(const std::string& text, const cluster::Cluster& cluster) {
  const std::vector<std::string> zones = zones_of(cluster);
  for (const std::string& zone : zones) {
    if (zone == text || (text.size() == 1 && zone.ends_with(text))) return zone;
  }
  return fail(Reason::kInvalid, fmt::format("there is no zone '{}'; zones: {}", text, join(zones, ", ")));
}

Result<cloudmodel::PoolFilter> parse_pool(const std::string& text, const cluster::Cluster& cluster) {
  cloudmodel::PoolFilter out;
  const std::size_t slash = text.find('/');
  out.type = text.substr(0, slash);
  if (slash != std::string::npos) {
    ASSIGN_OR_RETURN(out.zone, parse_zone(text.substr(slash + 1), cluster));
  }
  const std::vector<std::string> types = types_of(cluster);
  if (!out.type.empty() && std::ranges::find(types, out.type) == types.end()) {
    return fail(Reason::kInvalid, fmt::format("no group uses '{}'; a pool is TYPE/ZONE, with a type of: {}", out.type,
                                              join(types, ", ")));
  }
  return out;
}

void add_cloud_verbs(control::Server& server, host::Loop& loop, cluster::Cluster& cluster) {
  const auto add = [&](const char* verb, auto handler) {
    server.handle(verb, [&cluster, handler](const control::Request& request, ExchangePtr exchange) {
      handler(cluster, request, exchange);
    });
  };
  add("cloud-interrupt", interrupt);
  add("cloud-capacity", set_capacity);
  add("cloud-zone", set_zone);
  add("cloud-maintenance", maintain);
  add("cloud-kill", [](cluster::Cluster& in, const control::Request& request, const ExchangePtr& exchange) {
    finish_with(exchange, in, in.cloud().kill_instance(request.text("instance")), {request.text("instance")});
  });
  add("cloud-cancel", [](cluster::Cluster& in, const control::Request& request, const ExchangePtr& exchange) {
    finish_with(exchange, in, in.cloud().cancel_interruption(request.text("instance")),
                {request.text("instance")});
  });
  server.handle("cloud-show", [&cluster, &loop](const control::Request&, ExchangePtr exchange) {
    exchange->send(cluster::view_cloud(cluster, loop.wall()));
    exchange->finish({});
  });
}

}  // namespace minato::local
