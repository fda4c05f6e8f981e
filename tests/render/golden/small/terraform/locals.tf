# What the other files share. Each value's key in minato.yaml stands behind it.
locals {
  service    = "shop"                                     # service
  cluster    = "shop"                                     # service
  short_name = "shop"                                     # service, within the 32 characters of load balancer names
  domain     = "shop.example.com"                         # domain
  region     = "us-east-1"                                # region
  zones      = ["us-east-1a", "us-east-1b", "us-east-1c"] # zones

  # Both sides must agree on it: the target group here, the Service in kubernetes/base/service.yaml.
  node_port = 30080

  # Where kube-proxy says whether its node stays. eks.target_health
  node_health_port = 10256

  service_cidr = "10.100.0.0/16"
}
