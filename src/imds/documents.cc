#include "imds/documents.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "base/strings.h"

namespace minato::imds {
namespace {

namespace json = boost::json;

std::string quoted(const std::string& text) { return json::serialize(json::string(text)); }

void put(Documents& out, const std::string& path, const std::string& value) {
  if (!value.empty()) out["meta-data/" + path] = value;
}

void put_interfaces(Documents& out, const InstanceView& view) {
  int number = 0;
  for (const NetworkInterface& each : view.interfaces) {
    const std::string base = "network/interfaces/macs/" + each.mac + "/";
    put(out, base + "device-number", std::to_string(number++));
    put(out, base + "interface-id", each.interface_id);
    put(out, base + "local-hostname", view.hostname);
    put(out, base + "local-ipv4s", join(each.local_ipv4s, "\n"));
    put(out, base + "mac", each.mac);
    put(out, base + "owner-id", view.account_id);
    put(out, base + "security-group-ids", join(each.security_group_ids, "\n"));
    put(out, base + "security-groups", join(each.security_groups, "\n"));
    put(out, base + "subnet-id", each.subnet_id);
    put(out, base + "subnet-ipv4-cidr-block", each.subnet_ipv4_cidr_block);
    put(out, base + "vpc-id", each.vpc_id);
    put(out, base + "vpc-ipv4-cidr-block", each.vpc_ipv4_cidr_block);
    put(out, base + "vpc-ipv4-cidr-blocks", each.vpc_ipv4_cidr_block);
  }
  if (!view.interfaces.empty()) {
    put(out, "security-groups", join(view.interfaces.front().security_groups, "\n"));
  }
}

void put_role(Documents& out, const RoleCredentials& role) {
  json::object info;
  info["Code"] = "Success";
  info["LastUpdated"] = format_rfc3339(role.last_updated);
  info["InstanceProfileArn"] = role.instance_profile_arn;
  info["InstanceProfileId"] = role.instance_profile_id;
  put(out, "iam/info", json::serialize(info));
  put(out, "iam/security-credentials/" + role.role, credentials_json(role));
}

void put_notices(Documents& out, const InstanceView& view) {
  put(out, "events/maintenance/scheduled", maintenance_json(view.maintenance_events));
  if (view.rebalance_notice) {
    put(out, "events/recommendations/rebalance", rebalance_json(*view.rebalance_notice));
  }
  put(out, "autoscaling/target-lifecycle-state", view.target_lifecycle_state);
  if (!view.spot_notice) return;
  put(out, "spot/instance-action", spot_action_json(*view.spot_notice));
  if (view.spot_notice->action != "hibernate") {
    put(out, "spot/termination-time", format_rfc3339(view.spot_notice->time));
  }
}

}  // namespace

std::string maintenance_time(WallTime time) {
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto since = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock(since - days);
  return fmt::format("{} {} {} {:02}:{:02}:{:02} GMT", static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string spot_action_json(const SpotNotice& notice) {
  json::object out;
  out["action"] = notice.action;
  if (notice.action != "hibernate") out["time"] = format_rfc3339(notice.time);
  return json::serialize(out);
}

std::string rebalance_json(WallTime notice_time) {
  json::object out;
  out["noticeTime"] = format_rfc3339(notice_time);
  return json::serialize(out);
}

std::string maintenance_json(const std::vector<MaintenanceEvent>& events) {
  json::array out;
  for (const MaintenanceEvent& event : events) {
    json::object each;
    each["NotBefore"] = maintenance_time(event.not_before);
    each["Code"] = event.code;
    each["Description"] = event.description;
    each["EventId"] = event.event_id;
    each["NotAfter"] = maintenance_time(event.not_after);
    each["State"] = event.state;
    out.push_back(std::move(each));
  }
  return json::serialize(out);
}

std::string credentials_json(const RoleCredentials& role) {
  json::object out;
  out["Code"] = "Success";
  out["LastUpdated"] = format_rfc3339(role.last_updated);
  out["Type"] = "AWS-HMAC";
  out["AccessKeyId"] = role.access_key_id;
  out["SecretAccessKey"] = role.secret_access_key;
  out["Token"] = role.token;
  out["Expiration"] = format_rfc3339(role.expiration);
  return json::serialize(out);
}

std::string identity_document(const InstanceView& view) {
  std::vector<std::string> lines;
  const auto text = [&](std::string_view name, const std::string& value) {
    lines.push_back(fmt::format("  \"{}\" : {}", name, quoted(value)));
  };
  const auto null = [&](std::string_view name) {
    lines.push_back(fmt::format("  \"{}\" : null", name));
  };
  text("accountId", view.account_id);
  text("architecture", view.architecture);
  text("availabilityZone", view.availability_zone);
  null("billingProducts");
  null("devpayProductCodes");
  null("marketplaceProductCodes");
  text("imageId", view.ami_id);
  text("instanceId", view.instance_id);
  text("instanceType", view.instance_type);
  null("kernelId");
  text("pendingTime", format_rfc3339(view.launch_time));
  text("privateIp", view.private_ip);
  null("ramdiskId");
  text("region", view.region);
  text("version", "2017-09-30");
  return "{\n" + join(lines, ",\n") + "\n}";
}

Documents documents(const InstanceView& view) {
  Documents out;
  put(out, "ami-id", view.ami_id);
  put(out, "ami-launch-index", "0");
  put(out, "hostname", view.hostname);
  put(out, "instance-action", "none");
  put(out, "instance-id", view.instance_id);
  put(out, "instance-life-cycle", std::string(cloud::to_string(view.market)));
  put(out, "instance-type", view.instance_type);
  put(out, "local-hostname", view.hostname);
  put(out, "local-ipv4", view.private_ip);
  put(out, "mac", view.mac);
  put(out, "placement/availability-zone", view.availability_zone);
  put(out, "placement/availability-zone-id", view.availability_zone_id);
  put(out, "placement/region", view.region);
  put(out, "reservation-id", view.reservation_id);
  put(out, "services/domain", view.domain);
  put(out, "services/partition", view.partition);
  put_interfaces(out, view);
  put_notices(out, view);
  if (view.role) put_role(out, *view.role);
  if (view.tags) {
    for (const auto& [key, value] : *view.tags) out["meta-data/tags/instance/" + key] = value;
  }
  if (view.user_data) out["user-data"] = *view.user_data;
  out["dynamic/instance-identity/document"] = identity_document(view);
  return out;
}

}  // namespace minato::imds
