#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "render/diff.h"
#include "render/hcl.h"
#include "render/template.h"
#include "render/yaml.h"

namespace minato::render {
namespace {

TEST(TemplateTest, HolesAndConditionsAreFilled) {
  const Values values{.texts = {{"name", "shop"}}, .flags = {{"a", true}, {"b", false}}};
  EXPECT_EQ(expand("x @{name}-@{name}\n@if a\n  in\n@if b\nnever\n@else\n  "
                   "deep\n@end\n@else\nout\n@end\n@if !b\nlast\n@end\n",
                   values),
            "x shop-shop\n  in\n  deep\nlast\n");
}

TEST(HclTest, AlignsAsTerraformFmtDoes) {
  EXPECT_EQ(hcl_align("a = 1 # one\nlonger = \"x # = y\" # two\nblock {\n  b = [\n    1,\n  ]\n  "
                      "cc = 2\n  d = 3\n}\n"),
            "a      = 1         # one\nlonger = \"x # = y\" # two\nblock {\n  b = [\n    1,\n  ]\n "
            " cc = 2\n  d  = 3\n}\n");
  EXPECT_EQ(hcl_align("x = a == b ? 1 : 2\nyyy = { for k, v in m : k => v }\n"),
            "x   = a == b ? 1 : 2\nyyy = { for k, v in m : k => v }\n");
}

TEST(HclTest, TextIsNeverAnExpression) {
  EXPECT_EQ(hcl_quote("a\"b\\c${d}%{e}\n$f"), R"("a\"b\\c$${d}%%{e}\n$f")");
  EXPECT_EQ(hcl_list({"a", "b"}), R"(["a", "b"])");
}

TEST(YamlTest, TextThatLooksLikeSomethingElseIsQuoted) {
  for (const char* text : {"yes",  "No", "null", "~",    "1",   "0100", "1.5", "1e3", "12:30",
                           "",     " a", "a: b", "a #b", "- a", "@a",   "*a",  "{a}", "2026-11-20",
                           "0x1f", "a:", "!b",   "Off",  "=",   ".5",   "#x"}) {
    EXPECT_TRUE(yaml_scalar(text).starts_with('"')) << text;
  }
  for (const char* text : {"shop", "250m", "256Mi",
                           "metadata.labels['topology.kubernetes.io/zone']", "a/b:c", "/healthz"}) {
    EXPECT_EQ(yaml_scalar(text), text);
  }
}

TEST(YamlTest, NestsCommentsAndBlocks) {
  const auto value = boost::json::parse(R"({"a":{"b":[{"c":1,"d":[]},2]},"t":"x\n  y\n","e":{}})");
  EXPECT_EQ(to_yaml(value, {{"a", "first"}, {"a.b[0].c", "third"}}),
            "a:  # first\n  b:\n  - c: 1  # third\n    d: []\n  - 2\nt: |\n  x\n    y\ne: {}\n");
}

TEST(DiffTest, ShowsWhatDiffDoes) {
  EXPECT_EQ(unified_diff("f", "a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(unified_diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n"),
            "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
  EXPECT_EQ(unified_diff("f", "", "a\n"), "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n");
  EXPECT_EQ(
      unified_diff("f", "1\na\n3\n4\n5\n6\n7\n8\n9\n10\nb\n", "1\n3\n4\n5\n6\n7\n8\n9\n10\nc\n"),
      "--- a/f\n+++ b/f\n@@ -1,5 +1,4 @@\n 1\n-a\n 3\n 4\n 5\n@@ -8,4 +7,4 @@\n 8\n 9\n "
      "10\n-b\n+c\n");
}

}  // namespace
}  // namespace minato::render
