// What a container sees of its world.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "host/files.h"
#include "linux_container/testing/runtime_fixture.h"

namespace minato::linux_container {
namespace {

using container::ContainerConfig;
using container::DoneStatus;
using container::Mount;
using testing::HasSubstr;

TEST_F(RuntimeTest, UserByNameAndNumberAndWorkingDirectory) {
  run_sandbox();
  world_->images->config.user = "app";
  ContainerConfig config = world_->payload({"id"});
  config.working_dir = "/made/on/demand";
  EXPECT_EQ(output_of(config), "uid=1000 gid=1000 host=shop-host cwd=/made/on/demand pid=1\n");
  config.attempt = 1;
  config.security.run_as_user = 1234;
  config.security.run_as_group = 5678;
  events_.clear();
  run(config);
  std::string text;
  std::unique_ptr<container::Runtime::LogStream> stream;
  ASSERT_TRUE(wait_for<void>([&](DoneStatus done) {
    stream = runtime().read_log(
        {kPod, "app", 1}, {}, [&](std::string_view chunk) { text += chunk; }, std::move(done));
  }));
  EXPECT_THAT(text, HasSubstr("uid=1234 gid=5678"));
}

TEST_F(RuntimeTest, EnvironmentOfTheImageAndOfTheContainer) {
  run_sandbox();
  world_->images->config.env = {"COLOUR=red", "SIZE=large"};
  ContainerConfig config = world_->payload({"env", "COLOUR"});
  config.env = {{"COLOUR", "blue"}};
  EXPECT_EQ(output_of(config), "blue\n");
}

TEST_F(RuntimeTest, ImageOfTheMostLayersThatBuildersMakeIsMounted) {
  run_sandbox();
  for (int i = 0; i < 126; ++i) {
    const std::string layer = fmt::format("{}/layers/{:064}", world_->dir(), i);
    ASSERT_TRUE(host::make_directories(layer));
    ASSERT_TRUE(host::write_file_atomic(layer + "/top", std::to_string(i)));
    world_->images->layer_dirs.push_back(layer);
  }
  EXPECT_EQ(output_of(world_->payload({"cat", "/top"})), "0\n") << "the topmost layer comes first";
}

TEST_F(RuntimeTest, ReadOnlyRootRefusesWrites) {
  run_sandbox();
  ContainerConfig config = world_->payload({"write", "/file", "x"});
  config.name = "writable";
  EXPECT_EQ(run(config).exit_code, 0);
  config.name = "app";
  config.security.read_only_root = true;
  EXPECT_EQ(run(config).exit_code, 1);
  EXPECT_THAT(read_log(), HasSubstr("Read-only file system"));
}

TEST_F(RuntimeTest, PodFilesAreInPlace) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  EXPECT_THAT(exec({"/payload", "cat", "/etc/resolv.conf"})->output,
              HasSubstr("search default.svc.cluster.local\nnameserver 10.77.0.2\n"));
  EXPECT_THAT(exec({"/payload", "cat", "/etc/hosts"})->output, HasSubstr("10.0.0.1\tshop-host"));
  EXPECT_EQ(exec({"/payload", "cat", "/etc/hostname"})->output, "shop-host\n");
  EXPECT_EQ(exec({"/payload", "write", "/dev/shm/x", "y"})->exit_code, 0);
}

// Where the JVM, Go and .NET look for it, in either version of control groups.

TEST_F(RuntimeTest, SeesItsOwnLimitsAndCannotChangeThem) {
  run_sandbox();
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups cannot bound memory here";
  }
  ContainerConfig config = world_->payload({"sleep"});
  config.resources.memory_limit_bytes = 64 << 20;
  ASSERT_TRUE(start(config));
  const bool v2 = exec({"/payload", "cat", "/sys/fs/cgroup/memory.max"})->exit_code == 0;
  const std::string file =
      v2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
  EXPECT_EQ(exec({"/payload", "cat", file})->output, "67108864\n");
  EXPECT_EQ(exec({"/payload", "write", file, "1"})->exit_code, 1) << "read-only";
  if (v2) return;
  EXPECT_EQ(exec({"/payload", "cat", "/sys/fs/cgroup/cpu/cpu.shares"})->exit_code, 0);
}

