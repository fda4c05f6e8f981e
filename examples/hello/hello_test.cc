// The hello service from outside: what it answers, what it refuses, how it ends.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/files.h"
#include "host/process.h"

namespace minato {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  if (::connect(fd, &generic, sizeof generic) == 0) return fd;
  ::close(fd);
  return -1;
}

std::uint16_t free_port() {
  const host::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  socklen_t size = sizeof generic;
  ::bind(fd.get(), &generic, size);
  ::getsockname(fd.get(), &generic, &size);
  std::memcpy(&address, &generic, sizeof address);
  return ntohs(address.sin_port);
}

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(connect_to(port)) {}
  bool connected() const { return fd_.get() >= 0; }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // One response with its body; what there is when the connection ends before.
  std::string receive() {
    while (true) {
      const std::size_t head = input_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t at = input_.find("Content-Length: ");
        const std::size_t size = head + 4 + std::stoul(input_.substr(at + 16));
        if (input_.size() >= size) {
          std::string out = input_.substr(0, size);
          input_.erase(0, size);
          return out;
        }
      }
      char buffer[4096];
      const ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return std::exchange(input_, "");
      input_.append(buffer, static_cast<std::size_t>(n));
    }
  }
  std::string ask(std::string_view target) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return receive();
  }

 private:
  host::Fd fd_;
  std::string input_;
};

