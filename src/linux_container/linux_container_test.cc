#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <memory>

#include "host/files.h"
#include "linux_container/bundle.h"
#include "linux_container/layout.h"
#include "linux_container/limiter.h"
#include "linux_container/log_reader.h"
#include "linux_container/log_writer.h"
#include "linux_container/oci_runtime.h"
#include "linux_container/protocol.h"
#include "linux_container/seccomp.h"

namespace minato::linux_container {
namespace {

using container::ContainerConfig;
using container::ImageConfig;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(BundleTest, CommandAndArgsReplaceEntrypointAndCmdAsInKubernetes) {
  const ImageConfig image{.entrypoint = {"/entry"}, .cmd = {"cmd"}};
  ContainerConfig config;
  EXPECT_THAT(*container_args(config, image), ElementsAre("/entry", "cmd"));
  config.args = {"a"};
  EXPECT_THAT(*container_args(config, image), ElementsAre("/entry", "a"));
  config.command = {"/c"};
  EXPECT_THAT(*container_args(config, image), ElementsAre("/c", "a"));
  config.args.clear();
  EXPECT_THAT(*container_args(config, image), ElementsAre("/c"));
  EXPECT_TRUE(failed_with(container_args({}, {}), Reason::kInvalid));
}

TEST(BundleTest, LaterEnvironmentWins) {
  const ImageConfig image{.env = {"PATH=/bin", "A=1", "B=2", "broken"}};
  ContainerConfig config;
  config.env = {{"B", "3"}, {"C", "x=y"}};
  EXPECT_THAT(container_environment(config, image, "h"),
              ElementsAre("PATH=/bin", "HOSTNAME=h", "A=1", "B=3", "C=x=y"));
}

TEST(BundleTest, RunAsUserAndGroupReplaceTheImagesUser) {
  const ImageConfig image{.user = "app:staff"};
  EXPECT_EQ(container_user({}, image), "app:staff");
  EXPECT_EQ(container_user({.run_as_user = 7}, image), "7");
  EXPECT_EQ(container_user({.run_as_group = 8}, image), "app:8");
  EXPECT_EQ(container_user({.run_as_user = 7, .run_as_group = 8}, image), "7:8");
  EXPECT_EQ(container_user({.run_as_group = 8}, {}), "0:8");
  EXPECT_EQ(container_user({}, {}), "");
}

TEST(BundleTest, CapabilitiesAreAddedDroppedAndBoundedByOurs) {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  EXPECT_THAT(*container_capabilities({}, kAll), Not(Contains("CAP_MKNOD")));
  EXPECT_EQ(container_capabilities({}, kAll)->size(), default_capabilities().size());
  EXPECT_THAT(*container_capabilities({.capabilities_drop = {"ALL"}}, kAll), IsEmpty());
  EXPECT_THAT(*container_capabilities(
                  {.capabilities_add = {"NET_BIND_SERVICE"}, .capabilities_drop = {"ALL"}}, kAll),
              ElementsAre("CAP_NET_BIND_SERVICE"));
  EXPECT_THAT(*container_capabilities({.capabilities_drop = {"CAP_CHOWN"}}, kAll),
              Not(Contains("CAP_CHOWN")));
  EXPECT_THAT(*container_capabilities({.privileged = true}, 1), ElementsAre("CAP_CHOWN"));
  EXPECT_TRUE(
      failed_with(container_capabilities({.capabilities_add = {"FLY"}}, kAll), Reason::kInvalid));
}

TEST(BundleTest, SignalsByNameAndNumber) {
  EXPECT_EQ(*parse_signal(""), SIGTERM);
  EXPECT_EQ(*parse_signal("SIGQUIT"), SIGQUIT);
  EXPECT_EQ(*parse_signal("INT"), SIGINT);
  EXPECT_EQ(*parse_signal("3"), 3);
  EXPECT_EQ(*parse_signal("RTMIN+3"), 37);
  for (const char* unknown : {"0", "65", "SIGNOPE", "-1", "RTMIN+99"}) {
    EXPECT_TRUE(failed_with(parse_signal(unknown), Reason::kInvalid)) << unknown;
  }
}

TEST(BundleTest, SpecIsWhatTheGoldenFileSays) {
  SpecInput input;
  input.args = {"/app", "--port", "8080"};
  input.environment = {"PATH=/bin"};
  input.working_dir = "/srv";
  input.user = {.uid = 1000, .gid = 1000, .groups = {1001}};
  input.capabilities = {"CAP_CHOWN"};
  input.binds = {{"/run/etc/hosts", "/etc/hosts"},
                 {"/run/secret", "/secret", BindMount::Access::kReadOnly}};
  input.open_files = 1024;
  input.root = SpecInput::Root::kReadOnly;
  auto spec = boost::json::parse(oci_spec(input)).as_object();
  // The filter is a list of names with a test of its own.
  spec.at("linux").as_object().erase("seccomp");
  const auto text = host::read_file(MINATO_TEST_DATA "/spec.golden.json");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(spec, boost::json::parse(*text).as_object()) << boost::json::serialize(spec);
}

TEST(BundleTest, UnconfinedHasNoFilterButStaysConfinedOtherwise) {
  SpecInput input;
  input.args = {"/app"};
  input.seccomp = SpecInput::Seccomp::kNone;
  const auto linux_part = boost::json::parse(oci_spec(input)).at("linux").as_object();
  EXPECT_FALSE(linux_part.contains("seccomp"));
  EXPECT_TRUE(linux_part.contains("maskedPaths"));
}

TEST(SeccompTest, CapabilitiesOpenTheirCalls) {
  const auto text = [](const std::vector<std::string>& capabilities) {
    return boost::json::serialize(default_seccomp_profile(capabilities));
  };
  EXPECT_THAT(text({}), HasSubstr("\"mount\""));
  EXPECT_THAT(text({}), HasSubstr("\"clone3\""));
  EXPECT_THAT(text({"CAP_SYS_ADMIN"}), Not(HasSubstr("\"mount\"")));
  EXPECT_THAT(text({"CAP_SYS_ADMIN"}), HasSubstr("\"userfaultfd\""));
}

TEST(OciRuntimeTest, FailuresAreToldInKubernetesWords) {
  const auto told = [](std::string_view output) {
    const StartFailure failure = start_failure(output);
    return std::pair(failure.error.message, failure.exit_code);
  };
  EXPECT_EQ(
      told("2026-11-23T04:42:58Z: executable file `/nope` not found in $PATH: No such file or "
           "directory\n"),
      std::pair(std::string("exec: \"/nope\": no such file or directory"), 127));
  EXPECT_EQ(
      told("level=warning msg=x\nlevel=error msg=\"runc run failed: unable to start container "
           "process: exec: \\\"sh\\\": executable file not found in $PATH\"\n"),
      std::pair(std::string("exec: \"sh\": executable file not found in $PATH"), 127));
  EXPECT_EQ(told("runc run failed: exec: \"/x\": permission denied").second, 126);
  EXPECT_EQ(told("open executable: Permission denied").second, 126);
  EXPECT_THAT(told("").first, HasSubstr("memory limit"));
  EXPECT_EQ(told("mounting the root file system: no space").second, 128);
}

TEST(OciRuntimeTest, CommandsNeverStandInArguments) {
  const OciCall call{"/usr/bin/crun", "/root", "app-0", "/pid"};
  EXPECT_THAT(exec_argv(call, "/process.json"),
              ElementsAre("/usr/bin/crun", "--root", "/root", "--cgroup-manager=disabled", "exec",
                          "--detach", "--process", "/process.json", "--pid-file", "/pid", "app-0"));
  EXPECT_THAT(run_argv({"/sbin/runc", "/r", "a", "/p"}, "/b"),
              Not(Contains("--cgroup-manager=disabled")));
}

TEST(ProtocolTest, FramesAreCutOutOfAnyStream) {
  const std::string stream = to_frame({{"id", 1}}) + to_frame({{"id", 2}});
  FrameReader reader;
  std::vector<std::int64_t> ids;
  for (const char byte : stream) {
    reader.append({&byte, 1});
    auto message = reader.next();
    ASSERT_TRUE(message);
    if (*message) ids.push_back((**message).at("id").as_int64());
  }
  EXPECT_THAT(ids, ElementsAre(1, 2));
}

TEST(ProtocolTest, HostileFramesAreRefused) {
  FrameReader huge;
  huge.append("\xff\xff\xff\xff");
  EXPECT_FALSE(huge.next());
  FrameReader text;
  text.append(std::string("\0\0\0\2[]", 6));
  EXPECT_FALSE(text.next());
  const std::string deep(1000, '[');
  EXPECT_FALSE(parse_object(deep));
}

TEST(ProtocolTest, ContainersAndAnyBytesSurviveTheTrip) {
  container::Container sent;
  sent.pod_uid = "uid";
  sent.name = "app";
  sent.attempt = 3;
  sent.state = container::ContainerState::kExited;
  sent.finished_at = WallTime{123'456'789'012ns};
  sent.exit_code = 137;
  sent.signal = 9;
  sent.reason = "OOMKilled";
  sent.annotations = {{"a", "b"}};
  for (int byte = 0; byte < 256; ++byte) sent.message += static_cast<char>(byte);
  const auto json = parse_object(boost::json::serialize(to_json(sent)));
  ASSERT_TRUE(json);
  const auto received = container_from_json(*json);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->message, sent.message);
  EXPECT_EQ(received->attempt, 3u);
  EXPECT_EQ(received->finished_at, sent.finished_at);
  EXPECT_EQ(received->state, sent.state);
  EXPECT_EQ(received->annotations, sent.annotations);
}

TEST(ProtocolTest, NamesThatClimbAreRefused) {
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "a b"}) {
    EXPECT_FALSE(check_path_component("name", name)) << name;
  }
  EXPECT_TRUE(check_path_component("name", "app-1.x_y"));
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/minato-test-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }
  void TearDown() override { EXPECT_TRUE(host::remove_tree(dir_)); }
  std::string path() const { return dir_ + "/pod/app/0.log"; }
  std::string content(int age = 0) const {
    return host::read_file(rotated_log_file(path(), age)).value_or("");
  }

  const WallTime now_ = *parse_rfc3339("2026-01-02T03:04:05Z") + 6ns;
  std::string dir_;
};

