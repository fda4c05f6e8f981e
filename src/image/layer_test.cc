#include "image/layer.h"

#include <gmock/gmock.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "image/test_support.h"

namespace minato::image {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::compress;
using testing::slurp;
using testing::spill;
using testing::TarBuilder;
using testing::TempDirectory;

// Every case unpacks beside a canary that stands for the host's files.
class LayerTest : public ::testing::TestWithParam<Tree::Lookup> {
 protected:
  LayerTest() {
    spill(canary(), "alive");
    fs::create_directory(root());
  }
  ~LayerTest() override {
    EXPECT_EQ(slurp(canary()), "alive");
    struct stat info {};
    EXPECT_EQ(::lstat(canary().c_str(), &info), 0);
    EXPECT_EQ(info.st_nlink, 1U) << "the host's file was linked to";
    EXPECT_EQ(std::distance(fs::directory_iterator(temp_ / "host"), {}), 1)
        << "something was made or removed beside the canary";
  }
  std::string canary() const { return temp_ / "host/canary"; }
  std::string root() const { return temp_ / "root"; }
  std::string at(std::string_view name) const { return root() + "/" + std::string(name); }

  Result<UnpackedLayer> unpack_bytes(std::string_view bytes) {
    const std::string path = temp_ / "layer";
    spill(path, bytes);
    const host::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ASSIGN_OR_RETURN(const Tree tree, Tree::open(root(), GetParam()));
    return unpack_layer(fd.get(), tree, options_);
  }
  Result<UnpackedLayer> unpack(const TarBuilder& tar) { return unpack_bytes(tar.bytes()); }

