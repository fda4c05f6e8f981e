"""The AWS adapter against moto: groups and targets are made with boto3, the adapter looks at them and
changes them, and boto3 says what became of it. moto checks every signature with botocore's own code,
and lets the adapter do what its list of actions says and nothing else.

moto has no life cycle waits, no draining and no scaling activities, starts instances at once, and takes
a change of one part of a mixed policy for the whole: those are left to the unit tests.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "render"))
import tools  # noqa: E402
from driver import DRIVER, REGION, Driver  # noqa: E402
from tools import Moto, Scratch, missing  # noqa: E402


class AdapterOnMoto(Scratch):
    def setUp(self):
        super().setUp()
        if shutil.which("moto_server") is None:
            missing("moto_server", "the adapter before an AWS")
        try:
            import boto3
        except ImportError:
            missing("boto3", "the adapter before an AWS")
        self.boto3 = boto3
        self.moto = Moto(self.directory)
        self.addCleanup(self.moto.close)
        self.keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.make_service()

    def aws(self, service):
        return self.boto3.client(service, region_name=REGION, endpoint_url=self.moto.url, **self.keys)

    def make_service(self):
        """What the rendered Terraform makes of it, as far as the adapter sees."""
        ec2 = self.aws("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
        image = ec2.describe_images()["Images"][0]["ImageId"]
        template = ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"})
        self.target_group = self.aws("elbv2").create_target_group(
            Name="shop", Protocol="HTTP", Port=30080, VpcId=vpc, TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
        self.aws("elbv2").modify_target_group_attributes(TargetGroupArn=self.target_group, Attributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])
        specification = {"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "$Latest"}
        for name, size in (("shop-master", 2), ("shop-scaling", 2)):
            self.aws("autoscaling").create_auto_scaling_group(
                AutoScalingGroupName=name, MinSize=1, MaxSize=5, DesiredCapacity=size, VPCZoneIdentifier=subnet,
                CapacityRebalance=True, TargetGroupARNs=[self.target_group],
                MixedInstancesPolicy={
                    "LaunchTemplate": {"LaunchTemplateSpecification": specification,
                                       "Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "m6i.large"}]},
                    "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 0,
                                              "SpotAllocationStrategy": "price-capacity-optimized"}},
                Tags=[{"Key": "k8s.io/cluster-autoscaler/shop", "Value": "owned", "PropagateAtLaunch": True}])
        self.aws("autoscaling").put_lifecycle_hook(
            LifecycleHookName="drain", AutoScalingGroupName="shop-scaling",
            LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING", HeartbeatTimeout=90, DefaultResult="CONTINUE")

    def driver(self, groups=("shop-master", "shop-scaling"), target_group="shop", **environment):
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        driver = Driver(self.moto.url, groups, target_group, **(environment or keys))
        self.addCleanup(driver.close)
        return driver

    def group(self, name):
        return self.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]

    def listed_actions(self):
        return subprocess.run([DRIVER, "actions"], text=True, check=True, stdout=subprocess.PIPE).stdout.split()

    def require_signatures(self):
        """From now on moto wants every request signed, by a user who may do what the adapter lists."""
        iam = self.aws("iam")
        iam.create_user(UserName="controller")
        key = iam.create_access_key(UserName="controller")["AccessKey"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": self.listed_actions(), "Resource": "*"}]}
        iam.put_user_policy(UserName="controller", PolicyName="controller", PolicyDocument=json.dumps(policy))
        request = urllib.request.Request(self.moto.url + "/moto-api/reset-auth", data=b"0", method="POST",
                                         headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(request).read()
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def test_what_boto3_made_is_described(self):
        driver = self.driver()
        self.assertEqual({"ok": True}, driver("start"))
        groups = {group["name"]: group for group in driver("groups")}
        self.assertEqual({"shop-master", "shop-scaling"}, set(groups))
        scaling = groups["shop-scaling"]
        self.assertEqual((1, 5, 2, 1), tuple(scaling[key] for key in ("min", "max", "desired", "on_demand_base")))
        self.assertEqual(["m5.large", "m6i.large"], scaling["types"])
        self.assertEqual(["drain"], scaling["hooks"])
        self.assertEqual({"k8s.io/cluster-autoscaler/shop": "owned"}, scaling["tags"])
        self.assertTrue(scaling["attached"])
        self.assertTrue(scaling["rebalance"])
        theirs = {instance["InstanceId"]: instance for reservation in self.aws("ec2").describe_instances()["Reservations"]
                  for instance in reservation["Instances"]}
        ours = driver("instances")
        self.assertEqual(set(theirs), {instance["id"] for instance in ours})
        for instance in ours:
            known = theirs[instance["id"]]
            self.assertEqual((known["PrivateIpAddress"], known["PrivateDnsName"], known["InstanceType"]),
                             (instance["ip"], instance["hostname"], instance["type"]))
            self.assertEqual(f"aws:///{known['Placement']['AvailabilityZone']}/{instance['id']}", instance["provider_id"])
            self.assertEqual("InService", instance["state"])
        self.assertEqual(30, driver("delay"))
        self.assertEqual({instance["id"] for instance in ours}, {target["id"] for target in driver("targets")})

    def test_sizes_are_changed_both_ways(self):
        driver = self.driver()
        driver("start")
        self.assertEqual({"ok": True}, driver("set-desired", "shop-scaling", 4))
        self.assertEqual(4, self.group("shop-scaling")["DesiredCapacity"])
        driver("look")
        mine = [instance for instance in driver("instances") if instance["group"] == "shop-scaling"]
        self.assertEqual(4, len(mine))
        self.assertTrue(all(instance["ip"] for instance in mine))
        self.assertEqual({"ok": True}, driver("terminate", mine[0]["id"], "yes"))
        after = self.group("shop-scaling")
        self.assertEqual(3, after["DesiredCapacity"])
        self.assertNotIn(mine[0]["id"], [instance["InstanceId"] for instance in after["Instances"]])
        self.assertEqual({"ok": True}, driver("terminate", mine[1]["id"], "no"))
        driver("look")
        self.assertEqual(3, self.group("shop-scaling")["DesiredCapacity"])
        self.assertEqual(3, len([i for i in driver("instances") if i["group"] == "shop-scaling"]))

    def test_what_others_change_is_seen(self):
        driver = self.driver()
        driver("start")
        self.aws("autoscaling").set_desired_capacity(AutoScalingGroupName="shop-master", DesiredCapacity=3)
        driver("look")
        self.assertEqual(3, {group["name"]: group for group in driver("groups")}["shop-master"]["desired"])

    def test_targets_come_and_go(self):
        driver = self.driver(target_group=self.target_group)
        driver("start")
        instance = next(i for i in driver("instances") if i["group"] == "shop-scaling")
        self.assertEqual({"ok": True}, driver("deregister", instance["id"]))

        def states():
            health = self.aws("elbv2").describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
            return {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in health}
        self.assertNotEqual("healthy", states().get(instance["id"]))
        driver("look")
        self.assertNotEqual("healthy", {t["id"]: t["state"] for t in driver("targets")}.get(instance["id"]))
        self.assertEqual({"ok": True}, driver("register", instance["id"]))
        driver("look")
        target = {t["id"]: t for t in driver("targets")}[instance["id"]]
        self.assertEqual(("healthy", 30080, instance["ip"]), (target["state"], target["port"], target["ip"]))
        self.assertEqual("healthy", states()[instance["id"]])

    def test_what_is_missing_is_not_found(self):
        driver = self.driver()
        driver("start")
        answer = driver("on-demand-base", "shop-nothing", 1)
        self.assertEqual("NotFound", answer["reason"], answer)
        lonely = self.driver(target_group="nothing")
        answer = lonely("start")
        self.assertEqual(("NotFound", False), (answer["reason"], answer["ok"]))
        self.assertIn("TargetGroupNotFound", answer["message"])

    def test_more_groups_than_a_page_holds(self):
        template = self.aws("ec2").describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
        subnet = self.aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        names = [f"other-{i:03}" for i in range(120)]
        for name in names:
            self.aws("autoscaling").create_auto_scaling_group(
                AutoScalingGroupName=name, MinSize=0, MaxSize=1, DesiredCapacity=0, VPCZoneIdentifier=subnet,
                LaunchTemplate={"LaunchTemplateId": template})
        driver = self.driver(groups=names)
        self.assertEqual({"ok": True}, driver("start"))
        self.assertEqual(names, [group["name"] for group in driver("groups")])

    def test_signatures_and_permissions_are_enough(self):
        driver = self.driver(**self.require_signatures())
        self.assertEqual({"ok": True}, driver("start"))
        self.assertEqual({"ok": True}, driver("set-desired", "shop-scaling", 3))
        driver("look")
        instances = [i for i in driver("instances") if i["group"] == "shop-scaling"]
        self.assertEqual(3, len(instances))
        self.assertEqual({"ok": True}, driver("deregister", instances[0]["id"]))
        self.assertEqual({"ok": True}, driver("register", instances[0]["id"]))
        self.assertEqual({"ok": True}, driver("terminate", instances[0]["id"], "yes"))

    def test_a_wrong_secret_is_refused_by_its_code(self):
        keys = self.require_signatures()
        driver = self.driver(**{**keys, "AWS_SECRET_ACCESS_KEY": "wrong"})
        answer = driver("start")
        self.assertEqual("Unauthorized", answer["reason"], answer)
        self.assertIn("SignatureDoesNotMatch", answer["message"])
        self.assertNotIn("wrong", answer["message"])

    def test_a_service_accounts_role_gives_the_keys(self):
        token = self.directory / "token"
        token.write_text("a.jwt.of-the-kubelet")
        role = self.aws("iam").create_role(RoleName="controller", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        driver = self.driver(AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=role)
        self.assertEqual({"ok": True}, driver("start"))
        self.assertEqual(2, len(driver("groups")))


if __name__ == "__main__":
    tools.main(__name__)
