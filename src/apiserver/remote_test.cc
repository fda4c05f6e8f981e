// exec and port-forward from the request to what the Pod's side sees.
#include "apiserver/remote.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "apiserver/fixture.h"

namespace minato::apiserver {
namespace {

using container::Streams;
using testing::HasSubstr;

// The Pod's side, as far as it has been told.
struct FakeSide {
  container::CommandOptions options;
  Streams::Events events;
  std::string written;
  bool input_closed = false, gone = false;
  int columns = 0;
  Streams::Reading reading = Streams::Reading::kGo;
};

class FakeStreams final : public Streams {
 public:
  explicit FakeStreams(FakeSide& side) : side_(side) {}
  ~FakeStreams() override { side_.gone = true; }
  void write(std::string_view bytes) override { side_.written += bytes; }
  std::size_t pending_bytes() const override { return 0; }
  void close_input() override { side_.input_closed = true; }
  void resize(std::uint16_t columns, std::uint16_t) override { side_.columns = columns; }
  void set_reading(Reading reading) override { side_.reading = reading; }

 private:
  FakeSide& side_;
};

std::string message(char channel, std::string_view text) {
  const std::string payload = std::string(1, channel).append(text);
  return std::string("\x82", 1) + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') +
         payload;
}

class RemoteTest : public ServerFixture {
 protected:
  RemoteTest() {
    PodStreams streams;
    streams.command = [this](const kube::Pod&, const std::string&, container::CommandOptions options,
                             Streams::Events events) -> Result<std::unique_ptr<Streams>> {
      side.options = std::move(options);
      side.events = std::move(events);
      return std::make_unique<FakeStreams>(side);
    };
    streams.attach = [this](const kube::Pod&, const std::string& container,
                            container::AttachOptions options,
                            Streams::Events events) -> Result<std::unique_ptr<Streams>> {
      attached_to = container;
      attached = options;
      side.events = std::move(events);
      return std::make_unique<FakeStreams>(side);
    };
    ServerOptions options;
    options.streams = std::move(streams);
    server_ = std::make_unique<ApiServer>(env_, *registry_, authenticator_, authorizer_,
                                          std::move(options));
    EXPECT_EQ(ask({.method = "POST",
                   .target = "/api/v1/namespaces/default/pods",
                   .body = R"({"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":)"
                           R"([{"name":"c","image":"i"}]}})"})
                  .first,
              201);
  }

  std::shared_ptr<RecordedStream> exec(std::string_view query) { return open("p/exec", query); }
  std::shared_ptr<RecordedStream> open(std::string_view what, std::string_view query) {
    const auto exchange = send({.target = fmt::format("/api/v1/namespaces/default/pods/{}?{}", what, query),
                                .headers = {{"Connection", "Upgrade"},
                                            {"Upgrade", "websocket"},
                                            {"Sec-WebSocket-Version", "13"},
                                            {"Sec-WebSocket-Key", "a2V5"},
                                            {"Sec-WebSocket-Protocol", "v5.channel.k8s.io"}}});
    EXPECT_EQ(exchange->result->status, 101);
    return exchange->body;
  }
  // A conversation holds itself until one of its sides ends.
  void leave(const std::vector<std::shared_ptr<RecordedStream>>& clients) {
    for (const auto& client : clients) client->client_leaves();
    time_.advance(1s);
  }

