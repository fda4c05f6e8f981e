# HTTPS from the internet to the NodePort on every node of the scaling group.

resource "aws_security_group" "load_balancer" {
  name        = "${local.service}-load-balancer"
  description = "HTTP and HTTPS from everywhere to the load balancer of ${local.service}"
  vpc_id      = local.vpc_id

  tags = { Name = "${local.service}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "internet" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.load_balancer.id
  description       = each.key
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "nodes" {
  for_each = { health = local.node_health_port, requests = local.node_port }

  security_group_id            = aws_security_group.load_balancer.id
  description                  = each.key
  referenced_security_group_id = aws_security_group.node.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

resource "aws_lb" "this" {
  name                       = local.short_name
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.load_balancer.id]
  subnets                    = local.public_subnet_ids
  idle_timeout               = 60 # load_balancer.idle_timeout
  drop_invalid_header_fields = true
  enable_deletion_protection = true # eks.protect

  depends_on = [aws_route.internet]
}

resource "aws_lb_target_group" "this" {
  name        = local.short_name
  vpc_id      = local.vpc_id
  target_type = "instance"
  protocol    = "HTTP"
  port        = local.node_port

  load_balancing_algorithm_type = "round_robin"
  deregistration_delay          = 30 # load_balancer.deregistration_delay
  slow_start                    = 0  # load_balancer.slow_start

  # Of the node, not of the service: kube-proxy answers 503 as soon as the autoscaler has tainted its
  # node, so that no new request comes while it drains. Which Pods are well, their probes tell.
  health_check {
    port                = local.node_health_port # eks.target_health
    path                = "/healthz"
    matcher             = "200"
    interval            = 5 # load_balancer.health_check.interval
    timeout             = 2 # load_balancer.health_check.timeout
    healthy_threshold   = 2 # load_balancer.health_check.healthy
    unhealthy_threshold = 2 # load_balancer.health_check.unhealthy
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = local.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
