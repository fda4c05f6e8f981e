"""The program tests/aws/driver.cc: a command per line in, a JSON document per line out."""
import json
import os
import subprocess

from tools import ROOT

DRIVER = os.environ.get("MINATO_AWS_DRIVER", str(ROOT / "build/tests/aws/aws_driver"))
REGION = "us-east-1"


class Driver:
    def __init__(self, endpoint, groups, target_group, **environment):
        env = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, "PATH": os.environ["PATH"], **environment}
        self.process = subprocess.Popen([DRIVER, ",".join(groups), target_group], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