  bool exists(std::string_view name) const {
    struct stat info {};
    return ::lstat(at(name).c_str(), &info) == 0;
  }
  bool is_whiteout(std::string_view name) const {
    struct stat info {};
    return ::lstat(at(name).c_str(), &info) == 0 && S_ISCHR(info.st_mode) &&
           info.st_rdev == makedev(0, 0);
  }
  bool is_opaque(std::string_view name) const { return has_opaque_root(at(name)).value_or(false); }
  unsigned mode_of(std::string_view name) const {
    struct stat info {};
    return ::lstat(at(name).c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
  }

  TempDirectory temp_;
  UnpackOptions options_{.ownership = preferred_ownership()};
};

INSTANTIATE_TEST_SUITE_P(Lookups, LayerTest,
                         ::testing::Values(Tree::Lookup::kOpenat2, Tree::Lookup::kWalk),
                         [](const auto& lookup) {
                           return lookup.param == Tree::Lookup::kOpenat2 ? "Openat2" : "Walk";
                         });

#define EXPECT_REFUSED(result, words)                               \
  do {                                                              \
    const auto refused = (result);                                  \
    ASSERT_FALSE(refused) << "was accepted";                        \
    EXPECT_EQ(refused.error().reason, Reason::kInvalid) << refused.error().message; \
    EXPECT_THAT(refused.error().message, HasSubstr(words));         \
  } while (false)

TEST_P(LayerTest, FilesDirectoriesAndLinksComeOutAsTheyWere) {
  const auto layer = unpack(TarBuilder()
                                .directory("./")
                                .directory("etc/", 0750)
                                .file("etc/app.conf", "key=value\n", 0640)
                                .file("usr/bin/tool", "#!", 04755)
                                .symlink("bin", "usr/bin")
                                .hard_link("etc/same", "etc/app.conf")
                                .add("pipe", "", {.type = '6', .mode = 0600}));
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_EQ(slurp(at("etc/app.conf")), "key=value\n");
  EXPECT_EQ(slurp(at("etc/same")), "key=value\n");
  EXPECT_EQ(mode_of("etc/app.conf"), 0640U);
  EXPECT_EQ(mode_of("usr/bin/tool"), 04755U) << "set-user-ID is kept, as documented";
  EXPECT_EQ(fs::read_symlink(at("bin")), "usr/bin");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  EXPECT_FALSE(layer->opaque_root);
}

TEST_P(LayerTest, EveryCompressionGivesTheSameDiffId) {
  const std::string tar = TarBuilder().file("a", std::string(100'000, 'q')).bytes();
  for (const auto compression : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    fs::remove_all(root());
    fs::create_directory(root());
    const auto layer = unpack_bytes(compress(tar, compression));
    ASSERT_TRUE(layer) << layer.error().message;
    EXPECT_EQ(layer->diff_id, Digest::of(tar));
    EXPECT_EQ(fs::file_size(at("a")), 100'000U);
  }
}

TEST_P(LayerTest, DiffIdCoversBytesBehindTheEndOfTheArchive) {
  const std::string tar = TarBuilder().file("a").bytes() + "trailing";
  const auto layer = unpack_bytes(tar);
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_EQ(layer->diff_id, Digest::of(tar));
}

TEST_P(LayerTest, EmptyLayersAreValid) {
  EXPECT_TRUE(unpack_bytes(""));
  EXPECT_TRUE(unpack_bytes(std::string(1024, '\0')));
  EXPECT_TRUE(unpack_bytes(compress(std::string(1024, '\0'), Compression::kGzip)));
}

TEST_P(LayerTest, AbsolutePathsStayInside) {
  ASSERT_TRUE(unpack(TarBuilder().file(canary(), "evil").file("//etc/x", "y")));
  EXPECT_EQ(slurp(root() + canary()), "evil");
  EXPECT_EQ(slurp(at("etc/x")), "y");
}

TEST_P(LayerTest, DotDotIsRefusedEverywhere) {
  EXPECT_REFUSED(unpack(TarBuilder().file("../host/canary", "evil")), "leaves the layer");
  EXPECT_REFUSED(unpack(TarBuilder().directory("a").file("a/../../host/canary", "evil")),
                 "leaves the layer");
  EXPECT_REFUSED(unpack(TarBuilder().directory("..")), "leaves the layer");
  EXPECT_REFUSED(unpack(TarBuilder().hard_link("x", "../host/canary")), "leaves the layer");
  EXPECT_REFUSED(unpack(TarBuilder().file("../host/.wh.canary", "")), "leaves the layer");
}

TEST_P(LayerTest, SymlinkAncestorPlantedEarlierDoesNotLeadOut) {
  // Absolute, relative, and in two hops.
  const std::string host = temp_ / "host";
  EXPECT_FALSE(unpack(TarBuilder().symlink("out", host).file("out/canary", "evil")));
  EXPECT_FALSE(unpack(TarBuilder().symlink("rel", "../../../../host").file("rel/canary", "evil")));
  EXPECT_FALSE(unpack(
      TarBuilder().symlink("one", "two").symlink("two", "../host").file("one/canary", "evil")));
}

TEST_P(LayerTest, SymlinkAncestorInsideIsFollowedByOpenat2Only) {
  const auto layer = unpack(TarBuilder()
                                .directory("usr")
                                .directory("usr/lib")
                                .symlink("lib", "/usr/lib")
                                .file("lib/x", "y"));
  if (GetParam() == Tree::Lookup::kWalk) {
    EXPECT_REFUSED(layer, "symbolic links");
    return;
  }
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_EQ(slurp(at("usr/lib/x")), "y");
}

TEST_P(LayerTest, SymlinkPlantedByAnEarlierLayerIsNotSeen) {
  // Layers are unpacked apart: the link lies in another directory, which stays as it is.
  ASSERT_TRUE(unpack(TarBuilder().symlink("out", temp_ / "host")));
  const std::string second = temp_ / "second";
  fs::create_directory(second);
  spill(temp_ / "layer2", TarBuilder().file("out/canary", "evil").bytes());
  const host::Fd fd(::open((temp_ / "layer2").c_str(), O_RDONLY | O_CLOEXEC));
  const auto tree = Tree::open(second, GetParam());
  ASSERT_TRUE(tree);
  ASSERT_TRUE(unpack_layer(fd.get(), *tree, options_));
  EXPECT_EQ(slurp(second + "/out/canary"), "evil");
}

TEST_P(LayerTest, FileOverSymlinkReplacesTheLink) {
  ASSERT_TRUE(unpack(TarBuilder().symlink("a", canary()).file("a", "mine")));
  EXPECT_EQ(slurp(at("a")), "mine");
  EXPECT_FALSE(fs::is_symlink(at("a")));
  ASSERT_TRUE(
      unpack(TarBuilder().symlink("d", temp_ / "host").directory("d").file("d/canary", "m")));
  EXPECT_EQ(slurp(at("d/canary")), "m");
}

TEST_P(LayerTest, SymlinkLoopsEnd) {
  EXPECT_REFUSED(unpack(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "y")),
                 "symbolic links");
  EXPECT_REFUSED(unpack(TarBuilder().symlink("self", "self").file("self/x", "y")),
                 "symbolic links");
}

TEST_P(LayerTest, HardLinksReachOnlyThisLayer) {
  EXPECT_REFUSED(unpack(TarBuilder().hard_link("x", canary())), "hard link");
  EXPECT_REFUSED(unpack(TarBuilder().symlink("out", temp_ / "host").hard_link("x", "out/canary")),
                 "hard link");
  EXPECT_REFUSED(unpack(TarBuilder().directory("d").hard_link("x", "d")), "not a file");
  EXPECT_REFUSED(unpack(TarBuilder().hard_link("x", "/")), "root");
}

TEST_P(LayerTest, HardLinkToSymlinkLinksTheLinkAndWritesDoNotGoThrough) {
  ASSERT_TRUE(unpack(
      TarBuilder().symlink("s", canary()).hard_link("h", "s").file("h", "evil").file("s", "evil")));
  EXPECT_EQ(slurp(at("h")), "evil");
}

TEST_P(LayerTest, HardLinkToItselfKeepsTheFile) {
  ASSERT_TRUE(unpack(TarBuilder().file("a", "1").hard_link("a", "a").hard_link("./a", "/a")));
  EXPECT_EQ(slurp(at("a")), "1");
}

TEST_P(LayerTest, WhiteoutsBecomeDevicesThatNeedNoPrivilege) {
  ASSERT_TRUE(unpack(TarBuilder().directory("etc").file("etc/.wh.motd", "")));
  EXPECT_TRUE(is_whiteout("etc/motd"));
  EXPECT_FALSE(exists("etc/.wh.motd"));
}

TEST_P(LayerTest, WhiteoutThroughSymlinkTouchesNothingOutside) {
  EXPECT_FALSE(unpack(TarBuilder().symlink("out", temp_ / "host").file("out/.wh.canary", "")));
  // ".." at the top of a container is the top.
  const auto up = unpack(TarBuilder().symlink("up", "..").file("up/host/.wh.canary", ""));
  EXPECT_EQ(up.has_value(), GetParam() == Tree::Lookup::kOpenat2);
  EXPECT_EQ(is_whiteout("host/canary"), up.has_value());
}

TEST_P(LayerTest, WhiteoutOfDotsAndNothingIsRefused) {
  EXPECT_REFUSED(unpack(TarBuilder().directory("d").file("d/.wh...", "")), "names no entry");
  EXPECT_REFUSED(unpack(TarBuilder().directory("d").file("d/.wh..", "")), "names no entry");
  EXPECT_REFUSED(unpack(TarBuilder().directory("d").file("d/.wh.", "")), "names no entry");
}

TEST_P(LayerTest, WhiteoutsDoNotConcernTheirOwnLayer) {
  ASSERT_TRUE(unpack(TarBuilder()
                         .file("kept", "1")
                         .file(".wh.kept", "")
                         .file(".wh.late", "")
                         .file("late", "2")
                         .directory("dir")
                         .file("dir/x", "3")
                         .file(".wh.dir", "")
                         .file(".wh.again", "")
                         .directory("again")));
  EXPECT_EQ(slurp(at("kept")), "1");
  EXPECT_EQ(slurp(at("late")), "2");
  EXPECT_EQ(slurp(at("dir/x")), "3");
  EXPECT_TRUE(is_opaque("dir")) << "what lay below is hidden, what this layer brings is not";
  EXPECT_TRUE(is_opaque("again"));
}

TEST_P(LayerTest, OpaqueMarksTheDirectoryAndAtTheTopTheLayer) {
  const auto inner = unpack(TarBuilder().directory("d").file("d/.wh..wh..opq", ""));
  ASSERT_TRUE(inner);
  EXPECT_TRUE(is_opaque("d"));
  EXPECT_FALSE(inner->opaque_root);
  const auto top = unpack(TarBuilder().file(".wh..wh..opq", ""));
  ASSERT_TRUE(top);
  EXPECT_TRUE(top->opaque_root);
  EXPECT_TRUE(has_opaque_root(root()).value());
}

TEST_P(LayerTest, AufsBookkeepingIsPassedOver) {
  ASSERT_TRUE(unpack(TarBuilder().directory(".wh..wh.plnk").file(".wh..wh.aufs", "")));
  EXPECT_TRUE(fs::is_empty(root()));
}

TEST_P(LayerTest, DevicesAreSkipped) {
  const auto layer = unpack(
      TarBuilder().add("dev/sda", "", {.type = '4'}).add("dev/null", "", {.type = '3'}).file("ok"));
  ASSERT_TRUE(layer);
  EXPECT_EQ(layer->skipped_devices, 2);
  EXPECT_FALSE(exists("dev/sda"));
  EXPECT_FALSE(exists("dev/null"));
  EXPECT_TRUE(exists("ok"));
}

TEST_P(LayerTest, AttributesOfOverlayfsAreDroppedAndOrdinaryOnesKept) {
  ASSERT_TRUE(unpack(TarBuilder()
                         .pax("SCHILY.xattr.user.overlay.opaque", "y")
                         .directory("d")
                         .pax("SCHILY.xattr.user.overlay.redirect", "/host")
                         .directory("e")
                         .pax("SCHILY.xattr.trusted.overlay.redirect", "/host")
                         .directory("f")
                         .pax("SCHILY.xattr.user.note", "kept")
                         .file("g")));
  EXPECT_FALSE(is_opaque("d"));
  char value[16] = {};
  EXPECT_LT(::lgetxattr(at("e").c_str(), "user.overlay.redirect", value, sizeof value), 0);
  EXPECT_LT(::lgetxattr(at("f").c_str(), "trusted.overlay.redirect", value, sizeof value), 0);
  EXPECT_EQ(::lgetxattr(at("g").c_str(), "user.note", value, sizeof value), 4);
}

TEST_P(LayerTest, CapabilitiesAreKeptWherePermitted) {
  if (::geteuid() != 0) GTEST_SKIP() << "setting file capabilities needs root";
  // vfs_cap_data, revision 2: cap_net_bind_service=ep.
  const std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  ASSERT_TRUE(unpack(TarBuilder().pax("SCHILY.xattr.security.capability", capability).file("p")));
  char value[64];
  EXPECT_EQ(::lgetxattr(at("p").c_str(), "security.capability", value, sizeof value), 20);
}

TEST_P(LayerTest, LaterEntriesReplaceEarlierOnesOfAnyKind) {
  ASSERT_TRUE(unpack(TarBuilder()
                         .file("a", "1")
                         .file("a", "2")
                         .directory("b")
                         .file("b/x")
                         .file("b", "now a file")
                         .file("c")
                         .directory("c")
                         .file("c/y", "3")));
  EXPECT_EQ(slurp(at("a")), "2");
  EXPECT_EQ(slurp(at("b")), "now a file");
  EXPECT_EQ(slurp(at("c/y")), "3");
}

TEST_P(LayerTest, NamesAreBytes) {
  const std::string utf8 = "\xe6\xb8\xaf";
  const std::string not_utf8 = "\xff\xfe";
  ASSERT_TRUE(unpack(TarBuilder()
                         .file(utf8, "1")
                         .pax("path", "pax-" + utf8)
                         .file("ignored", "2")
                         .file(not_utf8, "3")
                         .file("Case", "4")
                         .file("case", "5")));
  EXPECT_EQ(slurp(at(utf8)), "1");
  EXPECT_EQ(slurp(at("pax-" + utf8)), "2");
  EXPECT_EQ(slurp(at(not_utf8)), "3");
  EXPECT_EQ(slurp(at("Case")), "4");
  EXPECT_EQ(slurp(at("case")), "5");
}

TEST_P(LayerTest, OverlongAndDeepNamesAreRefused) {
  EXPECT_REFUSED(unpack(TarBuilder().pax("path", std::string(256, 'n')).file("x")), "255");
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  EXPECT_REFUSED(unpack(TarBuilder().pax("path", deep + "f").file("x")), "deeper");
  EXPECT_REFUSED(unpack(TarBuilder().pax("path", "p/" + std::string(5000, '/') + "f").file("x")),
                 "4095");
}

TEST_P(LayerTest, DepthThroughLinksIsBounded) {
  std::string half;
  for (int i = 0; i < 150; ++i) half += "d/";
  EXPECT_REFUSED(unpack(TarBuilder()
                            .pax("path", half)
                            .directory("x")
                            .pax("linkpath", half)
                            .symlink("s", "x")
                            .pax("path", "s/" + half)
                            .directory("x")
                            .file("after")),
                 GetParam() == Tree::Lookup::kWalk ? "symbolic links" : "too deep");
}

TEST_P(LayerTest, NulInNamesNeverReachesTheFileSystem) {
  const auto layer =
      unpack(TarBuilder().pax("path", std::string("ok\0/../../host/canary", 21)).file("x", "evil"));
  if (layer) {
    EXPECT_EQ(std::distance(fs::recursive_directory_iterator(root()), {}), 1);
  }
}

TEST_P(LayerTest, HugeAndNegativeSizesAreRefused) {
  EXPECT_FALSE(unpack(TarBuilder().add("a", "", {.size_field = "77777777777"})));
  const std::string negative(12, '\xff');
  EXPECT_FALSE(unpack(TarBuilder().add("b", "", {.size_field = negative})));
  EXPECT_FALSE(unpack(TarBuilder().pax("size", "9223372036854775807").file("c")));
  EXPECT_FALSE(unpack(TarBuilder().pax("size", "-1").file("d", std::string(600, 'd'))));
}

TEST_P(LayerTest, SparseFilesCountWithTheirHoles) {
  options_.limits.unpacked_bytes = 1 << 20;
  EXPECT_REFUSED(unpack(TarBuilder()
                            .pax("GNU.sparse.major", "0")
                            .pax("GNU.sparse.realsize", "1099511627776")
                            .file("a")),
                 "");
  EXPECT_FALSE(exists("a") && fs::file_size(at("a")) > (1U << 20));
}

TEST_P(LayerTest, BombsAreStoppedByRatioBytesAndEntries) {
  const std::string zeroes = TarBuilder().file("zero", std::string(4 << 20, '\0')).bytes();
  const std::string bomb = compress(zeroes, Compression::kGzip);
  options_.limits.compression_slack_bytes = 1 << 16;
  EXPECT_REFUSED(unpack_bytes(bomb), "bomb");
  EXPECT_REFUSED(unpack_bytes(compress(zeroes, Compression::kZstd)), "bomb");
  options_.limits = {};
  options_.limits.unpacked_bytes = 1 << 20;
  EXPECT_REFUSED(unpack_bytes(bomb), "the limit is 1048576");
  TarBuilder several;
  for (int i = 0; i < 3; ++i) several.file("f" + std::to_string(i), std::string(500'000, '\0'));
  EXPECT_REFUSED(unpack(several), "limit of 1048576 bytes");
  options_.limits = {};
  options_.limits.entries = 10;
  TarBuilder many;
  for (int i = 0; i < 11; ++i) many.file("f" + std::to_string(i));
  EXPECT_REFUSED(unpack(many), "10 entries");
}

TEST_P(LayerTest, TruncatedAndDamagedArchivesAreRefused) {
  EXPECT_REFUSED(unpack(TarBuilder().file("a", std::string(5000, 'a')).truncate(1024)), "damaged");
  EXPECT_REFUSED(unpack(TarBuilder().file("a", "1").file("b", "2").truncate(1024 + 100)),
                 "damaged");
  EXPECT_REFUSED(unpack_bytes("this is no tar archive at all"), "damaged");
  std::string gzip = compress(TarBuilder().file("a", std::string(5000, 'a')).bytes(),
                              Compression::kGzip);
  EXPECT_REFUSED(unpack_bytes(std::string_view(gzip).substr(0, gzip.size() / 2)), "");
  gzip[gzip.size() / 2] = static_cast<char>(gzip[gzip.size() / 2] ^ 0x55);
  EXPECT_REFUSED(unpack_bytes(gzip), "");
}

TEST_P(LayerTest, FileInThePlaceOfADirectoryIsRefused) {
  EXPECT_REFUSED(unpack(TarBuilder().file("a").file("a/b")), "no directory");
  EXPECT_REFUSED(unpack(TarBuilder().symlink("gone", "nowhere").file("gone/b")), "symbolic links");
}

TEST_P(LayerTest, MappingToSelfNeedsNoRightsAndKeepsDirectoriesAccessible) {
  options_.ownership = Ownership::kMapToSelf;
  ASSERT_TRUE(unpack(TarBuilder()
                         .directory("closed", 0000)
                         .file("closed/x", "1")
                         .add("owned", "2", {.uid_field = "1777777"})));
  EXPECT_EQ(mode_of("closed"), 0700U);
  EXPECT_EQ(slurp(at("closed/x")), "1");
  struct stat info {};
  ASSERT_EQ(::lstat(at("owned").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST_P(LayerTest, OwnersThatAreNoUserIdsAreRefused) {
  options_.ownership = Ownership::kKeep;
  // 2^32-1, which chown() reads as "leave it".
  EXPECT_REFUSED(unpack(TarBuilder().pax("uid", "4294967295").file("a")), "no user id");
}

TEST_P(LayerTest, StopIsHeard) {
  std::stop_source source;
  source.request_stop();
  options_.stop = source.get_token();
  const auto layer = unpack(TarBuilder().file("a"));
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().reason, Reason::kAborted);
}

}  // namespace
}  // namespace minato::image
