#include "cluster/metadata.h"

#include <fmt/format.h>

#include "cloud/catalogue.h"

namespace minato::cluster {
namespace {

constexpr const char* kAccount = "000000000000";
constexpr Duration kCredentialLife = 6h;
constexpr Duration kRefreshBefore = 1h;

// The hexadecimal digits of an instance id, for the other ids that belong to it.
std::string digits(const std::string& instance_id) { return instance_id.substr(instance_id.find('-') + 1); }

std::string mac_of(const std::string& instance_id) {
  const std::string hex = digits(instance_id);
  std::string out = "02";
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t at = hex.size() >= 10 ? hex.size() - 10 + i * 2 : 0;
    out += ":" + (hex.size() >= 10 ? hex.substr(at, 2) : "00");
  }
  return out;
}

imds::RoleCredentials credentials(const cloud::Instance& instance, WallTime now) {
  // Anew every few hours, as AWS does, so that clients which never refresh are found out.
  const auto period = (now.time_since_epoch() / (kCredentialLife - kRefreshBefore));
  const WallTime issued{period * (kCredentialLife - kRefreshBefore)};
  imds::RoleCredentials out;
  out.role = instance.group + "-node";
  out.instance_profile_arn = fmt::format("arn:aws:iam::{}:instance-profile/{}", kAccount, out.role);
  out.instance_profile_id = "AIPA" + digits(instance.id);
  out.access_key_id = "ASIALOCALLOCALLOCALX";
  out.secret_access_key = "local-" + digits(instance.id);
  out.token = fmt::format("local-{}-{}", digits(instance.id), period);
  out.last_updated = issued;
  out.expiration = issued + kCredentialLife;
  return out;
}

imds::NetworkInterface interface_of(const cloud::Instance& instance) {
  imds::NetworkInterface out;
  out.mac = mac_of(instance.id);
  out.interface_id = "eni-" + digits(instance.id);
  out.subnet_id = "subnet-" + instance.zone;
  out.vpc_id = "vpc-local";
  out.local_ipv4s = {instance.private_ip};
  return out;
}

}  // namespace

imds::InstanceView metadata_of(const cloudmodel::Cloud& cloud, const cloud::Instance& instance,
                               const std::string& region, WallTime now) {
  imds::InstanceView out;
  out.instance_id = instance.id;
  out.instance_type = instance.type;
  const cloud::InstanceType* type = cloud.pools().type(instance.type);
  if (type != nullptr && type->architecture == "arm64") out.architecture = "arm64";
  out.availability_zone = instance.zone;
  out.region = region;
  out.account_id = kAccount;
  out.ami_id = "ami-0000000000minato0";
  out.private_ip = instance.private_ip;
  out.hostname = instance.hostname;
  out.mac = mac_of(instance.id);
  out.launch_time = instance.launch_time;
  out.market = instance.market;
  out.target_lifecycle_state = cloud::is_terminating(instance.state) ? "Terminated" : "InService";
  if (const auto notice = cloud.notice(instance.id)) out.spot_notice = {.action = notice->action, .time = notice->time};
  out.rebalance_notice = cloud.rebalance_recommendation(instance.id);
  for (const cloudmodel::MaintenanceEvent& event : cloud.maintenance_events(instance.id)) {
    out.maintenance_events.push_back({.event_id = event.event_id,
                                      .code = event.code,
                                      .description = event.description,
                                      .state = event.state,
                                      .not_before = event.not_before,
                                      .not_after = event.not_before});
  }
  out.role = credentials(instance, now);
  out.tags = std::map<std::string, std::string>{{"Name", instance.group}};
  out.interfaces = {interface_of(instance)};
  return out;
}

}  // namespace minato::cluster
