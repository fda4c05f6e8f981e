"""`minato cloud catalogue` and what goes by it, against recorded answers of the aws command.

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
    print(json.dumps({"InstanceTypes": [{
        "InstanceType": name, "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 8192},
        "ProcessorInfo": {"SupportedArchitectures": [architecture]},
        "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 10}}
        for name, architecture in (("m5.large", "x86_64"), ("x9.large", "arm64"))]}))
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

FILE = """service: shop
image: docker://123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:%s
domain: shop.example.com
port: 8080
region: eu-west-1
nodes: { master: { types: [m5.large] }, scaling: { types: [x9.large] } }
""" % ("0" * 64)


class Catalogue(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="minato-catalogue-")
        self.addCleanup(shutil.rmtree, self.directory)
        program = os.path.join(self.directory, "aws")
        with open(program, "w", encoding="utf-8") as out:
            out.write(STAND_IN)
        os.chmod(program, stat.S_IRWXU)
        self.data = os.path.join(self.directory, "minato")
        self.environment = dict(os.environ, PATH=self.directory + ":" + os.environ["PATH"], XDG_DATA_HOME=self.directory)

    def minato(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], env=self.environment, cwd=self.directory,
                              capture_output=True, text=True, timeout=60, check=False)

    def run_program(self, *arguments):
        return self.minato("cloud", "catalogue", *arguments)

    def refresh(self):
        answer = self.run_program("--refresh", "--region", "eu-west-1", "-o", "json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return json.loads(answer.stdout)

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as out:
            out.write(text)

    def test_prices_of_the_region_replace_the_built_in_ones_from_then_on(self):
        self.assertEqual(json.loads(self.run_program("-o", "json").stdout)["source"], "built in")
        answer = self.refresh()
        types = {entry["name"]: entry for entry in answer["types"]}
        self.assertEqual(types["m5.large"]["onDemandMicroUsd"], 107000)
        self.assertEqual(types["m5.large"]["spotMicroUsd"], 42000)
        self.assertEqual(types["x9.large"]["maxPods"], 29)
        self.assertGreaterEqual(len(types), 100)
        self.assertEqual(answer["source"], os.path.join(self.data, "catalogue.json"))
        self.assertEqual(json.loads(self.run_program("-o", "json").stdout), answer)
        self.assertIn("eu-west-1 as of " + answer["at"], self.run_program().stdout)
        kept = sorted(os.listdir(os.path.join(self.data, "aws")))
        self.assertEqual(kept, ["instance-types.json", "prices.json", "spot-prices.json"])
        again = json.loads(self.run_program("--region", "eu-west-1", "-o", "json",
                                            *(os.path.join("minato", "aws", name) for name in kept)).stdout)
        self.assertEqual(again["types"], answer["types"])

    def test_a_type_that_only_the_file_knows_reaches_every_command(self):
        self.write("minato.yaml", FILE)
        for command in (("render", "minato.yaml", "-o", "out"), ("simulate", "minato.yaml", "--steps", "1"),
                        ("drill", "--simulate", "minato.yaml", "--seeds", "1", "process-crash"), ("up", "minato.yaml")):
            answer = self.minato(*command)
            self.assertEqual(answer.returncode, 2, command)
            self.assertIn("minato.yaml:6", answer.stderr)
            self.assertIn("minato cloud catalogue --refresh --region eu-west-1", answer.stderr)
        self.assertIn("A13", self.minato("lint", "minato.yaml").stdout)
        self.refresh()
        for command in (("render", "minato.yaml", "-o", "out"), ("simulate", "minato.yaml", "--steps", "1"),
                        ("drill", "--simulate", "minato.yaml", "--seeds", "1", "process-crash")):
            answer = self.minato(*command)
            self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertNotIn("A13", self.minato("lint", "minato.yaml").stdout)
        with open(os.path.join(self.directory, "out", "terraform", "nodes.tf"), encoding="utf-8") as rendered:
            self.assertIn("arm64", rendered.read())

    def test_a_file_that_is_named_goes_before_the_kept_one(self):
        self.write("minato.yaml", FILE)
        self.refresh()
        os.rename(os.path.join(self.data, "catalogue.json"), os.path.join(self.directory, "other.json"))
        self.assertEqual(self.minato("render", "minato.yaml", "-o", "out").returncode, 2)
        self.assertEqual(self.minato("render", "minato.yaml", "-o", "out", "--catalogue", "other.json").returncode, 0)
        self.write("damaged.json", "{")
        answer = self.minato("render", "minato.yaml", "-o", "out", "--catalogue", "damaged.json")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("damaged.json", answer.stderr)

    def test_files_of_another_machine_are_kept_when_asked(self):
        self.write("types.json", json.dumps({"InstanceTypes": [{
            "InstanceType": "y1.large", "VCpuInfo": {"DefaultVCpus": 4}, "MemoryInfo": {"SizeInMiB": 16384},
            "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
            "NetworkInfo": {"MaximumNetworkInterfaces": 4, "Ipv4AddressesPerInterface": 15}}]}))
        self.assertIn("y1.large", self.run_program("types.json").stdout)
        self.assertNotIn("y1.large", self.run_program().stdout)
        self.assertIn("y1.large", self.run_program("types.json", "--region", "eu-west-1", "--keep").stdout)
        self.assertIn("y1.large", self.run_program().stdout)

    def test_a_refusal_keeps_what_was_there_and_fails(self):
        self.refresh()
        names = [os.path.join(self.data, "catalogue.json"), os.path.join(self.data, "aws", "prices.json")]
        before = [os.stat(name).st_mtime_ns for name in names]
        answer = self.run_program("--refresh", "--region", "DENIED")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("UnauthorizedOperation", answer.stderr)
        self.assertEqual([os.stat(name).st_mtime_ns for name in names], before)

    def test_it_says_what_is_missing(self):
        self.assertIn("--region", self.run_program("--refresh").stderr)
        self.environment["PATH"] = "/nonexistent"
        answer = self.run_program("--refresh", "--region", "eu-west-1")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("aws", answer.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
