#include "net/https_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "host/http.h"
#include "net/tls_context.h"
#include "tls/authority.h"

namespace minato::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A client that blocks, for a thread of its own.
class Client {
 public:
  explicit Client(std::uint16_t port)
      : context_(asio::ssl::context::tls_client), stream_(io_, context_) {
    stream_.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream_.handshake(asio::ssl::stream_base::client);
  }
  void write(std::string_view text) {
    boost::system::error_code ignored;
    asio::write(stream_, asio::buffer(text), ignored);
  }
  // Up to and with `end`; "" and what there was when the server closes first.
  std::string read_until(std::string_view end) {
    boost::system::error_code error;
    const std::size_t size =
        asio::read_until(stream_, asio::dynamic_buffer(buffer_), std::string(end), error);
    std::string out = buffer_.substr(0, error ? buffer_.size() : size);
    buffer_.erase(0, out.size());
    return out;
  }
  std::string read_some(std::size_t size) {
    std::string out(size, '\0');
    boost::system::error_code error;
    out.resize(stream_.read_some(asio::buffer(out), error));
    return out;
  }
  bool is_closed() { return read_some(1).empty(); }
  void shut() { stream_.next_layer().close(); }

 private:
  asio::io_context io_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  std::string buffer_;
};

class HttpsServerTest : public testing::Test {
 protected:
  HttpsServerTest() {
    char pattern[] = "/tmp/minato-net-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    auto authority = tls::Authority::open_or_create(directory_, "test", loop_.wall());
    EXPECT_TRUE(authority);
    const auto certificate = authority->issue({.domain = "localhost"}, loop_.wall());
    EXPECT_TRUE(certificate);
    auto context = make_tls_context(
        {certificate->chain_pem, certificate->key_pem, authority->certificate_pem()});
    EXPECT_TRUE(context) << context.error().message;
    tls_ = *context;
  }
  ~HttpsServerTest() override { std::filesystem::remove_all(directory_); }

  void serve(apiserver::HttpHandler handler, HttpsServer::Options options = {}) {
    auto listening = host::listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(listening);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    server_ = std::make_unique<HttpsServer>(loop_, std::move(*listening), tls_, std::move(handler),
                                            std::move(options));
  }
  // Runs the loop until `work`, in a thread of its own, is done.
  void with_client(std::function<void()> work) {
    std::thread thread([&] {
      work();
      loop_.post_from_thread([this] { loop_.stop(); });
    });
    loop_.run();
    loop_.io().restart();
    thread.join();
  }
  static void echo(const apiserver::HttpRequest& request, const apiserver::ExchangePtr& exchange) {
    exchange->answer({.content_type = "text/plain",
                      .body = request.method + " " + request.target + " " +
                              std::to_string(request.body.size()) + "\n"});
  }

  host::Loop loop_;
  std::string directory_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::uint16_t port_ = 0;
  std::unique_ptr<HttpsServer> server_;
};

TEST_F(HttpsServerTest, AnswersSeveralRequestsOfOneConnectionAlsoPipelined) {
  serve(&echo);
  with_client([&] {
    Client client(port_);
    client.write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(client.read_until("GET /a 0\n").find("HTTP/1.1 200 OK"), std::string::npos);
    client.write(
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: "
        "x\r\n\r\n");
    client.read_until("POST /b 3\n");
    EXPECT_NE(client.read_until("GET /c 0\n").find("200"), std::string::npos);
    client.write("HEAD /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 10"), std::string::npos) << head;
    EXPECT_TRUE(client.is_closed());
  });
}

TEST_F(HttpsServerTest, RequestsArePreparedAwayFromTheLoop) {
  HttpsServer::Options options;
  std::atomic<int> prepared = 0;
  const auto loop_thread = std::this_thread::get_id();
  options.prepare = [&](apiserver::HttpRequest& request) {
    EXPECT_NE(std::this_thread::get_id(), loop_thread);
    request.target += "/prepared";
    ++prepared;
  };
  serve(
      [&](const apiserver::HttpRequest& request, const apiserver::ExchangePtr& exchange) {
        EXPECT_EQ(std::this_thread::get_id(), loop_thread);
        echo(request, exchange);
      },
      std::move(options));
  with_client([&] {
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        Client client(port_);
        for (int k = 0; k < 50; ++k) {
          client.write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
          EXPECT_NE(client.read_until("GET /a/prepared 0\n").find("200"), std::string::npos);
        }
      });
    }
    for (std::thread& client : clients) client.join();
  });
  EXPECT_EQ(prepared, 200);
}

