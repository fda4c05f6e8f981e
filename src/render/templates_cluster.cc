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
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
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
)TF";

const std::string_view kAddonsTf = R"TF(
# Who may use the cluster, and what every cluster needs. A version is EKS's default for the
# cluster's minor unless var.addon_versions pins one.
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
  policy_arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

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

  # DaemonSets, without which no node becomes ready and no Pod has an identity.
  addons_before_nodes = ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]

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
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "on_nodes" {
  for_each = local.addons_on_nodes

  cluster_name = aws_eks_cluster.this.name
  addon_name = each.key
  addon_version = local.addon_versions[each.key]
  configuration_values = jsonencode(each.value)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [
    aws_autoscaling_group.master,
    aws_autoscaling_group.scaling,
    aws_eks_pod_identity_association.this,
  ]
}
)TF";

const std::string_view kNodesTf = R"TF(
# Two groups: master, on demand and tainted, for what the cluster itself needs; scaling, for the service.

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "node" {
  name = "${local.cluster}-node"
  assume_role_policy = data.aws_iam_policy_document.node_trust.json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset([
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
  ])

  role = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

resource "aws_iam_instance_profile" "node" {
  name = "${local.cluster}-node"
  role = aws_iam_role.node.name
}

# Beside the cluster's own group, which alone carries the tag kubernetes.io/cluster/….
resource "aws_security_group" "node" {
  name = "${local.cluster}-node"
  description = "The NodePort of ${local.service} from its load balancer"
  vpc_id = local.vpc_id

  tags = { Name = "${local.cluster}-node" }
}

resource "aws_vpc_security_group_ingress_rule" "node_port" {
  security_group_id = aws_security_group.node.id
  description = "requests and health checks"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol = "tcp"
  from_port = local.node_port
  to_port = local.node_port
}
)TF";

const std::string_view kNodeGroupTf = R"TF(

# nodes.@{group}

# AWS's newest image for the version: a plan shows when there is one, an apply rolls it out.
data "aws_ssm_parameter" "@{group}_image" {
  name = "/aws/service/eks/optimized-ami/${aws_eks_cluster.this.version}/amazon-linux-2023/@{architecture}/standard/recommended/image_id"
}

resource "aws_launch_template" "@{group}" {
  name_prefix = "${local.cluster}-@{group}-"
  image_id = data.aws_ssm_parameter.@{group}_image.insecure_value
@if !mixed
  instance_type = @{first_type} # nodes.@{group}.types
@end
  update_default_version = true

  user_data = base64encode(templatefile("${path.module}/templates/user-data.tftpl", {
    cluster = aws_eks_cluster.this.name
    endpoint = aws_eks_cluster.this.endpoint
    certificate_authority = aws_eks_cluster.this.certificate_authority[0].data
    service_cidr = local.service_cidr
    labels = @{node_labels}
    taints = @{node_taints}
  }))

  iam_instance_profile {
    arn = aws_iam_instance_profile.node.arn
  }

  vpc_security_group_ids = [
    aws_eks_cluster.this.vpc_config[0].cluster_security_group_id,
    aws_security_group.node.id,
  ]

  # Pods are one hop too far: their permissions come from Pod Identity, never from the node.
  metadata_options {
    http_endpoint = "enabled"
    http_tokens = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type = "gp3"
      volume_size = 50
      encrypted = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.value
      tags = { Name = "${local.cluster}-@{group}", service = local.service }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "@{group}" {
  name = @{group_name}
  min_size = @{min} # nodes.@{group}.min
  max_size = @{max} # nodes.@{group}.max
  vpc_zone_identifier = local.private_subnet_ids # zones
@if attached
  target_group_arns = [aws_lb_target_group.this.arn]
@end
@if rebalance
  capacity_rebalance = true # a replacement starts when spot is likely to end, not when it has
@end

  # Not ELB: a fault of the service would have every node replaced.
  health_check_type = "EC2"
  health_check_grace_period = 300
  wait_for_capacity_timeout = "0"
  enabled_metrics = ["GroupDesiredCapacity", "GroupInServiceInstances"]
@if suspended
  suspended_processes = @{suspended_processes} # the autoscaler decides which node ends
@end
@if mixed

  mixed_instances_policy {
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.@{group}.id
        version = aws_launch_template.@{group}.latest_version
      }

      dynamic "override" {
        for_each = @{types} # nodes.@{group}.types

        content {
          instance_type = override.value
        }
      }
    }

    instances_distribution {
      on_demand_base_capacity = @{on_demand_base} # nodes.@{group}.on_demand_base
      on_demand_percentage_above_base_capacity = @{on_demand_percentage} # 100 % less nodes.@{group}.spot
      on_demand_allocation_strategy = @{on_demand_allocation_strategy}
      spot_allocation_strategy = @{spot_allocation_strategy}
    }
  }
@else

  launch_template {
    id = aws_launch_template.@{group}.id
    version = aws_launch_template.@{group}.latest_version
  }
@end

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 90
      skip_matching = true
    }
  }

  dynamic "tag" {
    for_each = {
@{group_tags}
    }

    content {
      key = tag.key
      value = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Set by the autoscaler, or by hand, from the first apply on.
    ignore_changes = [desired_capacity]
  }

  depends_on = [aws_eks_access_entry.node, aws_eks_addon.before_nodes]
}
)TF";

const std::string_view kUserDataTpl = R"TF(
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: ${cluster}
    apiServerEndpoint: ${endpoint}
    certificateAuthority: ${certificate_authority}
    cidr: ${service_cidr}
  kubelet:
    config:
      shutdownGracePeriod: 30s
      shutdownGracePeriodCriticalPods: 10s
    flags:
      - --node-labels=${labels}
%{ if taints != "" ~}
      - --register-with-taints=${taints}
%{ endif ~}

--//--
)TF";

}  // namespace minato::render
