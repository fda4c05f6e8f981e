#include "apiserver/fixture.h"

namespace minato::apiserver {
namespace {

constexpr const char* kWatched = "/api/v1/namespaces/default/configmaps";

class WatchTest : public ServerFixture {
 protected:
  explicit WatchTest(WatchLimits limits = {}) : ServerFixture(limits) {}
  std::shared_ptr<RecordedStream> watch(const std::string& query) {
    const auto exchange = send({.target = std::string(kWatched) + "?watch=true&" + query});
    EXPECT_TRUE(exchange->body) << exchange->result->body;
    return exchange->body ? exchange->body : std::make_shared<RecordedStream>();
  }
  std::string version() { return text_at(get(kWatched).second, "/metadata/resourceVersion"); }
  void remove(const std::string& name) {
    EXPECT_EQ(ask({.method = "DELETE", .target = std::string(kWatched) + "/" + name}).first, 200);
  }
};

TEST_F(WatchTest, ChangesAfterAVersionAreSent) {
  make_config_map("before");
  const auto stream = watch("resourceVersion=" + version());
  EXPECT_TRUE(stream->text.empty());
  make_config_map("a");
  remove("a");
  const auto events = stream->events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(text_at(events[0], "/type"), "ADDED");
  EXPECT_EQ(text_at(events[0], "/object/kind"), "ConfigMap");
  EXPECT_EQ(text_at(events[1], "/type"), "DELETED");
}

TEST_F(WatchTest, WithoutAVersionItBeginsWithWhatIsThere) {
  make_config_map("a");
  const auto stream = watch("");
  ASSERT_EQ(stream->events().size(), 1u);
  EXPECT_EQ(text_at(stream->events()[0], "/type"), "ADDED");
}

TEST_F(WatchTest, AWatchListEndsItsInitialEventsWithABookmark) {
  for (int i = 0; i < 300; ++i) make_config_map("m" + std::to_string(i));
  const auto stream =
      watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  make_config_map("later");  // While the initial events are under way: after them.
  stream->drain();
  const auto events = stream->events();
  ASSERT_EQ(events.size(), 302u);
  EXPECT_EQ(text_at(events[300], "/type"), "BOOKMARK");
  EXPECT_EQ(text_at(events[300], "/object/metadata/annotations/k8s.io~1initial-events-end"),
            "true");
  EXPECT_EQ(text_at(events[301], "/object/metadata/name"), "later");
}

TEST_F(WatchTest, BookmarksComeByTimeToThoseWhoAsked) {
  const auto with = watch("allowWatchBookmarks=true&resourceVersion=" + version());
  const auto without = watch("resourceVersion=" + version());
  time_.advance(61s);
  ASSERT_EQ(with->events().size(), 1u);
  EXPECT_EQ(text_at(with->events()[0], "/object/metadata/resourceVersion"), version());
  EXPECT_TRUE(without->text.empty());
}

TEST_F(WatchTest, ItEndsAtItsTimeout) {
  const auto stream = watch("timeoutSeconds=5&resourceVersion=" + version());
  EXPECT_FALSE(stream->ended);
  time_.advance(6s);
  EXPECT_TRUE(stream->ended);
  EXPECT_EQ(server_->watches().count(), 0u);
}

TEST_F(WatchTest, AnObjectThatLeavesTheSelectorIsDeleted) {
  const auto stream = watch("labelSelector=x%3D1&resourceVersion=" + version());
  make_config_map("a");
  EXPECT_TRUE(stream->text.empty());
  patch(std::string(kWatched) + "/a", "application/merge-patch+json",
        R"({"metadata":{"labels":{"x":"1"}}})");
  patch(std::string(kWatched) + "/a", "application/merge-patch+json",
        R"({"metadata":{"labels":{"x":"2"}}})");
  ASSERT_EQ(stream->events().size(), 2u);
  EXPECT_EQ(text_at(stream->events()[1], "/type"), "DELETED");
}

TEST_F(WatchTest, AVersionThatIsForgottenIsGone) {
  for (int i = 0; i < 2'100; ++i) {
    patch("/api/v1/namespaces/default", "application/merge-patch+json",
          R"({"metadata":{"labels":{"i":")" + std::to_string(i) + R"("}}})");
  }
  const auto exchange = send({.target = "/api/v1/namespaces?watch=1&resourceVersion=1"});
  ASSERT_TRUE(exchange->body);
  const auto events = exchange->body->events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(text_at(events[0], "/type"), "ERROR");
  EXPECT_EQ(text_at(events[0], "/object/code"), "410");
  EXPECT_TRUE(exchange->body->ended);
}

TEST_F(WatchTest, WrongQuestionsAreRefused) {
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1&sendInitialEvents=true").first, 422);
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1&resourceVersionMatch=Exact").first, 422);
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1&resourceVersion=x").first, 400);
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1&timeoutSeconds=x").first, 400);
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1&fieldSelector=a%3Db").first, 400);
}

TEST_F(WatchTest, AClientThatLeavesIsForgotten) {
  const auto stream = watch("");
  EXPECT_EQ(server_->watches().count(), 1u);
  stream->client_leaves();
  EXPECT_EQ(server_->watches().count(), 0u);
  make_config_map("a");
  EXPECT_TRUE(stream->text.empty());
}

TEST_F(WatchTest, TableWatchesSendRows) {
  const auto exchange =
      send({.target = std::string(kWatched) + "?watch=1",
            .headers = {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}}});
  make_config_map("a");
  ASSERT_EQ(exchange->body->events().size(), 1u);
  EXPECT_EQ(text_at(exchange->body->events()[0], "/object/rows/0/cells/0"), "a");
}

class SmallWatchTest : public WatchTest {
 protected:
  SmallWatchTest() : WatchTest({.watchers = 1'000, .pending_bytes = 10'000}) {}
};

TEST_F(SmallWatchTest, ASlowClientIsCutOff) {
  const auto slow = watch("resourceVersion=" + version());
  slow->stuck = true;
  const auto quick = watch("resourceVersion=" + version());
  for (int i = 0; i < 100; ++i) make_config_map("m" + std::to_string(i));
  time_.settle();
  EXPECT_TRUE(slow->aborted);
  EXPECT_LT(slow->text.size(), 20'000u);
  EXPECT_FALSE(quick->aborted);
  EXPECT_EQ(quick->events().size(), 100u);
  EXPECT_EQ(server_->watches().count(), 1u);
}

TEST_F(SmallWatchTest, MoreWatchersThanTheLimitAreToldSo) {
  std::vector<std::shared_ptr<RecordedStream>> all;
  const std::string from = "resourceVersion=" + version();
  for (int i = 0; i < 1'000; ++i) all.push_back(watch(from));
  EXPECT_EQ(get(std::string(kWatched) + "?watch=1").first, 429);
  make_config_map("a");
  for (const auto& stream : all) EXPECT_EQ(stream->text, all[0]->text);
}

TEST_F(WatchTest, TheServersEndEndsItsStreams) {
  const auto stream = watch("");
  server_.reset();
  EXPECT_TRUE(stream->ended);
}

}  // namespace
}  // namespace minato::apiserver
