#include <fmt/format.h>
#include <zlib.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apiserver/fixture.h"
#include "kube/protobuf.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"

namespace minato::apiserver {
namespace {

using ServerTest = ServerFixture;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";

TEST_F(ServerTest, AnonymousGetsHealthAndVersionOnly) {
  for (const char* path : {"/healthz", "/livez", "/readyz", "/version"}) {
    EXPECT_EQ(send({.target = path, .token = ""})->result->status, 200) << path;
  }
  const auto [status, body] = ask({.target = "/api/v1/pods", .token = ""});
  EXPECT_EQ(status, 403);
  EXPECT_EQ(text_at(body, "/message"),
            "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API "
            "group \"\" at the cluster scope");
  EXPECT_EQ(ask({.target = "/apis", .token = ""}).first, 403);
}

TEST_F(ServerTest, AWrongTokenIsUnauthorized) {
  const auto [status, body] = ask({.target = "/version", .token = "guess"});
  EXPECT_EQ(status, 401);
  EXPECT_EQ(text_at(body, "/reason"), "Unauthorized");
}

TEST_F(ServerTest, AClientCertificateNamesUserAndGroups) {
  HttpRequest request{
      .method = "GET", .target = "/api/v1/pods", .peer = {"root", {"system:masters"}}};
  const auto exchange = std::make_shared<RecordedExchange>();
  server_->handle(request, exchange);
  EXPECT_EQ(exchange->result->status, 200);
}

TEST_F(ServerTest, SomebodyWithoutRightsMayDiscoverAndAskAboutThemselves) {
  EXPECT_EQ(ask({.target = "/apis/apps/v1", .token = "user-token"}).first, 200);
  EXPECT_EQ(ask({.target = kMaps, .token = "user-token"}).first, 403);
  const auto [status, body] =
      ask({.method = "POST",
           .target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
           .body = R"({"spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}})",
           .token = "user-token"});
  EXPECT_EQ(status, 201);
  EXPECT_EQ(text_at(body, "/status/allowed"), "false");
}

TEST_F(ServerTest, OnlyWhoMayImpersonates) {
  const Headers as{{"Impersonate-User", "ann"}};
  EXPECT_EQ(ask({.target = kMaps, .headers = as}).first, 403);  // As ann, who may not.
  const Headers as_master{{"Impersonate-User", "x"}, {"impersonate-group", "system:masters"}};
  EXPECT_EQ(ask({.target = kMaps, .headers = as_master}).first, 200);
  EXPECT_EQ(ask({.target = kMaps, .headers = as_master, .token = "user-token"}).first, 403);
}

TEST_F(ServerTest, PathTricksAreRefused) {
  for (const char* target :
       {"/api/v1/namespaces/../nodes", "/api/v1/namespaces/%2e%2e/secrets", "/api/v1/%zz",
        "/api/v1/namespaces/a%2Fb/pods", "/api/v1/pods%00", "no-slash"}) {
    EXPECT_EQ(get(target).first, 400) << target;
  }
  EXPECT_EQ(get("/api/v1/nothings").first, 404);
  EXPECT_EQ(get("/api/v2/pods").first, 404);
  EXPECT_EQ(get("/api/v1/pods/name-without-namespace").first, 404);
  EXPECT_EQ(get("/openapi/v3/apis/none/v1").first, 404);
}

TEST_F(ServerTest, ObjectsAreCreatedReadChangedAndDeleted) {
  const auto [status, made] = post(
      kMaps,
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"m-"},"data":{"a":"1"}})");
  ASSERT_EQ(status, 201);
  const std::string name = text_at(made, "/metadata/name");
  const std::string path = std::string(kMaps) + "/" + name;
  EXPECT_EQ(text_at(get(path).second, "/data/a"), "1");
  const auto put = [&](const std::string& metadata) {
    return ask({.method = "PUT", .target = path, .body = R"({"metadata":)" + metadata + R"(,"data":{"a":"2"}})"});
  };
  EXPECT_EQ(put("{}").first, 400);
  EXPECT_EQ(put(R"({"name":")" + name + "\"}").first, 200);
  const auto [stale, conflict] = put(R"({"name":")" + name + R"(","resourceVersion":"1"})");
  EXPECT_EQ(stale, 409);
  EXPECT_EQ(text_at(conflict, "/details/kind"), "configmaps");
  EXPECT_EQ(patch(path, "application/merge-patch+json", R"({"data":{"b":"3"}})").first, 200);
  EXPECT_EQ(
      patch(path, "application/json-patch+json", R"([{"op":"remove","path":"/data/a"}])").first,
      200);
  EXPECT_EQ(patch(path, "text/plain", "{}").first, 415);
  const auto [gone, answer] = ask({.method = "DELETE", .target = path});
  EXPECT_EQ(gone, 200);
  EXPECT_EQ(text_at(answer, "/status"), "Success");
  EXPECT_EQ(get(path).first, 404);
}

