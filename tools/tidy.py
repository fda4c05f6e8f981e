#!/usr/bin/env python3
"""Rules of docs/STYLE.md and docs/ARCHITECTURE.md that a program can check.

Prints one line per finding, "file:line: rule: message", and exits 1 if there is any.
Run without arguments from anywhere; `--root DIR` checks another tree (its own test does).
"""
import argparse
import pathlib
import re
import sys

# Layer of each module; a module may include only from lower layers, or from those of its own
# layer that its CMakeLists.txt names as DEPS.
LAYERS = {
    "base": 0,
    "env": 1, "kube": 1, "cloud": 1, "container": 1, "network": 1, "balancer": 1, "instance": 1,
    "store": 2,
    "registry": 3,
    "informer": 4, "scheduling": 4, "cloudmodel": 4, "imds": 4, "metrics": 4,
    "controllers": 5, "scheduler": 5, "kubelet": 5, "network_policy": 5, "proxy": 5, "removal": 5, "autoscaler": 5, "descheduler": 5,
    "agent": 5, "election": 5,
    "spec": 6, "blueprint": 6, "cluster": 6, "eks": 6, "apiserver": 6, "render": 6, "lint": 6, "ecs": 6, "bounds": 6, "drill": 6,
    "host": 7, "tls": 7, "net": 7, "aws_http": 7, "kube_http": 7, "image": 7, "control": 7, "load": 7, "linux_net": 7,
    "linux_container": 7, "haproxy": 7, "local": 7,
    "sim": 7,
}
REAL = {"host", "tls", "net", "aws_http", "kube_http", "image", "control", "load", "linux_net", "linux_container", "haproxy", "local"}

UNORDERED = r"\bstd::unordered_(map|set)\b"

# Nothing below layer 7 may touch the outside world, and nowhere may order depend on addresses.
BANNED_BELOW_7 = [
    (r"std::chrono::(steady|system|high_resolution)_clock", "time comes from env::Clock"),
    (r"\bstd::(this_thread|thread|jthread|mutex|atomic|async|condition_variable)\b",
     "one control thread; no threading below layer 7"),
    (r"\bstd::(random_device|mt19937(_64)?|[a-z_]*_distribution)\b", "chance comes from env::Rng"),
    (r"\b(s?rand|getenv|gettimeofday|usleep|nanosleep)\s*\(", "use env::Env"),
    (r"#include <(sys/socket|unistd|pthread|thread|mutex|atomic|random|filesystem|fstream)", "no system headers below layer 7"),
    (UNORDERED, "ordered containers only (or say 'Never iterated' just above)"),
]
BANNED_EVERYWHERE = [
    (r"\bco_(await|yield|return)\b", "no coroutines"),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", "finish it or file an issue"),
    (r"\bstd::regex\b", "parse by hand"),
]
# A journal on a file is the store's one adapter to the system.
SYSTEM_ALLOWED = {"src/store/sqlite_journal.cc"}
MAX_LINES = {"source": 800, "test": 1200}


def strip_comments(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


class Tidy:
    def __init__(self, root):
        self.root = root
        self.findings = []

    def report(self, path, line, rule, message):
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {rule}: {message}")

    def deps_of(self, module):
        cmake = self.root / "src" / module / "CMakeLists.txt"
        if not cmake.exists():
            return set()
        words = re.findall(r"[A-Za-z0-9_:./]+", cmake.read_text())
        deps, active = set(), False
        for word in words:
            if word in ("DEPS", "TEST_DEPS"):
                active = True
            elif word.isupper() and len(word) > 2:
                active = False
            elif active:
                deps.add(word)
        return deps

    def check_include(self, path, number, module, target, deps):
        if target not in LAYERS or target == module:
            return
        if target not in deps:
            self.report(path, number, "deps", f"includes {target}, which its DEPS do not name")
        if LAYERS[target] > LAYERS[module]:
            self.report(path, number, "layer", f"{module} (layer {LAYERS[module]}) may not use "
                                               f"{target} (layer {LAYERS[target]})")
        if module == "sim" and target in REAL or module in REAL and target == "sim":
            self.report(path, number, "layer", f"{module} and {target} must not know each other")

    def check_file(self, path, module):
        relative = str(path.relative_to(self.root))
        is_test = re.search(r"_test\.|test_|fixture|/testing/|fake_", relative) is not None
        lines = path.read_text(errors="replace").splitlines()
        limit = MAX_LINES["test" if is_test else "source"]
        if len(lines) > limit and "/types/" not in relative:
            self.report(path, len(lines), "size", f"{len(lines)} lines; at most {limit}")
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.report(path, 1, "header", "no #pragma once")
        if path.suffix == ".h" and lines and not lines[0].startswith("//"):
            self.report(path, 1, "header", "does not begin by saying what it is")
        deps = self.deps_of(module)
        low = LAYERS.get(module, 8) < 7 and not is_test and relative not in SYSTEM_ALLOWED
        for number, line in enumerate(lines, 1):
            include = re.match(r'#include "([a-z_]+)/', line)
            if include and not is_test:
                self.check_include(path, number, module, include.group(1), deps)
            code = strip_comments(line)
            for pattern, message in (BANNED_BELOW_7 if low else []):
                excused = pattern == UNORDERED and "ever iterated" in "".join(lines[number - 4:number])
                if re.search(pattern, code) and not excused:
                    self.report(path, number, "banned", message)
            for pattern, message in BANNED_EVERYWHERE:
                if re.search(pattern, line):
                    self.report(path, number, "banned", message)

    def check_listed(self, module):
        folder = self.root / "src" / module
        cmake = folder / "CMakeLists.txt"
        listed = cmake.read_text() if cmake.exists() else ""
        for path in sorted(folder.rglob("*.cc")):
            name = str(path.relative_to(folder))
            if not re.search(rf"(^|[\s(/}}]){re.escape(name)}\b", listed):
                self.report(path, 1, "orphan", "is in no CMakeLists.txt")

    def run(self):
        for folder in sorted((self.root / "src").iterdir()):
            if not folder.is_dir():
                continue
            if folder.name not in LAYERS:
                self.report(folder, 1, "layer", "module has no layer in tools/tidy.py")
                continue
            self.check_listed(folder.name)
            for path in sorted(folder.rglob("*")):
                if path.suffix in (".h", ".cc"):
                    self.check_file(path, folder.name)
        return self.findings


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    findings = Tidy(parser.parse_args().root.resolve()).run()
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
