"""What is rendered, applied by Terraform to moto, an AWS that nobody here wrote, and read back with
boto3: apply, then a plan without changes, then destroy.

moto has no EKS add-ons, access entries and Pod Identity, and its clusters lack most of what the
provider reads back: those resources are left out here and stand in by a local value; `validate` and
the mocked provider of test_render.py cover them. Images of EKS are not among moto's parameters:
those of Amazon Linux take their place, and volumes that are as large as their image get a size. Faults of moto's own are stepped around: it keeps tags of a
launch template as tags of instances, forgets the description of a rule that names a group, and makes
up a target and a role for life cycle hooks.
"""
import base64
import concurrent.futures
import email
import itertools
import os
import random
import re
import shutil
import time
import tomllib
import unittest

import tools
from tools import Moto, Scratch, Terraform, example, missing, need_terraform, render

LEFT_OUT = ("aws_eks_cluster", "aws_eks_addon", "aws_eks_access_entry", "aws_eks_access_policy_association",
            "aws_eks_pod_identity_association", "aws_eks_addon_version")
SERVICES = ("acm", "autoscaling", "cloudwatch", "ec2", "ecr", "elbv2", "iam", "logs", "route53",
            "secretsmanager", "sns", "ssm", "sts")

# What the file means where it says nothing, as src/spec/spec.h has it.
DEFAULTS = {"nodes": {"master": {"types": ["t3.medium"], "min": 2}, "scaling": {"types": ["m6i.large", "m5.large"], "min": 2}},
            "load_balancer": {"deregistration_delay": "30s"}}

STAND_IN = """
resource "aws_security_group" "stand_in" {
  name   = "cluster"
  vpc_id = local.vpc_id
}

locals {
  stand_in = {
    name                  = local.cluster
    version               = "1.35"
    endpoint              = "https://cluster.invalid"
    certificate_authority = [{ data = "Q0E=" }]
    vpc_config            = [{ cluster_security_group_id = aws_security_group.stand_in.id }]
    identity              = [{ oidc = [{ issuer = "https://oidc.cluster.invalid/id/1" }] }]
  }
}
"""


def block(kind):
    return re.compile(rf'^(resource|data) "{kind}" "\w+" {{\n(?:.*\n)*?^}}\n', re.M)


def adapt(directory, endpoint, region):
    """Cuts out what moto lacks and points the provider at it; the rest stays byte for byte."""
    (directory / "addons.tf").unlink()
    for path in directory.glob("*.tf"):
        text = path.read_text()
        for kind in LEFT_OUT:
            text = block(kind).sub("", text)
        text = text.replace("aws_eks_cluster.this", "local.stand_in")
        text = text.replace("  depends_on = [aws_eks_access_entry.node, aws_eks_addon.before_nodes]\n", "")
        text = re.sub(r'name = "\$\{local.node_image\}/(x86_64|arm64)/.*"',
                      r'name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-\1"', text)
        text = re.sub(r"^  description                  = each.key\n", "", text, flags=re.M)
        text = text.replace('      volume_type           = "gp3"\n      encrypted', '      volume_type           = "gp3"\n      volume_size           = 4\n      encrypted')
        path.write_text(text)
    (directory / "stand-in.tf").write_text(STAND_IN)
    endpoints = "\n".join(f'    {name} = "{endpoint}"' for name in SERVICES)
    (directory / "moto_override.tf").write_text(f'''
provider "aws" {{
  region                      = "{region}"
  skip_credentials_validation = true
  skip_requesting_account_id  = false
  skip_metadata_api_check     = true

  default_tags {{
    tags = {{}}
  }}

  endpoints {{
{endpoints}
  }}
}}

resource "aws_lb" "this" {{
  enable_deletion_protection = false
}}

resource "aws_autoscaling_lifecycle_hook" "drain" {{
  lifecycle {{
    ignore_changes = [notification_target_arn, role_arn]
  }}
}}
''')


