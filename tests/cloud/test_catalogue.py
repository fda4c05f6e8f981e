"""`minato cloud catalogue --refresh`, against recorded answers of the aws command.

A stand-in for `aws` is put first in PATH; it checks what it is asked and prints what EC2 and the
price list answered, abridged to what is read.
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["MINATO_E2E_PROGRAM"]

STAND_IN = r'''#!/usr/bin/env python3
import json, sys
arguments = " ".join(sys.argv[1:])
if "DENIED" in arguments:
    sys.exit("An error occurred (UnauthorizedOperation)")
if arguments.startswith("ec2 describe-instance-types --region eu-west-1"):
    assert "Name=instance-type,Values=" in arguments and "m5.large" in arguments
    print(json.dumps({"InstanceTypes": [{
        "InstanceType": "m5.large", "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 8192},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 10}}]}))
elif arguments.startswith("ec2 describe-spot-price-history --region eu-west-1"):
    assert "--start-time 2" in arguments and "Linux/UNIX" in arguments
    print(json.dumps({"SpotPriceHistory": [
        {"AvailabilityZone": zone, "InstanceType": "m5.large", "ProductDescription": "Linux/UNIX",
         "SpotPrice": price, "Timestamp": "2026-08-20T10:00:00+00:00"}
        for zone, price in (("eu-west-1a", "0.041000"), ("eu-west-1b", "0.043000"))]}))
elif arguments.startswith("pricing get-products"):
    assert "Field=regionCode,Value=eu-west-1" in arguments
    print(json.dumps({"PriceList": [json.dumps({
        "product": {"productFamily": "Compute Instance", "attributes": {
            "instanceType": "m5.large", "operatingSystem": "Linux", "tenancy": "Shared",
            "preInstalledSw": "NA", "capacitystatus": "Used", "regionCode": "eu-west-1",
            "operation": "RunInstances", "licenseModel": "No License required", "marketoption": "OnDemand"}},
        "terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": {
            "unit": "Hrs", "pricePerUnit": {"USD": "0.1070000000"}}}}}}})]}))
else:
    sys.exit("not expected: " + arguments)
'''


class Catalogue(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="minato-catalogue-")
        self.addCleanup(shutil.rmtree, self.directory)
        program = os.path.join(self.directory, "aws")
        with open(program, "w", encoding="utf-8") as out:
            out.write(STAND_IN)
        os.chmod(program, stat.S_IRWXU)
        self.environment = dict(os.environ, PATH=self.directory + ":" + os.environ["PATH"])

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, "cloud", "catalogue", *arguments], env=self.environment, cwd=self.directory,
                              capture_output=True, text=True, timeout=60, check=False)

    def test_prices_of_the_region_replace_the_built_in_ones(self):
        answer = self.run_program("--refresh", "--region", "eu-west-1", "-o", "json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        types = {entry["name"]: entry for entry in json.loads(answer.stdout)}
        self.assertEqual(types["m5.large"]["onDemandMicroUsd"], 107000)
        self.assertEqual(types["m5.large"]["spotMicroUsd"], 42000)
        self.assertEqual(types["m5.large"]["maxPods"], 29)
        self.assertGreaterEqual(len(types), 100)
        kept = sorted(os.listdir(os.path.join(self.directory, "aws-catalogue")))
        self.assertEqual(kept, ["instance-types.json", "prices.json", "spot-prices.json"])
        again = self.run_program("--region", "eu-west-1", "-o", "json",
                                 *(os.path.join("aws-catalogue", name) for name in kept))
        self.assertEqual(json.loads(again.stdout), json.loads(answer.stdout))

    def test_a_refusal_keeps_what_was_there_and_fails(self):
        self.assertEqual(self.run_program("--refresh", "--region", "eu-west-1").returncode, 0)
        before = os.stat(os.path.join(self.directory, "aws-catalogue", "prices.json")).st_mtime_ns
        answer = self.run_program("--refresh", "--region", "DENIED")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("UnauthorizedOperation", answer.stderr)
        self.assertEqual(os.stat(os.path.join(self.directory, "aws-catalogue", "prices.json")).st_mtime_ns, before)

    def test_it_says_what_is_missing(self):
        self.assertIn("--region", self.run_program("--refresh").stderr)
        self.environment["PATH"] = "/nonexistent"
        answer = self.run_program("--refresh", "--region", "eu-west-1")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("aws", answer.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
