#include "linux_container/runtime.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "host/files.h"
#include "host/process.h"
#include "linux_container/shim.h"
#include "linux_container/shim_process.h"
#include "linux_container/testing/world.h"

namespace minato::linux_container {
namespace {

using container::Container;
using container::ContainerConfig;
using container::ContainerRef;
using container::ContainerState;
using container::Done;
using container::DoneStatus;
using container::ExecResult;
using container::LogOptions;
using container::Mount;
using testing::HasSubstr;

constexpr const char* kPod = "11111111-2222-3333-4444-555555555555";

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = World::create();
    if (!world_) GTEST_SKIP() << "needs root and crun or runc";
    watch();
  }
  void watch() {
    runtime().set_sink([this](const Container& container) { events_.push_back(container); });
  }
  LinuxRuntime& runtime() { return world_->runtime(); }

  template <class T, class Start>
  Result<T> wait_for(Start start) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    start([result](Result<T> got) { *result = std::move(got); });
    if (!world_->run_until([&] { return result->has_value(); })) return fail(Reason::kTimeout, "");
    return std::move(**result);
  }

  static container::SandboxConfig sandbox_config() {
    container::SandboxConfig config;
    config.pod_uid = kPod;
    config.pod_namespace = "default";
    config.pod_name = "shop";
    config.hostname = "shop-host";
    config.dns_servers = {"10.77.0.2"};
    config.dns_searches = {"default.svc.cluster.local"};
    return config;
  }
  void run_sandbox(const container::SandboxConfig& config = sandbox_config()) {
    const auto sandbox = wait_for<container::Sandbox>(
        [&](Done<container::Sandbox> done) { runtime().run_sandbox(config, std::move(done)); });
    ASSERT_TRUE(sandbox) << sandbox.error().message;
  }
  Result<Container> start(const ContainerConfig& config) {
    return wait_for<Container>(
        [&](Done<Container> done) { runtime().start_container(kPod, config, std::move(done)); });
  }
  Container wait_for_exit(const std::string& name = "app") {
    Container found;
    EXPECT_TRUE(world_->run_until([&] {
      const auto it = std::ranges::find_if(events_, [&](const Container& event) {
        return event.name == name && event.state == ContainerState::kExited;
      });
      if (it != events_.end()) found = *it;
      return it != events_.end();
    }));
    return found;
  }
  Container run(const ContainerConfig& config) {
    const auto started = start(config);
    EXPECT_TRUE(started) << started.error().message;
    return wait_for_exit(config.name);
  }
  Status stop(Duration grace) {
    return wait_for<void>([&](DoneStatus done) {
      runtime().stop_container({kPod, "app", 0}, grace, std::move(done));
    });
  }
  std::string read_log(LogOptions options = {}) {
    std::string text;
    std::unique_ptr<container::Runtime::LogStream> stream;
    const Status read = wait_for<void>([&](DoneStatus done) {
      stream = runtime().read_log(
          {kPod, "app", 0}, options, [&](std::string_view chunk) { text += chunk; },
          std::move(done));
    });
    EXPECT_TRUE(read) << read.error().message;
    return text;
  }
  std::string output_of(const ContainerConfig& config) {
    run(config);
    return read_log();
  }
  Result<ExecResult> exec(std::vector<std::string> command, Duration timeout = 30s) {
    return wait_for<ExecResult>([&](Done<ExecResult> done) {
      runtime().exec({kPod, "app", 0}, command, timeout, std::move(done));
    });
  }
  std::vector<Container> listed() {
    auto inventory = wait_for<container::Runtime::Inventory>(
        [&](Done<container::Runtime::Inventory> done) { runtime().list(std::move(done)); });
    return inventory ? inventory->containers : std::vector<Container>{};
  }

  std::vector<Container> events_;  // Outlives the world.
  std::unique_ptr<World> world_;
};

TEST_F(RuntimeTest, ExitCodesAndSignalsAreTold) {
  run_sandbox();
  for (const int code : {0, 41}) {
    ContainerConfig config = world_->payload({"exit", std::to_string(code)});
    config.name = fmt::format("app-{}", code);
    const Container exited = run(config);
    EXPECT_EQ(exited.exit_code, code);
    EXPECT_EQ(exited.signal, 0);
    EXPECT_EQ(exited.reason, code == 0 ? "Completed" : "Error");
  }
  const Container trapped = run(world_->payload({"trap"}));
  EXPECT_NE(trapped.signal, 0);
  EXPECT_EQ(trapped.exit_code, 128 + trapped.signal);
}

