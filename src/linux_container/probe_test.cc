#include "linux_container/probe.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <thread>

#include "tls/x509.h"

namespace minato::linux_container {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;

ssl::context server_context() {
  const WallTime now{std::chrono::system_clock::now().time_since_epoch()};
  const std::string key = tls::generate_key().value();
  const std::string certificate =
      tls::make_ca_certificate(key, {.common_name = "anyone"}, {now - 1h, now + 1h}).value();
  ssl::context context(ssl::context::tls_server);
  context.use_certificate_chain(asio::buffer(certificate));
  context.use_private_key(asio::buffer(key), ssl::context::pem);
  return context;
}

// Accepts one connection and answers the first bytes on it.
class Server {
 public:
  explicit Server(std::string answer)
      : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() { thread_.join(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void serve() {
    ssl::context context = server_context();
    boost::system::error_code error;
    ssl::stream<tcp::socket> stream(acceptor_.accept(), context);
    stream.handshake(ssl::stream_base::server, error);
    if (error) return;
    std::array<char, 4096> request{};
    stream.read_some(asio::buffer(request), error);
    asio::write(stream, asio::buffer(answer_), error);
    stream.shutdown(error);
  }
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::string answer_;
  std::thread thread_;
};

Result<container::HttpResponse> get(bool https, std::uint16_t port) {
  host::Loop loop;
  const auto alive = std::make_shared<int>();
  std::optional<Result<container::HttpResponse>> result;
  probe_http({loop, "", alive}, {.https = https, .host = "127.0.0.1", .port = port},
             10s, [&](Result<container::HttpResponse> got) {
               result = std::move(got);
               loop.stop();
             });
  loop.run();
  return *result;
}

TEST(ProbeTest, HttpsTakesAnyCertificate) {
  const Server server("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  const auto response = get(true, server.port());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 204);
}

TEST(ProbeTest, HttpToATlsPortFails) {
  const Server server("");
  const auto response = get(false, server.port());
  EXPECT_FALSE(response);
}

}  // namespace
}  // namespace minato::linux_container
