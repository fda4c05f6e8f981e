#include "linux_container/volume_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "host/files.h"

namespace minato::linux_container {
namespace {
namespace fs = std::filesystem;

class VolumeFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "/volume-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    root_ = path;
    dir_ = path + "/config";
  }
  void TearDown() override { (void)host::remove_tree(root_); }

  Status show(std::map<std::string, std::string> files, std::uint64_t version = 0) {
    container::Mount mount;
    mount.name = "config";
    for (auto& [name, content] : files) mount.files[name] = {std::move(content)};
    return volumes_.show(dir_, mount, version == 0 ? volumes_.next_version() : version);
  }
  std::string read(const std::string& name) {
    return host::read_file(dir_ + "/" + name).value_or("(absent)");
  }
  std::string data() { return fs::read_symlink(dir_ + "/..data").string(); }
  std::size_t entries() {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir_), {}));
  }

  std::string root_;
  std::string dir_;
  VolumeFiles volumes_;
};

TEST_F(VolumeFilesTest, FilesAreLinksIntoTheData) {
  ASSERT_TRUE(show({{"mode", "fast"}, {"keys/a", "1"}, {"keys/b", "2"}}));
  EXPECT_EQ(read("mode"), "fast");
  EXPECT_EQ(read("keys/b"), "2");
  EXPECT_EQ(fs::read_symlink(dir_ + "/mode"), "..data/mode");
  EXPECT_EQ(fs::read_symlink(dir_ + "/keys"), "..data/keys");
  EXPECT_EQ(entries(), 4u);
}

TEST_F(VolumeFilesTest, AChangeIsOneChangeOfTheLink) {
  ASSERT_TRUE(show({{"a", "1"}, {"b", "1"}}));
  const std::string before = data();
  const fs::path kept = dir_ + "/" + before;
  ASSERT_TRUE(show({{"b", "2"}, {"c/d", "2"}}));
  EXPECT_NE(data(), before);
  EXPECT_FALSE(fs::exists(kept)) << "old content is removed";
  EXPECT_EQ(read("a"), "(absent)");
  EXPECT_FALSE(fs::is_symlink(dir_ + "/a"));
  EXPECT_EQ(read("b"), "2");
  EXPECT_EQ(read("c/d"), "2");
  EXPECT_EQ(entries(), 4u);
}

TEST_F(VolumeFilesTest, TheSameContentChangesNothing) {
  ASSERT_TRUE(show({{"a", "1"}}));
  const std::string before = data();
  ASSERT_TRUE(show({{"a", "1"}}));
  EXPECT_EQ(data(), before);
}

TEST_F(VolumeFilesTest, EmptyVolumesHaveData) {
  ASSERT_TRUE(show({}));
  EXPECT_TRUE(fs::is_directory(dir_ + "/..data"));
  ASSERT_TRUE(show({{"late", "1"}}));
  EXPECT_EQ(read("late"), "1");
  ASSERT_TRUE(show({}));
  EXPECT_EQ(entries(), 2u);
}

TEST_F(VolumeFilesTest, OlderContentThatComesLateIsDropped) {
  const std::uint64_t first = volumes_.next_version();
  const std::uint64_t second = volumes_.next_version();
  ASSERT_TRUE(show({{"a", "new"}}, second));
  ASSERT_TRUE(show({{"a", "old"}}, first));
  EXPECT_EQ(read("a"), "new");
  volumes_.forget(root_);
  ASSERT_TRUE(show({{"a", "other Pod"}}, first));
  EXPECT_EQ(read("a"), "other Pod");
}

TEST_F(VolumeFilesTest, RemainsOfAnInterruptedChangeAreSwept) {
  ASSERT_TRUE(show({{"a", "1"}}));
  fs::create_directory(dir_ + "/..abandoned");
  fs::create_directory_symlink("..abandoned", dir_ + "/..data_tmp");
  ASSERT_TRUE(show({{"a", "2"}}));
  EXPECT_EQ(read("a"), "2");
  EXPECT_EQ(entries(), 3u);
}

TEST_F(VolumeFilesTest, EachFileHasItsModeAndOwner) {
  const auto show_for = [this](std::int64_t group, std::int64_t owner) {
    container::Mount mount{.name = "config"};
    mount.files = {{"plain", {"1"}}, {"keys/own", {"2", 0400, owner}}};
    mount.group = group;
    return volumes_.show(dir_, mount, volumes_.next_version());
  };
  struct stat found{};
  ASSERT_TRUE(show_for(-1, -1));
  ASSERT_EQ(::stat((dir_ + "/keys/own").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0400u);
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  fs::remove_all(dir_);
  volumes_.forget(root_);
  ASSERT_TRUE(show_for(2000, 1000));
  ASSERT_EQ(::stat((dir_ + "/keys/own").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0440u);
  EXPECT_EQ(found.st_uid, 1000u);
  EXPECT_EQ(found.st_gid, 2000u);
  ASSERT_EQ(::stat((dir_ + "/plain").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0644u);
  EXPECT_EQ(found.st_uid, 0u);
  EXPECT_EQ(found.st_gid, 2000u);
  ASSERT_EQ(::stat((dir_ + "/keys").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 02755u);
  EXPECT_EQ(found.st_gid, 2000u);
}

TEST_F(VolumeFilesTest, ScratchBelongsToItsGroup) {
  const std::string scratch = root_ + "/scratch";
  fs::create_directory(scratch);
  struct stat found{};
  ASSERT_TRUE(give_scratch(scratch, -1));
  ASSERT_EQ(::stat(scratch.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0777u);
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives directories away";
  ASSERT_TRUE(give_scratch(scratch, 2000));
  ASSERT_EQ(::stat(scratch.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 02777u);
  EXPECT_EQ(found.st_gid, 2000u);
}

TEST_F(VolumeFilesTest, NamesThatClimbOrHideAreRefused) {
  for (const std::string name : {"../a", "..", "..data", "a/../b", "/a", "a//b", ""}) {
    EXPECT_TRUE(failed_with(show({{name, "x"}}), Reason::kInvalid)) << name;
  }
  EXPECT_EQ(read("a"), "(absent)");
}

}  // namespace
}  // namespace minato::linux_container
