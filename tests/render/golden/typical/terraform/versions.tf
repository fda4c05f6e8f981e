terraform {
  required_version = ">= 1.5.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = local.region

  default_tags {
    tags = {
      service    = local.service
      managed-by = "terraform"
    }
  }
}