def merged(base, over):
    """One mapping over another, as overlays of the file are."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}


def groups_of(spec):
    """The Auto Scaling groups that a file asks for: name, sizes, types, on-demand base and percentage."""
    out = {}
    for name, nodes in spec["nodes"].items():
        low, high = nodes["min"], max(nodes.get("max", 0), nodes["min"])
        base, spot = nodes.get("on_demand_base", 0), int(str(nodes.get("spot", "0%")).rstrip("%"))
        if name == "scaling" and spec.get("eks", {}).get("split_groups"):
            out["on-demand"] = (base, high, nodes["types"], 0, 100)
            low, base = max(0, low - base), 0
        out[name] = (low, high, nodes["types"], base, 100 - spot)
    return {f"shop-{name}": group for name, group in out.items()}


class AppliedToMoto(Scratch):
    def setUp(self):
        super().setUp()
        need_terraform("whether AWS would take what is rendered")
        if shutil.which("moto_server") is None:
            missing("moto_server", "whether AWS would take what is rendered")
        try:
            import boto3
        except ImportError:
            missing("boto3", "what was made of it")
        self.boto3 = boto3
        self.moto = Moto(self.directory)
        self.addCleanup(lambda: self.moto.close())

    def client(self, service, region, moto=None):
        # Sessions of boto3 are not shared between threads.
        return self.boto3.session.Session().client(service, region_name=region, endpoint_url=(moto or self.moto).url,
                                                   aws_access_key_id="test", aws_secret_access_key="test")

    def applied(self, name, region, *overlays):
        """Applies an example and gives a function that makes clients to look at it."""
        files = [example(name)]
        for i, text in enumerate(overlays):
            files.append(self.directory / f"overlay{i}.yaml")
            files[-1].write_text(text)
        out = self.directory / "out"
        render(out, *files)
        adapt(out / "terraform", self.moto.url, region)
        self.client("route53", region).create_hosted_zone(Name="example.com.", CallerReference="1")
        self.terraform = Terraform(out / "terraform")
        self.terraform.init()
        self.apply_twice(self.terraform)
        return lambda service: self.client(service, region)

    def apply_twice(self, terraform):
        """Gives when it began, when it was applied, and when planned again."""
        times = [time.monotonic()]
        terraform("apply", "-auto-approve", "-input=false", "-no-color")
        times.append(time.monotonic())
        again = terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", check=False)
        times.append(time.monotonic())
        changes = again.stdout[again.stdout.find("Terraform will perform"):]
        self.assertEqual(0, again.returncode, f"a second plan has changes:\n{changes}{again.stderr}")
        return times

    def destroyed(self, terraform, aws):
        # The plan before has just looked at everything.
        terraform("destroy", "-refresh=false", "-auto-approve", "-input=false", "-no-color")
        self.assertEqual([], aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"])
        self.assertEqual([], aws("elbv2").describe_load_balancers()["LoadBalancers"])

    def check_balancer(self, aws, deregistration_delay, health_port="10256"):
        elb = aws("elbv2")
        group, = elb.describe_target_groups()["TargetGroups"]
        self.assertEqual(("instance", "HTTP", 30080), (group["TargetType"], group["Protocol"], group["Port"]))
        attributes = {a["Key"]: a["Value"] for a in elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]}
        self.assertEqual(str(deregistration_delay), attributes["deregistration_delay.timeout_seconds"])
        balancer, = elb.describe_load_balancers()["LoadBalancers"]
        listeners = {l["Port"]: l for l in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]}
        self.assertEqual(health_port, group["HealthCheckPort"])
        self.assertEqual("redirect", listeners[80]["DefaultActions"][0]["Type"])
        self.assertEqual("HTTPS", listeners[443]["Protocol"])
        self.assertEqual(group["TargetGroupArn"], listeners[443]["DefaultActions"][0]["TargetGroupArn"])
        return group

    def user_data_text(self, aws, group):
        policy = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        template = policy.get("LaunchTemplateSpecification") or group["LaunchTemplate"]
        version, = aws("ec2").describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"],
                                                                Versions=[str(template["Version"])])["LaunchTemplateVersions"]
        data = version["LaunchTemplateData"]
        self.assertEqual(("required", 1), (data["MetadataOptions"]["HttpTokens"], data["MetadataOptions"]["HttpPutResponseHopLimit"]))
        return base64.b64decode(data["UserData"]).decode()

    def user_data(self, aws, group):
        part, = email.message_from_string(self.user_data_text(aws, group)).get_payload()
        return part.get_payload()

    def test_typical(self):
        aws = self.applied("typical", "ap-northeast-1")
        target_group = self.check_balancer(aws, 30)
        groups = {g["AutoScalingGroupName"]: g for g in aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]}
        self.assertEqual({"shop-master", "shop-scaling"}, set(groups))
        scaling, master = groups["shop-scaling"], groups["shop-master"]
        self.assertEqual((3, 20), (scaling["MinSize"], scaling["MaxSize"]))
        self.assertEqual([target_group["TargetGroupArn"]], scaling["TargetGroupARNs"])
        self.assertEqual([], master["TargetGroupARNs"])
        distribution = scaling["MixedInstancesPolicy"]["InstancesDistribution"]
        self.assertEqual((2, 0, "price-capacity-optimized"),
                         (distribution["OnDemandBaseCapacity"], distribution["OnDemandPercentageAboveBaseCapacity"],
                          distribution["SpotAllocationStrategy"]))
        self.assertEqual(["m6i.large", "m5.large", "m5a.large", "m5d.large", "m5ad.large"],
                         [o["InstanceType"] for o in scaling["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]])
        hook, = aws("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName="shop-scaling")["LifecycleHooks"]
        self.assertEqual(("autoscaling:EC2_INSTANCE_TERMINATING", 90, "CONTINUE"),
                         (hook["LifecycleTransition"], hook["HeartbeatTimeout"], hook["DefaultResult"]))
        tags = {t["Key"]: t["Value"] for t in scaling["Tags"]}
        self.assertEqual("owned", tags["k8s.io/cluster-autoscaler/shop"])
        self.assertEqual("scaling", tags["k8s.io/cluster-autoscaler/node-template/label/minato.dev/node-group"])
        self.assertIn("--register-with-taints=minato.dev/node-group=master:NoSchedule", self.user_data(aws, master))
        scaling_data = self.user_data(aws, scaling)
        self.assertIn("--node-labels=minato.dev/node-group=scaling", scaling_data)
        self.assertNotIn("register-with-taints", scaling_data)
        self.assertEqual(3, len({s["AvailabilityZone"] for s in aws("ec2").describe_subnets(
            Filters=[{"Name": "tag:Name", "Values": ["shop-private-*"]}])["Subnets"]}))
        self.check_no_secret_in_state()
        self.destroyed(self.terraform, aws)

    def test_bottlerocket_irsa_and_split_groups(self):
        aws = self.applied("typical", "ap-northeast-1", """