TEST_F(ServerTest, ProtobufBodiesAreRead) {
  kube::Namespace space;
  space.metadata.name = "proto";
  const auto [status, body] =
      ask({.method = "POST",
           .target = "/api/v1/namespaces",
           .body = kube::to_protobuf(space),
           .headers = {{"Content-Type", "application/vnd.kubernetes.protobuf"}}});
  EXPECT_EQ(status, 201) << text_at(body, "/message");
  EXPECT_EQ(ask({.method = "POST",
                 .target = "/api/v1/namespaces",
                 .body = "k8s",
                 .headers = {{"Content-Type", "application/vnd.kubernetes.protobuf"}}})
                .first,
            400);
  EXPECT_EQ(ask({.method = "POST",
                 .target = "/api/v1/namespaces",
                 .body = "x",
                 .headers = {{"Content-Type", "application/cbor"}}})
                .first,
            415);
}

TEST_F(ServerTest, BodiesOfOtherKindsAndPlacesAreRefused) {
  EXPECT_EQ(post(kMaps, R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}})").first,
            400);
  EXPECT_EQ(post(kMaps, R"({"metadata":{"name":"x","namespace":"other"}})").first, 400);
  EXPECT_EQ(post(kMaps, "[1]").first, 400);
  EXPECT_EQ(post(kMaps, "{").first, 400);
  EXPECT_EQ(post("/api/v1/configmaps", R"({"metadata":{"name":"x"}})").first, 405);
  const auto [status, invalid] = post(kMaps, R"({"metadata":{"name":"Not_A_Name"}})");
  EXPECT_EQ(status, 422);
  EXPECT_EQ(text_at(invalid, "/details/causes/0/reason"), "FieldValueInvalid");
  EXPECT_EQ(text_at(invalid, "/details/causes/0/field"), "metadata.name");
}

TEST_F(ServerTest, DryRunsChangeNothing) {
  EXPECT_EQ(post(std::string(kMaps) + "?dryRun=All", R"({"metadata":{"name":"dry"}})").first, 201);
  EXPECT_EQ(get(std::string(kMaps) + "/dry").first, 404);
  make_config_map("real");
  // kubectl delete --dry-run=server says so in the body alone.
  EXPECT_EQ(ask({.method = "DELETE",
                 .target = std::string(kMaps) + "/real",
                 .body = R"({"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]})"})
                .first,
            200);
  EXPECT_EQ(get(std::string(kMaps) + "/real").first, 200);
  EXPECT_EQ(patch(std::string(kMaps) + "/real?dryRun=All", "application/merge-patch+json",
                  R"({"data":{"a":"9"}})")
                .first,
            200);
  EXPECT_EQ(text_at(get(std::string(kMaps) + "/real").second, "/data/a"), "1");
  EXPECT_EQ(post(std::string(kMaps) + "?dryRun=maybe", R"({"metadata":{"name":"x"}})").first, 422);
}

TEST_F(ServerTest, UnknownFieldsAreRefusedWarnedOfOrIgnored) {
  const std::string body = R"({"metadata":{"name":"odd"},"dada":{}})";
  const auto [strict, refused] = post(std::string(kMaps) + "?fieldValidation=Strict", body);
  EXPECT_EQ(strict, 400);
  EXPECT_NE(text_at(refused, "/message").find("unknown field \"dada\""), std::string::npos);
  const auto warned =
      send({.method = "POST", .target = std::string(kMaps) + "?dryRun=All", .body = body});
  ASSERT_FALSE(warned->result->headers.empty());
  EXPECT_EQ(warned->result->headers[0].second, R"(299 - "unknown field \"dada\"")");
  EXPECT_TRUE(send({.method = "POST",
                    .target = std::string(kMaps) + "?fieldValidation=Ignore",
                    .body = body})
                  ->result->headers.empty());
}

