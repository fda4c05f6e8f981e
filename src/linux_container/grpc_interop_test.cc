// The gRPC probe before grpcio's server, which nobody here wrote; scripts/test-tools.sh installs
// it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "base/strings.h"
#include "host/process.h"
#include "linux_container/probe.h"

namespace minato::linux_container {
namespace {

using container::HealthAnswer;

// A Python that has grpcio; "" for none.
std::string python_with_grpc() {
  for (const std::string candidate : {MINATO_TOOLS_PYTHON, "python3"}) {
    const auto tried = host::run_command({candidate, "-c", "import grpc, grpc_health.v1.health"});
    if (tried && tried->status.code == 0) return candidate;
  }
  return "";
}

// testing/grpc_server.py, which ends when its input does.
class Server {
 public:
  Server(const std::string& python, const std::string& argument) {
    int input[2];
    int output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) return;
    const host::Fd child_input(input[0]);
    const host::Fd child_output(output[1]);
    input_ = host::Fd(input[1]);
    output_ = host::Fd(output[0]);
    const auto spawned = host::spawn({.argv = {python, MINATO_GRPC_SERVER, argument},
                                      .descriptors = {{input[0], 0}, {output[1], 1}, {2, 2}}});
    if (!spawned) return;
    pid_ = *spawned;
    std::string line;
    for (char c = 0; ::read(output_.get(), &c, 1) == 1 && c != '\n';) line += c;
    port_ = static_cast<std::uint16_t>(parse_int(line).value_or(0));
  }
  ~Server() {
    input_ = {};
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  host::Fd input_;
  host::Fd output_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

HealthAnswer check(std::uint16_t port, const std::string& service, Duration timeout = 30s) {
  host::Loop loop;
  const auto alive = std::make_shared<int>();
  HealthAnswer answer;
  probe_health({loop, "", alive}, {"127.0.0.1", port, service}, timeout,
               [&](const Result<HealthAnswer>& got) {
                 answer = got.value_or(HealthAnswer{.code = -1});
                 EXPECT_TRUE(got) << got.error().message;
                 loop.stop();
               });
  loop.run();
  return answer;
}

class GrpcInteropTest : public testing::Test {
 protected:
  void start(const std::string& argument = "with-health") {
    const std::string python = python_with_grpc();
    if (python.empty()) {
      GTEST_SKIP() << "no Python with grpcio and grpcio-health-checking (scripts/test-tools.sh "
                      "installs them): the gRPC probe is checked against our own server only";
    }
    server_.emplace(python, argument);
    ASSERT_NE(server_->port(), 0) << "the server did not start";
  }
  std::optional<Server> server_;
};

TEST_F(GrpcInteropTest, HealthOfServices) {
  start();
  if (!server_) return;
  for (const std::string service : {"", "good"}) {
    const HealthAnswer answer = check(server_->port(), service);
    EXPECT_EQ(answer.code, HealthAnswer::kOk) << answer.message;
    EXPECT_EQ(answer.serving_status, HealthAnswer::kServing);
  }
  EXPECT_EQ(check(server_->port(), "bad").serving_status, HealthAnswer::kNotServing);
  EXPECT_EQ(check(server_->port(), "none").code, 5) << "NotFound";
  EXPECT_EQ(check(server_->port(), "slow", 1s).code, HealthAnswer::kDeadlineExceeded);
}

TEST_F(GrpcInteropTest, ServerWithoutTheHealthService) {
  start("without-health");
  if (!server_) return;
  EXPECT_EQ(check(server_->port(), "").code, HealthAnswer::kUnimplemented);
}

}  // namespace
}  // namespace minato::linux_container
