#include "render/secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>

#include "render/identity.h"
#include "render/yaml.h"

namespace minato::render {
namespace json = boost::json;
namespace {

using Kind = spec::SecretSource::Kind;

RemoteSecret remote_secret(const spec::Spec& spec, const std::string& variable,
                           const spec::SecretSource& source) {
  RemoteSecret out{.variable = variable, .key = "secrets." + variable};
  if (source.kind == Kind::kSsm) {
    out.name = source.name;
  } else if (source.kind == Kind::kSecretsManager) {
    out.store = RemoteSecret::Store::kSecretsManager;
    const std::size_t hash = source.name.find('#');
    out.name = source.name.substr(0, hash);
    if (hash != std::string::npos) out.property = source.name.substr(hash + 1);
  } else {
    out.name = fmt::format("/{}/{}", spec.service, variable);
  }
  return out;
}

std::string_view store_name(RemoteSecret::Store store) {
  return store == RemoteSecret::Store::kSsm ? "parameter-store" : "secrets-manager";
}

json::object metadata(const spec::Spec& spec, std::string_view name) {
  return {{"name", name},
          {"namespace", spec.service},
          {"labels",
           {{"app.kubernetes.io/name", spec.service}, {"app.kubernetes.io/managed-by", "minato"}}}};
}

std::string store_yaml(const spec::Spec& spec, RemoteSecret::Store store) {
  const json::object object{
      {"apiVersion", "external-secrets.io/v1"},
      {"kind", "SecretStore"},
      {"metadata", metadata(spec, store_name(store))},
      {"spec",
       {{"provider",
         {{"aws",
           {{"service", store == RemoteSecret::Store::kSsm ? "ParameterStore" : "SecretsManager"},
            {"region", spec.region}}}}}}}};
  return to_yaml(object,
                 {{"spec.provider.aws", "as the role of the operator (terraform/identity.tf)"},
                  {"spec.provider.aws.region", "region"}});
}

std::string external_secret_yaml(const spec::Spec& spec, RemoteSecret::Store store,
                                 const std::vector<RemoteSecret>& secrets) {
  json::array data;
  Comments comments{{"spec.target.name", "what the Deployment's envFrom names"},
                    {"spec.refreshInterval", "a changed value reaches Pods that start after this"}};
  for (const RemoteSecret& secret : secrets) {
    json::object remote{{"key", secret.name}};
    if (!secret.property.empty()) remote["property"] = secret.property;
    comments.emplace(fmt::format("spec.data[{}].secretKey", data.size()), secret.key);
    data.push_back(json::object{{"secretKey", secret.variable}, {"remoteRef", std::move(remote)}});
  }
  // Two stores write into one Secret: the first owns it, the second adds its members.
  const bool owner = secrets.front().variable == remote_secrets(spec).front().variable;
  const json::object object{
      {"apiVersion", "external-secrets.io/v1"},
      {"kind", "ExternalSecret"},
      {"metadata", metadata(spec, fmt::format("{}-{}", spec.service, store_name(store)))},
      {"spec",
       {{"refreshInterval", "15m"},
        {"secretStoreRef", {{"kind", "SecretStore"}, {"name", store_name(store)}}},
        {"target", {{"name", secret_name(spec)}, {"creationPolicy", owner ? "Owner" : "Merge"}}},
        {"data", std::move(data)}}}};
  return to_yaml(object, comments);
}

// The order in which the stores first appear in the file.
std::vector<RemoteSecret::Store> stores_of(const std::vector<RemoteSecret>& secrets) {
  std::vector<RemoteSecret::Store> out;
  for (const RemoteSecret& secret : secrets) {
    if (std::ranges::find(out, secret.store) == out.end()) out.push_back(secret.store);
  }
  return out;
}

void add_external_secrets(const spec::Spec& spec, const std::vector<RemoteSecret>& secrets,
                          const std::string& directory, Files& files,
                          std::vector<std::string>& resources) {
  std::string stores, externals;
  for (const RemoteSecret::Store store : stores_of(secrets)) {
    std::vector<RemoteSecret> kept;
    std::ranges::copy_if(secrets, std::back_inserter(kept),
                         [&](const RemoteSecret& s) { return s.store == store; });
    if (!stores.empty()) stores += "---\n", externals += "---\n";
    stores += store_yaml(spec, store);
    externals += external_secret_yaml(spec, store, kept);
  }
  files[directory + "secret-store.yaml"] = std::move(stores);
  files[directory + "external-secret.yaml"] = std::move(externals);
  resources.insert(resources.end(), {"secret-store.yaml", "external-secret.yaml"});
}

// Rule: aws/secrets-store-csi-driver-provider-aws README; secrets-store-csi-driver.sigs.k8s.io,
// "Sync as Kubernetes Secret".
void add_provider_class(const spec::Spec& spec, const std::vector<RemoteSecret>& secrets,
                        const std::string& directory, Files& files,
                        std::vector<std::string>& resources) {
  json::array objects, members;
  for (const RemoteSecret& secret : secrets) {
    json::object object{
        {"objectName", secret.name},
        {"objectType",
         secret.store == RemoteSecret::Store::kSsm ? "ssmparameter" : "secretsmanager"}};
    if (secret.property.empty()) {
      object["objectAlias"] = secret.variable;
    } else {
      object["jmesPath"] =
          json::array{json::object{{"path", secret.property}, {"objectAlias", secret.variable}}};
    }
    objects.push_back(std::move(object));
    members.push_back(json::object{{"objectName", secret.variable}, {"key", secret.variable}});
  }
  // The provider takes its list as text: YAML in YAML. A mapping of one key gives its layout.
  std::string list = to_yaml(json::object{{"objects", std::move(objects)}});
  list.erase(0, list.find('\n') + 1);
  json::object parameters{{"region", spec.region}};
  if (!uses_irsa(spec)) parameters["usePodIdentity"] = "true";
  parameters["objects"] = list;
  const json::object object{
      {"apiVersion", "secrets-store.csi.x-k8s.io/v1"},
      {"kind", "SecretProviderClass"},
      {"metadata", metadata(spec, secret_name(spec))},
      {"spec",
       {{"provider", "aws"},
        {"parameters", std::move(parameters)},
        {"secretObjects", json::array{json::object{{"secretName", secret_name(spec)},
                                                   {"type", "Opaque"},
                                                   {"data", std::move(members)}}}}}}};
  files[directory + "secret-provider-class.yaml"] =
      to_yaml(object, {{"spec.parameters.region", "region"},
                       {"spec.parameters.objects", "secrets"},
                       {"spec.secretObjects", "what the Deployment's envFrom names"}});
  resources.push_back("secret-provider-class.yaml");
}

}  // namespace

std::span<const SecretWay> secret_ways() {
  static constexpr auto kWays = std::to_array<SecretWay>({
      {"external-secrets",
       "External Secrets copies values from Parameter Store and Secrets Manager into a Secret of "
       "the "
       "cluster",
       "manifests hold names only; changed values arrive within 15 minutes; Pods start without AWS",
       "an operator to keep up to date (a new minor every few weeks, only the newest supported); "
       "the "
       "values also stand in the cluster's store; running Pods see a change after a restart only"},
      {"csi",
       "the Secrets Store CSI driver reads values when a Pod starts, as the Pod's own role, into "
       "files "
       "and a Secret",
       "every service reads its own secrets with its own permissions; an EKS add-on, nothing to "
       "host",
       "a Pod cannot start while AWS does not answer; the Secret exists only while a Pod mounts "
       "it"},
      {"plain", "you make the Secret by hand with kubectl", "no operator, no AWS permissions",
       "nobody rotates it, nothing records it, and it is lost with the cluster; only for a "
       "beginning"},
  });
  return kWays;
}

std::vector<RemoteSecret> remote_secrets(const spec::Spec& spec) {
  std::vector<RemoteSecret> out;
  for (const auto& [variable, source] : spec.secrets)
    out.push_back(remote_secret(spec, variable, source));
  return out;
}

std::string secret_name(const spec::Spec& spec) { return spec.service + "-secret"; }

void add_secret_files(const spec::Spec& spec, const std::string& directory, Files& files,
                      std::vector<std::string>& resources) {
  const std::vector<RemoteSecret> secrets = remote_secrets(spec);
  if (secrets.empty()) return;
  switch (spec.eks.secrets) {
    case spec::Eks::Secrets::kExternalSecrets:
      add_external_secrets(spec, secrets, directory, files, resources);
      break;
    case spec::Eks::Secrets::kCsi:
      add_provider_class(spec, secrets, directory, files, resources);
      break;
    case spec::Eks::Secrets::kPlain: break;  // Made by hand; the README has the command.
  }
}

}  // namespace minato::render
