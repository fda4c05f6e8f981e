// For tests: an ApiServer over a registry in memory on virtual time, and exchanges that record.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "apiserver/server.h"
#include "env/virtual_time.h"
#include "kube/json.h"

namespace minato::apiserver {

class RecordedStream final : public Duplex {
 public:
  void write(std::string_view bytes) override {
    if (!gone) text += bytes;
    if (stuck) pending += bytes.size();
  }
  std::size_t pending_bytes() const override { return pending; }
  void on_drained(std::function<void()> callback) override { drained = std::move(callback); }
  void end() override { ended = true; }
  void abort() override { aborted = true; }
  void on_close(std::function<void()> callback) override { closed = std::move(callback); }
  void on_data(std::function<void(std::string_view)> callback) override {
    data = std::move(callback);
  }

  void set_reading(Reading to) override { reading = to; }

  void client_leaves() {
    gone = true;
    if (auto call = std::exchange(closed, nullptr)) call();
  }
  // The client takes everything, as often as there is more.
  void drain() {
    for (std::size_t before = 0; drained && before != text.size();) {
      before = text.size();
      pending = 0;
      const auto call = drained;
      call();
    }
  }
  std::vector<boost::json::value> events() const {
    std::vector<boost::json::value> out;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      out.push_back(boost::json::parse(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return out;
  }

  std::string text;
  bool stuck = false, gone = false, ended = false, aborted = false;
  std::size_t pending = 0;
  Reading reading = Reading::kGo;
  std::function<void()> drained, closed;
  std::function<void(std::string_view)> data;
};

class RecordedExchange final : public Exchange {
 public:
  void answer(HttpAnswer answer) override {
    EXPECT_FALSE(result || body) << "answered twice";
    result = std::move(answer);
  }
  std::shared_ptr<Stream> stream(HttpAnswer head) override {
    EXPECT_FALSE(result || body) << "answered twice";
    result = std::move(head);
    body = std::make_shared<RecordedStream>();
    return body;
  }
  std::shared_ptr<Duplex> upgrade(Headers headers) override {
    result = HttpAnswer{.status = 101, .headers = std::move(headers)};
    body = std::make_shared<RecordedStream>();
    return body;
  }
  std::optional<HttpAnswer> result;
  std::shared_ptr<RecordedStream> body;
};

class ServerFixture : public testing::Test {
 protected:
  explicit ServerFixture(WatchLimits limits = {})
      : env_{time_, time_, log_, env::Rng(1)}, registry_(*registry::Registry::make(env_, store_)) {
    EXPECT_TRUE(registry_->bootstrap());
    authenticator_.add_token("admin-token", {"admin", "", {std::string(kMasters)}});
    authenticator_.add_token("user-token", {"ann", "", {"devs"}});
    ServerOptions options;
    options.watch_limits = limits;
    server_ = std::make_unique<ApiServer>(env_, *registry_, authenticator_, authorizer_,
                                          std::move(options));
  }

  struct Ask {
    std::string method = "GET";
    std::string target;
    std::string body;
    Headers headers;
    std::string token = "admin-token";
  };
  std::shared_ptr<RecordedExchange> send(Ask ask) {
    HttpRequest request{ask.method, ask.target, std::move(ask.headers), std::move(ask.body), {}};
    if (!ask.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + ask.token);
    auto exchange = std::make_shared<RecordedExchange>();
    server_->handle(std::move(request), exchange);
    return exchange;
  }
  // The status and the body, as JSON where it is JSON.
  std::pair<int, boost::json::value> ask(Ask ask) {
    const auto exchange = send(std::move(ask));
    EXPECT_TRUE(exchange->result);
    if (!exchange->result) return {0, nullptr};
    if (exchange->body) exchange->body->drain();
    boost::system::error_code error;
    const std::string& text = exchange->body ? exchange->body->text : exchange->result->body;
    return {exchange->result->status, boost::json::parse(text, error)};
  }
  std::pair<int, boost::json::value> get(const std::string& target) {
    return ask({.target = target});
  }
  std::pair<int, boost::json::value> post(const std::string& target, const std::string& body) {
    return ask({.method = "POST", .target = target, .body = body});
  }
  std::pair<int, boost::json::value> patch(const std::string& target, const std::string& type,
                                           const std::string& body) {
    return ask(
        {.method = "PATCH", .target = target, .body = body, .headers = {{"Content-Type", type}}});
  }
  void make_config_map(const std::string& name) {
    EXPECT_EQ(post("/api/v1/namespaces/default/configmaps",
                   R"({"metadata":{"name":")" + name + R"("},"data":{"a":"1"}})")
                  .first,
              201);
  }

  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  env::Env env_;
  std::unique_ptr<registry::Registry> registry_;
  Authenticator authenticator_;
  BaseAuthorizer authorizer_;
  std::unique_ptr<ApiServer> server_;
};

inline std::string text_at(const boost::json::value& value, const std::string& pointer) {
  boost::system::error_code error;
  const boost::json::value* found = value.find_pointer(pointer, error);
  if (found == nullptr) return "<absent>";
  return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
}

}  // namespace minato::apiserver
