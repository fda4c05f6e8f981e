# What every cluster needs. A version is EKS's default for the cluster's minor unless
# var.addon_versions pins one.

variable "addon_versions" {
  description = "Versions of add-ons that shall differ from EKS's default, by name."
  type        = map(string)
  default     = {}
}

data "aws_eks_addon_version" "this" {
  for_each = toset(concat(local.addons_before_nodes, keys(local.addons_on_nodes)))

  addon_name         = each.value
  kubernetes_version = aws_eks_cluster.this.version
}

locals {
  addon_versions = {
    for name, found in data.aws_eks_addon_version.this : name => lookup(var.addon_versions, name, found.version)
  }

  # DaemonSets, without which no node becomes ready and no Pod has an identity.
  addons_before_nodes = ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]

  # Their Pods need nodes.
  addons_on_nodes = {
    amazon-cloudwatch-observability = {
      containerLogs = { enabled = true }
    }
    aws-secrets-store-csi-driver-provider = { # eks.secrets
      secrets-store-csi-driver = { syncSecret = { enabled = true } }
    }
    coredns = {
      replicaCount = 2
      nodeSelector = { "minato.dev/node-group" = "master" }
      tolerations  = [{ key = "minato.dev/node-group", operator = "Exists", effect = "NoSchedule" }]
    }
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = toset(local.addons_before_nodes)

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.value
  addon_version               = local.addon_versions[each.value]
  configuration_values        = each.value == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null # network_policy
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "on_nodes" {
  for_each = local.addons_on_nodes

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = local.addon_versions[each.key]
  configuration_values        = jsonencode(each.value)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [
    aws_autoscaling_group.master,
    aws_autoscaling_group.scaling,
    aws_eks_pod_identity_association.this,
  ]
}
