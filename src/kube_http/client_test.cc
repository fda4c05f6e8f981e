#include "kube_http/client.h"

#include <gtest/gtest.h>

#include "host/files.h"
#include "informer/informer.h"
#include "kube/client_contract.h"
#include "kube/json.h"
#include "kube_http/testing/server.h"

namespace minato::kube_http {
namespace {

class HttpWorld final : public kube::ClientWorld {
 public:
  kube::Client& client() override { return side_.client; }
  void until(const std::function<bool()>& is_so) override { EXPECT_TRUE(side_.until(is_so)); }

 private:
  TestServer server_;
  ClientSide side_{server_.endpoint()};
};

using kube::ClientContract;
INSTANTIATE_TEST_SUITE_P(Http, ClientContract, testing::Values([] { return std::make_unique<HttpWorld>(); }));

class HttpClientTest : public testing::Test {
 protected:
  static kube::ConfigMap config_map(const std::string& name, const std::string& color = "red") {
    kube::ConfigMap out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    out.data["color"] = color;
    return out;
  }
  // Somebody else's write.
  void create_elsewhere(const kube::ConfigMap& map) {
    server_.run([&] { ASSERT_TRUE(server_.registry().create(std::make_unique<kube::ConfigMap>(map))); });
  }
  void remove_elsewhere(const std::string& name) {
    server_.run([&] {
      ASSERT_TRUE(server_.registry().remove(kube::ConfigMap::static_kind(), {"default", name}, {}));
    });
  }
  void answer_with(int status, std::string body, apiserver::Headers headers = {}) {
    server_.run([&] {
      server_.answer_by([=](const apiserver::HttpRequest&, const apiserver::ExchangePtr& exchange) {
        exchange->answer({.status = status, .headers = headers, .body = body});
      });
    });
  }
  Result<std::shared_ptr<const kube::ConfigMap>> get(const std::string& name) {
    return kube::get<kube::ConfigMap>(side_.client, {"default", name});
  }

