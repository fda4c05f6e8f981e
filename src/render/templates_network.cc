#include "render/templates.h"

namespace minato::render {

const std::string_view kVersionsTf = R"TF(
terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = local.region

  default_tags {
    tags = {
      service = local.service
      managed-by = "terraform"
    }
  }
}
)TF";

const std::string_view kLocalsTf = R"TF(
# What the other files share. Each value's key in minato.yaml stands behind it.
locals {
  service = @{service} # service
  cluster = @{service} # service
  short_name = @{short_name} # service, within the 32 characters of load balancer names
  domain = @{domain} # domain
  region = @{region} # region
  zones = @{zones} # zones

  # Both sides must agree on it: the target group here, the Service in kubernetes/base/service.yaml.
  node_port = @{node_port}
@if node_health

  # Where kube-proxy says whether its node stays. eks.target_health
  node_health_port = 10256
@end

  service_cidr = "10.100.0.0/16"
}
)TF";

const std::string_view kNetworkTf = R"TF(
# A VPC of the service's own: public subnets for load balancer and NAT, private ones for nodes and Pods.

resource "aws_vpc" "this" {
  cidr_block = @{vpc_cidr} # eks.vpc.cidr
  enable_dns_hostnames = true
  enable_dns_support = true

  tags = { Name = local.cluster }
}

locals {
  # By letter, so that adding a zone moves no other zone's subnets.
  zone_numbers = @{zone_numbers} # zones

@if nat_per_zone
  # A zone that is lost takes its own way out along and no other's.
  nat_zones = toset(local.zones) # eks.vpc.nat
@else
  # One way out for all zones: cheaper, and lost with its zone.
  nat_zones = toset([local.zones[0]]) # eks.vpc.nat
@end

  vpc_id = aws_vpc.this.id
  public_subnet_ids = [for zone in local.zones : aws_subnet.public[zone].id]
  private_subnet_ids = [for zone in local.zones : aws_subnet.private[zone].id]
}

resource "aws_subnet" "public" {
  for_each = local.zone_numbers

  vpc_id = aws_vpc.this.id
  availability_zone = each.key
  cidr_block = cidrsubnet(aws_vpc.this.cidr_block, 8, 240 + each.value)

  tags = { Name = "${local.cluster}-public-${each.key}" }
}

# Pods have addresses of these subnets, so they are large.
resource "aws_subnet" "private" {
  for_each = local.zone_numbers

  vpc_id = aws_vpc.this.id
  availability_zone = each.key
  cidr_block = cidrsubnet(aws_vpc.this.cidr_block, 4, each.value)

  tags = { Name = "${local.cluster}-private-${each.key}" }
}

# Whatever names no security group of its own reaches nothing.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.cluster}-default" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = local.cluster }
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"

  tags = { Name = "${local.cluster}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id = aws_subnet.public[each.key].id

  tags = { Name = "${local.cluster}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.cluster}-public" }
}

resource "aws_route" "internet" {
  route_table_id = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "private" {
  for_each = local.zone_numbers

  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.cluster}-private-${each.key}" }
}

resource "aws_route" "nat" {
  for_each = aws_route_table.private

  route_table_id = each.value.id
  destination_cidr_block = "0.0.0.0/0"
@if nat_per_zone
  nat_gateway_id = aws_nat_gateway.this[each.key].id
@else
  nat_gateway_id = aws_nat_gateway.this[local.zones[0]].id
@end
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# Layers of images come from S3: through here they cost no NAT traffic.
resource "aws_vpc_endpoint" "s3" {
  vpc_id = aws_vpc.this.id
  service_name = "com.amazonaws.${local.region}.s3"
  route_table_ids = [for table in aws_route_table.private : table.id]

  tags = { Name = "${local.cluster}-s3" }
}
)TF";

const std::string_view kExistingNetworkTf = R"TF(
# An existing VPC; nothing in it is changed.

data "aws_vpc" "this" {
  id = @{vpc_id} # eks.vpc.id
}

