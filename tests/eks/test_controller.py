"""`minato controller` as a process, over kube-apiserver and moto, with the access that is rendered for it.

Nodes, Pods that fit nowhere and an agent's request are written as kubelets, kube-scheduler and the agent
would; boto3 says what became of the group and its targets. Skipped aloud without kube-apiserver (MINATO_UPSTREAM) or moto.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "conformance"), str(HERE.parent / "render")]
import test_client_upstream  # noqa: E402
import tools  # noqa: E402
import upstream  # noqa: E402
from tools import Moto, Scratch, missing  # noqa: E402

PROGRAM = os.environ.get("MINATO_E2E_PROGRAM", str(tools.ROOT / "build/apps/minato/minato"))
REGION = "us-east-1"
GROUP = "shop-scaling"
SPEC = """service: shop
image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1
port: 8080
domain: shop.example.com
region: us-east-1
eks: { controller_image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/minato:1 }
"""


class Api:
    """The API as its administrator, or as whose token it is."""

    def __init__(self, port, authority, token="admin-token-of-the-test"):
        self.token = token
        self.url = f"https://127.0.0.1:{port}"
        self.context = ssl.create_default_context(cafile=authority)

    def __call__(self, method, path, body=None, content_type="application/json"):
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode(), headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": content_type})
        with urllib.request.urlopen(request, context=self.context, timeout=20) as answer:
            return json.load(answer)


def until(what, is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        found = is_so()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def free_port():
    return upstream.free_port()


class Controller:
    def __init__(self, test, name, kubeconfig):
        self.port = free_port()
        self.log = open(test.directory / f"{name}.log", "w+")
        self.process = subprocess.Popen(
            [PROGRAM, "controller", "--cluster", "shop", "--target-group", "shop", "--kubeconfig", kubeconfig, "--profile", "fast",
             "--health-port", str(self.port)],
            stderr=self.log, env={"PATH": os.environ["PATH"], "AWS_REGION": REGION, "AWS_ENDPOINT_URL": test.moto.url,
                                  "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
        test.addCleanup(self.end)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return None

    def lines(self):
        with open(self.log.name) as file:
            return [json.loads(line) for line in file]

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.log.close()
        return self.process.returncode


class ControllerOnUpstream(Scratch):
    def setUp(self):
        super().setUp()
        if shutil.which("moto_server") is None:
            missing("moto_server", "the controller before an AWS")
        try:
            import boto3
        except ImportError:
            missing("boto3", "the controller before an AWS")
        self.boto3 = boto3
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.port, self.authority = self.stack.enter_context(upstream.server())
        self.api = Api(self.port, self.authority)
        self.moto = Moto(self.directory)
        self.addCleanup(self.moto.close)
        self.make_group()
        self.kubeconfig = self.give_access()
        self.make_cluster()

    def aws(self, service):
        return self.boto3.client(service, region_name=REGION, endpoint_url=self.moto.url, aws_access_key_id="test", aws_secret_access_key="test")

    def make_group(self):
        ec2 = self.aws("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
        image = ec2.describe_images()["Images"][0]["ImageId"]
        template = ec2.create_launch_template(LaunchTemplateName="shop", LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"})
        target_group = self.aws("elbv2").create_target_group(
            Name="shop", Protocol="HTTP", Port=30080, VpcId=vpc, TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
        tags = {"k8s.io/cluster-autoscaler/enabled": "true", "k8s.io/cluster-autoscaler/shop": "owned"}
        self.aws("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=GROUP, MinSize=1, MaxSize=5, DesiredCapacity=2, VPCZoneIdentifier=subnet, TargetGroupARNs=[target_group],
            MixedInstancesPolicy={
                "LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "$Latest"},
                                   "Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "m6i.large"}]},
                "InstancesDistribution": {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0, "SpotAllocationStrategy": "price-capacity-optimized"}},
            Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()])

    def desired(self):
        return self.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]["DesiredCapacity"]

    def give_access(self):
        """The rendered RBAC, and a kubeconfig of its service account and nobody else."""
        spec = self.directory / "minato.yaml"
        spec.write_text(SPEC)
        subprocess.run([PROGRAM, "render", spec, "-o", self.directory / "eks"], check=True, stdout=subprocess.DEVNULL)
        import yaml
        rendered = [yaml.safe_load(path.read_text()) for path in sorted((self.directory / "eks/kubernetes/controllers").glob("*.yaml"))]
        paths = {"ServiceAccount": "/api/v1/namespaces/kube-system/serviceaccounts",
                 "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                 "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                 "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles",
                 "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
                 "Deployment": "/apis/apps/v1/namespaces/kube-system/deployments",
                 "DaemonSet": "/apis/apps/v1/namespaces/kube-system/daemonsets",
                 "PodDisruptionBudget": "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets"}
        until("there is no namespace kube-system", lambda: self.try_get("/api/v1/namespaces/kube-system"))
        for one in rendered:
            if one["kind"] in paths:
                self.api("POST", paths[one["kind"]] + "?fieldValidation=Strict", one)
        path = self.directory / "kubeconfig"
        path.write_text(test_client_upstream.kubeconfig(self.port, self.authority, self.token_of("minato-controller")))
        return str(path)

    def token_of(self, account):
        return self.api("POST", f"/api/v1/namespaces/kube-system/serviceaccounts/{account}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})["status"]["token"]

    def try_get(self, path):
        try:
            return self.api("GET", path)
        except urllib.error.HTTPError:
            return None

    def make_cluster(self):
        """A Node of each of the group's instances, with no room left; and two Pods that fit nowhere."""
        until("there is no service account", lambda: self.try_get("/api/v1/namespaces/default"))
        self.api("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        instances = [one["InstanceId"] for one in self.aws("autoscaling").describe_auto_scaling_instances()["AutoScalingInstances"]]
        self.nodes = {self.add_node(instance): instance for instance in instances}
        self.assertEqual(len(self.nodes), 2)
        for one in ("waits-1", "waits-2"):
            self.add_pod(one)
            self.api("PATCH", f"/api/v1/namespaces/default/pods/{one}/status", {"status": {"conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes are available"}]}},
                "application/strategic-merge-patch+json")

    def add_node(self, instance):
        name = self.aws("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["PrivateDnsName"]
        room = {"cpu": "2", "memory": "8Gi", "pods": "29"}
        self.api("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                                           "spec": {"providerID": f"aws:///{REGION}a/{instance}"}})
        self.api("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"capacity": room, "allocatable": room, "conditions": [
            {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}},
            "application/merge-patch+json")
        self.add_pod(f"on-{instance}", name)
        return name

    def add_pod(self, name, node=None):
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "9c4f1a52-7a0f-4b35-8a55-6f5ff7a6a001", "controller": True}
        spec = {"containers": [{"name": "main", "image": "web:1", "resources": {"requests": {"cpu": "1500m"}}}]}
        self.api("POST", "/api/v1/namespaces/default/pods", {
            "metadata": {"name": name, "ownerReferences": [owner]}, "spec": {**spec, **({"nodeName": node} if node else {})}})

    def lease_holder(self):
        found = self.try_get("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/minato-controller")
        return found and found["spec"].get("holderIdentity")

    def test_pods_that_fit_nowhere_make_the_group_larger_and_only_one_process_acts(self):
        begun = time.monotonic()
        first = Controller(self, "first", self.kubeconfig)
        until("it does not lead", lambda: first.metric("minato_leader") == 1)
        self.assertEqual(first.get("/healthz"), (200, "ok\n"))
        self.assertEqual(first.get("/readyz"), (200, "ok\n"))
        until("the group stays small", lambda: self.desired() == 4)
        print(f"from the start of the process to the desired capacity: {time.monotonic() - begun:.1f} s")
        second = Controller(self, "second", self.kubeconfig)
        until("the second does not begin", lambda: second.get("/readyz")[0] == 200)
        time.sleep(5)
        self.assertEqual((first.metric("minato_leader"), second.metric("minato_leader")), (1, 0))
        self.assertEqual(second.metric("minato_autoscaler_scans_total"), 0)
        stopped = time.monotonic()
        self.assertEqual(first.end(), 0)
        self.assertEqual(self.lease_holder(), "")
        until("the second does not take over", lambda: second.metric("minato_leader") == 1)
        print(f"from SIGTERM until the other leads: {time.monotonic() - stopped:.1f} s")
        status = until("there is no status", lambda: self.try_get("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"))
        self.assertIn("shop-scaling", json.dumps(status["data"]))
        events = [one["reason"] for one in self.api("GET", "/api/v1/events")["items"]]
        self.assertIn("TriggeredScaleUp", events)
        for controller in (first, second):
            for line in controller.lines():
                self.assertEqual(sorted(line), ["component", "level", "message", "time"])
                self.assertNotIn("forbidden", line["message"])

    def test_a_leader_that_is_killed_is_followed_within_its_lease(self):
        first = Controller(self, "first", self.kubeconfig)
        until("it does not lead", lambda: first.metric("minato_leader") == 1)
        second = Controller(self, "second", self.kubeconfig)
        until("the second does not begin", lambda: second.get("/readyz")[0] == 200)
        killed = time.monotonic()
        first.end(signal.SIGKILL)
        until("nobody follows", lambda: second.metric("minato_leader") == 1, 40)
        print(f"from SIGKILL until the other leads: {time.monotonic() - killed:.1f} s")
        self.assertGreater(time.monotonic() - killed, 10)

    def has_left(self, name):
        pod = self.try_get(f"/api/v1/namespaces/default/pods/{name}")
        return pod is None or "deletionTimestamp" in pod["metadata"]

    def targets(self):
        elb = self.aws("elbv2")
        arn = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
        return {one["Target"]["Id"] for one in elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
                if one["TargetHealth"]["State"] != "draining"}

    def test_a_node_that_its_agent_hands_over_leaves_the_target_group_before_its_pods_leave(self):
        controller = Controller(self, "controller", self.kubeconfig)
        until("it does not lead", lambda: controller.metric("minato_leader") == 1)
        name, instance = next(iter(self.nodes.items()))
        self.assertIn(instance, until("there are no targets", self.targets))
        now = time.time()
        at = lambda moment: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
        request = {"cause": "SpotInterruption", "after": "TerminateAndReplace", "deadline": at(now + 120), "message": "spot notice",
                   "phase": "Waiting", "begun": at(now), "since": at(now)}
        agent = Api(self.port, self.authority, self.token_of("minato-agent"))
        node = agent("GET", f"/api/v1/nodes/{name}")
        node["metadata"].setdefault("annotations", {})["minato.dev/removal"] = json.dumps(request)
        agent("PUT", f"/api/v1/nodes/{name}", node)
        begun = time.monotonic()
        until("it stays a target", lambda: instance not in self.targets())
        print(f"from the agent's request until the instance is no target: {time.monotonic() - begun:.1f} s")
        pod = self.api("GET", f"/api/v1/namespaces/default/pods/on-{instance}")
        self.assertNotIn("deletionTimestamp", pod["metadata"])
        taken_out = self.api("GET", f"/api/v1/nodes/{name}")
        self.assertIn("minato.dev/removal", [taint["key"] for taint in taken_out["spec"]["taints"]])
        self.assertIn("node.kubernetes.io/exclude-from-external-load-balancers", taken_out["metadata"]["labels"])
        until("its Pod stays", lambda: self.has_left(f"on-{instance}"), 120)
        print(f"until its Pod is evicted: {time.monotonic() - begun:.1f} s")
        self.assertEqual([], [line for line in controller.lines() if "forbidden" in line["message"]])


if __name__ == "__main__":
    upstream.program("kube-apiserver"), upstream.program("etcd")
    tools.main("__main__")
