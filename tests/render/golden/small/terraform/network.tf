# A VPC of the service's own: public subnets for load balancer and NAT, private ones for nodes and Pods.

resource "aws_vpc" "this" {
  cidr_block           = "10.0.0.0/16" # eks.vpc.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = local.cluster }
}

locals {
  # By letter, so that adding a zone moves no other zone's subnets.
  zone_numbers = { "us-east-1a" = 0, "us-east-1b" = 1, "us-east-1c" = 2 } # zones

  # A zone that is lost takes its own way out along and no other's.
  nat_zones = toset(local.zones) # eks.vpc.nat

  vpc_id             = aws_vpc.this.id
  public_subnet_ids  = [for zone in local.zones : aws_subnet.public[zone].id]
  private_subnet_ids = [for zone in local.zones : aws_subnet.private[zone].id]
}

resource "aws_subnet" "public" {
  for_each = local.zone_numbers

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, 240 + each.value)

  tags = { Name = "${local.cluster}-public-${each.key}" }
}

# Pods have addresses of these subnets, so they are large.
resource "aws_subnet" "private" {
  for_each = local.zone_numbers

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 4, each.value)

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
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${local.cluster}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.cluster}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "private" {
  for_each = local.zone_numbers

  vpc_id = aws_vpc.this.id

  tags = { Name = "${local.cluster}-private-${each.key}" }
}

resource "aws_route" "nat" {
  for_each = aws_route_table.private

  route_table_id         = each.value.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key].id
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# Layers of images come from S3: through here they cost no NAT traffic.
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.this.id
  service_name    = "com.amazonaws.${local.region}.s3"
  route_table_ids = [for table in aws_route_table.private : table.id]

  tags = { Name = "${local.cluster}-s3" }
}
