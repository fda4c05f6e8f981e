#!/usr/bin/env python3
"""tidy.py finds what it must find: each sample breaks one rule."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from tidy import Tidy  # noqa: E402

SAMPLES = {
    "deps": {"src/kube/a.cc": '#include "base/result.h"\n', "src/kube/CMakeLists.txt": "minato_module(kube SRCS a.cc)"},
    "layer": {"src/kube/a.cc": '#include "host/loop.h"\n',
              "src/kube/CMakeLists.txt": "minato_module(kube SRCS a.cc DEPS host)"},
    "orphan": {"src/base/a.cc": "int a;\n"},
    "header": {"src/base/a.h": "#pragma once\n"},
    "size": {"src/base/a.cc": "\n" * 900, "src/base/CMakeLists.txt": "minato_module(base SRCS a.cc)"},
}
BANNED = ["auto t = std::chrono::steady_clock::now();", "std::thread t;", "std::mt19937 r;",
          "#include <sys/socket.h>", "std::unordered_map<int, int> m;", "co_await x;", "// TODO later",
          'getenv("HOME");']


class TidyTest(unittest.TestCase):
    def findings(self, files):
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return Tidy(root).run()

    def test_samples(self):
        for rule, files in SAMPLES.items():
            with self.subTest(rule):
                self.assertTrue(any(f": {rule}: " in f for f in self.findings(files)))

    def test_banned_words(self):
        for code in BANNED:
            with self.subTest(code):
                files = {"src/base/a.cc": code + "\n", "src/base/CMakeLists.txt": "minato_module(base SRCS a.cc)"}
                self.assertTrue(any(": banned: " in f for f in self.findings(files)), code)

    def test_clean_code_is_clean(self):
        files = {"src/base/a.cc": '#include "base/a.h"\nint f() { return 1; }  // steady_clock is banned\n',
                 "src/base/a.h": "// What it is.\n#pragma once\nint f();\n",
                 "src/base/CMakeLists.txt": "minato_module(base SRCS a.cc)"}
        self.assertEqual(self.findings(files), [])


if __name__ == "__main__":
    unittest.main()