TEST_F(ServerTest, MembersThatStandTwiceAreRefusedWarnedOfOrIgnored) {
  const std::string json = R"({"metadata":{"name":"twice"},"data":{"a":"1"},"data":{"b":"2"}})";
  const std::string yaml = "metadata: {name: twice}\ndata: {a: '1'}\ndata: {b: '2'}\n";
  for (const std::string& body : {json, yaml}) {
    const auto create = [&](std::string_view mode) {
      return send({.method = "POST",
                   .target = fmt::format("{}?dryRun=All&fieldValidation={}", kMaps, mode),
                   .body = body,
                   .headers = {{"Content-Type", body == json ? "application/json" : "application/yaml"}}})
          ->result;
    };
    const auto refused = create("Strict");
    EXPECT_EQ(refused->status, 400);
    EXPECT_NE(refused->body.find(R"(duplicate field \"data\")"), std::string::npos) << refused->body;
    const auto warned = create("Warn");
    EXPECT_EQ(warned->status, 201) << warned->body;
    ASSERT_FALSE(warned->headers.empty());
    EXPECT_EQ(warned->headers[0].second, R"(299 - "duplicate field \"data\"")");
    EXPECT_EQ(text_at(json::parse(warned->body), "/data/b"), "2") << "the last one counts";
    EXPECT_EQ(text_at(json::parse(warned->body), "/data/a"), "<absent>");
    EXPECT_TRUE(create("Ignore")->headers.empty());
  }
}

TEST_F(ServerTest, APodThatIsOnNoNodeHasAnEmptyLog) {
  const std::string pods = "/api/v1/namespaces/default/pods";
  ASSERT_EQ(post(pods, R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"a:1"}]}})").first, 201);
  EXPECT_EQ(send({.method = "GET", .target = pods + "/a/log"})->result->status, 204);
  EXPECT_EQ(send({.method = "GET", .target = pods + "/a/log?container=b"})->result->status, 400);
  EXPECT_EQ(send({.method = "GET", .target = pods + "/a/log?tailLines=-1"})->result->status, 422);
}

TEST_F(ServerTest, PreconditionsOfADeletionHold) {
  make_config_map("a");
  const std::string path = std::string(kMaps) + "/a";
  EXPECT_EQ(
      ask({.method = "DELETE", .target = path, .body = R"({"preconditions":{"uid":"other"}})"})
          .first,
      409);
  EXPECT_EQ(get(path).first, 200);
}

TEST_F(ServerTest, PagesAreOfOneVersion) {
  for (int i = 0; i < 7; ++i) make_config_map("m" + std::to_string(i));
  const auto [status, first] = get(std::string(kMaps) + "?limit=3");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(first.at("items").as_array().size(), 3u);
  EXPECT_EQ(text_at(first, "/metadata/remainingItemCount"), "4");
  const std::string token = text_at(first, "/metadata/continue");
  make_config_map("m00");
  const auto second = get(std::string(kMaps) + "?limit=9&continue=" + token).second;
  EXPECT_EQ(second.at("items").as_array().size(), 4u);
  EXPECT_EQ(text_at(second, "/metadata/resourceVersion"),
            text_at(first, "/metadata/resourceVersion"));
  EXPECT_EQ(text_at(second, "/metadata/continue"), "<absent>");
  EXPECT_EQ(get("/api/v1/secrets?continue=" + token).first, 400);
  EXPECT_EQ(get(std::string(kMaps) + "?continue=abc").first, 400);
  time_.advance(10min);
  (void)get(std::string(kMaps) + "?limit=2");  // Forgets what is old.
  EXPECT_EQ(get(std::string(kMaps) + "?continue=" + token).first, 410);
}