TEST_F(RuntimeTest, TerminationMessageIsKept) {
  run_sandbox();
  const Container exited = run(world_->payload({"die", "the database is gone"}));
  EXPECT_EQ(exited.exit_code, 4);
  EXPECT_EQ(exited.message, "the database is gone");
}

TEST_F(RuntimeTest, MemoryBeyondTheLimitIsOOMKilled) {
  run_sandbox();
  ContainerConfig config = world_->payload({"eat", "200"});
  config.resources.memory_limit_bytes = 48 << 20;
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups cannot bound memory here";
  }
  const Container exited = run(config);
  EXPECT_TRUE(exited.oom_killed);
  EXPECT_EQ(exited.reason, "OOMKilled");
  EXPECT_EQ(exited.exit_code, 137);
  world_->restart();
  EXPECT_EQ(listed().at(0).reason, "OOMKilled");
}

TEST_F(RuntimeTest, WhatCannotRunSaysWhy) {
  run_sandbox();
  const auto message = [&](const ContainerConfig& config) {
    const auto started = start(config);
    EXPECT_TRUE(failed_with(started, Reason::kInvalid));
    return started ? "" : started.error().message;
  };
  ContainerConfig config = world_->payload({});
  config.name = "a";
  config.command = {"/nope"};
  EXPECT_EQ(message(config), "exec: \"/nope\": no such file or directory");
  config.name = "b";
  config.command = {"nope"};
  EXPECT_EQ(message(config), "exec: \"nope\": executable file not found in $PATH");
  config.name = "c";
  config.command = {"/etc"};
  EXPECT_THAT(message(config), testing::AnyOf(HasSubstr("denied"), HasSubstr("not permitted")));
  config = world_->payload({});
  config.name = "d";
  world_->images->config.user = "nosuch";
  EXPECT_THAT(message(config), HasSubstr("unable to find user nosuch"));
  world_->images->config.user = "";
  config.security.run_as_non_root = true;
  EXPECT_THAT(message(config), HasSubstr("runAsNonRoot"));
  const auto containers = listed();
  ASSERT_EQ(containers.size(), 3u) << "those that the runtime tried to run";
  EXPECT_EQ(containers[0].reason, "ContainerCannotRun");
  EXPECT_EQ(containers[0].exit_code, 127);
}

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
  if (!v2) EXPECT_EQ(exec({"/payload", "cat", "/sys/fs/cgroup/cpu/cpu.shares"})->exit_code, 0);
}

TEST_F(RuntimeTest, VolumesAreSharedAndSubPathsStayInside) {
  run_sandbox();
  ContainerConfig config = world_->payload({"sleep"});
  Mount secret{.kind = Mount::Kind::kFiles, .name = "token", .container_path = "/secret"};
  secret.files = {{"key", "s3cret"}};
  secret.file_mode = 0400;
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

TEST_F(RuntimeTest, ExecHasATimeoutAndALimit) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  EXPECT_TRUE(failed_with(exec({"/payload", "stubborn"}, 200ms), Reason::kTimeout));
  const auto flooded = exec({"/payload", "lines", "10000"});
  ASSERT_TRUE(flooded);
  EXPECT_EQ(flooded->exit_code, 0);
  EXPECT_EQ(flooded->output.size(), container::kExecOutputLimit);
  const auto missing = exec({"/nope"});
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->exit_code, 127);
  EXPECT_EQ(missing->output, "exec: \"/nope\": no such file or directory");
}

TEST_F(RuntimeTest, ExitsWhileNobodyWatchedAreFound) {
  run_sandbox();
  ContainerConfig config = world_->payload({"exit", "7"});
  ASSERT_TRUE(start(config));
  world_->stop_runtime();
  const std::string status = world_->pod_run_dir(kPod) + "/containers/app-0/status.json";
  ASSERT_TRUE(world_->run_until(
      [&] { return host::read_file(status)->find("exited") != std::string::npos; }));
  world_->start_runtime();
  const auto containers = listed();
  ASSERT_EQ(containers.size(), 1u);
  EXPECT_EQ(containers[0].state, ContainerState::kExited);
  EXPECT_EQ(containers[0].exit_code, 7);
}

