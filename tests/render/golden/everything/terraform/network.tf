# An existing VPC; nothing in it is changed.

data "aws_vpc" "this" {
  id = "vpc-0a1b2c3d4e5f60718" # eks.vpc.id
}

locals {
  vpc_id             = data.aws_vpc.this.id
  public_subnet_ids  = ["subnet-0a0000000000000a1", "subnet-0a0000000000000a2", "subnet-0a0000000000000a3"] # eks.vpc.public_subnets
  private_subnet_ids = ["subnet-0b0000000000000b1", "subnet-0b0000000000000b2", "subnet-0b0000000000000b3"] # eks.vpc.private_subnets
}
