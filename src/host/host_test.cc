#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "host/files.h"
#include "host/loop.h"
#include "host/process.h"

namespace minato::host {
namespace {

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/minato-test-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(dir_)); }
  std::string dir_;
};

TEST_F(FilesTest, WritesWholeFilesWithTheModeAskedFor) {
  const std::string path = dir_ + "/secret";
  ASSERT_TRUE(write_file_atomic(path, "one", 0600));
  ASSERT_TRUE(write_file_atomic(path, "two", 0600));
  EXPECT_EQ(read_file(path).value(), "two");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(FilesTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(dir_ + "/keep"));
  ASSERT_TRUE(write_file_atomic(dir_ + "/keep/file", "x"));
  ASSERT_TRUE(make_directories(dir_ + "/gone/deep"));
  ASSERT_EQ(::symlink((dir_ + "/keep").c_str(), (dir_ + "/gone/deep/link").c_str()), 0);
  ASSERT_TRUE(remove_tree(dir_ + "/gone"));
  EXPECT_TRUE(read_file(dir_ + "/keep/file"));
  EXPECT_TRUE(remove_tree(dir_ + "/gone"));
}

TEST_F(FilesTest, ReadFileHasALimit) {
  ASSERT_TRUE(write_file_atomic(dir_ + "/big", std::string(100, 'x')));
  EXPECT_TRUE(failed_with(read_file(dir_ + "/big", 10), Reason::kInvalid));
}

TEST(ProcessTest, RunsACommandAndKeepsItsOutput) {
  const auto result = run_command({"sh", "-c", "cat; echo out; echo err >&2; exit 3"}, "in\n");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status.code, 3);
  EXPECT_EQ(result->output, "in\nout\nerr\n");
}

TEST(ProcessTest, SaysWhichProgramIsMissing) {
  const auto result = run_command({"minato-no-such-program"});
  ASSERT_TRUE(failed_with(result, Reason::kNotFound));
  EXPECT_NE(result.error().message.find("minato-no-such-program"), std::string::npos);
}

TEST(ProcessTest, AsyncCommandEndsAtItsTimeout) {
  Loop loop;
  Result<CommandResult> result = fail(Reason::kUnknown, "");
  SpawnOptions options;
  options.argv = {"sleep", "60"};
  run_command_async(loop, options, 50ms, [&](Result<CommandResult> got) {
    result = std::move(got);
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(failed_with(result, Reason::kTimeout));
}

TEST(ProcessTest, AsyncCommandReturnsLastOutput) {
  Loop loop;
  Result<CommandResult> result = fail(Reason::kUnknown, "");
  SpawnOptions options;
  options.argv = {"sh", "-c", "echo last words; exit 4"};
  run_command_async(loop, options, 10s, [&](Result<CommandResult> got) {
    result = std::move(got);
    loop.stop();
  });
  loop.run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output, "last words\n");
  EXPECT_EQ(result->status.code, 4);
}

TEST(LoopTest, TimersFireInOrderAndCancelledOnesDoNot) {
  Loop loop;
  std::string order;
  auto second = loop.after(20ms, [&] { order += 'b'; loop.stop(); });
  auto first = loop.after(1ms, [&] { order += 'a'; });
  auto never = loop.after(5ms, [&] { order += 'x'; });
  never.cancel();
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST(LoopTest, BlockingWorkComesBackOnTheLoop) {
  Loop loop;
  int got = 0;
  loop.run_blocking([] { return 42; }, [&](int value) { got = value; loop.stop(); });
  loop.run();
  EXPECT_EQ(got, 42);
}

}  // namespace
}  // namespace minato::host
