#include "render/render.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "render/addons.h"
#include "render/alerts.h"
#include "render/controllers.h"
#include "render/identity.h"
#include "render/kubernetes.h"
#include "render/terraform.h"
#include "spec/instance_types.h"

namespace minato::render {
namespace {

constexpr std::size_t kMaxServiceName = 64 - std::string_view("-cluster-autoscaler").size();
constexpr std::size_t kMaxZoneLetters = 8;  // /20 blocks below the ones of the public subnets.

class Problems {
 public:
  void require(bool holds, std::string key, std::string message) {
    if (!holds) causes_.push_back({std::move(key), std::move(message)});
  }
  void add(const Status& status) {
    if (!status) causes_.insert(causes_.end(), status.error().causes.begin(), status.error().causes.end());
  }
  Status status() const {
    if (causes_.empty()) return {};
    std::vector<std::string> lines;
    for (const Cause& cause : causes_)
      lines.push_back(fmt::format("'{}': {}", cause.field, cause.message));
    return std::unexpected(Error{Reason::kInvalid, join(lines, "\n"), causes_});
  }

 private:
  std::vector<Cause> causes_;
};

// Limits of the API: CreateTargetGroup, ModifyTargetGroupAttributes, ModifyLoadBalancerAttributes.
void check_balancer(const spec::LoadBalancer& balancer, Problems& problems) {
  const auto whole = [](Duration duration) {
    return duration % std::chrono::seconds(1) == Duration{};
  };
  const auto in = [&](Duration value, Duration low, Duration high) {
    return whole(value) && value >= low && value <= high;
  };
  const std::string local = "; keep the shorter one in an overlay for this machine";
  problems.require(in(balancer.health_check.interval, 5s, 300s),
                   "load_balancer.health_check.interval",
                   "AWS takes whole seconds from 5s to 300s" + local);
  problems.require(in(balancer.health_check.timeout, 2s, 120s),
                   "load_balancer.health_check.timeout",
                   "AWS takes whole seconds from 2s to 120s" + local);
  problems.require(in(balancer.deregistration_delay, 0s, 3600s),
                   "load_balancer.deregistration_delay",
                   "AWS takes whole seconds from 0s to 3600s");
  problems.require(in(balancer.idle_timeout, 1s, 4000s), "load_balancer.idle_timeout",
                   "AWS takes whole seconds from 1s to 4000s");
  problems.require(balancer.slow_start == Duration{} || in(balancer.slow_start, 30s, 900s),
                   "load_balancer.slow_start",
                   "AWS takes 0s (off) or whole seconds from 30s to 900s");
}

void check_network(const spec::Spec& spec, Problems& problems) {
  const spec::Vpc& vpc = spec.eks.vpc;
  if (vpc.id.empty()) {
    problems.require(
        vpc.cidr.ends_with("/16"), "eks.vpc.cidr",
        vpc.cidr + " must be a /16: eight zones of 4,096 addresses each are cut from it");
    for (const std::string& zone : spec.zones) {
      problems.require(
          static_cast<std::size_t>(zone[0] - 'a') < kMaxZoneLetters, "zones",
          fmt::format(
              "there is no room for zone {} in a new VPC; give an existing one in eks.vpc.id",
              zone));
    }
    return;
  }
  for (const auto& [key, subnets] : {std::pair{"public_subnets", &vpc.public_subnets},
                                     {"private_subnets", &vpc.private_subnets}}) {
    problems.require(
        subnets->size() == spec.zones.size(), fmt::format("eks.vpc.{}", key),
        fmt::format("{} subnets for {} zones; an existing VPC needs one for each of 'zones'",
                    subnets->size(), spec.zones.size()));
  }
}

void check_place(const spec::Spec& spec, Problems& problems) {
  problems.require(spec.zones.size() >= 2, "zones",
                   "a load balancer and EKS need two zones at least");
  problems.require(
      !spec.domain.ends_with(".localhost") && spec.domain.find('.') != std::string::npos, "domain",
      fmt::format(
          "'{}' is no name of the internet; say under which one people reach the service, for "
          "example {}.example.com",
          spec.domain, spec.service));
  problems.require(
      uses_own_controllers(spec) || !autoscaler_version(spec.eks.version).empty(), "eks.version",
      fmt::format("no cluster-autoscaler is known for {}; known: 1.33 to 1.36", spec.eks.version));
}

void check_choices(const spec::Spec& spec, Problems& problems) {
  problems.require(
      spec.service.size() <= kMaxServiceName, "service",
      fmt::format("'{}' is longer than the {} characters that names of IAM roles leave",
                  spec.service, kMaxServiceName));
  problems.require(!spec.eks.split_groups || spec.scaling.spot_percent == 100, "eks.split_groups",
                   fmt::format("nodes.scaling.spot is {}%; with a group for each, 'spot: 100%' and "
                               "'on_demand_base' say how many nodes are of which",
                               spec.scaling.spot_percent));
  problems.require(!uses_irsa(spec) || !account_of(spec).empty(), "eks.account",
                   "with 'identity: irsa' service accounts state the ARNs of their roles, and the "
                   "file names no account, or several; say which, in quotes: \"123456789012\"");
}

}  // namespace

Result<Files> render(const spec::Spec& spec, const cloud::Catalogue& catalogue) {
  Problems problems;
  check_balancer(spec.load_balancer, problems);
  check_network(spec, problems);
  check_place(spec, problems);
  check_choices(spec, problems);
  problems.add(spec::check_instance_types(spec, catalogue));
  RETURN_IF_ERROR(problems.status());
  ASSIGN_OR_RETURN(const Image image, image_of(spec));
  RETURN_IF_ERROR(check_sidecar_images(spec));
  ASSIGN_OR_RETURN(const Image controller_image, controller_image_of(spec));
  Files out = render_terraform(spec, image, catalogue);
  out.merge(render_kubernetes(spec, image, controller_image));
  out.emplace("README.md", render_readme(spec, image));
  out.emplace("RUNBOOK.md", runbook(spec));
  return out;
}

}  // namespace minato::render
