#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <thread>

#include "control/client.h"
#include "control/server.h"
#include "host/files.h"

namespace minato::control {
namespace {

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/minato-test-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    path_ = dir_ + "/control.sock";
    auto server = Server::listen(loop_, path_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(server).value();
    server_->handle("echo", [](const Request& request, std::shared_ptr<Exchange> exchange) {
      exchange->send(boost::json::value(request.text("word")));
      exchange->finish({});
    });
    server_->handle("fail", [](const Request&, std::shared_ptr<Exchange> exchange) {
      exchange->finish(minato::fail(Reason::kConflict, "cannot\nnow"));
    });
    server_->handle("stream", [this](const Request&, std::shared_ptr<Exchange> exchange) {
      for (int i = 0; i < 3; ++i) exchange->send(boost::json::value(i));
      exchange->on_close([this] { ++closed_; });
      open_ = std::move(exchange);
    });
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.post_from_thread([this] {
      open_.reset();
      server_.reset();
      loop_.stop();
    });
    thread_.join();
    EXPECT_TRUE(host::remove_tree(dir_));
  }
  host::Loop loop_;
  std::string dir_, path_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<Exchange> open_;
  std::atomic<int> closed_ = 0;
  std::thread thread_;
};

TEST_F(ControlTest, AnswersAndFailures) {
  const Client client(path_);
  EXPECT_EQ(client.ask({"echo", {{"word", "minato"}}}).value(), "minato");
  const auto failed = client.ask({"fail", {}});
  ASSERT_TRUE(failed_with(failed, Reason::kConflict));
  EXPECT_EQ(failed.error().message, "cannot\nnow");
  const auto unknown = client.ask({"dance", {}});
  ASSERT_TRUE(failed_with(unknown, Reason::kNotFound));
  EXPECT_NE(unknown.error().message.find("echo, fail, stream"), std::string::npos);
}

TEST_F(ControlTest, AStreamMayBeLeftEarly) {
  int lines = 0;
  ASSERT_TRUE(Client(path_).call({"stream", {}}, [&](const boost::json::value&) { return ++lines < 3; }));
  EXPECT_EQ(lines, 3);
  while (closed_ == 0) std::this_thread::yield();
}

TEST_F(ControlTest, SocketIsPrivateAndNotTakenOver) {
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  host::Loop other;
  EXPECT_TRUE(failed_with(Server::listen(other, path_), Reason::kAlreadyExists));
}

TEST(ControlClientTest, NobodyThere) {
  EXPECT_TRUE(failed_with(Client("/nonexistent/minato.sock").ask({"status", {}}), Reason::kUnavailable));
}

TEST(ControlProtocolTest, HostileLines) {
  for (const char* line : {"", "x", "[]", "{}", "{\"verb\":1}", "{\"verb\":\"\"}"}) {
    EXPECT_FALSE(decode(line)) << line;
  }
}

}  // namespace
}  // namespace minato::control
