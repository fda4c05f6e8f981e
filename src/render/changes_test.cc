#include "render/changes.h"

#include <gtest/gtest.h>

namespace minato::render {
namespace {

const std::string kOld(64, 'a'), kEdit(64, 'b');

TEST(ChangesTest, HandEditsAreSeenAndUntouchedFilesFollow) {
  const Files rendered{{"new", "1"},    {"same", "1"},    {"follows", "2"},
                       {"edited", "2"}, {"foreign", "2"}, {"edited-to-now", "2"}};
  const Existing existing{{{"same", "1"},
                           {"follows", "1"},
                           {"edited", "x"},
                           {"foreign", "x"},
                           {"edited-to-now", "2"},
                           {"gone", "1"},
                           {"gone-edited", "x"}},
                          {{"same", kOld},
                           {"follows", kOld},
                           {"edited", kEdit},
                           {"foreign", kEdit},
                           {"edited-to-now", kEdit},
                           {"gone", kOld},
                           {"gone-edited", kEdit}}};
  const Digests manifest{{"same", kOld},          {"follows", kOld}, {"edited", kOld},
                         {"edited-to-now", kOld}, {"gone", kOld},    {"gone-edited", kOld},
                         {"deleted", kOld}};
  std::map<std::string, std::string_view> kinds;
  for (const Change& change : plan_changes(rendered, existing, manifest))
    kinds[change.path] = to_string(change.kind);
  EXPECT_EQ(kinds, (std::map<std::string, std::string_view>{{"new", "create"},
                                                            {"same", "same"},
                                                            {"follows", "update"},
                                                            {"edited", "edited"},
                                                            {"foreign", "edited"},
                                                            {"edited-to-now", "same"},
                                                            {"gone", "remove"},
                                                            {"gone-edited", "edited"}}));
}

TEST(ChangesTest, ManifestGoesRoundAndHostileOnesAreRefused) {
  const Digests digests{{"a/b.tf", kOld}, {"c", kEdit}};
  const auto parsed = parse_manifest(manifest_text(digests));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, digests);
  for (const std::string& bad : {kOld + "  ../x", kOld + "  /etc/passwd", kOld + "  a//b",
                                 std::string("short  a"), kOld + " a", kOld}) {
    EXPECT_TRUE(failed_with(parse_manifest(bad), Reason::kInvalid)) << bad;
  }
}

}  // namespace
}  // namespace minato::render
