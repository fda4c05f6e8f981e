// Commands, logs, probes, sessions and figures: ways into a running container.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "linux_container/testing/runtime_fixture.h"

namespace minato::linux_container {
namespace {

using container::ContainerConfig;
using container::ContainerRef;
using container::Done;
using container::DoneStatus;
using testing::HasSubstr;

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

TEST_F(RuntimeTest, AttachTalksToAContainerWithInput) {
  run_sandbox();
  ContainerConfig config = world_->payload({"echo"});
  config.input = ContainerConfig::Input::kOnce;
  ASSERT_TRUE(start(config));
  Talk reader, writer;
  const auto attach = [&](Talk& talk, container::AttachOptions options) {
    auto opened = runtime().open_attach({kPod, "app", 0}, options, talk.events());
    ASSERT_TRUE(opened) << opened.error().message;
    talk.streams = std::move(*opened);
  };
  attach(reader, {});
  attach(writer, {.input = true});
  writer.streams->write("said\n");
  ASSERT_TRUE(world_->run_until([&] { return writer.out == "said\n" && reader.out == "said\n"; }));
  writer.streams->close_input();
  ASSERT_TRUE(world_->run_until([&] { return writer.code && reader.code; }));
  EXPECT_EQ(writer.code->value(), 0) << "the exit code is the container's status";
  EXPECT_EQ(writer.err, "over\n");
  EXPECT_EQ(wait_for_exit().exit_code, 7);
  EXPECT_EQ(read_log(), "said\nover\n");
  EXPECT_TRUE(failed_with(runtime().open_attach({kPod, "app", 0}, {}, reader.events()),
                          Reason::kNotFound));
}

TEST_F(RuntimeTest, ATerminalStaysWhenItsReaderLeaves) {
  run_sandbox();
  ContainerConfig config = world_->payload({"echo"});
  config.terminal = true;
  config.input = ContainerConfig::Input::kKept;
  ASSERT_TRUE(start(config));
  const auto attach = [&](Talk& talk) {
    talk.streams =
        runtime().open_attach({kPod, "app", 0}, {.terminal = true, .input = true}, talk.events()).value();
  };
  {
    Talk first;
    attach(first);
    first.streams->resize(97, 31);
    first.streams->write("hello\n");
    ASSERT_TRUE(world_->run_until([&] { return first.out == "hello\r\n97x31\r\nhello\r\n"; }))
        << first.out;
  }
  Talk second;
  attach(second);
  second.streams->write("again\n");
  ASSERT_TRUE(world_->run_until([&] { return second.out == "again\r\nagain\r\n"; })) << second.out;
  second.streams->close_input();
  ASSERT_TRUE(world_->run_until([&] { return second.code.has_value(); }));
  EXPECT_EQ(wait_for_exit().exit_code, 7);
}

TEST_F(RuntimeTest, AReaderThatDoesNotReadIsLetGo) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"flood"})));
  Talk slow;
  slow.streams = runtime().open_attach({kPod, "app", 0}, {}, slow.events()).value();
  slow.streams->set_reading(container::Streams::Reading::kPause);
  const std::string log = world_->options.logs_dir + "/default_shop_" + kPod + "/app/0.log";
  ASSERT_TRUE(world_->run_until([&] { return std::filesystem::file_size(log) > (4u << 20); }));
  slow.streams->set_reading(container::Streams::Reading::kGo);
  ASSERT_TRUE(world_->run_until([&] { return slow.code.has_value(); }));
  EXPECT_TRUE(failed_with(*slow.code, Reason::kTooManyRequests));
  EXPECT_EQ(exec({"/payload", "exit", "0"})->exit_code, 0) << "the container goes on";
}

TEST_F(RuntimeTest, AContainerIsAmongTheProcessesOfAnother) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  ContainerConfig beside = world_->payload({"id"});
  beside.name = "beside";
  beside.processes_of = "app";
  EXPECT_EQ(run(beside).exit_code, 0);
  EXPECT_THAT(read_log({}, "beside"), testing::Not(HasSubstr("pid=1\n")));
  ContainerConfig alone = world_->payload({"id"});
  alone.name = "alone";
  EXPECT_EQ(run(alone).exit_code, 0);
  EXPECT_THAT(read_log({}, "alone"), HasSubstr("pid=1\n"));
  alone.name = "lost";
  alone.processes_of = "nobody";
  const auto lost = start(alone);
  ASSERT_TRUE(failed_with(lost, Reason::kInvalid));
  EXPECT_THAT(lost.error().message, HasSubstr("unable to find target container nobody"));
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

}  // namespace
}  // namespace minato::linux_container
