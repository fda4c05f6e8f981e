# What the other files share. Each value's key in minato.yaml stands behind it.
locals {
  service    = "orders-api"                                        # service
  cluster    = "orders-api"                                        # service
  short_name = "orders-api"                                        # service, within the 32 characters of load balancer names
  domain     = "orders.example.com"                                # domain
  region     = "eu-central-1"                                      # region
  zones      = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] # zones

  # Both sides must agree on it: the target group here, the Service in kubernetes/base/service.yaml.
  node_port = 30080

  # Where kube-proxy says whether its node stays. eks.target_health
  node_health_port = 10256

  service_cidr = "10.100.0.0/16"
}
