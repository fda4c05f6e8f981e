# What Pods may do on AWS: a role for each kind of Pod, bound to its service account by EKS Pod
# Identity. A role reaches Pods that start after its association.

locals {
  pod_identities = {
    cloudwatch-agent = { namespace = "amazon-cloudwatch", account = "cloudwatch-agent" }
    controller       = { namespace = "kube-system", account = "minato-controller" } # eks.controller_image
    service          = { namespace = local.service, account = local.service }
  }
}

data "aws_iam_policy_document" "pod_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "pod" {
  for_each = local.pod_identities

  name               = "${local.cluster}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.pod_trust.json
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = local.pod_identities

  cluster_name    = aws_eks_cluster.this.name
  namespace       = each.value.namespace
  service_account = each.value.account
  role_arn        = aws_iam_role.pod[each.key].arn
}

resource "aws_iam_role_policy_attachment" "service" {
  for_each = toset(["arn:aws:iam::123456789012:policy/orders-queue"]) # eks.policies

  role       = aws_iam_role.pod["service"].name
  policy_arn = each.value
}

resource "aws_iam_role_policy_attachment" "cloudwatch_agent" {
  role       = aws_iam_role.pod["cloudwatch-agent"].name
  policy_arn = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
}

# What minato's own controller may do on AWS: what it calls, and changes to what is the cluster's own.
data "aws_iam_policy_document" "controller" {
  statement {
    sid       = "Look"
    resources = ["*"]
    actions = [
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeLifecycleHooks",
      "autoscaling:DescribeScalingActivities",
      "ec2:DescribeInstances",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetHealth",
    ]
  }

  statement {
    sid       = "ScaleOwnGroups"
    resources = ["*"]
    actions = [
      "autoscaling:CompleteLifecycleAction",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "autoscaling:SetDesiredCapacity",
      "autoscaling:TerminateInstanceInAutoScalingGroup",
      "autoscaling:UpdateAutoScalingGroup",
    ]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/k8s.io/cluster-autoscaler/${local.cluster}"
      values   = ["owned"]
    }
  }

  statement {
    sid       = "OwnTargets"
    resources = [aws_lb_target_group.this.arn]
    actions = [
      "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:RegisterTargets",
    ]
  }
}

resource "aws_iam_role_policy" "controller" {
  name   = "scale-own-groups"
  role   = aws_iam_role.pod["controller"].name
  policy = data.aws_iam_policy_document.controller.json
}