eks: {identity: irsa, node_image: bottlerocket, split_groups: true}
nodes: {scaling: {min: 4, max: 20, spot: 100%, on_demand_base: 2}}
""")
        groups = {g["AutoScalingGroupName"]: g for g in aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]}
        self.assertEqual({"shop-master": (2, 3), "shop-scaling": (2, 20), "shop-on-demand": (2, 20)},
                         {name: (g["MinSize"], g["MaxSize"]) for name, g in groups.items()})
        for name, percentage in (("shop-scaling", 0), ("shop-on-demand", 100)):
            self.assertEqual(percentage, groups[name]["MixedInstancesPolicy"]["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"])
            self.assertEqual(1, len(groups[name]["TargetGroupARNs"]))
        settings = tomllib.loads(self.user_data_text(aws, groups["shop-master"]))["settings"]["kubernetes"]
        self.assertEqual(("shop", "10.100.0.10"), (settings["cluster-name"], settings["cluster-dns-ip"]))
        self.assertEqual({"minato.dev/node-group": "master"}, settings["node-labels"])
        self.assertEqual({"minato.dev/node-group": ["master:NoSchedule"]}, settings["node-taints"])
        statement, = aws("iam").get_role(RoleName="shop-service")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual("system:serviceaccount:shop:shop", statement["Condition"]["StringEquals"]["oidc.cluster.invalid/id/1:sub"])
        self.destroyed(self.terraform, aws)

    def check_no_secret_in_state(self):
        state = self.terraform("state", "list").stdout
        self.assertIn('aws_secretsmanager_secret.this["shop/payment"]', state)
        self.assertNotIn("aws_ssm_parameter.", state.replace("data.aws_ssm_parameter.", ""))
        self.assertNotIn("secretsmanager_secret_version", state)

    def test_variants(self):
        """Some of those that test_render.py validates; MINATO_MOTO_VARIANTS says how many. Left out are
        those that name what would have to be there already."""
        made_elsewhere = ("vpc-1", "certificate/x", "policy/p")
        every = [texts for texts in tools.variants() if not any(word in text for word in made_elsewhere for text in texts)]
        count = int(os.environ.get("MINATO_MOTO_VARIANTS", "2"))
        chosen = list(enumerate(random.Random(5).sample(every, min(count, len(every)))))
        # Nearly all of a variant's time the provider waits, a minute for the load balancer and a quarter
        # of one for each record of Route 53: several at once take hardly longer than one.
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("MINATO_MOTO_AT_ONCE", "4"))) as pool:
            runs = {pool.submit(self.variant, self.directory / str(number), texts): (number, texts) for number, texts in chosen}
            for run in concurrent.futures.as_completed(runs):
                number, texts = runs[run]
                with self.subTest(variant=number, texts=texts[1:]):
                    apply, plan, destroy = run.result()
                    print(f"variant {number}: applied in {apply} s, planned without changes in {plan} s, "
                          f"read back and destroyed in {destroy} s: {texts[1:]}", flush=True)

    def variant(self, directory, texts):
        """In an AWS of its own: moto keeps a record of Route 53 that was deleted by its alias. Gives the
        seconds of apply, second plan and destroy."""
        directory.mkdir()
        paths = []
        for i, text in enumerate((*texts, "eks: {protect: false}\n")):
            paths.append(directory / f"{i}.yaml")
            paths[-1].write_text(text)
        moto = Moto(directory)
        try:
            aws = lambda service: self.client(service, "us-east-1", moto)
            aws("route53").create_hosted_zone(Name="example.com.", CallerReference="1")
            render(directory / "out", *paths)
            adapt(directory / "out/terraform", moto.url, "us-east-1")
            terraform = Terraform(directory / "out/terraform")
            terraform.init()
            times = self.apply_twice(terraform)
            self.check_against_file(aws, texts)
            self.destroyed(terraform, aws)
            times.append(time.monotonic())
            return [round(after - before) for before, after in itertools.pairwise(times)]
        finally:
            moto.close()

    def check_against_file(self, aws, texts):
        """What moto has is what the file asks for."""
        import yaml
        spec = DEFAULTS
        for text in texts:
            spec = merged(spec, yaml.safe_load(text))
        target_group = self.check_balancer(aws, int(spec["load_balancer"]["deregistration_delay"].rstrip("s")),
                                           "traffic-port" if spec.get("eks", {}).get("target_health") == "service" else "10256")
        found, own = {}, "controller_image" in spec.get("eks", {})
        for group in aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
            name = group["AutoScalingGroupName"]
            self.assertEqual([] if name == "shop-master" else [target_group["TargetGroupArn"]], group["TargetGroupARNs"])
            self.assertEqual(3, len(group["VPCZoneIdentifier"].split(",")), "a subnet in each zone")
            policy = group.get("MixedInstancesPolicy")
            distribution = policy["InstancesDistribution"] if policy else {}
            types = [o["InstanceType"] for o in policy["LaunchTemplate"]["Overrides"]] if policy else self.only_type(aws, group)
            found[name] = (group["MinSize"], group["MaxSize"], types, distribution.get("OnDemandBaseCapacity", 0),
                           distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
            tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
            self.assertEqual(name != "shop-master" or own, tags.get("k8s.io/cluster-autoscaler/shop") == "owned")
            self.assertEqual(name != "shop-master", "k8s.io/cluster-autoscaler/enabled" in tags)
            self.assertFalse(own and group.get("CapacityRebalance"), "the controller orders replacements")
        self.assertEqual(groups_of(spec), found)
        alarms = {alarm["AlarmName"] for alarm in aws("cloudwatch").describe_alarms()["MetricAlarms"]}
        self.assertLessEqual({"shop-errors", "shop-slow", "shop-few-healthy-nodes", "shop-missing-nodes-master"}, alarms)

    def only_type(self, aws, group):
        version, = aws("ec2").describe_launch_template_versions(
            LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"], Versions=["$Latest"])["LaunchTemplateVersions"]
        return [version["LaunchTemplateData"]["InstanceType"]]

    def test_small(self):
        aws = self.applied("small", "us-east-1", "eks: {vpc: {nat: one}}\nload_balancer: {deregistration_delay: 45s}\n")
        self.check_balancer(aws, 45)
        self.assertEqual(1, len(aws("ec2").describe_nat_gateways()["NatGateways"]))
        self.destroyed(self.terraform, aws)

    def test_everything_in_an_existing_vpc(self):
        region = "eu-central-1"
        ec2 = self.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{i}.0/24", AvailabilityZone=region + "abc"[i % 3])["Subnet"]["SubnetId"]
                   for i in range(6)]
        certificate = self.client("acm", region).request_certificate(DomainName="orders.example.com", ValidationMethod="DNS")["CertificateArn"]
        policy = self.client("iam", region).create_policy(
            PolicyName="orders-queue", PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}')["Policy"]["Arn"]
        aws = self.applied("everything", region, f"""
eks:
  vpc: {{id: {vpc}, public_subnets: {subnets[:3]}, private_subnets: {subnets[3:]}}}
  certificate: {certificate}
  policies: [{policy}]
""".replace("'", ""))
        self.check_balancer(aws, 45)
        groups = {g["AutoScalingGroupName"]: g for g in aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]}
        self.assertEqual(set(subnets[3:]), set(groups["orders-api-scaling"]["VPCZoneIdentifier"].split(",")))
        self.destroyed(self.terraform, aws)


if __name__ == "__main__":
    tools.main("__main__")