TEST_F(RuntimeTest, DeathOfTheShimEndsItsContainers) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ::kill(find_shim(world_->pod_run_dir(kPod) + "/shim.pid")->pid, SIGKILL);
  const Container exited = wait_for_exit();
  EXPECT_EQ(exited.reason, "Error");
  EXPECT_EQ(exited.exit_code, 137);
  EXPECT_THAT(exited.message, HasSubstr("supervised"));
  // The sandbox comes back for the next attempt.
  run_sandbox();
  ContainerConfig next = world_->payload({"exit", "0"});
  next.attempt = 1;
  next.name = "next";
  EXPECT_EQ(run(next).exit_code, 0);
  EXPECT_EQ(listed().size(), 2u);
}

TEST_F(RuntimeTest, DeathOfTheShimWhileNobodyWatchedIsFound) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  world_->stop_runtime();
  auto shim = find_shim(world_->pod_run_dir(kPod) + "/shim.pid");
  ASSERT_TRUE(shim);
  ::kill(shim->pid, SIGKILL);
  world_->start_runtime();
  watch();
  ASSERT_TRUE(world_->run_until([&] {
    const auto containers = listed();
    return containers.size() == 1 && containers[0].state == ContainerState::kExited;
  }));
  EXPECT_EQ(listed()[0].reason, "Error");
}

TEST_F(RuntimeTest, KillingTheNodesCgroupLeavesNothingBehind) {
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups are not available here";
  }
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ASSERT_TRUE(world_->cgroups().kill(world_->options.cgroup));
  EXPECT_EQ(wait_for_exit().reason, "Error");
  EXPECT_FALSE(find_shim(world_->pod_run_dir(kPod) + "/shim.pid"));
}

TEST_F(RuntimeTest, UnfinishedPodDirectoriesAreRemoved) {
  world_->stop_runtime();
  const std::string stale = world_->pod_run_dir("stale");
  ASSERT_TRUE(host::make_directories(stale + "/containers/app-0"));
  world_->start_runtime();
  EXPECT_TRUE(world_->run_until([&] { return !std::filesystem::exists(stale); }));
}

TEST_F(RuntimeTest, StopThatComesDuringTheStartIsKept) {
  run_sandbox();
  bool started = false;
  runtime().start_container(kPod, world_->payload({"stubborn"}),
                            [&](const Result<Container>& result) { started = result.has_value(); });
  EXPECT_TRUE(stop(0s));
  EXPECT_EQ(wait_for_exit().exit_code, 137);
  EXPECT_TRUE(started);
}

TEST_F(RuntimeTest, SecondStopMayShortenTheGrace) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ASSERT_TRUE(world_->wait_for_output({kPod, "app", 0}, "ready"));
  EXPECT_TRUE(stop(3600s));
  EXPECT_TRUE(stop(50ms));
  EXPECT_TRUE(stop(3600s));
  EXPECT_EQ(wait_for_exit().exit_code, 137);
}

TEST_F(RuntimeTest, LogsAreRotatedFollowedAndCut) {
  world_->options.log_max_bytes = 20'000;
  world_->options.log_files = 3;
  world_->restart();
  watch();
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"lines", "1000"})));
  wait_for_exit();
  const std::string all = read_log();
  EXPECT_LT(all.size(), 80'000u);
  EXPECT_THAT(all, HasSubstr("line 999 of"));
  EXPECT_EQ(read_log({.tail_lines = 1}), "line 999 of a container that has much to say\n");
  const std::string tail = read_log({.tail_lines = 300});
  EXPECT_EQ(std::ranges::count(tail, '\n'), 300);
  EXPECT_TRUE(tail.starts_with("line 700 of"));
  EXPECT_EQ(read_log({.tail_lines = 0}), "");
  EXPECT_EQ(read_log({.tail_lines = 5, .limit_bytes = 10}), "line 995 o");
  EXPECT_EQ(read_log({.tail_lines = 2, .since = world_->loop.wall()}), "");
  EXPECT_THAT(read_log({.tail_lines = 1, .timestamps = true}),
              testing::MatchesRegex("2[0-9-]+T[0-9:.]+Z line 999 of.*\n"));
}

TEST_F(RuntimeTest, FollowedLogGoesOnUntilTheExit) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  std::string text;
  bool ended = false;
  const auto stream = runtime().read_log(
      {kPod, "app", 0}, {.follow = true}, [&](std::string_view chunk) { text += chunk; },
      [&](const Status& status) { ended = status.has_value(); });
  ASSERT_TRUE(world_->run_until([&] { return text == "ready\n"; }));
  ASSERT_TRUE(stop(30s));
  EXPECT_TRUE(world_->run_until([&] { return ended; }));
  EXPECT_EQ(text, "ready\nterminating\n");
}

