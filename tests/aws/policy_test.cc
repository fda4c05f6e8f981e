// The rendered policy allows what the AWS adapter calls, and nothing else.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "aws_http/actions.h"
#include "base/strings.h"
#include "render/templates.h"

namespace minato {
namespace {

// By statement, the permissions that it lists.
std::map<std::string, std::set<std::string>> statements(std::string_view terraform) {
  std::map<std::string, std::set<std::string>> out;
  std::string sid;
  for (const std::string& line : split(terraform, '\n')) {
    const std::vector<std::string> quoted = split(line, '"');
    if (quoted.size() < 3) continue;
    if (trim(quoted[0]) == "sid =") sid = quoted[1];
    if (trim(quoted[0]).empty()) out[sid].insert(quoted[1]);
  }
  return out;
}

std::set<std::string> called(aws_http::Access access, aws_http::Service service) {
  std::set<std::string> out;
  for (const aws_http::ActionInfo& action : aws_http::actions()) {
    if (action.access == access && action.service == service) out.insert(permission(action));
  }
  return out;
}

TEST(ControllerPolicyTest, AllowsWhatIsCalledAndNothingElse) {
  using enum aws_http::Service;
  std::set<std::string> looks;
  for (const auto service : {kAutoScaling, kEc2, kElasticLoadBalancingV2}) {
    looks.merge(called(aws_http::Access::kLook, service));
  }
  auto allowed = statements(render::kControllerPolicyTf);
  EXPECT_EQ(allowed["Look"], looks);
  EXPECT_EQ(allowed["ScaleOwnGroups"], called(aws_http::Access::kChange, kAutoScaling));
  EXPECT_EQ(allowed["OwnTargets"], called(aws_http::Access::kChange, kElasticLoadBalancingV2));
  EXPECT_TRUE(called(aws_http::Access::kChange, kEc2).empty());
  EXPECT_EQ(allowed.size(), 3u);
}

TEST(ControllerPolicyTest, ChangesAreHeldToWhatIsTheClustersOwn) {
  for (const std::string_view held : {"aws:ResourceTag/k8s.io/cluster-autoscaler/${local.cluster}",
                                      "resources = [aws_lb_target_group.this.arn]"}) {
    EXPECT_TRUE(render::kControllerPolicyTf.contains(held)) << held;
  }
}

}  // namespace
}  // namespace minato
