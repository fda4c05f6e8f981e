#include "image/auth.h"

#include <gmock/gmock.h>

#include "image/http.h"
#include "image/test_support.h"

namespace minato::image {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::spill;
using testing::TempDirectory;

std::string entry(const std::string& text) { return "{\"auth\":\"" + base64_encode(text) + "\"}"; }

class AuthTest : public ::testing::Test {
 protected:
  Result<Credentials> find(const std::string& registry, const std::string& name) {
    return find_credentials({temp_ / "missing.json", temp_ / "auth.json"}, registry, name);
  }
  void write(const std::string& text) { spill(temp_ / "auth.json", text); }
  TempDirectory temp_;
};

TEST_F(AuthTest, LongestEntryWins) {
  write("{\"auths\":{\"r.example\":" + entry("host:1") + ",\"r.example/team\":" + entry("team:2") +
        ",\"r.example/team/web\":" + entry("repo:a:b") + "}}");
  EXPECT_EQ(find("r.example", "other")->user, "host");
  EXPECT_EQ(find("r.example", "team/api")->user, "team");
  EXPECT_EQ(find("r.example", "team/web")->user, "repo");
  EXPECT_EQ(find("r.example", "team/web")->password, "a:b") << "only the first ':' separates";
  EXPECT_EQ(find("r.example", "teamster/x")->user, "host") << "prefixes end at '/'";
  EXPECT_TRUE(find("r.example.evil", "team/web")->empty());
}

TEST_F(AuthTest, DockersOldKeysAreUnderstood) {
  write("{\"auths\":{\"https://index.docker.io/v1/\":" + entry("me:1") +
        ",\"http://r.example/v2/\":" + entry("you:2") + "}}");
  EXPECT_EQ(find("docker.io", "library/web")->user, "me");
  EXPECT_EQ(find("r.example", "web")->user, "you");
}

TEST_F(AuthTest, NothingKnownIsNoError) {
  EXPECT_TRUE(find("r.example", "web")->empty());
  write("{}");
  EXPECT_TRUE(find("r.example", "web")->empty());
}

TEST_F(AuthTest, DamagedFilesAreErrorsThatKeepSecrets) {
  write("{\"auths\":{\"r.example\":{\"auth\":\"c2VjcmV0\"}}}");  // No colon.
  const auto damaged = find("r.example", "web");
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().message, HasSubstr("auth.json"));
  EXPECT_THAT(damaged.error().message, Not(HasSubstr("c2VjcmV0")));
  write("{\"auths\": [hunter2");
  ASSERT_FALSE(find("r.example", "web"));
  EXPECT_THAT(find("r.example", "web").error().message, Not(HasSubstr("hunter2")));
}

TEST_F(AuthTest, HelperNamesAreNotPaths) {
  write("{\"credHelpers\":{\"r.example\":\"../../bin/sh\"}}");
  EXPECT_THAT(find("r.example", "web").error().message, HasSubstr("plain word"));
}

TEST_F(AuthTest, HelpersAreAskedOverStandardInput) {
  const std::string helper = temp_ / "docker-credential-fake";
  spill(helper,
        "#!/bin/sh\nread server || true\n[ \"$1\" = get ] && [ \"$server\" = r.example ] || "
        "{ echo 'credentials not found in native keychain'; exit 1; }\n"
        "echo '{\"ServerURL\":\"r.example\",\"Username\":\"helped\",\"Secret\":\"pw\"}'\n");
  ::chmod(helper.c_str(), 0755);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (temp_.path() + ":" + path).c_str(), 1);
  write("{\"credHelpers\":{\"r.example\":\"fake\",\"other.example\":\"fake\"}}");
  const auto found = find("r.example", "web");
  const auto other = find("other.example", "web");
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->user, "helped");
  EXPECT_EQ(found->password, "pw");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_TRUE(other->empty());
}

TEST(ChallengeTest, ParametersAreRead) {
  const auto challenge = parse_challenge(
      "Bearer realm=\"https://auth.example/token?x=1\",service=\"r, s\", "
      "scope=\"repository:a/b:pull\"");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->scheme, "bearer");
  EXPECT_EQ(challenge->parameters.at("realm"), "https://auth.example/token?x=1");
  EXPECT_EQ(challenge->parameters.at("service"), "r, s");
  EXPECT_EQ(challenge->parameters.at("scope"), "repository:a/b:pull");
  EXPECT_EQ(parse_challenge("Basic realm=\"a \\\"b\\\"\"")->parameters.at("realm"), "a \"b\"");
  EXPECT_FALSE(parse_challenge(""));
  EXPECT_FALSE(parse_challenge("Bearer realm=\"unfinished"));
}

TEST(Base64Test, RoundTripsAndRefusesRubbish) {
  for (const std::string text : {"", "a", "ab", "abc", "user:pässword"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)).value(), text);
  }
  EXPECT_FALSE(base64_decode("!!!!"));
}

TEST(UrlTest, OriginIgnoresUserInformation) {
  EXPECT_EQ(origin_of("https://127.0.0.1@evil.example/x"), "https://evil.example");
  EXPECT_EQ(origin_of("HTTPS://R.example:5000?x"), "https://r.example:5000");
  EXPECT_EQ(authority_of("http://127.0.0.1\\@evil.example/"), "127.0.0.1");
}

}  // namespace
}  // namespace minato::image
