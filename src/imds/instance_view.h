// What the metadata service of one instance has to tell: plain data, supplied by whoever knows the
// instance (the cloud model, the local world) anew for every request.
//
// Names and formats: Amazon EC2 User Guide, "Instance metadata categories".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cloud/auto_scaling.h"

namespace minato::imds {

enum class HttpTokens { kRequired, kOptional };
enum class HttpEndpoint { kEnabled, kDisabled };

struct SpotNotice {
  std::string action = "terminate";  // "terminate", "stop", "hibernate"
  WallTime time{};
};

struct MaintenanceEvent {
  std::string event_id;
  std::string code;  // "instance-retirement", "system-reboot", …
  std::string description;
  std::string state = "active";  // "active", "completed", "canceled"
  WallTime not_before{};
  WallTime not_after{};
};

struct RoleCredentials {
  std::string role;
  std::string instance_profile_arn;
  std::string instance_profile_id;
  std::string access_key_id;
  std::string secret_access_key;
  std::string token;
  WallTime last_updated{};
  WallTime expiration{};
};

struct NetworkInterface {
  std::string mac;  // "02:29:96:8f:6a:2d"
  std::string interface_id;
  std::string subnet_id;
  std::string subnet_ipv4_cidr_block;
  std::string vpc_id;
  std::string vpc_ipv4_cidr_block;
  std::vector<std::string> local_ipv4s;
  std::vector<std::string> security_group_ids;
  std::vector<std::string> security_groups;
};

struct InstanceView {
  std::string instance_id;
  std::string instance_type;
  std::string architecture = "x86_64";
  std::string availability_zone;
  std::string availability_zone_id;  // "apne1-az4"; "" is not shown.
  std::string region;
  std::string account_id;
  std::string ami_id;
  std::string reservation_id;  // "" is not shown.
  std::string private_ip;
  std::string hostname;
  std::string mac;
  std::string domain = "amazonaws.com";
  std::string partition = "aws";
  WallTime launch_time{};
  cloud::Market market = cloud::Market::kOnDemand;
  std::string target_lifecycle_state;  // "InService", "Terminated", …; "" outside a group: 404.
  std::optional<SpotNotice> spot_notice;
  std::optional<WallTime> rebalance_notice;
  std::vector<MaintenanceEvent> maintenance_events;
  std::optional<RoleCredentials> role;
  // InstanceMetadataTags; nothing when it is off.
  std::optional<std::map<std::string, std::string>> tags;
  std::optional<std::string> user_data;
  std::vector<NetworkInterface> interfaces;  // The primary first.
  HttpTokens http_tokens = HttpTokens::kRequired;
  HttpEndpoint http_endpoint = HttpEndpoint::kEnabled;
};

}  // namespace minato::imds
