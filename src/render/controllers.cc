#include "render/controllers.h"

#include "blueprint/own_controllers.h"
#include "render/identity.h"
#include "render/terraform.h"

namespace minato::render {
namespace {

constexpr std::string_view kImageName = "minato";

const Comments kOwnAccount{
    {"metadata.name", "bound to an IAM role by terraform/identity.tf"},
};

const Comments kOwnController{
    {"spec.replicas", "one leads, by the Lease kube-system/minato-controller; the other stands by"},
    {"spec.template.spec.containers[0].image", "eks.controller_image: pinned by the kustomization"},
    {"spec.template.spec.containers[0].args[1]", "service; its groups carry the tag (terraform/nodes.tf)"},
    {"spec.template.spec.containers[0].args[2]", "terraform/load-balancer.tf"},
    {"spec.template.spec.containers[0].env[0].value", "region"},
    {"spec.template.spec.containers[0].resources.limits", "a leak ends its own container; CPU is not limited"},
    {"spec.template.spec.nodeSelector", "neither spot nor a scale-down takes it away"},
};

const Comments kOwnAgent{
    {"spec.template.spec.containers[0].image", "eks.controller_image: pinned by the kustomization"},
    {"spec.template.spec.containers[0].args[3]", "as the life cycle hook holds an instance (terraform/nodes.tf)"},
    {"spec.template.spec.hostNetwork", "the instance metadata are one hop away (terraform/nodes.tf)"},
    {"spec.template.spec.tolerations", "every node, also one that is on its way out"},
};

Comments comments_of_controllers(const kube::Object& object) {
  const std::string_view kind = object.kind().kind;
  if (kind == "Deployment") return kOwnController;
  if (kind == "DaemonSet") return kOwnAgent;
  if (kind == "ServiceAccount" && object.metadata.name == blueprint::kControllerAccount) return kOwnAccount;
  return {};
}

// "minato-controller" and "ClusterRole" → "controller-cluster-role.yaml".
std::string file_name(const kube::Object& object) {
  return object.metadata.name.substr(kImageName.size() + 1) + "-" + dashed(object.kind().kind) + ".yaml";
}

}  // namespace

Result<Image> controller_image_of(const spec::Spec& spec) {
  if (!uses_own_controllers(spec)) return Image{};
  return parse_image("eks.controller_image", spec.eks.controller_image, "say where you push it");
}

std::vector<kube::ObjectPtr> controller_objects(const spec::Spec& spec) {
  blueprint::OwnControllers options{.image = std::string(kImageName),
                                    .cluster = spec.service,
                                    .target_group = short_name(spec),
                                    .region = spec.region,
                                    .hook_timeout = drain_time(spec),
                                    .controller_annotations = {}};
  if (uses_irsa(spec)) options.controller_annotations.emplace(kRoleAnnotation, role_arn(spec, "controller"));
  return blueprint::own_controller_objects(options);
}

void add_controller_files(const spec::Spec& spec, const Image& image, const std::string& directory,
                          Files& files) {
  if (!uses_own_controllers(spec)) return;
  std::vector<std::string> resources;
  for (const kube::ObjectPtr& object : controller_objects(spec)) {
    resources.push_back(file_name(*object));
    files[directory + resources.back()] = object_yaml(*object, comments_of_controllers(*object));
  }
  files[directory + "kustomization.yaml"] =
      "# minato's own controller and agent. A new version of them changes 'images' alone.\n"
      "# kubectl apply --server-side -k kubernetes/controllers\n" +
      kustomization(resources) + pinned_image(kImageName, image, "eks.controller_image");
}

}  // namespace minato::render