  TestServer server_;
  ClientSide side_{server_.endpoint()};
};

TEST_F(HttpClientTest, AServerOfAnotherAuthorityIsNotBelieved) {
  TestServer another;
  Endpoint endpoint = server_.endpoint();
  endpoint.authority_pem = another.endpoint().authority_pem;
  ClientSide side(endpoint);
  const auto got = side.client.get(kube::ConfigMap::static_kind(), {"default", "a"});
  ASSERT_TRUE(failed_with(got, Reason::kUnavailable));
  EXPECT_NE(got.error().message.find("certificate"), std::string::npos) << got.error().message;
}

TEST_F(HttpClientTest, ANameOfTheServersCertificateMayBeGiven) {
  Endpoint endpoint = server_.endpoint();
  endpoint.tls_server_name = "localhost";
  EXPECT_TRUE(failed_with(ClientSide(endpoint).client.get(kube::ConfigMap::static_kind(), {"default", "a"}), Reason::kNotFound));
  endpoint.tls_server_name = "elsewhere.example";
  EXPECT_TRUE(failed_with(ClientSide(endpoint).client.get(kube::ConfigMap::static_kind(), {"default", "a"}), Reason::kUnavailable));
}

TEST_F(HttpClientTest, ATokenThatIsRotatedIsReadAgainWhenItIsRefused) {
  Endpoint endpoint = server_.endpoint();
  endpoint.token.clear();
  endpoint.token_file = server_.directory() + "/token";
  ASSERT_TRUE(host::write_file_atomic(endpoint.token_file, "an-old-token\n"));
  ClientSide side(endpoint);
  const auto& kind = kube::ConfigMap::static_kind();
  EXPECT_TRUE(failed_with(side.client.get(kind, {"default", "a"}), Reason::kUnauthorized));
  ASSERT_TRUE(host::write_file_atomic(endpoint.token_file, std::string(kTestToken) + "\n"));
  EXPECT_TRUE(failed_with(side.client.get(kind, {"default", "a"}), Reason::kNotFound));
}

TEST_F(HttpClientTest, WhoMayNotIsTold) {
  Endpoint endpoint = server_.endpoint();
  endpoint.token = "token-of-nobody";
  ClientSide side(endpoint);
  const auto refused = side.client.get(kube::ConfigMap::static_kind(), {"default", "a"});
  EXPECT_TRUE(failed_with(refused, Reason::kForbidden)) << refused.error().message;
}

TEST_F(HttpClientTest, WritesAreRefusedWhileTheyMayNotBe) {
  bool may = false;
  ClientSide side(server_.endpoint(), {.may_write = [&]() -> Status {
    if (may) return {};
    return fail(Reason::kForbidden, "another one leads");
  }});
  EXPECT_TRUE(failed_with(kube::create(side.client, config_map("a")), Reason::kForbidden));
  EXPECT_TRUE(failed_with(get("a"), Reason::kNotFound));
  may = true;
  EXPECT_TRUE(kube::create(side.client, config_map("a")));
}

TEST_F(HttpClientTest, AServerThatIsGoneIsLetAloneForAWhile) {
  answer_with(503, R"({"kind":"Status","reason":"ServiceUnavailable","message":"later","details":{"retryAfterSeconds":7}})");
  const auto first = get("a");
  ASSERT_TRUE(failed_with(first, Reason::kUnavailable));
  EXPECT_EQ(first.error().message, "later");
  const std::size_t asked = server_.requests().size();
  EXPECT_TRUE(failed_with(get("a"), Reason::kUnavailable));
  EXPECT_EQ(server_.requests().size(), asked);
  EXPECT_EQ(side_.client.statistics().failed_calls, 1u);
}

TEST_F(HttpClientTest, AnEvictionThatABudgetForbidsStopsNoOtherCall) {
  answer_with(429, R"({"kind":"Status","reason":"TooManyRequests","message":"Cannot evict pod",
    "details":{"retryAfterSeconds":10,"causes":[{"reason":"DisruptionBudget","message":"The disruption budget web needs 2"}]}})");
  const Status refused = side_.client.evict({"default", "web-1"}, {});
  ASSERT_TRUE(failed_with(refused, Reason::kTooManyRequests));
  EXPECT_EQ(refused.error().causes.front().message, "The disruption budget web needs 2");
  server_.run([&] { server_.answer_by({}); });
  EXPECT_TRUE(failed_with(get("a"), Reason::kNotFound));
}

TEST_F(HttpClientTest, AnAnswerThatIsNoStatusIsQuoted) {
  answer_with(502, "<html>Bad Gateway</html>");
  const auto got = get("a");
  ASSERT_TRUE(failed_with(got, Reason::kUnavailable));
  EXPECT_NE(got.error().message.find("answered 502: <html>"), std::string::npos) << got.error().message;
}

TEST_F(HttpClientTest, AListComesInPages) {
  for (int i = 0; i < 600; ++i) create_elsewhere(config_map(std::to_string(1000 + i)));
  const auto all = kube::list<kube::ConfigMap>(side_.client, {.namespace_ = "default"});
  ASSERT_TRUE(all);
  EXPECT_GE(all->size(), 600u);
  EXPECT_GE(server_.requests().size(), 3u);
}

TEST_F(HttpClientTest, AScopeNarrowsWhatIsListedAndWatched) {
  create_elsewhere(config_map("mine"));
  create_elsewhere(config_map("other"));
  ClientSide side(server_.endpoint(), {.scopes = {{&kube::ConfigMap::static_kind(), {.fields = {{"metadata.name", "mine"}}}}}});
  informer::Informers informers(side.client);
  auto& maps = informers.of<kube::ConfigMap>();
  ASSERT_TRUE(informers.start());
  ASSERT_EQ(maps.all().size(), 1u);
  kube::ConfigMap changed = *maps.get({"default", "mine"});
  changed.data["color"] = "green";
  ASSERT_TRUE(kube::update(side.client, changed));
  EXPECT_EQ(maps.get({"default", "mine"})->data.at("color"), "green");
}

TEST_F(HttpClientTest, AWatchNeedsAListBeforeIt) {
  EXPECT_TRUE(failed_with(side_.client.watch(kube::ConfigMap::static_kind(), {}, 1, [](const auto&) {}), Reason::kExpired));
}

// ---- Watches over bad times, as caches see them.

class HttpCacheTest : public HttpClientTest {
 protected:
  HttpCacheTest() {
    create_elsewhere(config_map("first"));
    maps_.on_change([this](const informer::Delta<kube::ConfigMap>& delta) {
      if (delta.object().metadata.namespace_ == "default") changes_.push_back(delta.object().metadata.name);
    });
    EXPECT_TRUE(informers_.start());
  }
  bool has(const std::string& name) { return maps_.get({"default", name}) != nullptr; }
  bool until_has(const std::string& name) {
    return side_.until([&] { return has(name); });
  }

