#include "image/reference.h"

#include <gmock/gmock.h>

#include <vector>

namespace minato::image {
namespace {

using ::testing::HasSubstr;

const std::string kHex(64, 'a');

TEST(ReferenceTest, BareNamesGetDockersDefaults) {
  const auto bare = Reference::parse("nginx");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->text(), "docker.io/library/nginx:latest");
  EXPECT_EQ(Reference::parse("nginx:1.25")->text(), "docker.io/library/nginx:1.25");
  EXPECT_EQ(Reference::parse("team/web")->text(), "docker.io/team/web:latest");
  EXPECT_EQ(Reference::parse("index.docker.io/team/web")->text(), "docker.io/team/web:latest");
}

TEST(ReferenceTest, RegistryIsToldByItsFirstComponent) {
  const auto ecr =
      Reference::parse("123.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + kHex);
  ASSERT_TRUE(ecr) << ecr.error().message;
  EXPECT_EQ(ecr->registry, "123.dkr.ecr.ap-northeast-1.amazonaws.com");
  EXPECT_EQ(ecr->name, "shop");
  EXPECT_EQ(ecr->tag, "");
  EXPECT_EQ(ecr->digest->hex(), kHex);
  EXPECT_EQ(Reference::parse("localhost/web")->registry, "localhost");
  EXPECT_EQ(Reference::parse("host:5000/web")->registry, "host:5000");
  EXPECT_EQ(Reference::parse("docker://[::1]:5000/a/b:1")->registry, "[::1]:5000");
  EXPECT_EQ(Reference::parse("web:5000/x").has_value(), true);
}

TEST(ReferenceTest, TagAndDigestAreBothKept) {
  const std::string text = "r.example/a/b:1.2@sha256:" + kHex;
  const auto reference = Reference::parse("docker://" + text);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->tag, "1.2");
  EXPECT_TRUE(reference->digest);
  EXPECT_EQ(reference->text(), text);
}

TEST(ReferenceTest, LayoutsAndArchivesHavePaths) {
  const auto layout = Reference::parse("oci:../build/image:1");
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->kind, Reference::Kind::kLayout);
  EXPECT_EQ(layout->path, "../build/image");
  EXPECT_EQ(layout->tag, "1");
  EXPECT_EQ(Reference::parse("oci:/a:b/c")->path, "/a:b/c");
  const auto archive = Reference::parse("docker-archive:/x/web.tar:team/web:1");
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->path, "/x/web.tar");
  EXPECT_EQ(archive->tag, "team/web:1");
}

TEST(ReferenceTest, FullTextReadsBackToTheSameValue) {
  for (const std::string text :
       {"nginx", "a.b/c/d:1", "oci:/x/y:1", "oci:rel", "docker-archive:a.tar", "[::1]:5000/web",
        "localhost:5000/web:x"}) {
    const auto first = Reference::parse(text);
    ASSERT_TRUE(first) << text;
    const auto second = Reference::parse(first->text());
    ASSERT_TRUE(second) << first->text();
    EXPECT_EQ(*first, *second);
  }
}

TEST(ReferenceTest, MalformedNamesAreRefusedWithTheReason) {
  const std::vector<std::string> malformed{
      "", "Nginx", "a//b", "/web", "web:", "web:-x", "a b", "web@sha256:12", "web@md5:" + kHex,
      "oci:", "oci::1", "docker-archive:", "https://r/web", "r.example:99999/web", "-a.b/web",
      "a..b/web", "web\n", "a/../b", "r.example/" + std::string(300, 'a'),
      "web@sha256:" + std::string(64, 'A'), "web:" + std::string(129, 'x'), "[::1/web"};
  for (const std::string& text : malformed) {
    const auto reference = Reference::parse(text);
    ASSERT_FALSE(reference) << text << " read as " << reference->text();
    EXPECT_EQ(reference.error().reason, Reason::kInvalid);
    EXPECT_THAT(reference.error().message, HasSubstr("image \""));
  }
}

TEST(ReferenceTest, RelativePathsResolveBelowTheNamingFile) {
  EXPECT_EQ(resolve_relative("oci:../../build/image:1", "/repo/examples/hello").value(),
            "oci:/repo/build/image:1");
  EXPECT_EQ(resolve_relative("oci:/abs:1", "/repo").value(), "oci:/abs:1");
  EXPECT_EQ(resolve_relative("nginx:1", "/repo").value(), "nginx:1");
}

TEST(ReferenceTest, OnlyLoopbackCountsAsLoopback) {
  for (const char* host :
       {"localhost", "localhost:5000", "127.0.0.1:80", "127.8.9.1", "[::1]:5000"}) {
    EXPECT_TRUE(is_loopback_registry(host)) << host;
  }
  for (const char* host : {"localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "127.1",
                           "128.0.0.1", "[::2]", "127.0.0.256", "evil.example:127"}) {
    EXPECT_FALSE(is_loopback_registry(host)) << host;
  }
}

}  // namespace
}  // namespace minato::image
