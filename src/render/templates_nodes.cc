#include "render/templates.h"

namespace minato::render {

const std::string_view kNodesTf = R"TF(
@if split
# Three groups: master, on demand and tainted, for what the cluster itself needs; scaling, on spot, and
# on-demand for the service. eks.split_groups
@else
# Two groups: master, on demand and tainted, for what the cluster itself needs; scaling, for the service.
@end

locals {
  # An image that is newer: a plan shows it, an apply rolls it out.
@if bottlerocket
  node_image = "/aws/service/bottlerocket/aws-k8s-${aws_eks_cluster.this.version}" # eks.node_image
@else
  node_image = "/aws/service/eks/optimized-ami/${aws_eks_cluster.this.version}/amazon-linux-2023" # eks.node_image
@end

  groups = {
    master = aws_autoscaling_group.master.name
@if split
    on-demand = aws_autoscaling_group.on_demand.name
@end
    scaling = aws_autoscaling_group.scaling.name
  }
}

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
  policy_arn = "arn:@{partition}:iam::aws:policy/${each.value}"
}

resource "aws_iam_instance_profile" "node" {
  name = "${local.cluster}-node"
  role = aws_iam_role.node.name
}

# Beside the cluster's own group, which alone carries the tag kubernetes.io/cluster/….
resource "aws_security_group" "node" {
  name = "${local.cluster}-node"
  description = "What the load balancer of ${local.service} may reach"
  vpc_id = local.vpc_id

  tags = { Name = "${local.cluster}-node" }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = @{node_ports}

  security_group_id = aws_security_group.node.id
  description = each.key
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol = "tcp"
  from_port = each.value
  to_port = each.value
}

@if own_controllers
# An instance that its group ends (a new image) waits for this long: the agent on it notices, and the
# controller takes it out of the load balancer and drains it.
@else
# An instance that its group ends (a new image, a rebalance) waits for this long: the termination
# handler on it drains it, and the load balancer lets go of it.
@end
resource "aws_autoscaling_lifecycle_hook" "drain" {
  for_each = local.groups

  name = "drain"
  autoscaling_group_name = each.value
  lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
  heartbeat_timeout = @{drain_seconds} # stop.drain + stop.timeout + load_balancer.deregistration_delay, and some
  default_result = "CONTINUE"
}
)TF";

const std::string_view kNodeGroupTf = R"TF(

# nodes.@{key}@{key_remark}

data "aws_ssm_parameter" "@{id}_image" {
@if bottlerocket
  name = "${local.node_image}/@{architecture}/latest/image_id"
@else
  name = "${local.node_image}/@{architecture}/standard/recommended/image_id"
@end
}

resource "aws_launch_template" "@{id}" {
  name_prefix = "${local.cluster}-@{group}-"
  image_id = data.aws_ssm_parameter.@{id}_image.insecure_value
@if !mixed
  instance_type = @{first_type} # nodes.@{key}.types
@end
  update_default_version = true

  user_data = base64encode(templatefile("${path.module}/templates/@{user_data}", {
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

  # Pods are one hop too far: their permissions come from their own roles, never from the node.
  metadata_options {
    http_endpoint = "enabled"
    http_tokens = "required"
    http_put_response_hop_limit = 1
  }

@if bottlerocket
  # The system's own, as large as its image.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type = "gp3"
      encrypted = true
      delete_on_termination = true
    }
  }

  # Images, logs and what containers write.
  block_device_mappings {
    device_name = "/dev/xvdb"
@else
  block_device_mappings {
    device_name = "/dev/xvda"
@end

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

resource "aws_autoscaling_group" "@{id}" {
  name = @{group_name}
  min_size = @{min} # @{min_key}
  max_size = @{max} # nodes.@{key}.max
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
  enabled_metrics = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"]
@if suspended
  suspended_processes = @{suspended_processes} # the autoscaler decides which node ends
@end
@if mixed

  mixed_instances_policy {
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.@{id}.id
        version = aws_launch_template.@{id}.latest_version
      }

      dynamic "override" {
        for_each = @{types} # nodes.@{key}.types

        content {
          instance_type = override.value
        }
      }
    }

    instances_distribution {
@if spot
      on_demand_base_capacity = @{on_demand_base} # @{base_key}
@end
      on_demand_percentage_above_base_capacity = @{on_demand_percentage} # @{percentage_key}
      on_demand_allocation_strategy = @{on_demand_allocation_strategy}
@if spot
      spot_allocation_strategy = @{spot_allocation_strategy}
@end
    }
  }
@else

  launch_template {
    id = aws_launch_template.@{id}.id
    version = aws_launch_template.@{id}.latest_version
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

const std::string_view kBottlerocketTpl = R"TF(
[settings.kubernetes]
cluster-name = "${cluster}"
api-server = "${endpoint}"
cluster-certificate = "${certificate_authority}"
cluster-dns-ip = "${cidrhost(service_cidr, 10)}"
shutdown-grace-period = "30s"
shutdown-grace-period-for-critical-pods = "10s"

[settings.kubernetes.node-labels]
%{ for label in split(",", labels) ~}
"${split("=", label)[0]}" = "${split("=", label)[1]}"
%{ endfor ~}
%{ if taints != "" ~}

[settings.kubernetes.node-taints]
%{ for taint in split(",", taints) ~}
"${split("=", taint)[0]}" = ["${split("=", taint)[1]}"]
%{ endfor ~}
%{ endif ~}
)TF";

}  // namespace minato::render