TEST_F(LogTest, LinesAreWrittenInTheCriFormat) {
  auto log = LogWriter::open({.path = path()});
  ASSERT_TRUE(log);
  log->write(Stream::kStdout, "one\ntw", now_);
  log->write(Stream::kStderr, "error\n", now_);
  log->write(Stream::kStdout, "o\n\nend", now_);
  log->finish(now_);
  const std::string time = "2026-01-02T03:04:05.000000006Z ";
  EXPECT_EQ(content(), time + "stdout F one\n" + time + "stderr F error\n" + time +
                           "stdout F two\n" + time + "stdout F \n" + time + "stdout F end\n");
}

TEST_F(LogTest, LongLinesComeInParts) {
  auto log = LogWriter::open({.path = path()});
  ASSERT_TRUE(log);
  log->write(Stream::kStdout, std::string(LogWriter::kMaxLineBytes + 3, 'x') + "\n", now_);
  log->write(Stream::kStdout, std::string(LogWriter::kMaxLineBytes, 'y') + "\n", now_);
  EXPECT_THAT(content(), HasSubstr(" stdout P xxx"));
  EXPECT_THAT(content(), HasSubstr(" stdout F xxx\n"));
  EXPECT_THAT(content(), HasSubstr(" stdout F yyy"));
  EXPECT_THAT(content(), Not(HasSubstr(" stdout P yyy")));
}

