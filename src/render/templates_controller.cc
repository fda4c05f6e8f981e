#include "render/templates.h"

namespace minato::render {

const std::string_view kAutoscalerPolicyTf = R"TF(

data "aws_iam_policy_document" "cluster_autoscaler" {
  statement {
    sid = "Look"
    resources = ["*"]
    actions = [
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeLaunchConfigurations",
      "autoscaling:DescribeScalingActivities",
      "ec2:DescribeImages",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeLaunchTemplateVersions",
      "ec2:GetInstanceTypesFromInstanceRequirements",
      "eks:DescribeNodegroup",
    ]
  }

  statement {
    sid = "ScaleOwnGroups"
    resources = ["*"]
    actions = [
      "autoscaling:SetDesiredCapacity",
      "autoscaling:TerminateInstanceInAutoScalingGroup",
    ]

    condition {
      test = "StringEquals"
      variable = "aws:ResourceTag/k8s.io/cluster-autoscaler/${local.cluster}"
      values = ["owned"]
    }
  }
}

resource "aws_iam_role_policy" "cluster_autoscaler" {
  name = "scale-own-groups"
  role = aws_iam_role.pod["cluster-autoscaler"].name
  policy = data.aws_iam_policy_document.cluster_autoscaler.json
}
)TF";

const std::string_view kControllerPolicyTf = R"TF(

# What minato's own controller may do on AWS: what it calls, and changes to what is the cluster's own.
data "aws_iam_policy_document" "controller" {
  statement {
    sid = "Look"
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
    sid = "ScaleOwnGroups"
    resources = ["*"]
    actions = [
      "autoscaling:CompleteLifecycleAction",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "autoscaling:SetDesiredCapacity",
      "autoscaling:TerminateInstanceInAutoScalingGroup",
      "autoscaling:UpdateAutoScalingGroup",
    ]

    condition {
      test = "StringEquals"
      variable = "aws:ResourceTag/k8s.io/cluster-autoscaler/${local.cluster}"
      values = ["owned"]
    }
  }

  statement {
    sid = "OwnTargets"
    resources = [aws_lb_target_group.this.arn]
    actions = [
      "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:RegisterTargets",
    ]
  }
}

resource "aws_iam_role_policy" "controller" {
  name = "scale-own-groups"
  role = aws_iam_role.pod["controller"].name
  policy = data.aws_iam_policy_document.controller.json
}
)TF";

}  // namespace minato::render
