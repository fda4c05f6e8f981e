#!/usr/bin/env python3
"""Do the tests notice? Plants the faults of mutation_faults.json, one at a time, and runs what tests them.

Prints one line per fault, as it is done, and exits 1 if one is not as expected. A fault is data:
`file`, the `old` text (which must stand there exactly once), the `new` one, `why` it matters, the
test program (`test`), `expect` ("noticed" or "survives"), and for long programs a `filter` of tests.

The tree is not touched: a changed copy is compiled, without optimization, in the place of its file
and linked before the module's library. The build must be current; each fault takes 10 to 15 s of
CPU. Not part of `make test`.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FAULTS = pathlib.Path(__file__).with_name("mutation_faults.json")
JOBS = int(os.environ.get("JOBS", "2"))
TEST_SECONDS = 300  # A fault may make a test wait for ever: that is noticed, too.


class Broken(Exception):
    """The fault could not be tried; says why."""


def last_command(build, target):
    out = subprocess.run(["ninja", "-t", "commands", target], cwd=build, capture_output=True, text=True, check=True)
    return out.stdout.strip().split("\n")[-1]


def run(command, build, what):
    out = subprocess.run(command, shell=True, cwd=build, capture_output=True, text=True)
    if out.returncode != 0:
        raise Broken(f"does not {what}: {out.stderr[-500:]}")


def changed_copy(fault, source, directory):
    text = source.read_text()
    if text.count(fault["old"]) != 1:
        raise Broken(f"the old text is there {text.count(fault['old'])} times")
    copy = directory / source.name
    copy.write_text(text.replace(fault["old"], fault["new"]))
    return copy


def compile_fault(fault, build, directory):
    """The object of the files that are compiled together with the changed one."""
    source = ROOT / fault["file"]
    copy = changed_copy(fault, source, directory)
    module = source.relative_to(ROOT / "src").parts[0]
    together = [each for each in (build / "src" / module).glob(f"CMakeFiles/minato_{module}.dir/Unity/*.cxx")
                if f'"{source}"' in each.read_text()]
    if not together:
        raise Broken("no compiled file has it; is the build current?")
    changed = directory / "together.cxx"
    changed.write_text(together[0].read_text().replace(str(source), str(copy)))
    command = last_command(build, f"{together[0].relative_to(build)}.o").replace("/usr/bin/ccache ", "")
    command = re.sub(r" -MD -MT \S+ -MF \S+ -o \S+ -c \S+", f" -w -o {directory}/together.o -c {changed}", command)
    run(re.sub(r" -O[12]| -D_FORTIFY_SOURCE=2", "", command), build, "compile")
    return directory / "together.o"


def failing_tests(program, build, chosen):
    """Names of tests that fail; none when all pass."""
    try:
        out = subprocess.run([program, "--gtest_brief=1", f"--gtest_filter={chosen}"], cwd=build, capture_output=True,
                             text=True, errors="replace", timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return ["a test does not end"]
    if out.returncode == 0:
        return []
    names = re.findall(r"^\[  FAILED  \] (\S+\.[^ ,]+)", out.stdout, re.MULTILINE)
    return sorted(set(names)) or [f"the program ends with {out.returncode}"]


def noticed_by(fault, build):
    with tempfile.TemporaryDirectory(prefix="minato-mutation-") as name:
        directory = pathlib.Path(name)
        changed = compile_fault(fault, build, directory)
        link = last_command(build, fault["test"]).removeprefix(": && ").removesuffix(" && :")
        run(re.sub(r" -o \S+", f" {changed} -o {directory}/test", link, count=1), build, "link")
        return failing_tests(directory / "test", build, fault.get("filter", "*"))


def try_fault(fault, build):
    try:
        failed = noticed_by(fault, build)
    except Broken as problem:
        return "BROKEN", str(problem)
    if failed:
        return "noticed", failed[0] + (f" and {len(failed) - 1} more" if len(failed) > 1 else "")
    return "survives", fault["why"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, help="build directory, with tests")
    parser.add_argument("only", nargs="*", help="names of faults, or of test programs")
    arguments = parser.parse_args()
    faults = [fault for fault in json.loads(FAULTS.read_text())
              if not arguments.only or fault["name"] in arguments.only or fault["test"] in arguments.only]
    build = arguments.build.resolve()
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for fault, (result, remark) in zip(faults, pool.map(lambda each: try_fault(each, build), faults)):
            wrong += result != fault["expect"]
            note = "" if result == fault["expect"] else "  <- expected: " + fault["expect"]
            print(f"{result:9}{fault['name']:38}{remark}{note}", flush=True)
    print(f"mutation: {len(faults)} faults, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