TEST_F(HttpsServerTest, StreamsInChunksAndNoticesThatTheClientHasGone) {
  std::shared_ptr<apiserver::Stream> stream;
  std::atomic<bool> closed = false;
  serve([&](const apiserver::HttpRequest& request, const apiserver::ExchangePtr& exchange) {
    if (request.target == "/next") return echo(request, exchange);
    stream = exchange->stream({});
    stream->write("one");
    stream->on_close([&] { closed = true; });
    stream->on_drained([&, ends = request.target == "/ends"] {
      if (ends && stream) {
        stream->write("two");
        stream->end();
        stream = nullptr;
      }
    });
  });
  with_client([&] {
    Client client(port_);
    client.write("GET /ends HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(client.read_until("0\r\n\r\n").find("3\r\none\r\n3\r\ntwo\r\n"), std::string::npos);
    client.write("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_until("GET /next 0\n");
    client.write("GET /stays HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_until("one\r\n");
    client.shut();
    for (int i = 0; i < 200 && !closed; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  EXPECT_TRUE(closed);
}

TEST_F(HttpsServerTest, WhoAsksForTheHeadOfAStreamIsNotWaitedFor) {
  std::shared_ptr<apiserver::Stream> stream;
  int pieces = 0;
  serve([&](const apiserver::HttpRequest& request, const apiserver::ExchangePtr& exchange) {
    if (request.target == "/next") return echo(request, exchange);
    stream = exchange->stream({});
    stream->write("piece");
    stream->on_drained([&] {
      if (!stream) return;
      stream->write("piece");
      if (++pieces < 4) return;
      stream->end();
      stream = nullptr;
    });
  });
  with_client([&] {
    Client client(port_);
    client.write("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n").find("piece"), std::string::npos);
    client.write("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(client.read_until("GET /next 0\n").find(" 200 "), std::string::npos);
  });
  EXPECT_EQ(pieces, 4);
}

TEST_F(HttpsServerTest, RefusesWhatIsTooLargeOrNotHttp) {
  HttpsServer::Options options;
  options.limits.header_bytes = 1'000;
  options.limits.body_bytes = 100;
  serve(&echo, std::move(options));
  with_client([&] {
    Client large_head(port_);
    large_head.write("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(2'000, 'a') + "\r\n\r\n");
    EXPECT_NE(large_head.read_until("\r\n").find(" 431 "), std::string::npos);
    Client large_body(port_);
    large_body.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
    EXPECT_NE(large_body.read_until("\r\n").find(" 413 "), std::string::npos);
    Client nonsense(port_);
    nonsense.write("\x01\x02\x03 nonsense\r\n\r\n");
    EXPECT_NE(nonsense.read_until("\r\n").find(" 400 "), std::string::npos);
    Client smuggler(port_);
    smuggler.write(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc");
    EXPECT_NE(smuggler.read_until("\r\n").find(" 400 "), std::string::npos);
  });
}

TEST_F(HttpsServerTest, HeadersCannotBeSplit) {
  serve([](const apiserver::HttpRequest&, const apiserver::ExchangePtr& exchange) {
    exchange->answer({.headers = {{"Warning", "a\r\nSet-Cookie: x"}}, .body = "done"});
  });
  with_client([&] {
    Client client(port_);
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_until("done").find("Set-Cookie"), std::string::npos);
  });
}

TEST_F(HttpsServerTest, SlowAndSilentClientsAreCutOff) {
  HttpsServer::Options options;
  options.limits.idle = 1ms;
  options.limits.body = 1ms;
  options.limits.handshake = 1ms;
  serve(&echo, std::move(options));
  with_client([&] {
    asio::io_context io;
    tcp::socket silent(io);
    silent.connect({asio::ip::make_address("127.0.0.1"), port_});
    char byte = 0;
    boost::system::error_code error;
    EXPECT_EQ(silent.read_some(asio::buffer(&byte, 1), error), 0u);
  });
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpsServerTest, AClientThatTakesNothingIsCutOff) {
  HttpsServer::Options options;
  options.limits.stalled = 50ms;
  std::atomic<bool> closed = false;
  std::shared_ptr<apiserver::Stream> stream;
  serve(
      [&](const apiserver::HttpRequest&, const apiserver::ExchangePtr& exchange) {
        stream = exchange->stream({});
        stream->on_close([&] { closed = true; });
        stream->write(std::string(64 << 20, 'x'));
      },
      std::move(options));
  with_client([&] {
    Client client(port_);
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 500 && !closed; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  EXPECT_TRUE(closed);
}

TEST_F(HttpsServerTest, NothingIsToldThatCouldNotBeCommitted) {
  int commits = 0;
  HttpsServer::Options options;
  options.before_send = [&]() -> Status {
    if (++commits == 1) return {};
    return fail(Reason::kUnavailable, "disk full");
  };
  serve(&echo, std::move(options));
  with_client([&] {
    Client client(port_);
    client.write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(client.read_until("GET /a 0\n").find("200"), std::string::npos);
    client.write("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_until("GET /b 0\n"), "");
  });
}

TEST_F(HttpsServerTest, UpgradedConnectionsCarryBytesBothWays) {
  std::shared_ptr<apiserver::Duplex> duplex;
  serve([&](const apiserver::HttpRequest&, const apiserver::ExchangePtr& exchange) {
    duplex = exchange->upgrade({{"Upgrade", "test"}, {"Connection", "Upgrade"}});
    duplex->on_data([&](std::string_view bytes) {
      duplex->write("<" + std::string(bytes) + ">");
      if (bytes == "bye") duplex->end();
    });
  });
  with_client([&] {
    Client client(port_);
    client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n");
    EXPECT_NE(client.read_until("\r\n\r\n").find(" 101 "), std::string::npos);
    client.write("hello");
    EXPECT_EQ(client.read_until("<hello>"), "<hello>");
    client.write("bye");
    EXPECT_EQ(client.read_until("<bye>"), "<bye>");
    EXPECT_TRUE(client.is_closed());
  });
}

TEST_F(HttpsServerTest, RandomBytesAreSurvived) {
  serve(&echo);
  with_client([&] {
    std::uint64_t state = 3;
    const std::string pieces[] = {
        "GET ",       "/ ",        "HTTP/1.1\r\n", "Content-Length: ",
        "9",          "\r\n",      "\r\n\r\n",     "Transfer-Encoding: chunked\r\n",
        "\xff",       "0\r\n\r\n", "5\r\nabcde",   ":",
        "Host: x\r\n"};
    for (int round = 0; round < 300; ++round) {
      Client client(port_);
      std::string text = "GET / HTTP/1.1\r\n";
      for (int i = 0; i < 12; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text += pieces[(state >> 33) % std::size(pieces)];
      }
      client.write(text);
      client.shut();
    }
    Client after(port_);
    after.write("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(after.read_until("GET /alive 0\n").find("200"), std::string::npos);
  });
}

TEST_F(HttpsServerTest, DrainingClosesTheIdleAndFinishesTheRest) {
  std::shared_ptr<apiserver::Stream> stream;
  serve([&](const apiserver::HttpRequest&, const apiserver::ExchangePtr& exchange) {
    stream = exchange->stream({});
    stream->write("x");
  });
  with_client([&] {
    Client idle(port_), busy(port_);
    busy.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    busy.read_until("x\r\n");
    loop_.post_from_thread([&] {
      server_->drain();
      stream->write("last");
      stream->end();
    });
    EXPECT_TRUE(idle.is_closed());
    EXPECT_NE(busy.read_until("0\r\n\r\n").find("last"), std::string::npos);
    EXPECT_TRUE(busy.is_closed());
  });
}

}  // namespace
}  // namespace minato::net