TEST_F(RuntimeTest, FloodIsBoundedAndTheContainerStaysStoppable) {
  world_->options.log_max_bytes = 1 << 20;
  world_->options.log_files = 2;
  world_->restart();
  watch();
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"flood"})));
  const std::string log = world_->options.logs_dir + "/default_shop_" + kPod + "/app/0.log";
  ASSERT_TRUE(world_->run_until([&] { return std::filesystem::exists(log + ".1"); }));
  EXPECT_EQ(exec({"/payload", "exit", "0"})->exit_code, 0);
  ASSERT_TRUE(stop(0s));
  wait_for_exit();
  EXPECT_FALSE(std::filesystem::exists(log + ".2"));
  EXPECT_LT(std::filesystem::file_size(log + ".1"), 3u << 20);
}

TEST_F(RuntimeTest, ProbesComeFromTheNode) {
  container::SandboxConfig config = sandbox_config();
  config.host_network = true;
  run_sandbox(config);
  ASSERT_TRUE(start(world_->payload({"http", "8080"})));
  const auto tcp = [&](std::uint16_t port) {
    return wait_for<void>(
        [&](DoneStatus done) { runtime().tcp_connect("127.0.0.1", port, 5s, std::move(done)); });
  };
  ASSERT_TRUE(world_->run_until([&] { return tcp(8080).has_value(); }));
  EXPECT_TRUE(failed_with(tcp(1), Reason::kUnavailable));
  const auto get = [&](const std::string& path) {
    return wait_for<container::HttpResponse>([&](Done<container::HttpResponse> done) {
      runtime().http_get({.host = "127.0.0.1", .port = 8080, .path = path}, 5s, std::move(done));
    });
  };
  const auto response = get("/");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(get("/large")->body.size(), 10u << 10);
}

// Someone who talks to a command or a port.
struct Talk {
  std::string out, err;
  std::optional<Result<int>> code;
  std::unique_ptr<container::Streams> streams;
  container::Streams::Events events() {
    return {.output =
                [this](container::Streams::Output output, std::string_view text) {
                  (output == container::Streams::Output::kStdout ? out : err) += text;
                },
            .drained = nullptr,
            .done = [this](Result<int> result) { code = std::move(result); }};
  }
};

TEST_F(RuntimeTest, PeopleTalkToCommands) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  const ContainerRef app{kPod, "app", 0};
  const auto open = [&](Talk& talk, container::CommandOptions options) {
    auto opened = runtime().open_command(app, std::move(options), talk.events());
    ASSERT_TRUE(opened) << opened.error().message;
    talk.streams = std::move(*opened);
  };
  Talk talk;
  open(talk, {.command = {"/payload", "echo"}, .input = true});
  const std::string large(3 << 20, 'x');
  talk.streams->write(large);
  talk.streams->close_input();
  ASSERT_TRUE(world_->run_until([&] { return talk.code.has_value(); }));
  EXPECT_EQ(talk.out.size(), large.size());
  EXPECT_EQ(talk.err, "over\n");
  EXPECT_EQ(talk.code->value(), 7);

  Talk missing;
  open(missing, {.command = {"/nope"}});
  ASSERT_TRUE(world_->run_until([&] { return missing.code.has_value(); }));
  EXPECT_EQ(missing.code->value(), 127);
  EXPECT_THAT(missing.err, HasSubstr("/nope"));
  EXPECT_TRUE(failed_with(runtime().open_command({kPod, "other", 0}, {}, talk.events()),
                          Reason::kNotFound));
}

TEST_F(RuntimeTest, ATerminalHasASizeAndEndsWithItsClient) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  const ContainerRef app{kPod, "app", 0};
  Talk talk;
  auto opened = runtime().open_command(
      app, {.command = {"/payload", "echo"}, .terminal = true, .input = true}, talk.events());
  ASSERT_TRUE(opened) << opened.error().message;
  (*opened)->resize(97, 31);
  (*opened)->write("hello\n");
  const std::string echoed = "hello\r\n97x31\r\nhello\r\n";
  ASSERT_TRUE(world_->run_until([&] { return talk.out.size() >= echoed.size(); })) << talk.out;
  EXPECT_EQ(talk.out, echoed);
  (*opened)->close_input();
  ASSERT_TRUE(world_->run_until([&] { return talk.code.has_value(); }));
  EXPECT_EQ(talk.code->value(), 7);

  // Whoever leaves ends their command: more of them than may run at a time.
  for (int i = 0; i < 40; ++i) {
    Talk left;
    auto gone = runtime().open_command(app, {.command = {"/payload", "sleep"}}, left.events());
    ASSERT_TRUE(gone);
    ASSERT_TRUE(world_->run_until([&] { return left.out == "ready\n" || left.code; }));
    ASSERT_FALSE(left.code) << left.code->error().message;
  }
}

