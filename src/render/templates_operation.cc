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

const std::string_view kObservabilityTf = R"TF(
# What the Pods write, and what wakes people up.

# Before the agent, which would make it without an end to its retention.
resource "aws_cloudwatch_log_group" "service" {
  name = "/aws/containerinsights/${local.cluster}/application"
  retention_in_days = @{retention} # eks.log_retention_days
}

resource "aws_sns_topic" "alarms" {
  name = "${local.service}-alarms"
}
@if emails

# Each is asked by mail whether they want them.
resource "aws_sns_topic_subscription" "email" {
  for_each = toset(@{emails}) # alerts

  topic_arn = aws_sns_topic.alarms.arn
  protocol = "email"
  endpoint = each.value
}
@end

locals {
@if topics
  told = concat([aws_sns_topic.alarms.arn], @{topics}) # alerts
@else
  told = [aws_sns_topic.alarms.arn]
@end

  load_balancer = { LoadBalancer = aws_lb.this.arn_suffix }
  target_group = {
    LoadBalancer = aws_lb.this.arn_suffix
    TargetGroup = aws_lb_target_group.this.arn_suffix
  }

  alarms = {
    load-balancer-errors = {
      description = @{alarm_load-balancer-errors}
      metric = "HTTPCode_ELB_5XX_Count"
      dimensions = local.load_balancer
      statistic = "Sum"
      comparison = "GreaterThanThreshold"
      threshold = 10
    }
    connection-errors = {
      description = @{alarm_connection-errors}
      metric = "TargetConnectionErrorCount"
      dimensions = local.load_balancer
      statistic = "Sum"
      comparison = "GreaterThanThreshold"
      threshold = 10
    }
    rejected-connections = {
      description = @{alarm_rejected-connections}
      metric = "RejectedConnectionCount"
      dimensions = local.load_balancer
      statistic = "Sum"
      comparison = "GreaterThanThreshold"
      threshold = 0
    }
    unhealthy-nodes = {
      description = @{alarm_unhealthy-nodes}
      metric = "UnHealthyHostCount"
      dimensions = local.target_group
      statistic = "Maximum"
      comparison = "GreaterThanThreshold"
      threshold = 0
    }
    few-healthy-nodes = {
      description = @{alarm_few-healthy-nodes}
      metric = "HealthyHostCount"
      dimensions = local.target_group
      statistic = "Minimum"
      comparison = "LessThanThreshold"
      threshold = 2
    }
    slow = {
      description = @{alarm_slow}
      metric = "TargetResponseTime"
      dimensions = local.load_balancer
      statistic = "p99"
      comparison = "GreaterThanThreshold"
      threshold = @{p99_seconds} # slo.p99
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name = "${local.service}-${each.key}"
  alarm_description = each.value.description
  namespace = "AWS/ApplicationELB"
  metric_name = each.value.metric
  dimensions = each.value.dimensions
  statistic = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.comparison
  threshold = each.value.threshold
  period = 60
  evaluation_periods = 2
  treat_missing_data = "notBreaching"
  alarm_actions = local.told
  ok_actions = local.told
}

# As a share of all requests, so that it means the same at night and at noon.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name = "${local.service}-errors"
  alarm_description = @{alarm_errors}
  comparison_operator = "GreaterThanThreshold"
  threshold = @{error_percent} # 100 % less slo.availability
  evaluation_periods = 2
  treat_missing_data = "notBreaching"
  alarm_actions = local.told
  ok_actions = local.told

  metric_query {
    id = "share"
    expression = "100 * errors / MAX([errors, requests])"
    label = "5xx of all requests, in per cent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "HTTPCode_Target_5XX_Count", requests = "RequestCount" }

    content {
      id = metric_query.key

      metric {
        namespace = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions = local.load_balancer
        period = 60
        stat = "Sum"
      }
    }
  }
}

# Instances that were asked for and do not come: no capacity, or no quota.
resource "aws_cloudwatch_metric_alarm" "missing_nodes" {
  for_each = local.groups

  alarm_name = "${local.service}-missing-nodes-${each.key}"
  alarm_description = @{alarm_missing-nodes}
  comparison_operator = "GreaterThanThreshold"
  threshold = 0
  evaluation_periods = 10
  treat_missing_data = "notBreaching"
  alarm_actions = local.told
  ok_actions = local.told

  metric_query {
    id = "missing"
    expression = "desired - running"
    label = "instances that are missing"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "GroupDesiredCapacity", running = "GroupInServiceInstances" }

    content {
      id = metric_query.key

      metric {
        namespace = "AWS/AutoScaling"
        metric_name = metric_query.value
        dimensions = { AutoScalingGroupName = each.value }
        period = 60
        stat = "Average"
      }
    }
  }
}
@if scales

# Of the groups that the autoscaler scales.
resource "aws_cloudwatch_metric_alarm" "group_at_maximum" {
  for_each = { for key, name in local.groups : key => name if key != "master" }

  alarm_name = "${local.service}-group-at-maximum-${each.key}"
  alarm_description = @{alarm_group-at-maximum}
  comparison_operator = "LessThanOrEqualToThreshold"
  threshold = 0
  evaluation_periods = 10
  treat_missing_data = "notBreaching"
  alarm_actions = local.told
  ok_actions = local.told

  metric_query {
    id = "room"
    expression = "maximum - desired"
    label = "instances that may still be added"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { maximum = "GroupMaxSize", desired = "GroupDesiredCapacity" }

    content {
      id = metric_query.key

      metric {
        namespace = "AWS/AutoScaling"
        metric_name = metric_query.value
        dimensions = { AutoScalingGroupName = each.value }
        period = 60
        stat = "Average"
      }
    }
  }
}
@end
)TF";

const std::string_view kOutputsTf = R"TF(
output "url" {
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
| `kubernetes/addons` | Helm charts: autoscaler, termination handler, metrics@{addons_line} |

## Apply
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
@if external_secrets
kubectl -n @{external_secrets_namespace} rollout status deployment/external-secrets-webhook
@end
@if plain
kubectl create namespace @{service}
kubectl -n @{service} create secret generic @{secret_name}@{plain_literals}
@end
@if alert_secret
kubectl create namespace @{service}
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