  FakeSide side;
  std::string attached_to;
  container::AttachOptions attached;
};

TEST_F(RemoteTest, ExecCarriesEveryChannel) {
  const auto client = exec("command=sh&command=-c&stdin=true&stdout=true&tty=true");
  EXPECT_THAT(side.options.command, testing::ElementsAre("sh", "-c"));
  EXPECT_TRUE(side.options.terminal);
  client->data(message('\0', "typed") + message('\4', R"({"Width":90,"Height":30})"));
  EXPECT_EQ(side.written, "typed");
  EXPECT_EQ(side.columns, 90);
  client->data(message('\xFF', std::string_view("\0", 1)));
  EXPECT_TRUE(side.input_closed);
  side.events.output(Streams::Output::kStdout, "printed");
  EXPECT_THAT(client->text, HasSubstr("\1printed"));
  side.events.done(3);
  EXPECT_THAT(client->text, HasSubstr("exit code 3"));
  time_.advance(1s);
  EXPECT_TRUE(side.gone);
  client->client_leaves();
}

TEST_F(RemoteTest, AttachGivesWhatTheContainerHas) {
  EXPECT_EQ(ask({.method = "POST",
                 .target = "/api/v1/namespaces/default/pods",
                 .body = R"({"metadata":{"name":"q"},"spec":{"nodeName":"n","containers":)"
                         R"([{"name":"c","image":"i","stdin":true,"tty":true}]}})"})
                .first,
            201);
  const auto quiet = open("p/attach", "stdin=true&stdout=true&tty=true");
  EXPECT_FALSE(attached.terminal || attached.input) << "the container has neither";
  const auto client = open("q/attach", "stdin=true&stdout=true&tty=true");
  EXPECT_TRUE(attached.terminal && attached.input);
  client->data(message('\0', "typed"));
  EXPECT_EQ(side.written, "typed");
  side.events.output(Streams::Output::kStdout, "printed");
  EXPECT_THAT(client->text, HasSubstr("\1printed"));
  side.events.done(0);
  EXPECT_THAT(client->text, HasSubstr("Success"));
  leave({quiet, client});
}

TEST_F(RemoteTest, EphemeralContainersAreAddedAndReached) {
  const std::string path = "/api/v1/namespaces/default/pods/p/ephemeralcontainers";
  EXPECT_EQ(ask({.method = "PATCH",
                 .target = path,
                 .body = R"({"spec":{"ephemeralContainers":[{"name":"d","image":"i","stdin":true}]}})",
                 .headers = {{"Content-Type", "application/strategic-merge-patch+json"}}})
                .first,
            200);
  EXPECT_EQ(ask({.target = path}).second.at("spec").at("ephemeralContainers").as_array().size(), 1u);
  const auto client = open("p/attach", "container=d&stdin=true&stdout=true");
  EXPECT_EQ(attached_to, "d");
  EXPECT_TRUE(attached.input);
  leave({client});
}

TEST_F(RemoteTest, AClientThatLeavesEndsTheCommand) {
  const auto client = exec("command=sleep&stdout=true");
  client->client_leaves();
  time_.advance(1s);
  EXPECT_TRUE(side.gone);
}

TEST_F(RemoteTest, AClientThatDoesNotReadStopsTheOutput) {
  const auto client = exec("command=yes&stdout=true");
  client->stuck = true;
  side.events.output(Streams::Output::kStdout, std::string(Remote::kPendingBytes + 1, 'y'));
  EXPECT_EQ(side.reading, Streams::Reading::kPause);
  client->drained();
  EXPECT_EQ(side.reading, Streams::Reading::kGo);
  client->client_leaves();
  time_.advance(1s);
}

TEST_F(RemoteTest, WhatCannotBeIsRefusedBeforeTheUpgrade) {
  const std::string pod = "/api/v1/namespaces/default/pods/p/";
  EXPECT_EQ(ask({.target = pod + "exec?command=x"}).first, 400) << "no upgrade";
  EXPECT_EQ(ask({.target = pod + "exec?command=x&container=other"}).first, 400);
  EXPECT_EQ(ask({.target = pod + "exec"}).first, 400) << "no command";
  EXPECT_EQ(ask({.target = "/api/v1/namespaces/default/pods/q/exec?command=x"}).first, 404);
  EXPECT_EQ(ask({.target = pod + "portforward"}).first, 503);
  EXPECT_EQ(ask({.target = pod + "exec?command=x", .token = "user-token"}).first, 403);
}

}  // namespace
}  // namespace minato::apiserver
