#include "render/terraform.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "blueprint/blueprint.h"
#include "blueprint/own_controllers.h"
#include "kube/names.h"
#include "render/addons.h"
#include "render/alerts.h"
#include "render/controllers.h"
#include "render/hcl.h"
#include "render/identity.h"
#include "render/node_groups.h"
#include "render/prometheus.h"
#include "render/secrets.h"
#include "render/template.h"
#include "render/templates.h"

namespace minato::render {
namespace {

using Store = RemoteSecret::Store;

constexpr std::size_t kMaxBalancerName = 32;

std::int64_t seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

std::string yes_no(bool value) { return value ? "true" : "false"; }

std::string zone_numbers(const spec::Spec& spec) {
  std::vector<std::string> out;
  for (const std::string& zone : spec.zones) {
    out.push_back(fmt::format("{} = {}", hcl_quote(spec.region + zone), zone[0] - 'a'));
  }
  return "{ " + join(out, ", ") + " }";
}

// The domain without its first label, where nothing else is said.
std::string hosted_zone(const spec::Spec& spec) {
  if (!spec.eks.hosted_zone.empty()) return spec.eks.hosted_zone;
  if (!spec.eks.certificate.empty()) return "";
  return spec.domain.substr(spec.domain.find('.') + 1);
}

std::vector<std::string> zone_names(const spec::Spec& spec) {
  std::vector<std::string> out;
  for (const std::string& zone : spec.zones) out.push_back(spec.region + zone);
  return out;
}

void add_network(const spec::Spec& spec, const blueprint::Blueprint& blueprint, Values& out) {
  const balancer::TargetGroupConfig& group = blueprint.target_group;
  out.texts.insert({{"vpc_cidr", hcl_quote(spec.eks.vpc.cidr)},
                    {"vpc_id", hcl_quote(spec.eks.vpc.id)},
                    {"public_subnets", hcl_list(spec.eks.vpc.public_subnets)},
                    {"private_subnets", hcl_list(spec.eks.vpc.private_subnets)},
                    {"zone_numbers", zone_numbers(spec)},
                    {"idle_timeout", std::to_string(seconds(blueprint.idle_timeout))},
                    {"protect", yes_no(spec.eks.protect)},
                    {"algorithm", hcl_quote(group.algorithm == balancer::Algorithm::kRoundRobin
                                                ? "round_robin"
                                                : "least_outstanding_requests")},
                    {"deregistration_delay", std::to_string(seconds(group.deregistration_delay))},
                    {"slow_start", std::to_string(seconds(group.slow_start))},
                    {"health_path", hcl_quote(group.health_check.path)},
                    {"matcher", hcl_quote(fmt::format("{}-{}", group.health_check.status_low,
                                                      group.health_check.status_high))},
                    {"health_interval", std::to_string(seconds(group.health_check.interval))},
                    {"health_timeout", std::to_string(seconds(group.health_check.timeout))},
                    {"healthy_threshold", std::to_string(group.health_check.healthy_threshold)},
                    {"unhealthy_threshold", std::to_string(group.health_check.unhealthy_threshold)},
                    {"hosted_zone", hcl_quote(hosted_zone(spec))},
                    {"certificate", hcl_quote(spec.eks.certificate)}});
  out.flags.insert({{"nat_per_zone", spec.eks.vpc.nat_per_zone},
                    {"new_vpc", spec.eks.vpc.id.empty()},
                    {"hosted_zone", !hosted_zone(spec).empty()},
                    {"new_certificate", spec.eks.certificate.empty()}});
}

void add_nodes(const spec::Spec& spec, Values& out) {
  const bool bottlerocket = spec.eks.node_image == spec::Eks::NodeImage::kBottlerocket;
  const bool node_health = spec.eks.target_health == spec::Eks::TargetHealth::kNode;
  out.texts.insert({{"node_ports",
                     node_health ? "{ health = local.node_health_port, requests = local.node_port }"
                                 : "{ requests = local.node_port }"},
                    {"user_data", bottlerocket ? "bottlerocket.toml.tftpl" : "user-data.tftpl"},
                    {"drain_seconds", std::to_string(seconds(drain_time(spec)))}});
  out.flags.insert({{"bottlerocket", bottlerocket},
                    {"node_health", node_health},
                    {"split", spec.eks.split_groups}});
}

void add_identity(const spec::Spec& spec, Values& out) {
  const bool irsa = spec.eks.identity == spec::Eks::Identity::kIrsa;
  std::vector<std::string> addons{"kube-proxy", "vpc-cni"};
  if (!irsa) addons.insert(addons.begin(), "eks-pod-identity-agent");
  out.texts.insert(
      {{"partition", std::string(partition_of(spec))}, {"addons_before_nodes", hcl_list(addons)}});
  out.flags.insert({{"irsa", irsa},
                    {"own_controllers", uses_own_controllers(spec)},
                    {"network_policy", spec.network_policy.has_value()}});
}

void add_secrets(const spec::Spec& spec, Values& out) {
  std::vector<std::string> ssm, containers, resources;
  for (const RemoteSecret& secret : remote_secrets(spec)) {
    if (secret.store == Store::kSsm) {
      ssm.push_back(secret.name.starts_with('/') ? secret.name.substr(1) : secret.name);
    } else if (secret.name.starts_with("arn:")) {
      resources.push_back(secret.name);
    } else {
      containers.push_back(secret.name);
    }
  }
  for (std::vector<std::string>* list : {&ssm, &containers, &resources}) {
    std::ranges::sort(*list);
    list->erase(std::ranges::unique(*list).begin(), list->end());
  }
  const bool csi = spec.eks.secrets == spec::Eks::Secrets::kCsi && !spec.secrets.empty();
  const bool plain = spec.eks.secrets == spec::Eks::Secrets::kPlain;
  std::string sm = hcl_list(resources);
  if (!containers.empty()) {
    const std::string own = "[for secret in aws_secretsmanager_secret.this : secret.arn]";
    sm = resources.empty() ? own : fmt::format("concat({}, {})", own, sm);
  }
  out.texts.insert({{"ssm_names", hcl_list(ssm)},
                    {"sm_containers", hcl_list(containers)},
                    {"sm_resources", sm},
                    {"reader_role", csi ? "service" : "external-secrets"},
                    {"autoscaler_account", std::string(kAutoscalerAccount)},
                    {"controller_account", std::string(blueprint::kControllerAccount)},
                    {"external_secrets_account", std::string(kExternalSecretsAccount)},
                    {"external_secrets_namespace", std::string(kExternalSecretsNamespace)}});
  const bool any_sm = !containers.empty() || !resources.empty();
  out.flags.insert({{"ssm", !ssm.empty()},
                    {"sm", any_sm},
                    {"both", any_sm && !ssm.empty()},
                    {"sm_containers", !containers.empty()},
                    {"secrets", !spec.secrets.empty()},
                    {"reader", !spec.secrets.empty() && !plain},
                    {"csi", csi},
                    {"plain", plain && !spec.secrets.empty()},
                    {"external_secrets", uses_external_secrets(spec)}});
}

// Who is told of alarms. Those that only Alertmanager can tell are in its own configuration.
void add_alerts(const spec::Spec& spec, Values& out) {
  std::vector<std::string> emails, topics;
  std::string literals;
  for (const spec::Alert& alert : spec.alerts) {
    if (alert.kind == "email")
      emails.push_back(alert.target);
    else if (alert.kind == "sns")
      topics.push_back(alert.target);
    else
      literals += fmt::format(" \\\n  --from-literal={}=…", alert.kind);
  }
  add_alarm_texts(spec, out);
  out.texts.insert({{"emails", hcl_list(emails)},
                    {"topics", hcl_list(topics)},
                    {"alert_secret", alerts_secret_name(spec)},
                    {"alert_literals", literals}});
  out.flags.insert({{"scales", spec.scaling.max > spec.scaling.min},
                    {"emails", !emails.empty()},
                    {"topics", !topics.empty()},
                    {"alert_secret", !literals.empty() && spec.eks.prometheus}});
}

Values shared_values(const spec::Spec& spec, const blueprint::Blueprint& blueprint,
                     const Image& image) {
  Values out;
  out.texts = {
      {"service", hcl_quote(spec.service)},
      {"short_name", hcl_quote(short_name(spec))},
      {"domain", hcl_quote(spec.domain)},
      {"region", hcl_quote(spec.region)},
      {"zones", hcl_list(zone_names(spec))},
      {"node_port", std::to_string(blueprint::kNodePort)},
      {"group_label", std::string(kube::kLabelNodeGroup)},
      {"version", hcl_quote(spec.eks.version)},
      {"retention", std::to_string(spec.eks.log_retention_days)},
      {"api_access", hcl_list(spec.eks.api_access)},
      {"admin_arns", hcl_list(spec.eks.admins)},
      {"policies", hcl_list(spec.eks.policies)},
      {"repository", hcl_quote(ecr_repository(image, spec))},
      {"image_key", spec.eks.image.empty() ? "image" : "eks.image"},
      {"p99_seconds", fmt::format("{:g}", std::chrono::duration<double>(spec.slo.p99).count())},
      {"error_percent", fmt::format("{:.6g}", 100 - spec.slo.availability_percent)}};
  out.flags = {{"admins", !spec.eks.admins.empty()},
               {"public_api", !spec.eks.api_access.empty()},
               {"protect", spec.eks.protect},
               {"policies", !spec.eks.policies.empty()},
               {"ecr", !ecr_repository(image, spec).empty()}};
  add_network(spec, blueprint, out);
  add_nodes(spec, out);
  add_identity(spec, out);
  add_secrets(spec, out);
  add_alerts(spec, out);
  return out;
}

std::string secret_commands(const spec::Spec& spec) {
  std::vector<std::string> out;
  for (const RemoteSecret& secret : remote_secrets(spec)) {
    if (secret.store == Store::kSsm) {
      out.push_back(
          fmt::format("aws ssm put-parameter --region {} --type SecureString --overwrite --name {} "
                      "--value …  # {}",
                      spec.region, secret.name, secret.key));
    } else {
      out.push_back(
          fmt::format("aws secretsmanager put-secret-value --region {} --secret-id {} "
                      "--secret-string …  # {}{}",
                      spec.region, secret.name, secret.key,
                      secret.property.empty() ? "" : ", member " + secret.property));
    }
  }
  return join(out, "\n");
}

}  // namespace

Duration drain_time(const spec::Spec& spec) {
  constexpr Duration kToNoticeIt = 30s;
  return spec.stop.drain + spec.stop.timeout + spec.load_balancer.deregistration_delay + kToNoticeIt;
}

std::string short_name(const spec::Spec& spec) {
  std::string out = spec.service.substr(0, kMaxBalancerName);
  while (out.ends_with('-')) out.pop_back();
  return out;
}

Files render_terraform(const spec::Spec& spec, const Image& image,
                       const cloud::Catalogue& catalogue) {
  const blueprint::Blueprint blueprint = blueprint::compile(spec, {});
  const Values values = shared_values(spec, blueprint, image);
  std::string nodes = expand(kNodesTf, values);
  nodes += node_groups(spec, blueprint, catalogue, values);
  std::map<std::string, std::string> texts{
      {"versions.tf", expand(kVersionsTf, values)},
      {"locals.tf", expand(kLocalsTf, values)},
      {"network.tf", expand(spec.eks.vpc.id.empty() ? kNetworkTf : kExistingNetworkTf, values)},
      {"load-balancer.tf", expand(kLoadBalancerTf, values)},
      {"certificate.tf", expand(kCertificateTf, values)},
      {"cluster.tf", expand(kClusterTf, values)},
      {"addons.tf", expand(kAddonsTf, values)},
      {"nodes.tf", std::move(nodes)},
      {"identity.tf", expand(kIdentityTf, values) +
                          expand(uses_own_controllers(spec) ? kControllerPolicyTf : kAutoscalerPolicyTf, values)},
      {"observability.tf", expand(kObservabilityTf, values)},
      {"outputs.tf", expand(kOutputsTf, values)}};
  if (values.flags.at("ecr")) texts.emplace("registry.tf", expand(kRegistryTf, values));
  if (values.flags.at("secrets") && spec.eks.secrets != spec::Eks::Secrets::kPlain) {
    texts.emplace("secrets.tf", expand(kSecretsTf, values));
  }
  Files files{{"terraform/templates/" + values.texts.at("user_data"),
               expand(values.flags.at("bottlerocket") ? kBottlerocketTpl : kUserDataTpl, values)}};
  for (const auto& [name, text] : texts) files["terraform/" + name] = hcl_align(text);
  return files;
}

std::string render_readme(const spec::Spec& spec, const Image& image) {
  Values values = shared_values(spec, blueprint::compile(spec, {}), image);
  values.texts["service"] = spec.service;
  std::string literals;
  for (const auto& [name, source] : spec.secrets)
    literals += fmt::format(" \\\n  --from-literal={}=…", name);
  values.texts.insert(
      {{"version_plain", spec.eks.version},
       {"network_line",
        spec.eks.vpc.id.empty() ? "the VPC" : "the existing VPC " + spec.eks.vpc.id},
       {"addons_line", uses_external_secrets(spec) ? ", secrets" : ""},
       {"first_nodes", std::to_string(spec.scaling.min)},
       {"secret_name", secret_name(spec)},
       {"plain_literals", literals},
       {"secret_commands", secret_commands(spec)}});
  values.flags["first_nodes"] = spec.scaling.min > 0;
  if (spec.eks.secrets == spec::Eks::Secrets::kPlain) values.flags["secrets"] = false;
  return expand(kReadme, values);
}

}  // namespace minato::render
