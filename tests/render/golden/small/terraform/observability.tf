# What the Pods write, and what wakes people up.

# Before the agent, which would make it without an end to its retention.
resource "aws_cloudwatch_log_group" "service" {
  name              = "/aws/containerinsights/${local.cluster}/application"
  retention_in_days = 30 # eks.log_retention_days
}

resource "aws_sns_topic" "alarms" {
  name = "${local.service}-alarms"
}

locals {
  told = [aws_sns_topic.alarms.arn]

  load_balancer = { LoadBalancer = aws_lb.this.arn_suffix }
  target_group = {
    LoadBalancer = aws_lb.this.arn_suffix
    TargetGroup  = aws_lb_target_group.this.arn_suffix
  }

  alarms = {
    load-balancer-errors = {
      description = "The load balancer itself answers 5xx: no healthy node, or a connection that a node cut. First: The target group's health in the console; `keep_alive` of the service must be above the idle timeout."
      metric      = "HTTPCode_ELB_5XX_Count"
      dimensions  = local.load_balancer
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 10
    }
    connection-errors = {
      description = "Nodes refuse or lose connections of the load balancer. First: `kubectl get nodes`, then `kubectl -n shop get endpointslices`: Pods that are gone must not be in there."
      metric      = "TargetConnectionErrorCount"
      dimensions  = local.load_balancer
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 10
    }
    rejected-connections = {
      description = "The load balancer is at its limit of connections. First: Who sends them: the load balancer's metrics by zone; slow answers hold connections open."
      metric      = "RejectedConnectionCount"
      dimensions  = local.load_balancer
      statistic   = "Sum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
    }
    unhealthy-nodes = {
      description = "Nodes fail the health check for two minutes. First: `kubectl get nodes`: a node that is not ready, or one that the autoscaler takes away and that hangs."
      metric      = "UnHealthyHostCount"
      dimensions  = local.target_group
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = 0
    }
    few-healthy-nodes = {
      description = "Fewer than two healthy nodes: the next failure is an outage. First: `kubectl get nodes`, then the activities of the Auto Scaling group: no capacity, or no quota."
      metric      = "HealthyHostCount"
      dimensions  = local.target_group
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = 2
    }
    slow = {
      description = "The 99th percentile of response times is above the objective. First: `kubectl -n shop top pods` and `get hpa`: are there as many Pods as may be, and what do they wait for?"
      metric      = "TargetResponseTime"
      dimensions  = local.load_balancer
      statistic   = "p99"
      comparison  = "GreaterThanThreshold"
      threshold   = 0.3 # slo.p99
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.service}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/ApplicationELB"
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.told
  ok_actions          = local.told
}

# As a share of all requests, so that it means the same at night and at noon.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${local.service}-errors"
  alarm_description   = "More of the answers are 5xx than the objective allows. First: `kubectl -n shop get pods`, then the logs of those that restart; `kubectl -n shop rollout undo deployment/shop` if it began with a deploy."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0.1 # 100 % less slo.availability
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.told
  ok_actions          = local.told

  metric_query {
    id          = "share"
    expression  = "100 * errors / MAX([errors, requests])"
    label       = "5xx of all requests, in per cent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "HTTPCode_Target_5XX_Count", requests = "RequestCount" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.load_balancer
        period      = 60
        stat        = "Sum"
      }
    }
  }
}

# Instances that were asked for and do not come: no capacity, or no quota.
resource "aws_cloudwatch_metric_alarm" "missing_nodes" {
  for_each = local.groups

  alarm_name          = "${local.service}-missing-nodes-${each.key}"
  alarm_description   = "A group has had fewer instances than it wants for ten minutes. First: The activities of the Auto Scaling group say why: no spot capacity (more types), no quota, no free address in a subnet."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.told
  ok_actions          = local.told

  metric_query {
    id          = "missing"
    expression  = "desired - running"
    label       = "instances that are missing"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "GroupDesiredCapacity", running = "GroupInServiceInstances" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/AutoScaling"
        metric_name = metric_query.value
        dimensions  = { AutoScalingGroupName = each.value }
        period      = 60
        stat        = "Average"
      }
    }
  }
}
