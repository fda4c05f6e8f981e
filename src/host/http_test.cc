#include "host/http.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

namespace minato::host {
namespace {

class HttpTest : public testing::Test {
 protected:
  void serve(HttpServer::Handler handler, HttpServer::Options options = {}) {
    Fd fd = listen_tcp("127.0.0.1", 0).value();
    sockaddr_in where{};
    socklen_t size = sizeof where;
    ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&where), &size), 0);
    port_ = ntohs(where.sin_port);
    server_ = std::make_unique<HttpServer>(loop_, std::move(fd), std::move(handler), std::move(options));
  }
  Result<HttpResponse> fetch(HttpRequest request, Duration timeout = 5s) {
    std::optional<Result<HttpResponse>> result;
    http_fetch(loop_, "127.0.0.1", port_, std::move(request), timeout, [&](auto answer) {
      result = std::move(answer);
      loop_.stop();
    });
    loop_.run();
    return std::move(*result);
  }

  Loop loop_;
  std::uint16_t port_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTest, HandlerSeesTheRequestAndItsAnswerArrives) {
  serve([](const HttpRequest& request) {
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.target, "/latest/api/token?x=1");
    EXPECT_EQ(request.body, "body");
    return HttpResponse{.status = 201, .headers = {{"X-Answer", "yes"}}, .body = "made"};
  });
  const auto answer = fetch({.method = "PUT", .target = "/latest/api/token?x=1", .headers = {}, .body = "body"});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "made");
}

TEST_F(HttpTest, OversizedBodyIsRefusedWithoutReachingTheHandler) {
  serve([](const HttpRequest&) -> HttpResponse { ADD_FAILURE(); return {}; }, {.body_bytes = 10});
  const auto answer = fetch({.method = "POST", .target = "/", .headers = {}, .body = std::string(11, 'x')});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST_F(HttpTest, OversizedHeaderIsRefused) {
  serve([](const HttpRequest&) -> HttpResponse { ADD_FAILURE(); return {}; }, {.header_bytes = 512});
  const auto answer = fetch({.method = "GET", .target = "/", .headers = {{"X-Long", std::string(2000, 'x')}}, .body = ""});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 431);
}

TEST_F(HttpTest, NobodyListeningIsUnavailable) {
  serve([](const HttpRequest&) { return HttpResponse{}; });
  server_.reset();
  const auto answer = fetch({.method = "GET", .target = "/", .headers = {}, .body = ""});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().reason, Reason::kUnavailable);
}

TEST_F(HttpTest, ThoseWhoAreNotAdmittedGetNoAnswer) {
  serve([](const HttpRequest&) -> HttpResponse { ADD_FAILURE(); return {}; },
        {.admits = [](const std::string& peer) { return peer != "127.0.0.1"; }});
  const auto answer = fetch({.method = "GET", .target = "/", .headers = {}, .body = ""});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().reason, Reason::kUnavailable);
}

TEST_F(HttpTest, ConnectionsBeyondTheLimitWaitTheirTurn) {
  serve([](const HttpRequest&) { return HttpResponse{.body = "ok"}; }, {.connections = 1});
  int answered = 0;
  for (int i = 0; i < 5; ++i) {
    http_fetch(loop_, "127.0.0.1", port_, {.method = "GET", .target = "/", .headers = {}, .body = ""}, 5s, [&](auto answer) {
      EXPECT_TRUE(answer.has_value());
      if (++answered == 5) loop_.stop();
    });
  }
  loop_.run();
  EXPECT_EQ(answered, 5);
}

}  // namespace
}  // namespace minato::host
