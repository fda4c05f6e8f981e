#include "render/templates.h"

namespace minato::render {

const std::string_view kRegistryTf = R"TF(
resource "aws_ecr_repository" "this" {
  name = @{repository} # @{image_key}
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description = "Enough to roll back to"
      selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 100 }
      action = { type = "expire" }
    }]
  })
}
)TF";

const std::string_view kSecretsTf = R"TF(
# Where the secrets are kept. No value ever enters Terraform: it would stand in the state in the clear.
# README.md says how to set them.
@if sm_containers

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(@{sm_containers}) # secrets

  name = each.value
}
@end
@if ssm

# Parameters cannot exist without a value, and even an ignored one is read back into the state: they
# are made by hand, and only named here.

data "aws_caller_identity" "this" {}
@end
@if reader

data "aws_iam_policy_document" "read_secrets" {
@if ssm
  statement {
    sid = "Parameters"
    actions = ["ssm:GetParameter", "ssm:GetParameters"]
    resources = [
      for name in @{ssm_names} : # secrets
      "arn:@{partition}:ssm:${local.region}:${data.aws_caller_identity.this.account_id}:parameter/${name}"
    ]
  }
@end
@if both

@end
@if sm
  statement {
    sid = "Secrets"
    actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = @{sm_resources} # secrets
  }
@end
}

resource "aws_iam_role_policy" "read_secrets" {
  name = "read-secrets"
  role = aws_iam_role.pod["@{reader_role}"].name
  policy = data.aws_iam_policy_document.read_secrets.json
}
@end
)TF";

const std::string_view kOutputsTf = R"TF(
output "url" {
  description = "Where the service answers."
  value = "https://${local.domain}"
}

output "load_balancer" {
@if hosted_zone
  description = "What the domain points to."
@else
  description = "What the domain must point to (CNAME or alias)."
@end
  value = aws_lb.this.dns_name
}

output "kubeconfig" {
  description = "Makes kubectl speak to this cluster."
  value = "aws eks update-kubeconfig --region ${local.region} --name ${aws_eks_cluster.this.name}"
}

output "target_group_arn" {
  description = "What the nodes of the scaling groups are registered with."
  value = aws_lb_target_group.this.arn
}

output "alarm_topic_arn" {
  description = "Subscribe to it whoever is to be woken up."
  value = aws_sns_topic.alarms.arn
}
@if ecr

output "registry" {
  description = "Where the image is pushed."
  value = aws_ecr_repository.this.repository_url
}
@end
)TF";

const std::string_view kReadme = R"TF(
# @{service} on EKS

Rendered by minato. Yours to read, keep and change: `minato render` notices a file that was edited by
hand and leaves it alone unless told otherwise; `minato render --diff` shows what it would change.

| | |
|---|---|
| `terraform/locals.tf` | the values that files share, with their keys in `minato.yaml` |
| `terraform/network.tf` | @{network_line} |
| `terraform/load-balancer.tf`, `certificate.tf` | HTTPS listener, redirect, target group on NodePort @{node_port} |
| `terraform/cluster.tf`, `addons.tf` | EKS @{version_plain}, who may use it, its add-ons |
| `terraform/nodes.tf` | the Auto Scaling groups |
| `terraform/identity.tf` | roles of Pods |
| `terraform/observability.tf` | logs and alarms; `RUNBOOK.md` says what to do about each |
| `kubernetes/base`, `overlays/eks` | the service |
@if own_controllers
| `kubernetes/controllers` | minato's own controller and agent (eks.controller_image) |
| `kubernetes/addons` | Helm charts: metrics@{addons_line} |
@else
| `kubernetes/addons` | Helm charts: autoscaler, termination handler, metrics@{addons_line} |
@end

## Apply
Terraform's state lies in `terraform/` until a `backend` says otherwise. With two people it should: put
one, such as a versioned bucket on S3, into a file of your own (`terraform/backend.tf`).
```sh
cd terraform
terraform init
@if ecr
terraform apply -target=aws_ecr_repository.this   # then push the image to its registry
@end
terraform apply
eval "$(terraform output -raw kubeconfig)"
@if !public_api
# The API answers within the VPC only (eks.api_access): from here on, from a machine in there.
@end
cd ..
kubectl kustomize --enable-helm kubernetes/addons | kubectl apply --server-side -f -
@if own_controllers
kubectl apply --server-side -k kubernetes/controllers
@end
@if external_secrets
kubectl -n @{external_secrets_namespace} rollout status deployment/external-secrets-webhook
@end
@if plain
kubectl create namespace @{service}
kubectl -n @{service} create secret generic @{secret_name}@{plain_literals}
@end
@if alert_secret
@if !plain
kubectl create namespace @{service}
@end
kubectl -n @{service} create secret generic @{alert_secret}@{alert_literals}
@end
@if first_nodes
# The first Pods would all sit on the first node, and stay there.
until [ "$(kubectl get nodes -l @{group_label}=scaling --no-headers | grep -cw Ready)" -ge @{first_nodes} ]; do sleep 5; done
@end
kubectl apply --server-side -k kubernetes/overlays/eks
kubectl -n @{service} rollout status deployment/@{service}
```
@if secrets

## Secrets
Values are set once, by hand, before the service is applied; no file here and no Terraform state ever
has them.
```sh
@{secret_commands}
```
@end
@if protect

## Destroy
`eks.protect` guards the cluster (`prevent_destroy`) and the load balancer (deletion protection): set it
to false and render and apply again, before `terraform destroy`.
@end
)TF";

}  // namespace minato::render
