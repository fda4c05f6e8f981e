// The tree of documents of one instance, and the ones among them that have a form of their own.
//
// Pure. Paths are relative to a version, e.g. "meta-data/placement/region". The instance identity
// document is not signed here: signature, pkcs7 and rsa2048 beside it are absent (404), since only
// AWS has the key, and nothing of ours may look as if it had.
// Rules: Amazon EC2 User Guide, "Instance metadata categories", "Instance identity documents".
#pragma once

#include <map>
#include <string>

#include "imds/instance_view.h"

namespace minato::imds {

using Documents = std::map<std::string, std::string>;  // By path.

Documents documents(const InstanceView& view);

std::string spot_action_json(const SpotNotice& notice);       // {"action": …, "time": …}
std::string rebalance_json(WallTime notice_time);             // {"noticeTime": …}
std::string maintenance_json(const std::vector<MaintenanceEvent>& events);
std::string credentials_json(const RoleCredentials& role);
std::string identity_document(const InstanceView& view);
// "21 Jan 2019 09:00:43 GMT"
std::string maintenance_time(WallTime time);

}  // namespace minato::imds
