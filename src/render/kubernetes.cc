#include "render/kubernetes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "render/addons.h"
#include "render/comments.h"
#include "render/controllers.h"
#include "render/identity.h"
#include "render/prometheus.h"
#include "render/secrets.h"
#include "render/manifest.h"

namespace minato::render {
namespace json = boost::json;
namespace {

constexpr std::string_view kBase = "kubernetes/base/";
constexpr std::int32_t kMinReadySeconds = 5;
constexpr Duration kNodeArrives =
    4min;  // Decision, boot, image: two to three minutes, and a reserve.
constexpr std::string_view kOverlay = "kubernetes/overlays/eks/";

constexpr auto kDifferences = std::to_array<Difference>({
    {"Deployment", "spec.replicas",
     "the HorizontalPodAutoscaler owns the number; applying must not reset it"},
    {"Deployment", "spec.minReadySeconds",
     "a Pod that fails in its first seconds stops the rollout; locally the next one would wait"},
    {"Deployment", "spec.progressDeadlineSeconds",
     "an instance of EC2 takes minutes to arrive and to fetch the image; a local one, seconds"},
    {"Deployment", "spec.template.spec.containers[].image",
     "the overlay names the registry's image and pins it"},
    {"Deployment", "spec.template.spec.containers[].envFrom[].secretRef.name",
     "the Secret is written in the cluster from where its values are kept, so its name is fixed"},
    {"Deployment", "spec.template.spec.containers[].env[].valueFrom.secretKeyRef.name",
     "the same, in sidecars"},
    {"Deployment", "spec.template.spec.initContainers[].env[].valueFrom.secretKeyRef.name",
     "the same, in sidecars"},
    {"Deployment", "spec.template.spec.serviceAccountName",
     "an identity of its own, for its IAM role"},
    {"Deployment", "spec.template.spec.volumes",
     "with eks.secrets: csi, the volume that brings the secrets"},
    {"Deployment", "spec.template.spec.containers[].volumeMounts",
     "with eks.secrets: csi, that volume's mount"},
    {"Secret", "", "values never stand in rendered files"},
    {"ServiceAccount", "", "an identity of its own, for its IAM role"},
});

// Secrets count here by name only.
blueprint::Blueprint blueprint_of(const spec::Spec& spec) {
  blueprint::SecretValues names;
  for (const auto& [name, source] : spec.secrets) names.emplace(name, "");
  return blueprint::compile(spec, names);
}

void mount_secrets(const spec::Spec& spec, kube::PodSpec& pod) {
  kube::Volume& volume = pod.volumes.emplace_back();
  volume.name = "secrets";
  auto& csi = volume.volume_source.csi.emplace();
  csi.driver = "secrets-store.csi.k8s.io";
  csi.read_only = true;
  csi.volume_attributes = {{"secretProviderClass", secret_name(spec)}};
  kube::VolumeMount& mount = pod.containers.at(0).volume_mounts.emplace_back();
  mount.name = "secrets";
  mount.mount_path = "/var/run/secrets/" + spec.service;
  mount.read_only = true;
}

void name_secret(const std::string& name, kube::Container& container) {
  for (kube::EnvFromSource& source : container.env_from) {
    if (source.secret_ref) source.secret_ref->local_object_reference.name = name;
  }
  for (kube::EnvVar& variable : container.env) {
    if (variable.value_from && variable.value_from->secret_key_ref)
      variable.value_from->secret_key_ref->local_object_reference.name = name;
  }
}

kube::Deployment eks_deployment(const spec::Spec& spec, kube::Deployment deployment) {
  deployment.spec.replicas.reset();
  deployment.spec.min_ready_seconds = kMinReadySeconds;
  deployment.spec.progress_deadline_seconds =
      std::chrono::ceil<std::chrono::seconds>(spec.startup + kNodeArrives).count();
  kube::PodSpec& pod = deployment.spec.template_.spec;
  pod.service_account_name = spec.service;
  pod.containers.at(0).image = spec.service;
  for (auto* containers : {&pod.containers, &pod.init_containers}) {
    for (kube::Container& container : *containers) name_secret(secret_name(spec), container);
  }
  if (!spec.secrets.empty() && spec.eks.secrets == spec::Eks::Secrets::kCsi)
    mount_secrets(spec, pod);
  return deployment;
}

kube::ServiceAccount make_service_account(const spec::Spec& spec) {
  kube::ServiceAccount out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = {{"app.kubernetes.io/name", spec.service},
                         {"app.kubernetes.io/managed-by", "minato"}};
  out.automount_service_account_token = false;
  if (uses_irsa(spec))
    out.metadata.annotations[std::string(kRoleAnnotation)] = role_arn(spec, "service");
  return out;
}

bool is_headroom(const spec::Spec& spec, const kube::Object& object) {
  return object.metadata.name.ends_with(blueprint::headroom_name(spec));
}

// "HorizontalPodAutoscaler" → "horizontal-pod-autoscaler.yaml".
std::string file_name(const spec::Spec& spec, const kube::Object& object) {
  const std::string_view kind = object.kind().kind;
  if (!is_headroom(spec, object)) return dashed(kind) + ".yaml";
  return kind == "Deployment" ? "headroom.yaml" : "headroom-" + dashed(kind) + ".yaml";
}

std::string overlay_kustomization(const spec::Spec& spec, const Image& image,
                                  const std::vector<std::string>& resources) {
  return "# The service on EKS. A deploy of a new image changes 'images' alone.\n" +
         kustomization(resources) +
         pinned_image(spec.service, image, spec.eks.image.empty() ? "image" : "eks.image");
}

}  // namespace

Status check_sidecar_images(const spec::Spec& spec) {
  for (const spec::Sidecar& sidecar : spec.sidecars) {
    RETURN_IF_ERROR(check_remote(sidecar.image, fmt::format("sidecars.{}.image", sidecar.name),
                                 "say in an overlay for EKS where you push it"));
  }
  return {};
}

std::span<const Difference> differences() { return kDifferences; }

Result<Image> image_of(const spec::Spec& spec) {
  const std::string key = spec.eks.image.empty() ? "image" : "eks.image";
  return parse_image(key, spec.eks.image.empty() ? spec.image : spec.eks.image,
                     "say in 'eks.image' where you push it");
}

std::string ecr_repository(const Image& image, const spec::Spec& spec) {
  const std::string_view china = partition_of(spec) == "aws-cn" ? ".cn" : "";
  const std::string host = fmt::format(".dkr.ecr.{}.amazonaws.com{}/", spec.region, china);
  const std::size_t at = image.name.find(host);
  return at == std::string::npos ? "" : image.name.substr(at + host.size());
}

std::vector<kube::ObjectPtr> base_objects(const spec::Spec& spec) {
  std::vector<kube::ObjectPtr> out;
  for (const kube::ObjectPtr& object : blueprint_of(spec).objects) {
    const std::string_view kind = object->kind().kind;
    if (kind == "Secret") continue;
    if (kind == "Deployment" && !is_headroom(spec, *object)) {
      out.push_back(std::make_shared<const kube::Deployment>(
          eks_deployment(spec, kube::as<kube::Deployment>(*object))));
      continue;
    }
    out.push_back(object);
    if (kind == "Namespace")
      out.push_back(std::make_shared<const kube::ServiceAccount>(make_service_account(spec)));
  }
  return out;
}

Files render_kubernetes(const spec::Spec& spec, const Image& image, const Image& controller_image) {
  Files files;
  std::vector<std::string> base, overlay{"../../base"};
  for (const kube::ObjectPtr& object : base_objects(spec)) {
    base.push_back(file_name(spec, *object));
    files[std::string(kBase) + base.back()] = object_yaml(*object, comments_of(spec, *object));
  }
  files[std::string(kBase) + "kustomization.yaml"] =
      "# The service as any cluster can run it; what only EKS knows is in overlays/eks.\n" +
      kustomization(base);
  add_secret_files(spec, std::string(kOverlay), files, overlay);
  if (spec.eks.prometheus) {
    overlay.push_back("prometheus-rule.yaml");
    files[std::string(kOverlay) + overlay.back()] = prometheus_rule_yaml(spec);
    if (std::string config = alertmanager_config_yaml(spec); !config.empty()) {
      overlay.push_back("alertmanager-config.yaml");
      files[std::string(kOverlay) + overlay.back()] = std::move(config);
    }
  }
  files[std::string(kOverlay) + "kustomization.yaml"] = overlay_kustomization(spec, image, overlay);
  add_addon_files(spec, "kubernetes/addons/", files);
  add_controller_files(spec, controller_image, "kubernetes/controllers/", files);
  return files;
}

}  // namespace minato::render
