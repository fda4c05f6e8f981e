#include "render/templates.h"

namespace minato::render {

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

}  // namespace minato::render