TEST_F(ServerTest, ListsObeySelectorsAndVersions) {
  make_config_map("a");
  make_config_map("b");
  const std::string all = kMaps;
  EXPECT_EQ(get(all + "?fieldSelector=metadata.name%3Da").second.at("items").as_array().size(), 1u);
  EXPECT_EQ(get(all + "?fieldSelector=metadata.name!%3Da").second.at("items").as_array().size(),
            1u);
  EXPECT_EQ(get(all + "?fieldSelector=spec.nope%3Da").first, 400);
  EXPECT_EQ(get(all + "?labelSelector=a%3D%3D%3D").first, 400);
  EXPECT_EQ(get(all + "?resourceVersion=0").first, 200);
  EXPECT_EQ(get(all + "?resourceVersion=999999").first, 504);
  EXPECT_EQ(get(all + "?resourceVersion=1&resourceVersionMatch=Exact").first, 410);
  EXPECT_EQ(get(all + "?resourceVersionMatch=Exact").first, 422);
  EXPECT_EQ(get(all + "?limit=-1").first, 200);  // As none.
  EXPECT_EQ(get(all + "?limit=x").first, 400);
}

TEST_F(ServerTest, LargeListsAreWrittenAsTheyAreTaken) {
  for (int i = 0; i < 600; ++i) make_config_map("m" + std::to_string(i));
  const auto exchange = send({.target = kMaps});
  ASSERT_TRUE(exchange->body);
  const std::size_t first = exchange->body->text.size();
  exchange->body->drain();
  EXPECT_GT(exchange->body->text.size(), first);
  EXPECT_TRUE(exchange->body->ended);
  EXPECT_EQ(boost::json::parse(exchange->body->text).at("items").as_array().size(), 600u);
}

TEST_F(ServerTest, TablesHaveTheColumnsOfTheKind) {
  make_config_map("a");
  const Headers accept{{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};
  const auto [status, table] = ask({.target = kMaps, .headers = accept});
  EXPECT_EQ(status, 200);
  EXPECT_EQ(text_at(table, "/kind"), "Table");
  EXPECT_EQ(text_at(table, "/columnDefinitions/1/name"), "Data");
  EXPECT_EQ(text_at(table, "/rows/0/cells/0"), "a");
  EXPECT_EQ(text_at(table, "/rows/0/object/kind"), "PartialObjectMetadata");
  EXPECT_EQ(text_at(ask({.target = std::string(kMaps) + "/a", .headers = accept}).second,
                    "/rows/0/cells/1"),
            "1");
  EXPECT_EQ(ask({.target = kMaps, .headers = {{"Accept", "text/html"}}}).first, 406);
}

std::string unzipped(const std::string& bytes) {
  std::string out(8 << 20, '\0');
  z_stream state{};
  EXPECT_EQ(inflateInit2(&state, 15 + 16), Z_OK);
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&state, Z_FINISH), Z_STREAM_END);
  out.resize(state.total_out);
  inflateEnd(&state);
  return out;
}

TEST_F(ServerTest, LargeAnswersAreGzippedForThoseWhoAsk) {
  const Headers accept{{"Accept-Encoding", "deflate, gzip;q=0.8"}};
  const auto small = send({.target = "/version", .headers = accept});
  EXPECT_TRUE(small->result->headers.empty());
  const auto document = send({.target = "/openapi/v2", .headers = accept});
  ASSERT_FALSE(document->result->headers.empty());
  EXPECT_EQ(document->result->headers[0].second, "gzip");
  EXPECT_EQ(unzipped(document->result->body), send({.target = "/openapi/v2"})->result->body);
  EXPECT_TRUE(send({.target = "/openapi/v2", .headers = {{"Accept-Encoding", "gzip;q=0"}}})
                  ->result->headers.empty());
  for (int i = 0; i < 600; ++i) make_config_map("m" + std::to_string(i));
  const auto list = send({.target = kMaps, .headers = accept});
  list->body->drain();
  EXPECT_TRUE(list->body->ended);
  EXPECT_EQ(boost::json::parse(unzipped(list->body->text)).at("items").as_array().size(), 600u);
  const auto watch = send({.target = std::string(kMaps) + "?watch=true", .headers = accept});
  EXPECT_TRUE(watch->result->headers.empty());
}