class HelloTest : public ::testing::Test {
 protected:
  ~HelloTest() override {
    if (pid_ > 0) stop(SIGKILL);
  }
  void start(std::vector<std::string> environment = {}) {
    port_ = free_port();
    environment.push_back("PORT=" + std::to_string(port_));
    const auto pid = host::spawn({.argv = {HELLO_BINARY}, .environment = environment});
    ASSERT_TRUE(pid) << pid.error().message;
    pid_ = *pid;
    for (int i = 0; i < 1000; ++i) {
      if (Client(port_).connected()) return;
      ::usleep(5'000);
    }
    FAIL() << "hello did not start";
  }
  int stop(int signal) {
    ::kill(pid_, signal);
    return wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string ask_once(std::string_view raw) {
    Client client(port_);
    client.send(raw);
    return client.receive();
  }

  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

TEST_F(HelloTest, SaysWhoAnswers) {
  start({"SERVICE=shop", "VERSION=2", "POD_NAME=shop-1", "NODE_NAME=\"n\"", "ZONE=a"});
  Client client(port_);
  const std::string answer = client.ask("/");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr(R"("service": "shop", "version": "2", "pod": "shop-1")"));
  EXPECT_THAT(answer, HasSubstr(R"("node": "\"n\"")")) << "values are escaped";
  EXPECT_THAT(client.ask("/healthz"), StartsWith("HTTP/1.1 200")) << "on the same connection";
}

TEST_F(HelloTest, BrokenVersionIsNeverHealthy) {
  start({"BROKEN=1"});
  EXPECT_THAT(Client(port_).ask("/healthz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Client(port_).ask("/"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HelloTest, UnreadyForAsLongAsAsked) {
  start();
  EXPECT_THAT(Client(port_).ask("/unready?ms=60000"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Client(port_).ask("/healthz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Client(port_).ask("/"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Client(port_).ask("/unready?ms=0"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Client(port_).ask("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HelloTest, SecretsAreRedacted) {
  start({"LOG_LEVEL=info", "DB_PASSWORD=s1", "api_token=s2", "SIGNING_KEY=s3", "A_SECRET=s4",
         "DB=postgres://u:s5@db/x", "PLAIN=s6", "SECRET_NAMES=PLAIN,OTHER", "PLAINER=shown",
         "URL=http://db/x@y"});
  const std::string page = Client(port_).ask("/env");
  for (const char* secret : {"s1", "s2", "s3", "s4", "s5", "s6"}) {
    EXPECT_THAT(page, Not(HasSubstr("=" + std::string(secret)))) << secret;
  }
  EXPECT_THAT(page, Not(HasSubstr("u:s5")));
  EXPECT_THAT(page, HasSubstr("DB_PASSWORD=(redacted)"));
  EXPECT_THAT(page, HasSubstr("LOG_LEVEL=info"));
  EXPECT_THAT(page, HasSubstr("PLAINER=shown"));
  EXPECT_THAT(page, HasSubstr("URL=http://db/x@y"));
}

TEST_F(HelloTest, MalformedRequestsGetTheirStatusAndTheConnectionEnds) {
  start();
  const auto expect = [&](const std::string& raw, const char* status) {
    const std::string answer = ask_once(raw);
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status)) << raw.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("Connection: close")) << raw.substr(0, 80);
  };
  expect("rubbish\r\n\r\n", "400");
  expect("GET / HTTP/1.1\r\n\r\n", "400");  // No Host.
  expect("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400");
  expect("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "400");
  expect("GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400");
  expect("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400");
  expect("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "400");
  expect("GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n", "400");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400");
  expect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", "413");
  expect("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "501");
  expect("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431");
  EXPECT_THAT(Client(port_).ask("/"), StartsWith("HTTP/1.1 200")) << "it serves on";
}

TEST_F(HelloTest, BadParametersAre400) {
  start();
  Client client(port_);
  for (const char* target : {"/slow", "/slow?ms=", "/slow?ms=-1", "/burn?ms=1e3", "/burn?ms=60001",
                             "/burn?ms=99999999999999999999", "/slow?s=1"}) {
    EXPECT_THAT(client.ask(target), StartsWith("HTTP/1.1 400")) << target;
  }
  EXPECT_THAT(client.ask("/slow?ms=1"), HasSubstr("slept 1 ms"));
  EXPECT_THAT(client.ask("/burn?ms=1"), HasSubstr("burned 1 ms"));
  EXPECT_THAT(client.ask("/none"), StartsWith("HTTP/1.1 404"));
}

TEST_F(HelloTest, PipelinedRequestsAndBodiesKeepTheirOrder) {
  start();
  Client client(port_);
  client.send(
      "GET /slow?ms=5 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /"
      "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("slept 5 ms"));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 405"));
  const std::string head = client.receive();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << "HEAD has no body";
}

TEST_F(HelloTest, ClientsThatAskWithoutReadingGetEveryAnswerInTheEnd) {
  start();
  Client client(port_);
  constexpr int kRequests = 60'000;
  std::thread writer([&] {
    std::string batch;
    for (int i = 0; i < 100; ++i) batch += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < kRequests / 100; ++i) client.send(batch);
  });
  int answers = 0;
  while (answers < kRequests && client.receive().starts_with("HTTP/1.1 200")) ++answers;
  writer.join();
  EXPECT_EQ(answers, kRequests);
}

TEST_F(HelloTest, ThousandsOfConnectionsAreKept) {
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 900; ++i) clients.push_back(std::make_unique<Client>(port_));
  for (int round = 0; round < 2; ++round) {
    for (auto& client : clients) ASSERT_THAT(client->ask("/healthz"), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(HelloTest, CrashAnswersAndExitsWithOne) {
  start();
  EXPECT_THAT(Client(port_).ask("/crash"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(wait(), 1);
}

TEST_F(HelloTest, TerminationFinishesWhatHasBegun) {
  start();
  Client slow(port_), idle(port_);
  ASSERT_THAT(idle.ask("/"), StartsWith("HTTP/1.1 200"));
  ASSERT_THAT(slow.ask("/"), StartsWith("HTTP/1.1 200"));
  slow.send("GET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  ::kill(pid_, SIGTERM);
  const std::string answer = slow.receive();
  EXPECT_THAT(answer, HasSubstr("slept 300 ms"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(idle.receive(), "") << "idle connections are closed";
  EXPECT_EQ(wait(), 0);
}

TEST_F(HelloTest, LameDuckStillAcceptsAndAsksToClose) {
  start({"STOP_DELAY=700ms"});
  Client old(port_);
  ASSERT_THAT(old.ask("/"), Not(HasSubstr("Connection: close")));
  ::kill(pid_, SIGTERM);
  std::string answer;
  // The signal arrives when it arrives; from then on every answer says so.
  while (answer.find("Connection: close") == std::string::npos) {
    Client fresh(port_);
    ASSERT_TRUE(fresh.connected()) << "it stopped listening at once";
    answer = fresh.ask("/");
    ASSERT_THAT(answer, StartsWith("HTTP/1.1 200"));
  }
  EXPECT_THAT(old.ask("/"), HasSubstr("Connection: close"));
  EXPECT_EQ(wait(), 0);
  EXPECT_FALSE(Client(port_).connected());
}

TEST_F(HelloTest, BadPortIsSaid) {
  for (const char* port : {"PORT=0", "PORT=70000", "PORT=x"}) {
    const auto pid = host::spawn({.argv = {HELLO_BINARY}, .environment = {port}});
    ASSERT_TRUE(pid);
    pid_ = *pid;
    EXPECT_EQ(wait(), 2) << port;
  }
}

}  // namespace
}  // namespace minato
