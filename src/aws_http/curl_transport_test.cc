#include "aws_http/curl_transport.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "host/http.h"

namespace minato::aws_http {
namespace {

std::uint16_t port_of(const host::Fd& listening) {
  sockaddr_in where{};
  socklen_t size = sizeof where;
  EXPECT_EQ(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&where), &size), 0);
  return ntohs(where.sin_port);
}

class CurlTransportTest : public testing::Test {
 protected:
  std::string serve(host::HttpServer::Handler handler) {
    host::Fd listening = host::listen_tcp("127.0.0.1", 0).value();
    const std::string origin = "http://127.0.0.1:" + std::to_string(port_of(listening));
    server_ = std::make_unique<host::HttpServer>(loop_, std::move(listening), std::move(handler));
    return origin;
  }
  Result<HttpResponse> send(HttpRequest request, Duration timeout = 5s) {
    std::optional<Result<HttpResponse>> result;
    transport_.send(std::move(request), timeout, [&](auto answer) {
      result = std::move(answer);
      loop_.stop();
    });
    loop_.run();
    loop_.io().restart();
    return std::move(*result);
  }

  host::Loop loop_;
  std::unique_ptr<host::HttpServer> server_;
  CurlTransport transport_{loop_};
};

TEST_F(CurlTransportTest, FormArrivesAndAnswerComesBack) {
  const std::string origin = serve([](const host::HttpRequest& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/");
    EXPECT_EQ(request.body, "Action=X");
    return host::HttpResponse{.status = 400, .headers = {{"X-Amzn-RequestId", "r"}}, .body = "<E/>"};
  });
  for (int i = 0; i < 3; ++i) {  // On one connection.
    const auto answer = send({.method = "POST", .origin = origin, .headers = {{"X-A", "b"}}, .body = "Action=X"});
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 400);
    EXPECT_EQ(answer->body, "<E/>");
    EXPECT_EQ(answer->headers.at("x-amzn-requestid"), "r");
  }
}

TEST_F(CurlTransportTest, ManyAtOnceAreAllAnswered) {
  const std::string origin = serve([](const host::HttpRequest& request) {
    return host::HttpResponse{.status = 200, .headers = {}, .body = request.target};
  });
  int left = 40;
  for (int i = 0; i < 40; ++i) {
    const std::string target = "/" + std::to_string(i);
    transport_.send({.method = "GET", .origin = origin, .target = target}, 5s, [&, target](auto answer) {
      EXPECT_TRUE(answer.has_value() && answer->body == target);
      if (--left == 0) loop_.stop();
    });
  }
  loop_.run();
  EXPECT_EQ(left, 0);
}

TEST_F(CurlTransportTest, NobodyThereIsUnavailableAndSilenceIsTimeout) {
  std::string closed;
  {
    const host::Fd listening = host::listen_tcp("127.0.0.1", 0).value();
    closed = "http://127.0.0.1:" + std::to_string(port_of(listening));
  }
  EXPECT_EQ(send({.origin = closed}).error().reason, Reason::kUnavailable);
  const host::Fd silent = host::listen_tcp("127.0.0.1", 0).value();
  const std::string origin = "http://127.0.0.1:" + std::to_string(port_of(silent));
  const auto answer = send({.origin = origin}, 50ms);
  EXPECT_EQ(answer.error().reason, Reason::kTimeout);
  EXPECT_TRUE(answer.error().message.contains(origin));
}

TEST_F(CurlTransportTest, EndsWithTransfersUnderWay) {
  const host::Fd silent = host::listen_tcp("127.0.0.1", 0).value();
  auto transport = std::make_unique<CurlTransport>(loop_);
  transport->send({.origin = "http://127.0.0.1:" + std::to_string(port_of(silent))}, 5s,
                  [](auto) { ADD_FAILURE(); });
  const auto end = loop_.after(20ms, [&] { transport.reset(); });
  const auto stop = loop_.after(40ms, [&] { loop_.stop(); });
  loop_.run();
}

}  // namespace
}  // namespace minato::aws_http
