# Two groups: master, on demand and tainted, for what the cluster itself needs; scaling, for the service.

locals {
  # An image that is newer: a plan shows it, an apply rolls it out.
  node_image = "/aws/service/eks/optimized-ami/${aws_eks_cluster.this.version}/amazon-linux-2023" # eks.node_image

  groups = {
    master  = aws_autoscaling_group.master.name
    scaling = aws_autoscaling_group.scaling.name
  }
}

data "aws_iam_policy_document" "node_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "node" {
  name               = "${local.cluster}-node"
  assume_role_policy = data.aws_iam_policy_document.node_trust.json
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset([
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
  ])

  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

resource "aws_iam_instance_profile" "node" {
  name = "${local.cluster}-node"
  role = aws_iam_role.node.name
}

# Beside the cluster's own group, which alone carries the tag kubernetes.io/cluster/….
resource "aws_security_group" "node" {
  name        = "${local.cluster}-node"
  description = "What the load balancer of ${local.service} may reach"
  vpc_id      = local.vpc_id

  tags = { Name = "${local.cluster}-node" }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = { health = local.node_health_port, requests = local.node_port }

  security_group_id            = aws_security_group.node.id
  description                  = each.key
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

# An instance that its group ends (a new image) waits for this long: the agent on it notices, and the
# controller takes it out of the load balancer and drains it.
resource "aws_autoscaling_lifecycle_hook" "drain" {
  for_each = local.groups

  name                   = "drain"
  autoscaling_group_name = each.value
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_TERMINATING"
  heartbeat_timeout      = 120 # stop.drain + stop.timeout + load_balancer.deregistration_delay, and some
  default_result         = "CONTINUE"
}

# nodes.master

data "aws_ssm_parameter" "master_image" {
  name = "${local.node_image}/arm64/standard/recommended/image_id"
}

resource "aws_launch_template" "master" {
  name_prefix            = "${local.cluster}-master-"
  image_id               = data.aws_ssm_parameter.master_image.insecure_value
  update_default_version = true

  user_data = base64encode(templatefile("${path.module}/templates/user-data.tftpl", {
    cluster               = aws_eks_cluster.this.name
    endpoint              = aws_eks_cluster.this.endpoint
    certificate_authority = aws_eks_cluster.this.certificate_authority[0].data
    service_cidr          = local.service_cidr
    labels                = "minato.dev/node-group=master"
    taints                = "minato.dev/node-group=master:NoSchedule"
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
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 50
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = { Name = "${local.cluster}-master", service = local.service }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "master" {
  name                = "orders-api-master"
  min_size            = 3                        # nodes.master.min
  max_size            = 3                        # nodes.master.max
  vpc_zone_identifier = local.private_subnet_ids # zones

  # Not ELB: a fault of the service would have every node replaced.
  health_check_type         = "EC2"
  health_check_grace_period = 300
  wait_for_capacity_timeout = "0"
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"]

  mixed_instances_policy {
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.master.id
        version            = aws_launch_template.master.latest_version
      }

      dynamic "override" {
        for_each = ["t4g.medium", "c7g.large"] # nodes.master.types

        content {
          instance_type = override.value
        }
      }
    }

    instances_distribution {
      on_demand_percentage_above_base_capacity = 100 # 100 % less nodes.master.spot
      on_demand_allocation_strategy            = "prioritized"
    }
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 90
      skip_matching          = true
    }
  }

  dynamic "tag" {
    for_each = {
      "Name"                                 = "orders-api-master"
      "k8s.io/cluster-autoscaler/orders-api" = "owned"
    }

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Set by the autoscaler, or by hand, from the first apply on.
    ignore_changes = [desired_capacity]
  }

  depends_on = [aws_eks_access_entry.node, aws_eks_addon.before_nodes]
}

# nodes.scaling

data "aws_ssm_parameter" "scaling_image" {
  name = "${local.node_image}/arm64/standard/recommended/image_id"
}

resource "aws_launch_template" "scaling" {
  name_prefix            = "${local.cluster}-scaling-"
  image_id               = data.aws_ssm_parameter.scaling_image.insecure_value
  update_default_version = true

  user_data = base64encode(templatefile("${path.module}/templates/user-data.tftpl", {
    cluster               = aws_eks_cluster.this.name
    endpoint              = aws_eks_cluster.this.endpoint
    certificate_authority = aws_eks_cluster.this.certificate_authority[0].data
    service_cidr          = local.service_cidr
    labels                = "minato.dev/node-group=scaling"
    taints                = ""
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
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 50
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = { Name = "${local.cluster}-scaling", service = local.service }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_autoscaling_group" "scaling" {
  name                = "orders-api-scaling"
  min_size            = 3                        # nodes.scaling.min
  max_size            = 30                       # nodes.scaling.max
  vpc_zone_identifier = local.private_subnet_ids # zones
  target_group_arns   = [aws_lb_target_group.this.arn]

  # Not ELB: a fault of the service would have every node replaced.
  health_check_type         = "EC2"
  health_check_grace_period = 300
  wait_for_capacity_timeout = "0"
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"]
  suspended_processes       = ["AZRebalance"] # the autoscaler decides which node ends

  mixed_instances_policy {
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.scaling.id
        version            = aws_launch_template.scaling.latest_version
      }

      dynamic "override" {
        for_each = ["m7g.large", "m6g.large"] # nodes.scaling.types

        content {
          instance_type = override.value
        }
      }
    }

    instances_distribution {
      on_demand_base_capacity                  = 3  # nodes.scaling.on_demand_base
      on_demand_percentage_above_base_capacity = 30 # 100 % less nodes.scaling.spot
      on_demand_allocation_strategy            = "prioritized"
      spot_allocation_strategy                 = "price-capacity-optimized"
    }
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 90
      skip_matching          = true
    }
  }

  dynamic "tag" {
    for_each = {
      "Name"                                                                = "orders-api-scaling"
      "k8s.io/cluster-autoscaler/enabled"                                   = "true"
      "k8s.io/cluster-autoscaler/node-template/label/minato.dev/node-group" = "scaling"
      "k8s.io/cluster-autoscaler/orders-api"                                = "owned"
    }

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Set by the autoscaler, or by hand, from the first apply on.
    ignore_changes = [desired_capacity]
  }

  depends_on = [aws_eks_access_entry.node, aws_eks_addon.before_nodes]
}
