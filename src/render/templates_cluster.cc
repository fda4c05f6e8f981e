#include "render/templates.h"

namespace minato::render {

const std::string_view kClusterTf = R"TF(
# Before the cluster, which would make it without an end to its retention.
resource "aws_cloudwatch_log_group" "cluster" {
  name = "/aws/eks/${local.cluster}/cluster"
  retention_in_days = @{retention} # eks.log_retention_days
}

data "aws_iam_policy_document" "cluster_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type = "Service"
      identifiers = ["eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "cluster" {
  name = "${local.cluster}-cluster"
  assume_role_policy = data.aws_iam_policy_document.cluster_trust.json
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role = aws_iam_role.cluster.name
  policy_arn = "arn:@{partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "this" {
  name = local.cluster
  version = @{version} # eks.version
  role_arn = aws_iam_role.cluster.arn
  enabled_cluster_log_types = ["api", "audit", "authenticator"]

  # Every add-on is one of EKS's, at a version that is ours to choose (addons.tf).
  bootstrap_self_managed_addons = false

  access_config {
    authentication_mode = "API"
@if admins
    bootstrap_cluster_creator_admin_permissions = false # eks.admins
@else
    bootstrap_cluster_creator_admin_permissions = true # eks.admins: none, so whoever applies
@end
  }

  vpc_config {
    subnet_ids = local.private_subnet_ids
    endpoint_private_access = true
@if public_api
    endpoint_public_access = true
    public_access_cidrs = @{api_access} # eks.api_access
@else
    endpoint_public_access = false # eks.api_access: none, so from within the VPC only
@end
  }

  kubernetes_network_config {
    service_ipv4_cidr = local.service_cidr
  }

  # The default, EXTENDED, keeps a version beyond its end at six times the price.
  upgrade_policy {
    support_type = "STANDARD"
  }
@if protect

  lifecycle {
    prevent_destroy = true # eks.protect
  }
@end

  depends_on = [
    aws_cloudwatch_log_group.cluster,
    aws_iam_role_policy_attachment.cluster,
  ]
}
@if admins

resource "aws_eks_access_entry" "admin" {
  for_each = toset(@{admin_arns}) # eks.admins

  cluster_name = aws_eks_cluster.this.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = aws_eks_access_entry.admin

  cluster_name = aws_eks_cluster.this.name
  principal_arn = each.value.principal_arn
  policy_arn = "arn:@{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}
@end

# Lets instances with this role join as nodes.
resource "aws_eks_access_entry" "node" {
  cluster_name = aws_eks_cluster.this.name
  principal_arn = aws_iam_role.node.arn
  type = "EC2_LINUX"
}
)TF";

const std::string_view kAddonsTf = R"TF(
# What every cluster needs. A version is EKS's default for the cluster's minor unless
# var.addon_versions pins one.

variable "addon_versions" {
  description = "Versions of add-ons that shall differ from EKS's default, by name."
  type = map(string)
  default = {}
}

data "aws_eks_addon_version" "this" {
  for_each = toset(concat(local.addons_before_nodes, keys(local.addons_on_nodes)))

  addon_name = each.value
  kubernetes_version = aws_eks_cluster.this.version
}

locals {
  addon_versions = {
    for name, found in data.aws_eks_addon_version.this : name => lookup(var.addon_versions, name, found.version)
  }

@if irsa
  # DaemonSets, without which no node becomes ready.
@else
  # DaemonSets, without which no node becomes ready and no Pod has an identity.
@end
  addons_before_nodes = @{addons_before_nodes}

  # Their Pods need nodes.
  addons_on_nodes = {
    amazon-cloudwatch-observability = {
      containerLogs = { enabled = true }
    }
@if csi
    aws-secrets-store-csi-driver-provider = { # eks.secrets
      secrets-store-csi-driver = { syncSecret = { enabled = true } }
    }
@end
    coredns = {
      replicaCount = 2
      nodeSelector = { "@{group_label}" = "master" }
      tolerations = [{ key = "@{group_label}", operator = "Exists", effect = "NoSchedule" }]
    }
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = toset(local.addons_before_nodes)

  cluster_name = aws_eks_cluster.this.name
  addon_name = each.value
  addon_version = local.addon_versions[each.value]
@if network_policy
  configuration_values = each.value == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null # network_policy
@end
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "on_nodes" {
  for_each = local.addons_on_nodes

  cluster_name = aws_eks_cluster.this.name
  addon_name = each.key
  addon_version = local.addon_versions[each.key]
  configuration_values = jsonencode(each.value)
@if irsa
  service_account_role_arn = each.key == "amazon-cloudwatch-observability" ? aws_iam_role.pod["cloudwatch-agent"].arn : null
@end
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [
    aws_autoscaling_group.master,
    aws_autoscaling_group.scaling,
@if !irsa
    aws_eks_pod_identity_association.this,
@end
  ]
}
)TF";

}  // namespace minato::render