TEST_F(ServerTest, EveryKindIsListedDiscoveredAndExplained) {
  for (const ServedResource& served : built_in_resources()) {
    if (served.stored == nullptr) continue;
    const std::string base = served.group.empty() ? "/api/v1/"
                                                  : "/apis/" + std::string(served.group) + "/" +
                                                        std::string(served.version) + "/";
    const Headers accept{{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}};
    EXPECT_EQ(ask({.target = base + std::string(served.resource), .headers = accept}).first, 200)
        << served.resource;
    EXPECT_EQ(get(base.substr(0, base.size() - 1)).first, 200);
    const auto [status, document] = get("/openapi/v3" + base.substr(0, base.size() - 1));
    EXPECT_EQ(status, 200) << base;
    EXPECT_FALSE(document.at("components").at("schemas").as_object().empty());
  }
  const auto accept = Headers{
      {"Accept",
       "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}};
  const auto aggregated = send({.target = "/apis", .headers = accept});
  EXPECT_EQ(aggregated->result->content_type,
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(get("/openapi/v2").first, 200);
  const std::string protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const auto old = send({.target = "/openapi/v2", .headers = {{"Accept", protobuf}}});
  EXPECT_EQ(old->result->content_type, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(old->result->body, std::string("\x0a\x03") + "2.0");
}

TEST_F(ServerTest, SchemasCarryMergeKeysAndResolveTheirReferences) {
  const auto document = get("/openapi/v3/apis/apps/v1").second;
  const auto& schemas = document.at("components").at("schemas").as_object();
  const auto& containers =
      schemas.at("io.k8s.api.core.v1.PodSpec").at("properties").at("containers");
  EXPECT_EQ(text_at(containers, "/x-kubernetes-patch-merge-key"), "name");
  EXPECT_EQ(text_at(containers, "/x-kubernetes-patch-strategy"), "merge");
  const std::string text = boost::json::serialize(document);
  for (std::size_t at = 0; (at = text.find("#/components/schemas/", at)) != std::string::npos;) {
    at += std::string("#/components/schemas/").size();
    const std::string name = text.substr(at, text.find('"', at) - at);
    EXPECT_TRUE(schemas.contains(name)) << name;
  }
}

TEST_F(ServerTest, ScaleIsReadAndChanged) {
  ASSERT_EQ(
      post("/apis/apps/v1/namespaces/default/deployments",
           R"({"metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},
    "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})")
          .first,
      201);
  const std::string path = "/apis/apps/v1/namespaces/default/deployments/web/scale";
  EXPECT_EQ(text_at(get(path).second, "/spec/replicas"), "2");
  EXPECT_EQ(
      text_at(patch(path, "application/merge-patch+json", R"({"spec":{"replicas":5}})").second,
              "/spec/replicas"),
      "5");
  EXPECT_EQ(
      patch(path + "?dryRun=All", "application/merge-patch+json", R"({"spec":{"replicas":7}})")
          .first,
      200);
  EXPECT_EQ(text_at(get(path).second, "/spec/replicas"), "5");
  EXPECT_EQ(patch(path, "application/merge-patch+json", R"({"spec":{"replicas":-1}})").first, 422);
  EXPECT_EQ(patch(path, "application/merge-patch+json",
                  R"({"spec":{"replicas":1},"metadata":{"resourceVersion":"1"}})")
                .first,
            409);
  EXPECT_EQ(get("/api/v1/namespaces/default/configmaps/x/scale").first, 404);
}

TEST_F(ServerTest, PodsAreBoundAndEvicted) {
  ASSERT_EQ(post("/api/v1/namespaces/default/pods",
                 R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})")
                .first,
            201);
  const std::string pod = "/api/v1/namespaces/default/pods/p";
  EXPECT_EQ(
      post(
          pod + "/binding",
          R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}})")
          .first,
      201);
  EXPECT_EQ(text_at(get(pod).second, "/spec/nodeName"), "n1");
  EXPECT_EQ(post(pod + "/binding", R"({"target":{"name":"n2"}})").first, 409);
  EXPECT_EQ(post(pod + "/eviction",
                 R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"other"}})")
                .first,
            400);
  EXPECT_EQ(
      post(
          pod + "/eviction",
          R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":{"dryRun":["All"]}})")
          .first,
      201);
  EXPECT_EQ(text_at(get(pod).second, "/metadata/deletionTimestamp"), "<absent>");
  EXPECT_EQ(post(pod + "/eviction",
                 R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}})")
                .first,
            201);
  EXPECT_NE(text_at(get(pod).second, "/metadata/deletionTimestamp"), "<absent>");
}

