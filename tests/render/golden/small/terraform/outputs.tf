output "url" {
  description = "Where the service answers."
  value       = "https://${local.domain}"
}

output "load_balancer" {
  description = "What the domain points to."
  value       = aws_lb.this.dns_name
}

output "kubeconfig" {
  description = "Makes kubectl speak to this cluster."
  value       = "aws eks update-kubeconfig --region ${local.region} --name ${aws_eks_cluster.this.name}"
}

output "target_group_arn" {
  description = "What the nodes of the scaling groups are registered with."
  value       = aws_lb_target_group.this.arn
}

output "alarm_topic_arn" {
  description = "Subscribe to it whoever is to be woken up."
  value       = aws_sns_topic.alarms.arn
}

output "registry" {
  description = "Where the image is pushed."
  value       = aws_ecr_repository.this.repository_url
}
