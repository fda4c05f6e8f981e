# Where the secrets are kept. No value ever enters Terraform: it would stand in the state in the clear.
# README.md says how to set them.

resource "aws_secretsmanager_secret" "this" {
  for_each = toset(["shop/payment"]) # secrets

  name = each.value
}

# Parameters cannot exist without a value, and even an ignored one is read back into the state: they
# are made by hand, and only named here.

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "read_secrets" {
  statement {
    sid     = "Parameters"
    actions = ["ssm:GetParameter", "ssm:GetParameters"]
    resources = [
      for name in ["shop/database-url"] : # secrets
      "arn:aws:ssm:${local.region}:${data.aws_caller_identity.this.account_id}:parameter/${name}"
    ]
  }

  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.this : secret.arn] # secrets
  }
}

resource "aws_iam_role_policy" "read_secrets" {
  name   = "read-secrets"
  role   = aws_iam_role.pod["external-secrets"].name
  policy = data.aws_iam_policy_document.read_secrets.json
}