TEST_F(RuntimeTest, VolumesAreSharedAndSubPathsStayInside) {
  run_sandbox();
  ContainerConfig config = world_->payload({"sleep"});
  Mount secret{.kind = Mount::Kind::kFiles, .name = "token", .container_path = "/secret"};
  secret.files = {{"key", {"s3cret", 0400}}};
  Mount scratch{.kind = Mount::Kind::kEmptyDir, .name = "data", .container_path = "/data"};
  Mount memory{.kind = Mount::Kind::kEmptyDir, .name = "fast", .container_path = "/fast"};
  memory.memory_medium = true;
  memory.size_limit_bytes = 1 << 20;
  Mount part = secret;
  part.container_path = "/etc/key";
  part.sub_path = "key";
  config.mounts = {secret, scratch, memory, part};
  ASSERT_TRUE(start(config));
  EXPECT_EQ(exec({"/payload", "cat", "/secret/key"})->output, "s3cret");
  EXPECT_EQ(exec({"/payload", "cat", "/etc/key"})->output, "s3cret");
  EXPECT_EQ(exec({"/payload", "write", "/secret/key", "x"})->exit_code, 1) << "read-only";
  EXPECT_EQ(exec({"/payload", "write", "/data/file", "shared"})->exit_code, 0);
  EXPECT_EQ(exec({"/payload", "write", "/fast/file", "quick"})->exit_code, 0);

  ContainerConfig other = world_->payload({"cat", "/data/file"});
  other.name = "other";
  other.mounts = {scratch};
  EXPECT_EQ(run(other).exit_code, 0);
  std::filesystem::create_directory_symlink(
      "/etc", world_->options.state_dir + "/pods/" + kPod + "/volumes/data/link");
  other.name = "climber";
  other.mounts[0].sub_path = "link";
  const auto refused = start(other);
  ASSERT_TRUE(failed_with(refused, Reason::kInvalid));
  EXPECT_THAT(refused.error().message, HasSubstr("subPath \"link\" must stay within its volume"));
}

TEST_F(RuntimeTest, FilesChangeWhereTheyAreShownWhole) {
  run_sandbox();
  ContainerConfig config = world_->payload({"sleep"});
  Mount whole{.kind = Mount::Kind::kFiles, .name = "settings", .container_path = "/settings"};
  whole.files = {{"mode", {"slow"}}, {"old", {"1"}}};
  Mount part = whole;
  part.container_path = "/etc/mode";
  part.sub_path = "mode";
  config.mounts = {whole, part};
  ASSERT_TRUE(start(config));
  const auto update = [&](const std::string& pod, std::map<std::string, container::VolumeFile> files) {
    Mount changed{.kind = Mount::Kind::kFiles, .name = "settings"};
    changed.files = std::move(files);
    return wait_for<void>(
        [&](DoneStatus done) { runtime().update_files(pod, changed, std::move(done)); });
  };
  ASSERT_TRUE(update(kPod, {{"mode", {"fast"}}, {"new/deep", {"2"}}}));
  EXPECT_EQ(exec({"/payload", "cat", "/settings/mode"})->output, "fast");
  EXPECT_EQ(exec({"/payload", "cat", "/settings/new/deep"})->output, "2");
  EXPECT_NE(exec({"/payload", "cat", "/settings/old"})->exit_code, 0);
  EXPECT_EQ(exec({"/payload", "cat", "/etc/mode"})->output, "slow") << "a part stays as it was";
  EXPECT_TRUE(failed_with(update(kPod, {{"../climbs", {}}}), Reason::kInvalid));
  EXPECT_TRUE(failed_with(update("absent", {}), Reason::kNotFound));

  config.name = "later";
  config.mounts[0].files = config.mounts[1].files = {{"mode", {"fast"}}, {"new/deep", {"2"}}};
  ASSERT_TRUE(start(config));
  EXPECT_EQ(exec({"/payload", "cat", "/settings/mode"})->output, "fast");
}

TEST_F(RuntimeTest, SecretsAreNotOnDiskNorInArguments) {
  run_sandbox();
  ContainerConfig config = world_->payload({"sleep"});
  config.env = {{"PASSWORD", "s3cret"}};
  ASSERT_TRUE(start(config));
  for (const auto& item :
       std::filesystem::recursive_directory_iterator(world_->options.state_dir)) {
    if (!item.is_regular_file()) continue;
    EXPECT_THAT(*host::read_file(item.path()), testing::Not(HasSubstr("s3cret")));
  }
  const auto dir = std::filesystem::status(world_->pod_run_dir(kPod));
  EXPECT_EQ(dir.permissions() & std::filesystem::perms::all, std::filesystem::perms::owner_all);
  EXPECT_THAT(exec({"/payload", "env", "PASSWORD"})->output, HasSubstr("s3cret"));
}

}  // namespace
}  // namespace minato::linux_container