  informer::Informers informers_{side_.client};
  informer::Informer<kube::ConfigMap>& maps_ = informers_.of<kube::ConfigMap>();
  std::vector<std::string> changes_;
};

TEST_F(HttpCacheTest, FollowsWhatOthersWrite) {
  EXPECT_TRUE(has("first"));
  create_elsewhere(config_map("second"));
  EXPECT_TRUE(until_has("second"));
  remove_elsewhere("first");
  EXPECT_TRUE(side_.until([&] { return !has("first"); }));
}

TEST_F(HttpCacheTest, GoesOnWhereItWasWhenTheConnectionIsCut) {
  create_elsewhere(config_map("second"));
  ASSERT_TRUE(until_has("second"));
  server_.cut_connections();
  create_elsewhere(config_map("third"));
  EXPECT_TRUE(until_has("third"));
  EXPECT_EQ(side_.client.statistics().watch_lists, 0u);
  EXPECT_EQ(changes_, (std::vector<std::string>{"first", "second", "third"}));
}

// The history is gone: what came, changed and went meanwhile is told all the same.
TEST_F(HttpCacheTest, ListsAnewWhenHistoryIsLost) {
  create_elsewhere(config_map("second"));
  ASSERT_TRUE(until_has("second"));
  int refusals = 0;
  server_.run([&] {
    server_.answer_by([&refusals, this](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
      if (request.target.find("watch=true") == std::string::npos || refusals > 0) {
        server_.answer_by({});
        return exchange->answer({.status = 503, .body = "{}"});
      }
      ++refusals;
      exchange->answer({.status = 410, .body = R"({"kind":"Status","reason":"Expired","code":410,"message":"too old"})"});
    });
  });
  server_.cut_connections();
  remove_elsewhere("first");
  create_elsewhere(config_map("third"));
  EXPECT_TRUE(side_.until([&] { return !has("first") && has("second") && has("third"); }));
  EXPECT_GE(side_.client.statistics().watch_lists, 1u);
}

TEST_F(HttpCacheTest, ALineThatIsNoEventEndsTheConnectionOnly) {
  int answers = 0;
  server_.run([&] {
    server_.answer_by([&answers, this](apiserver::HttpRequest, apiserver::ExchangePtr exchange) {
      ++answers;
      server_.answer_by({});
      exchange->answer({.body = "{\"type\":\"ADD\n"});
    });
  });
  server_.cut_connections();
  create_elsewhere(config_map("second"));
  EXPECT_TRUE(until_has("second"));
  EXPECT_EQ(answers, 1);
  EXPECT_GE(side_.client.statistics().watch_failures, 1u);
}

TEST_F(HttpCacheTest, AnErrorEventOf410ListsAnew) {
  server_.run([&] {
    server_.answer_by([this](apiserver::HttpRequest, apiserver::ExchangePtr exchange) {
      server_.answer_by({});
      exchange->answer({.body = R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})" "\n"});
    });
  });
  server_.cut_connections();
  remove_elsewhere("first");
  EXPECT_TRUE(side_.until([&] { return !has("first"); }));
  EXPECT_EQ(side_.client.statistics().watch_lists, 1u);
}

// The server's own telling comes later and is not told again.
TEST_F(HttpCacheTest, IsNeverBehindItsOwnWrites) {
  auto made = kube::create(side_.client, config_map("mine"));
  ASSERT_TRUE(made);
  EXPECT_TRUE(has("mine"));
  kube::ConfigMap changed = **made;
  changed.data["color"] = "green";
  ASSERT_TRUE(kube::update(side_.client, changed));
  EXPECT_EQ(maps_.get({"default", "mine"})->data.at("color"), "green");
  create_elsewhere(config_map("last"));
  ASSERT_TRUE(until_has("last"));
  EXPECT_EQ(changes_, (std::vector<std::string>{"first", "mine", "mine", "last"}));
}

}  // namespace
}  // namespace minato::kube_http
