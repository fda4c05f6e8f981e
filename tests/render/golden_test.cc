// The three examples as they are rendered, byte for byte: a change of the output is a change that a
// reviewer reads. MINATO_UPDATE_GOLDEN=1 writes them anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lint/lint.h"
#include "render/render.h"

namespace minato::render {
namespace {
namespace fs = std::filesystem;

const fs::path kRoot = MINATO_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Files read_tree(const fs::path& root) {
  Files out;
  if (!fs::exists(root)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file())
      out[fs::relative(entry.path(), root).string()] = read(entry.path());
  }
  return out;
}

void write_tree(const fs::path& root, const Files& files) {
  fs::remove_all(root);
  for (const auto& [path, text] : files) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << text;
  }
}

class GoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, ExampleIsRenderedAsReviewed) {
  const std::string name = GetParam();
  const auto spec = spec::read({{name + ".yaml", read(kRoot / "examples/eks" / (name + ".yaml"))}});
  ASSERT_TRUE(spec) << spec.error().message;
  const auto files = render(*spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(files) << files.error().message;
  const fs::path golden = kRoot / "tests/render/golden" / name;
  if (std::getenv("MINATO_UPDATE_GOLDEN") != nullptr) write_tree(golden, *files);
  const Files reviewed = read_tree(golden);
  for (const auto& [path, text] : *files) {
    ASSERT_TRUE(reviewed.contains(path)) << path << " is new";
    EXPECT_EQ(text, reviewed.at(path)) << path;
  }
  for (const auto& [path, text] : reviewed)
    EXPECT_TRUE(files->contains(path)) << path << " is gone";
}

TEST_P(GoldenTest, ExampleKeepsEveryRuleOrSaysWhyNot) {
  const std::string name = GetParam();
  const auto spec = spec::read({{name + ".yaml", read(kRoot / "examples/eks" / (name + ".yaml"))}});
  ASSERT_TRUE(spec);
  const auto files = render(*spec, cloud::Catalogue::built_in());
  ASSERT_TRUE(files);
  for (const lint::Finding& finding :
       lint::check(*spec, *files, cloud::Catalogue::built_in(), *parse_rfc3339("2026-11-23T00:00:00Z"))) {
    const bool accepted = !finding.waived.empty() ||
                          (name == "small" && finding.rule->severity != lint::Severity::kError);
    EXPECT_TRUE(accepted) << finding.rule->id << " " << finding.place << ": " << finding.message;
  }
}

// The table of docs/LINT.md, from the catalogue.
std::string rules_table() {
  std::string out = "| id | severity | why | fix | source |\n|---|---|---|---|---|\n";
  for (const lint::Rule& rule : lint::rules()) {
    out += fmt::format("| {} | {} | {} | {} | {} |\n", rule.id, to_string(rule.severity),
                       rule.reason, rule.fix, rule.source);
  }
  return out;
}

TEST(LintDocTest, TheTableIsTheCatalogue) {
  const fs::path path = kRoot / "docs/LINT.md";
  std::string text = read(path);
  const std::size_t begin = text.find("| id |");
  const std::string head = text.substr(0, begin);
  if (std::getenv("MINATO_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path, std::ios::binary) << head << rules_table();
  EXPECT_EQ(read(path), head + rules_table());
}

INSTANTIATE_TEST_SUITE_P(Examples, GoldenTest, testing::Values("small", "typical", "everything"));

}  // namespace
}  // namespace minato::render
