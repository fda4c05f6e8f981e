#include "image/user.h"

#include <gmock/gmock.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "image/test_support.h"

namespace minato::image {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::spill;
using testing::TempDirectory;

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "# a comment\n"
    "app:x:1000:1001::/srv/app:/bin/false\n"
    "wraps:x:4294967296:0::/:/\n"
    "broken\n";
constexpr std::string_view kGroup =
    "root:x:0:\n"
    "staff:x:50:app,other\n"
    "audio:x:29:app\n";

class UserTest : public ::testing::Test {
 protected:
  UserTest() {
    spill(temp_ / "base/etc/passwd", kPasswd);
    spill(temp_ / "base/etc/group", kGroup);
  }
  Result<ResolvedUser> resolve(std::string_view user) {
    return resolve_user({temp_ / "base"}, user);
  }
  TempDirectory temp_;
};

TEST_F(UserTest, NamesAndNumbersAreLookedUp) {
  const auto app = resolve("app");
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ(app->uid, 1000U);
  EXPECT_EQ(app->gid, 1001U);
  EXPECT_EQ(app->home, "/srv/app");
  EXPECT_THAT(app->supplementary_gids, ElementsAre(29U, 50U));
  EXPECT_EQ(resolve("1000")->gid, 1001U);
  EXPECT_EQ(resolve("")->home, "/root");
}

TEST_F(UserTest, GivenGroupReplacesTheUsersGroups) {
  const auto user = resolve("app:staff");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->gid, 50U);
  EXPECT_THAT(user->supplementary_gids, IsEmpty());
  EXPECT_EQ(resolve("1000:7")->gid, 7U);
}

TEST_F(UserTest, NumbersNeedNoEntry) {
  const auto user = resolve_user({temp_ / "base"}, "65532:65532");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->uid, 65532U);
  EXPECT_EQ(user->home, "/");
  fs::remove_all(temp_ / "base/etc");
  EXPECT_EQ(resolve("12")->uid, 12U);
  EXPECT_EQ(resolve("12")->gid, 0U);
}

TEST_F(UserTest, IdsThatWouldWrapAreRefused) {
  // 2^31, 2^32 (root once wrapped), 2^64.
  for (const char* user : {"2147483648", "4294967296", "18446744073709551616", "0:4294967296",
                           "wraps", "app:2147483648"}) {
    const auto resolved = resolve(user);
    ASSERT_FALSE(resolved) << user;
    EXPECT_EQ(resolved.error().reason, Reason::kInvalid);
  }
  EXPECT_TRUE(resolve("2147483647"));
}

TEST_F(UserTest, UnknownAndMalformedUsersAreRefused) {
  EXPECT_THAT(resolve("nobody").error().message, HasSubstr("\"nobody\" is not in the image's"));
  EXPECT_THAT(resolve("app:nogroup").error().message, HasSubstr("/etc/group"));
  for (const char* user : {":", "app:", ":staff", "-1", "+1", "1e3"}) {
    EXPECT_FALSE(resolve(user)) << user;
  }
}

TEST_F(UserTest, LinksAreFollowedInsideTheImageOnly) {
  spill(temp_ / "outside", "app:x:666:666::/:/\n");
  fs::remove(temp_ / "base/etc/passwd");
  fs::create_symlink(temp_ / "outside", temp_ / "base/etc/passwd");
  EXPECT_FALSE(resolve("app"));
  fs::remove(temp_ / "base/etc/passwd");
  fs::create_symlink("../../../../outside", temp_ / "base/etc/passwd");
  EXPECT_FALSE(resolve("app"));
  spill(temp_ / "base/usr/lib/passwd", "app:x:5:6::/:/\n");
  fs::remove(temp_ / "base/etc/passwd");
  fs::create_symlink("/usr/lib/passwd", temp_ / "base/etc/passwd");
  EXPECT_EQ(resolve("app")->uid, 5U);
}

TEST_F(UserTest, LinkLoopsFifosAndHugeFilesAreErrors) {
  fs::remove(temp_ / "base/etc/passwd");
  fs::create_symlink("passwd", temp_ / "base/etc/passwd");
  EXPECT_THAT(resolve("app").error().message, HasSubstr("too many links"));
  fs::remove(temp_ / "base/etc/passwd");
  ASSERT_EQ(::mkfifo((temp_ / "base/etc/passwd").c_str(), 0644), 0);
  EXPECT_THAT(resolve("app").error().message, HasSubstr("not a regular file"));
  fs::remove(temp_ / "base/etc/passwd");
  spill(temp_ / "base/etc/passwd", std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(resolve("app").error().message, HasSubstr("larger than"));
}

TEST_F(UserTest, UpperLayersShowThroughAsOverlayfsShowsThem) {
  const std::vector<std::string> layers{temp_ / "base", temp_ / "upper"};
  spill(temp_ / "upper/etc/passwd", "app:x:7:7::/:/\n");
  EXPECT_EQ(resolve_user(layers, "app")->uid, 7U);
  EXPECT_EQ(resolve_user(layers, "app")->supplementary_gids.size(), 2U) << "group is from below";
  // A link in the upper layer to a file of the lower one.
  fs::remove(temp_ / "upper/etc/passwd");
  spill(temp_ / "base/lib/passwd", "app:x:8:8::/:/\n");
  fs::create_symlink("../lib/passwd", temp_ / "upper/etc/passwd");
  EXPECT_EQ(resolve_user(layers, "app")->uid, 8U);
  // A whiteout hides the file.
  fs::remove(temp_ / "upper/etc/passwd");
  ASSERT_EQ(::mknod((temp_ / "upper/etc/passwd").c_str(), S_IFCHR, makedev(0, 0)), 0);
  EXPECT_FALSE(resolve_user(layers, "app"));
  // An opaque directory hides all of it.
  fs::remove(temp_ / "upper/etc/passwd");
  EXPECT_TRUE(resolve_user(layers, "app"));
  ASSERT_EQ(::setxattr((temp_ / "upper/etc").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  EXPECT_FALSE(resolve_user(layers, "app"));
}

}  // namespace
}  // namespace minato::image