TEST_F(ServerTest, CollectionsAreDeletedBySelector) {
  make_config_map("a");
  make_config_map("b");
  EXPECT_EQ(
      ask({.method = "DELETE", .target = std::string(kMaps) + "?fieldSelector=metadata.name%3Da"})
          .first,
      200);
  EXPECT_EQ(get(std::string(kMaps) + "/a").first, 404);
  EXPECT_EQ(get(std::string(kMaps) + "/b").first, 200);
}

TEST_F(ServerTest, ServerSideApplyCreatesMergesAndConflicts) {
  const std::string path = std::string(kMaps) + "/applied";
  const std::string yaml =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {a: \"1\"}\n";
  const std::string type = "application/apply-patch+yaml";
  EXPECT_EQ(patch(path, type, yaml).first, 422);  // Without a manager.
  EXPECT_EQ(patch(path + "?fieldManager=one", type, yaml).first, 201);
  EXPECT_EQ(patch(path + "?fieldManager=one", type, yaml).first, 200);
  EXPECT_EQ(
      patch(path + "?fieldManager=editor", "application/merge-patch+json", R"({"data":{"a":"2"}})")
          .first,
      200);
  const auto [status, conflict] = patch(path + "?fieldManager=one", type, yaml);
  EXPECT_EQ(status, 409);
  EXPECT_EQ(text_at(conflict, "/details/causes/0/reason"), "FieldManagerConflict");
  EXPECT_EQ(patch(path + "?fieldManager=one&force=true", type, yaml).first, 200);
  EXPECT_EQ(text_at(get(path).second, "/data/a"), "1");
  EXPECT_EQ(patch(path + "?fieldManager=one", type, "a: [").first, 400);
}

TEST_F(ServerTest, RandomRequestsAreAnsweredAndNeverCrash) {
  make_config_map("a");
  const std::vector<std::string> parts{"api",
                                       "apis",
                                       "v1",
                                       "apps",
                                       "namespaces",
                                       "default",
                                       "configmaps",
                                       "a",
                                       "status",
                                       "scale",
                                       "pods",
                                       "eviction",
                                       "log",
                                       "%41",
                                       "deployments",
                                       "?watch=1",
                                       "?limit=1",
                                       "&continue=1.2.3",
                                       "?labelSelector=((",
                                       "openapi",
                                       "v3"};
  const std::vector<std::string> methods{"GET",    "POST", "PUT",     "PATCH",
                                         "DELETE", "HEAD", "OPTIONS", "BREW"};
  const std::vector<std::string> bodies{"",
                                        "{}",
                                        "[]",
                                        "null",
                                        R"({"metadata":{"name":1}})",
                                        R"({"metadata":null})",
                                        "k8s",
                                        std::string("k8s\0\x0a\xff", 6),
                                        R"({"metadata":{"name":"a"},"data":{"a":{}}})",
                                        "a: [b",
                                        "\xff\xfe"};
  const std::vector<std::string> types{"application/json",
                                       "application/yaml",
                                       "application/vnd.kubernetes.protobuf",
                                       "application/merge-patch+json",
                                       "application/json-patch+json",
                                       "application/strategic-merge-patch+json"};
  env::Rng rng(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string target;
    for (std::uint64_t n = rng.below(9); n > 0; --n) target += "/" + parts[rng.below(parts.size())];
    const auto exchange = send({.method = methods[rng.below(methods.size())],
                                .target = target,
                                .body = bodies[rng.below(bodies.size())],
                                .headers = {{"Content-Type", types[rng.below(types.size())]}}});
    ASSERT_TRUE(exchange->result) << target;
  }
}

}  // namespace
}  // namespace minato::apiserver
