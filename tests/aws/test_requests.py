"""Every request of the AWS adapter, as botocore would have written it: the same form, and the signature
that botocore's own signer makes of it.

An AWS of this test's own takes all requests, and answers with no more than the adapter needs to go on.
"""
import http.server
import pathlib
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "render"))
import tools  # noqa: E402
from driver import DRIVER, REGION, Driver  # noqa: E402
from tools import missing  # noqa: E402

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/1234567890abcdef"
HOOK = {"AutoScalingGroupName": "shop-scaling", "LifecycleHookName": "drain", "InstanceId": "i-1"}
TARGET = {"TargetGroupArn": ARN, "Targets": [{"Id": "i-1"}]}

GROUPS = """<R><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>
<AutoScalingGroupName>shop-scaling</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>9</MaxSize><DesiredCapacity>2</DesiredCapacity>
<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState></member></Instances>
</member></AutoScalingGroups></DescribeAutoScalingGroupsResult></R>"""
TARGET_GROUPS = f"""<R><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>{ARN}</TargetGroupArn></member>
</TargetGroups></DescribeTargetGroupsResult></R>"""

# What is done with the driver, and what boto3 would be called with.
EXPECTED = {
    "DescribeAutoScalingGroups": ("autoscaling", {"AutoScalingGroupNames": ["shop-scaling"], "MaxRecords": 100}),
    "DescribeInstances": ("ec2", {"Filters": [{"Name": "instance-id", "Values": ["i-1"]}], "MaxResults": 1000}),
    "DescribeLifecycleHooks": ("autoscaling", {"AutoScalingGroupName": "shop-scaling"}),
    "DescribeScalingActivities": ("autoscaling", {"AutoScalingGroupName": "shop-scaling", "MaxRecords": 50}),
    "DescribeTargetGroups": ("elbv2", {"Names": ["shop"]}),
    "DescribeTargetGroupAttributes": ("elbv2", {"TargetGroupArn": ARN}),
    "DescribeTargetHealth": ("elbv2", {"TargetGroupArn": ARN}),
    "SetDesiredCapacity": ("autoscaling", {"AutoScalingGroupName": "shop-scaling", "DesiredCapacity": 3, "HonorCooldown": False}),
    "TerminateInstanceInAutoScalingGroup": ("autoscaling", {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": True}),
    "UpdateAutoScalingGroup": ("autoscaling", {
        "AutoScalingGroupName": "shop-scaling",
        "MixedInstancesPolicy": {"InstancesDistribution": {
            "OnDemandBaseCapacity": 4, "OnDemandPercentageAboveBaseCapacity": 100, "OnDemandAllocationStrategy": "prioritized",
            "SpotAllocationStrategy": "price-capacity-optimized"}}}),
    "CompleteLifecycleAction": ("autoscaling", {**HOOK, "LifecycleActionResult": "CONTINUE"}),
    "RecordLifecycleActionHeartbeat": ("autoscaling", HOOK),
    "RegisterTargets": ("elbv2", TARGET),
    "DeregisterTargets": ("elbv2", TARGET),
}
COMMANDS = ("start", "set-desired shop-scaling 3", "terminate i-1 yes", "on-demand-base shop-scaling 4",
            "complete shop-scaling drain i-1", "heartbeat shop-scaling drain i-1", "register i-1", "deregister i-1")


class Everything(http.server.BaseHTTPRequestHandler):
    """Keeps what it is sent."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = urllib.parse.parse_qs(body)["Action"][0]
        self.server.seen.setdefault(action, (dict(self.headers), body))
        answer = {"DescribeAutoScalingGroups": GROUPS, "DescribeTargetGroups": TARGET_GROUPS}.get(
            action, f"<R><{action}Result/></R>").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            import botocore.session
        except ImportError:
            missing("botocore", "the adapter's requests")
        cls.session = botocore.session.Session()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Everything)
        server.seen = {}
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.host = f"127.0.0.1:{server.server_port}"
        driver = Driver(f"http://{cls.host}", ["shop-scaling"], "shop", AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
                        AWS_SECRET_ACCESS_KEY="a/secret+key", AWS_SESSION_TOKEN="a/token==")
        for command in COMMANDS:
            answer = driver(*command.split())
            if answer != {"ok": True}:
                raise AssertionError(f"{command}: {answer}")
        driver.close()
        cls.seen = server.seen

    def test_every_action_is_among_them(self):
        listed = subprocess.run([DRIVER, "actions"], text=True, check=True, stdout=subprocess.PIPE).stdout.split()
        self.assertEqual({permission.split(":")[1] for permission in listed}, set(EXPECTED))
        self.assertEqual(set(EXPECTED), set(self.seen))

    def test_forms_are_what_botocore_writes(self):
        from botocore.serialize import create_serializer
        for action, (service, parameters) in EXPECTED.items():
            with self.subTest(action=action):
                model = self.session.get_service_model(service)
                serializer = create_serializer(model.metadata["protocol"])
                wanted = serializer.serialize_to_request(parameters, model.operation_model(action))["body"]
                body = self.seen[action][1]
                self.assertEqual({name: str(value) for name, value in wanted.items()},
                                 dict(urllib.parse.parse_qsl(body, strict_parsing=True)))

    def test_signatures_are_what_botocore_makes(self):
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        for action, (service, _) in EXPECTED.items():
            headers, body = self.seen[action]
            with self.subTest(action=action):
                name = self.session.get_service_model(service).signing_name
                signer = SigV4Auth(Credentials("AKIDEXAMPLE", "a/secret+key", "a/token=="), name, REGION)
                request = AWSRequest(method="POST", url=f"http://{self.host}/", data=body, headers={
                    each: headers[each] for each in ("Content-Type", "X-Amz-Date", "X-Amz-Security-Token")})
                request.context["timestamp"] = headers["X-Amz-Date"]
                signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
                self.assertIn(f"/{REGION}/{name}/aws4_request", headers["Authorization"])
                self.assertTrue(headers["Authorization"].endswith(f"Signature={signature}"), headers["Authorization"])


if __name__ == "__main__":
    tools.main(__name__)
