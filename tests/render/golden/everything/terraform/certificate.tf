data "aws_route53_zone" "this" {
  name = "example.com" # eks.hosted_zone
}

resource "aws_route53_record" "service" {
  zone_id = data.aws_route53_zone.this.zone_id
  name    = local.domain
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}

locals {
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0f6ad6a5-2b0e-4a5e-9f0c-3a1d1f6f7b10" # eks.certificate
}
