#include "blueprint/own_controllers.h"

#include <gtest/gtest.h>

#include <set>

#include "blueprint/access.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/rbac.h"

namespace minato::blueprint {
namespace {

std::vector<kube::ObjectPtr> objects() {
  return own_controller_objects({.image = "minato", .cluster = "shop", .target_group = "shop", .region = "us-east-1",
                                 .hook_timeout = 90s, .controller_annotations = {}});
}

template <class T>
std::shared_ptr<const T> find(std::string_view name) {
  for (const kube::ObjectPtr& object : objects()) {
    if (object->kind() == T::static_kind() && object->metadata.name == name) return std::static_pointer_cast<const T>(object);
  }
  return nullptr;
}

using Access = std::set<std::string>;  // "verb resource.group namespace"

void add_rules(const std::vector<kube::PolicyRule>& rules, std::string_view name_space, Access& out) {
  for (const kube::PolicyRule& rule : rules) {
    for (const std::string& verb : rule.verbs) {
      for (const std::string& resource : rule.resources) {
        for (const std::string& group : rule.api_groups) out.insert(verb + " " + resource + "." + group + " " + std::string(name_space));
      }
    }
  }
}

// What the roles that are bound to the account allow.
Access given(std::string_view account) {
  Access out;
  if (const auto binding = find<kube::ClusterRoleBinding>(account)) {
    EXPECT_EQ(binding->subjects.at(0).name, account);
    add_rules(find<kube::ClusterRole>(binding->role_ref.name)->rules, "", out);
  }
  if (const auto binding = find<kube::RoleBinding>(account)) {
    EXPECT_EQ(binding->subjects.at(0).name, account);
    const auto role = find<kube::Role>(binding->role_ref.name);
    add_rules(role->rules, role->metadata.namespace_, out);
  }
  return out;
}

Access declared(const std::vector<Permission>& permissions) {
  Access out;
  for (const Permission& each : permissions) {
    kube::PolicyRule rule;
    rule.verbs.assign(each.verbs.begin(), each.verbs.end());
    rule.resources = {std::string(each.resource)};
    rule.api_groups = {std::string(each.group)};
    add_rules({rule}, each.name_space, out);
  }
  return out;
}

TEST(OwnControllersTest, MayWhatTheyDoAndNothingElse) {
  EXPECT_EQ(given(kControllerAccount), declared(controller_access()));
  EXPECT_EQ(given(kAgentAccount), declared(agent_access()));
}

void expect_confined(const kube::PodSpec& pod) {
  const kube::Container& container = pod.containers.at(0);
  const kube::SecurityContext& security = *container.security_context;
  EXPECT_EQ(security.run_as_non_root, true);
  EXPECT_EQ(security.read_only_root_filesystem, true);
  EXPECT_EQ(security.allow_privilege_escalation, false);
  EXPECT_EQ(security.capabilities->drop, std::vector<std::string>{"ALL"});
  EXPECT_TRUE(pod.volumes.empty());
  EXPECT_EQ(pod.automount_service_account_token, true);
  EXPECT_EQ(container.readiness_probe->probe_handler.http_get->path, "/readyz");
  EXPECT_EQ(container.liveness_probe->probe_handler.http_get->path, "/healthz");
}

TEST(OwnControllersTest, ControllersStandByEachOtherOnTheMasterGroup) {
  const auto deployment = find<kube::Deployment>(kControllerAccount);
  ASSERT_NE(deployment, nullptr);
  const kube::PodSpec& pod = deployment->spec.template_.spec;
  expect_confined(pod);
  EXPECT_EQ(deployment->spec.replicas, 2);
  EXPECT_EQ(pod.service_account_name, kControllerAccount);
  EXPECT_EQ(pod.node_selector.at(std::string(kube::kLabelNodeGroup)), "master");
  EXPECT_EQ(pod.priority_class_name, "system-cluster-critical");
  EXPECT_EQ(pod.containers[0].args, (std::vector<std::string>{"controller", "--cluster=shop", "--target-group=shop"}));
}

TEST(OwnControllersTest, AgentsAreOnEveryNodeAndAskItsMetadata) {
  const auto agents = find<kube::DaemonSet>(kAgentAccount);
  ASSERT_NE(agents, nullptr);
  const kube::PodSpec& pod = agents->spec.template_.spec;
  expect_confined(pod);
  EXPECT_TRUE(pod.host_network);
  ASSERT_EQ(pod.tolerations.size(), 1u);
  EXPECT_TRUE(pod.tolerations[0].key.empty() && pod.tolerations[0].effect.empty());
  EXPECT_EQ(pod.tolerations[0].operator_, "Exists");
  EXPECT_EQ(pod.containers[0].args.back(), "--hook-seconds=90");
}

}  // namespace
}  // namespace minato::blueprint