TEST_F(RuntimeTest, PortsOfThePodAreReached) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"http", "8080"})));
  Talk talk;
  ASSERT_TRUE(world_->run_until([&] {
    if (talk.code) talk = {};  // It does not listen yet.
    if (!talk.streams) {
      talk.streams = runtime().open_port(kPod, 8080, talk.events()).value();
      talk.streams->write("GET / HTTP/1.0\r\n\r\n");
    }
    return talk.out.contains("hello");
  }));
  Talk closed;
  closed.streams = runtime().open_port(kPod, 1, closed.events()).value();
  ASSERT_TRUE(world_->run_until([&] { return closed.code.has_value(); }));
  EXPECT_TRUE(failed_with(*closed.code, Reason::kUnavailable));
}

TEST_F(RuntimeTest, StatsCountRunningContainers) {
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups are not available here";
  }
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  const auto stats = wait_for<container::NodeStats>(
      [&](Done<container::NodeStats> done) { runtime().stats(std::move(done)); });
  ASSERT_TRUE(stats);
  ASSERT_EQ(stats->containers.size(), 1u);
  EXPECT_EQ(stats->containers[0].ref, (ContainerRef{kPod, "app", 0}));
  EXPECT_GT(stats->containers[0].memory_usage_bytes, 0u);
}

TEST_F(RuntimeTest, PullsOfOneReferenceAreShared) {
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    runtime().pull_image(
        "test/payload:1", container::PullPolicy::kAlways,
        [&](const Result<container::Image>& image) { answers += image.has_value(); });
  }
  EXPECT_TRUE(world_->run_until([&] { return answers == 5; }));
  EXPECT_EQ(world_->images->pulls, 1);
}

TEST_F(RuntimeTest, RuncServesWhereCrunDoesNot) {
  const auto runc = host::find_program("runc");
  if (!runc) GTEST_SKIP() << runc.error().message;
  world_->options.oci_runtime = *runc;
  world_->restart();
  watch();
  run_sandbox();
  ContainerConfig config = world_->payload({"nothing"});
  config.name = "missing";
  config.command = {"/nope"};
  const auto refused = start(config);
  ASSERT_TRUE(failed_with(refused, Reason::kInvalid));
  EXPECT_EQ(refused.error().message, "exec: \"/nope\": no such file or directory");
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  EXPECT_EQ(exec({"/payload", "exit", "5"})->exit_code, 5);
  EXPECT_EQ(exec({"/nope"})->output, "exec: \"/nope\": no such file or directory");
  ASSERT_TRUE(world_->wait_for_output({kPod, "app", 0}, "ready"));
  ASSERT_TRUE(stop(30s));
  EXPECT_EQ(wait_for_exit().exit_code, 0);
}

TEST_F(RuntimeTest, DestroyedRuntimeDropsCallbacks) {
  run_sandbox();
  runtime().start_container(kPod, world_->payload({"sleep"}),
                            [](const Result<Container>&) { ADD_FAILURE() << "must be dropped"; });
  runtime().list([](const Result<container::Runtime::Inventory>&) { ADD_FAILURE(); });
  world_->restart();
  EXPECT_TRUE(listed().size() <= 1u);
}

TEST_F(RuntimeTest, ManyContainersStartAndEnd) {
  run_sandbox();
  constexpr int kContainers = 100;
  int started = 0;
  for (int i = 0; i < kContainers; ++i) {
    ContainerConfig config = world_->payload({"exit", "0"});
    config.name = fmt::format("quick-{}", i);
    runtime().start_container(
        kPod, config, [&](const Result<Container>& result) { started += result.has_value(); });
  }
  const auto exited = [&] {
    return std::ranges::count(events_, ContainerState::kExited, &Container::state);
  };
  EXPECT_TRUE(world_->run_until([&] { return started == kContainers && exited() == kContainers; }));
}

}  // namespace
}  // namespace minato::linux_container

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "shim") {
    return minato::linux_container::run_shim(argc - 2, argv + 2);
  }
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  return minato::linux_container::run_isolated([] { return RUN_ALL_TESTS(); });
}