TEST_F(LogTest, RotationKeepsTheNewestFiles) {
  auto log = LogWriter::open({.path = path(), .max_bytes = 100, .files = 3});
  ASSERT_TRUE(log);
  for (int i = 0; i < 10; ++i)
    log->write(Stream::kStdout, std::string(100, static_cast<char>('0' + i)) + "\n", now_);
  EXPECT_EQ(content(), "");
  EXPECT_THAT(content(1), HasSubstr("9999"));
  EXPECT_THAT(content(2), HasSubstr("8888"));
  EXPECT_EQ(content(3), "");
}

TEST_F(LogTest, FormatterJoinsPartsAndFilters) {
  const std::string time = "2026-01-02T03:04:05.000000006Z";
  std::string out;
  LogFormatter plain({});
  plain.add(time + " stdout P ab", out);
  plain.add(time + " stdout F cd", out);
  plain.add(time + " stderr F ", out);
  plain.add("garbage", out);
  EXPECT_EQ(out, "abcd\n\n");
  out.clear();
  LogFormatter late({.timestamps = true, .since = now_ + 1ns});
  late.add(time + " stdout F old", out);
  late.add("2026-01-02T03:04:05.000000007Z stdout F new", out);
  EXPECT_EQ(out, "2026-01-02T03:04:05.000000007Z new\n");
}

TEST(LimiterTest, WorkBeyondTheLimitWaits) {
  Limiter limiter(2);
  std::vector<std::unique_ptr<Limiter::Slot>> slots;
  for (int i = 0; i < 3; ++i) {
    limiter.run([&](Limiter::Slot slot) {
      slots.push_back(std::make_unique<Limiter::Slot>(std::move(slot)));
    });
  }
  EXPECT_EQ(slots.size(), 2u);
  slots.erase(slots.begin());
  EXPECT_EQ(slots.size(), 2u);
}

}  // namespace
}  // namespace minato::linux_container
