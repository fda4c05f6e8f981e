#include "render/templates.h"

namespace minato::render {

const std::string_view kIdentityTf = R"TF(
@if irsa
# What Pods may do on AWS: a role for each kind of Pod, bound to its service account by the cluster's
# own OpenID provider. The service accounts name their roles. eks.identity
@else
# What Pods may do on AWS: a role for each kind of Pod, bound to its service account by EKS Pod
# Identity. A role reaches Pods that start after its association.
@end

locals {
  pod_identities = {
    cloudwatch-agent = { namespace = "amazon-cloudwatch", account = "cloudwatch-agent" }
@if own_controllers
    controller = { namespace = "kube-system", account = "@{controller_account}" } # eks.controller_image
@else
    cluster-autoscaler = { namespace = "kube-system", account = "@{autoscaler_account}" }
@end
@if external_secrets
    external-secrets = { namespace = "@{external_secrets_namespace}", account = "@{external_secrets_account}" } # eks.secrets
@end
    service = { namespace = local.service, account = local.service }
  }
}

@if irsa
resource "aws_iam_openid_connect_provider" "this" {
  url = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer = trimprefix(aws_iam_openid_connect_provider.this.url, "https://")
}

data "aws_iam_policy_document" "pod_trust" {
  for_each = local.pod_identities

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type = "Federated"
      identifiers = [aws_iam_openid_connect_provider.this.arn]
    }

    condition {
      test = "StringEquals"
      variable = "${local.issuer}:sub"
      values = ["system:serviceaccount:${each.value.namespace}:${each.value.account}"]
    }

    condition {
      test = "StringEquals"
      variable = "${local.issuer}:aud"
      values = ["sts.amazonaws.com"]
    }
  }
}
@else
data "aws_iam_policy_document" "pod_trust" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}
@end

resource "aws_iam_role" "pod" {
  for_each = local.pod_identities

  name = "${local.cluster}-${each.key}"
@if irsa
  assume_role_policy = data.aws_iam_policy_document.pod_trust[each.key].json
}
@else
  assume_role_policy = data.aws_iam_policy_document.pod_trust.json
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = local.pod_identities

  cluster_name = aws_eks_cluster.this.name
  namespace = each.value.namespace
  service_account = each.value.account
  role_arn = aws_iam_role.pod[each.key].arn
}
@end
@if policies

resource "aws_iam_role_policy_attachment" "service" {
  for_each = toset(@{policies}) # eks.policies

  role = aws_iam_role.pod["service"].name
  policy_arn = each.value
}
@end

resource "aws_iam_role_policy_attachment" "cloudwatch_agent" {
  role = aws_iam_role.pod["cloudwatch-agent"].name
  policy_arn = "arn:@{partition}:iam::aws:policy/CloudWatchAgentServerPolicy"
}
)TF";

}  // namespace minato::render