locals {
  vpc_id = data.aws_vpc.this.id
  public_subnet_ids = @{public_subnets} # eks.vpc.public_subnets
  private_subnet_ids = @{private_subnets} # eks.vpc.private_subnets
}
)TF";

const std::string_view kLoadBalancerTf = R"TF(
# HTTPS from the internet to the NodePort on every node of the scaling group.

resource "aws_security_group" "load_balancer" {
  name = "${local.service}-load-balancer"
  description = "HTTP and HTTPS from everywhere to the load balancer of ${local.service}"
  vpc_id = local.vpc_id

  tags = { Name = "${local.service}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "internet" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.load_balancer.id
  description = each.key
  cidr_ipv4 = "0.0.0.0/0"
  ip_protocol = "tcp"
  from_port = each.value
  to_port = each.value
}

resource "aws_vpc_security_group_egress_rule" "nodes" {
  for_each = @{node_ports}

  security_group_id = aws_security_group.load_balancer.id
  description = each.key
  referenced_security_group_id = aws_security_group.node.id
  ip_protocol = "tcp"
  from_port = each.value
  to_port = each.value
}

resource "aws_lb" "this" {
  name = local.short_name
  load_balancer_type = "application"
  security_groups = [aws_security_group.load_balancer.id]
  subnets = local.public_subnet_ids
  idle_timeout = @{idle_timeout} # load_balancer.idle_timeout
  drop_invalid_header_fields = true
  enable_deletion_protection = @{protect} # eks.protect
@if new_vpc

  depends_on = [aws_route.internet]
@end
}

resource "aws_lb_target_group" "this" {
  name = local.short_name
  vpc_id = local.vpc_id
  target_type = "instance"
  protocol = "HTTP"
  port = local.node_port

  load_balancing_algorithm_type = @{algorithm}
  deregistration_delay = @{deregistration_delay} # load_balancer.deregistration_delay
  slow_start = @{slow_start} # load_balancer.slow_start

@if node_health
  # Of the node, not of the service: kube-proxy answers 503 as soon as the autoscaler has tainted its
  # node, so that no new request comes while it drains. Which Pods are well, their probes tell.
  health_check {
    port = local.node_health_port # eks.target_health
    path = "/healthz"
    matcher = "200"
@else
  health_check {
    path = @{health_path} # health
    matcher = @{matcher}
@end
    interval = @{health_interval} # load_balancer.health_check.interval
    timeout = @{health_timeout} # load_balancer.health_check.timeout
    healthy_threshold = @{healthy_threshold} # load_balancer.health_check.healthy
    unhealthy_threshold = @{unhealthy_threshold} # load_balancer.health_check.unhealthy
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol = "HTTPS"
  port = 443
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn = local.certificate_arn

  default_action {
    type = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.this.arn
  protocol = "HTTP"
  port = 80

  default_action {
    type = "redirect"

    redirect {
      protocol = "HTTPS"
      port = "443"
      status_code = "HTTP_301"
    }
  }
}
)TF";

const std::string_view kCertificateTf = R"TF(
@if hosted_zone
data "aws_route53_zone" "this" {
  name = @{hosted_zone} # eks.hosted_zone
}

resource "aws_route53_record" "service" {
  zone_id = data.aws_route53_zone.this.zone_id
  name = local.domain
  type = "A"

  alias {
    name = aws_lb.this.dns_name
    zone_id = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}

@end
@if new_certificate
resource "aws_acm_certificate" "this" {
  domain_name = local.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # One name, one record that proves that it is ours.
  validation = one(aws_acm_certificate.this.domain_validation_options)
}

resource "aws_route53_record" "validation" {
  zone_id = data.aws_route53_zone.this.zone_id
  name = local.validation.resource_record_name
  type = local.validation.resource_record_type
  records = [local.validation.resource_record_value]
  ttl = 60
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn = aws_acm_certificate.this.arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}

locals {
  # Of the validation, so that the listener waits for it.
  certificate_arn = aws_acm_certificate_validation.this.certificate_arn
}
@else
locals {
  certificate_arn = @{certificate} # eks.certificate
}
@end
)TF";

}  // namespace minato::render
