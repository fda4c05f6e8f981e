#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "load/generator.h"

namespace minato::load {
namespace {

TEST(HistogramTest, PercentilesWithinBucketWidth) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.add(std::chrono::milliseconds(i));
  const auto near = [](Duration a, Duration b) {
    return std::chrono::abs(a - b) <= b * 16 / 1000 + 1us;
  };
  EXPECT_TRUE(near(histogram.percentile(500), 500ms)) << histogram.percentile(500).count();
  EXPECT_TRUE(near(histogram.percentile(990), 990ms));
  EXPECT_EQ(histogram.percentile(1000), 1000ms);
  EXPECT_EQ(Histogram().percentile(500), 0ms);
}

// Answers every third request with 503 and closes after every fifth.
class TinyServer {
 public:
  explicit TinyServer(host::Loop& loop)
      : acceptor_(loop.io(), {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int served = 0;
  int accepted = 0;
  int accepted_at_first = 0;  // Connections, when the first request came.

 private:
  struct Session : std::enable_shared_from_this<Session> {
    Session(TinyServer& s, boost::asio::ip::tcp::socket k) : server(s), socket(std::move(k)) {}
    void read() {
      boost::asio::async_read_until(socket, buffer, "\r\n\r\n",
                                    [self = shared_from_this()](auto error, std::size_t size) {
                                      if (error) return;
                                      self->buffer.consume(size);
                                      self->answer();
                                    });
    }
    void answer() {
      const int n = ++server.served;
      if (n == 1) server.accepted_at_first = server.accepted;
      const bool last = n % 5 == 0;
      text = fmt::format("HTTP/1.1 {}\r\nContent-Length: 2\r\n{}\r\nok", n % 3 == 0 ? "503 no" : "200 OK",
                         last ? "Connection: close\r\n" : "");
      boost::asio::async_write(socket, boost::asio::buffer(text),
                               [self = shared_from_this(), last](auto error, std::size_t) {
                                 if (!error && !last) self->read();
                               });
    }
    TinyServer& server;
    boost::asio::ip::tcp::socket socket;
    boost::asio::streambuf buffer;
    std::string text;
  };
  void accept() {
    acceptor_.async_accept([this](auto error, boost::asio::ip::tcp::socket socket) {
      if (error) return;
      ++accepted;
      std::make_shared<Session>(*this, std::move(socket))->read();
      accept();
    });
  }
  boost::asio::ip::tcp::acceptor acceptor_;
};

Report run(host::Loop& loop, Options options) {
  auto generator = Generator::make(loop, std::move(options));
  EXPECT_TRUE(generator);
  Report report;
  (*generator)->start({}, [&](const Report& r) {
    report = r;
    loop.stop();
  });
  loop.run();
  return report;
}

TEST(GeneratorTest, EveryRequestIsAccountedFor) {
  host::Loop loop;
  TinyServer server(loop);
  const Report report = run(loop, {.host = "x", .address = "127.0.0.1", .port = server.port(),
                                   .tls = false, .rate = 300, .duration = 500ms});
  EXPECT_EQ(report.sent, 150u);
  EXPECT_EQ(report.ok + report.failed(), 150u);
  EXPECT_EQ(report.failures.at(Failure::kTarget5xx), 50u);
  EXPECT_EQ(report.latency.count(), 150u);
}

TEST(GeneratorTest, RefusedConnectionsAreCounted) {
  host::Loop loop;
  std::uint16_t port = 0;
  {
    TinyServer server(loop);
    port = server.port();
  }
  const Report report = run(loop, {.host = "x", .address = "127.0.0.1", .port = port, .tls = false,
                                   .rate = 100, .duration = 100ms});
  EXPECT_EQ(report.failures.at(Failure::kRefused), 10u);
}

TEST(GeneratorTest, ConnectionsAreOpenedAhead) {
  host::Loop loop;
  TinyServer server(loop);
  const Report report = run(loop, {.host = "x", .address = "127.0.0.1", .port = server.port(), .tls = false, .rate = 100,
                                   .duration = 30ms, .start_at = loop.monotonic() + 100ms, .open_ahead = 4});
  EXPECT_EQ(report.sent, 3u);
  EXPECT_EQ(server.accepted_at_first, 4);
  EXPECT_EQ(server.accepted, 4) << "and they were used";
}

TEST(GeneratorTest, ShardsTogetherSendWhatOneWould) {
  host::Loop loop;
  TinyServer server(loop);
  const Report report = run(loop, {.host = "x", .address = "127.0.0.1", .port = server.port(),
                                   .tls = false, .rate = 300, .duration = 500ms, .threads = 3});
  EXPECT_EQ(report.sent, 150u);
  EXPECT_EQ(report.ok + report.failed(), 150u);
  const drill::Slice all = report.timeline.sum({}, MonoTime::max());
  EXPECT_EQ(all.sent, 150u);
  EXPECT_EQ(all.ok, report.ok);
  EXPECT_EQ(all.failures(), report.failed());
}

TEST(GeneratorTest, RateChangesWhileItRuns) {
  host::Loop loop;
  TinyServer server(loop);
  auto generator = Generator::make(loop, {.host = "x", .address = "127.0.0.1", .port = server.port(),
                                          .tls = false, .rate = 100, .duration = 400ms});
  ASSERT_TRUE(generator);
  const auto timer = loop.after(200ms, [&] { (*generator)->change(1000, "/"); });
  Report report;
  (*generator)->start({}, [&](const Report& r) {
    report = r;
    loop.stop();
  });
  loop.run();
  EXPECT_GT(report.sent, 120u);
  EXPECT_EQ(report.ok + report.failed(), report.sent);
}

TEST(GeneratorTest, BadOptionsAreRefused) {
  host::Loop loop;
  EXPECT_TRUE(failed_with(Generator::make(loop, {.address = "nowhere"}), Reason::kInvalid));
  EXPECT_TRUE(failed_with(Generator::make(loop, {.address = "127.0.0.1", .ca_file = "/none"}), Reason::kNotFound));
}

}  // namespace
}  // namespace minato::load
