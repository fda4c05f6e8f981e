// Custom kinds over HTTP: what clients see of a definition and its objects.
#include "apiserver/fixture.h"

namespace minato::apiserver {
namespace {

namespace json = boost::json;

constexpr const char* kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
constexpr const char* kWidgets = "/apis/example.com/v1/namespaces/default/widgets";

std::string definition(const std::string& more_versions = "") {
  return R"({"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
    "names":{"plural":"widgets","kind":"Widget","shortNames":["wd"],"categories":["all"]},
    "versions":[{"name":"v1","served":true,"storage":true,
      "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size",
                                           "labelSelectorPath":".status.selector"}},
      "additionalPrinterColumns":[
        {"name":"Size","type":"integer","jsonPath":".spec.size"},
        {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},
        {"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
      "schema":{"openAPIV3Schema":{"type":"object","properties":{
        "spec":{"type":"object","properties":{
          "size":{"type":"integer","minimum":0,"default":1,"description":"How many there are."},
          "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
            "items":{"type":"object","required":["name"],"properties":{
              "name":{"type":"string"},"value":{"type":"string"}}}},
          "plain":{"type":"array","items":{"type":"string"}}}},
        "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}})" +
         more_versions + "]}}";
}

class CustomTest : public ServerFixture {
 protected:
  void define(const std::string& more_versions = "") {
    const auto [status, made] = post(kDefinitions, definition(more_versions));
    ASSERT_EQ(status, 201) << json::serialize(made);
  }
  json::value make(const std::string& name, const std::string& spec) {
    const auto [status, made] =
        post(kWidgets, R"({"metadata":{"name":")" + name + R"("},"spec":)" + spec + "}");
    EXPECT_EQ(status, 201) << json::serialize(made);
    return made;
  }
  std::string path(const std::string& name) { return std::string(kWidgets) + "/" + name; }
};

TEST_F(CustomTest, DiscoveryComesAndGoesWithTheDefinition) {
  EXPECT_EQ(get("/apis/example.com").first, 404);
  define();
  EXPECT_EQ(text_at(get("/apis/example.com").second, "/preferredVersion/version"), "v1");
  const auto list = get("/apis/example.com/v1").second;
  EXPECT_EQ(text_at(list, "/resources/0/name"), "widgets");
  EXPECT_EQ(text_at(list, "/resources/0/shortNames/0"), "wd");
  EXPECT_EQ(text_at(list, "/resources/0/categories/0"), "all");
  EXPECT_EQ(text_at(list, "/resources/1/name"), "widgets/scale");
  EXPECT_EQ(text_at(list, "/resources/2/name"), "widgets/status");
  const auto aggregated = ask({.target = "/apis",
                               .headers = {{"Accept", "application/json;g=apidiscovery.k8s.io;v=v2;"
                                                      "as=APIGroupDiscoveryList"}}}).second;
  EXPECT_NE(json::serialize(aggregated).find(R"("singularResource":"widget")"), std::string::npos);
  const auto document = get("/openapi/v3/apis/example.com/v1").second;
  const auto& schema = document.at("components").at("schemas").at("com.example.v1.Widget");
  EXPECT_EQ(text_at(schema, "/properties/spec/properties/size/description"), "How many there are.");
  EXPECT_EQ(text_at(schema, "/x-kubernetes-group-version-kind/0/kind"), "Widget");
  EXPECT_NE(text_at(schema, "/properties/metadata/$ref").find("ObjectMeta"), std::string::npos);
}

TEST_F(CustomTest, EveryVerb) {
  define();
  const auto made = make("a", R"({"plain":["x"]})");
  EXPECT_EQ(text_at(made, "/apiVersion"), "example.com/v1");
  EXPECT_EQ(text_at(made, "/kind"), "Widget");
  EXPECT_EQ(text_at(made, "/spec/size"), "1");
  auto read = get(path("a")).second;
  read.at("spec").as_object()["size"] = 5;
  EXPECT_EQ(text_at(ask({.method = "PUT", .target = path("a"), .body = json::serialize(read)}).second,
                    "/metadata/generation"), "2");
  EXPECT_EQ(ask({.method = "PUT", .target = path("a"), .body = json::serialize(read)}).first, 409);
  read.at("metadata").as_object().erase("resourceVersion");
  EXPECT_EQ(ask({.method = "PUT", .target = path("a"), .body = json::serialize(read)}).first, 422);
  EXPECT_EQ(text_at(patch(path("a"), "application/merge-patch+json", R"({"spec":{"size":6}})").second,
                    "/spec/size"), "6");
  EXPECT_EQ(text_at(patch(path("a"), "application/json-patch+json",
                          R"([{"op":"replace","path":"/spec/size","value":7}])").second,
                    "/spec/size"), "7");
  const auto strategic = patch(path("a"), "application/strategic-merge-patch+json", "{}");
  EXPECT_EQ(strategic.first, 415);
  EXPECT_EQ(text_at(strategic.second, "/reason"), "UnsupportedMediaType");
  make("b", "{}");
  const auto list = get(kWidgets).second;
  EXPECT_EQ(text_at(list, "/kind"), "WidgetList");
  EXPECT_EQ(text_at(list, "/items/1/metadata/name"), "b");
  EXPECT_EQ(text_at(list, "/items/1/kind"), "Widget");
  EXPECT_EQ(ask({.method = "DELETE", .target = path("a")}).first, 200);
  EXPECT_EQ(get(path("a")).first, 404);
  EXPECT_EQ(ask({.method = "DELETE", .target = kWidgets}).first, 200);
  EXPECT_EQ(get(kWidgets).second.at("items").as_array().size(), 0u);
}

TEST_F(CustomTest, UnknownFieldsAreSaidAsAsked) {
  define();
  const std::string body = R"({"metadata":{"name":"a"},"spec":{"sise":3}})";
  const auto strict = post(std::string(kWidgets) + "?fieldValidation=Strict", body);
  EXPECT_EQ(strict.first, 400);
  EXPECT_NE(text_at(strict.second, "/message").find("unknown field \"spec.sise\""), std::string::npos);
  const auto warned = send({.method = "POST", .target = kWidgets, .body = body});
  ASSERT_EQ(warned->result->status, 201);
  ASSERT_FALSE(warned->result->headers.empty());
  EXPECT_EQ(warned->result->headers[0].second, R"(299 - "unknown field \"spec.sise\"")");
  EXPECT_EQ(text_at(json::parse(warned->result->body), "/spec/sise"), "<absent>");
  EXPECT_EQ(patch(path("a") + "?fieldValidation=Strict", "application/merge-patch+json",
                  R"({"spec":{"color":"red"}})").first, 422);
}

TEST_F(CustomTest, ApplyMergesAsTheSchemaSays) {
  define();
  const auto apply = [&](const std::string& manager, const std::string& spec, const char* more = "") {
    return patch(path("a") + "?fieldManager=" + manager + more, "application/apply-patch+yaml",
                 R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":)" +
                     spec + "}");
  };
  EXPECT_EQ(apply("one", R"({"parts":[{"name":"x","value":"1"}],"plain":["p"]})").first, 201);
  const auto both = apply("two", R"({"parts":[{"name":"y","value":"2"}]})");
  EXPECT_EQ(both.first, 200) << json::serialize(both.second);
  EXPECT_EQ(both.second.at("spec").at("parts").as_array().size(), 2u);
  // Without a list type a list is one thing, and has one owner.
  const auto conflict = apply("two", R"({"plain":["q"]})");
  EXPECT_EQ(conflict.first, 409);
  EXPECT_EQ(text_at(conflict.second, "/details/causes/0/field"), ".spec.plain");
  EXPECT_EQ(text_at(apply("two", R"({"plain":["q"]})", "&force=true").second, "/spec/plain/0"), "q");
  // "two" no longer says y: it goes.
  EXPECT_EQ(get(path("a")).second.at("spec").at("parts").as_array().size(), 1u);
}

TEST_F(CustomTest, StatusAndScaleAreSubresources) {
  define();
  make("a", R"({"size":2})");
  EXPECT_EQ(patch(path("a") + "/status", "application/merge-patch+json",
                  R"({"spec":{"size":9},"status":{"size":2,"selector":"app=a"}})").first, 200);
  const auto scale = get(path("a") + "/scale").second;
  EXPECT_EQ(text_at(scale, "/kind"), "Scale");
  EXPECT_EQ(text_at(scale, "/spec/replicas"), "2");
  EXPECT_EQ(text_at(scale, "/status/replicas"), "2");
  EXPECT_EQ(text_at(scale, "/status/selector"), "app=a");
  EXPECT_EQ(text_at(patch(path("a") + "/scale", "application/merge-patch+json",
                          R"({"spec":{"replicas":4}})").second, "/spec/replicas"), "4");
  EXPECT_EQ(text_at(get(path("a")).second, "/spec/size"), "4");
}

TEST_F(CustomTest, TablesHaveTheColumnsOfTheDefinition) {
  define();
  make("a", R"({"size":2})");
  patch(path("a") + "/status", "application/merge-patch+json",
        R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
  const Headers accept{{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}};
  const auto table = ask({.target = kWidgets, .headers = accept}).second;
  EXPECT_EQ(text_at(table, "/columnDefinitions/1/name"), "Size");
  EXPECT_EQ(json::serialize(table.at("rows").at(0).at("cells")), R"(["a",2,"True","0s"])");
  make("b", "{}");
  const auto missing = ask({.target = path("b"), .headers = accept}).second;
  EXPECT_EQ(json::serialize(missing.at("rows").at(0).at("cells")), R"(["b",1,null,"0s"])");
}

TEST_F(CustomTest, VersionsAreViewsOfOneObject) {
  define(R"(,{"name":"v1beta1","served":true,"storage":false,"deprecated":true,
    "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})");
  make("a", R"({"size":2})");
  const std::string old = "/apis/example.com/v1beta1/namespaces/default/widgets/a";
  const auto seen = send({.target = old});
  EXPECT_EQ(text_at(json::parse(seen->result->body), "/apiVersion"), "example.com/v1beta1");
  EXPECT_EQ(seen->result->headers[0].second, R"(299 - "example.com/v1beta1 Widget is deprecated")");
  EXPECT_EQ(text_at(patch(old, "application/merge-patch+json", R"({"spec":{"size":3}})").second,
                    "/apiVersion"), "example.com/v1beta1");
  EXPECT_EQ(text_at(get(path("a")).second, "/spec/size"), "3");
  EXPECT_EQ(text_at(get("/apis/example.com").second, "/preferredVersion/version"), "v1");
}

TEST_F(CustomTest, WatchesEndWithTheDefinition) {
  define();
  const auto watch = send({.target = std::string(kWidgets) + "?watch=true"});
  make("a", "{}");
  ASSERT_EQ(watch->body->events().size(), 1u);
  EXPECT_EQ(text_at(watch->body->events()[0], "/object/apiVersion"), "example.com/v1");
  const std::string name = std::string(kDefinitions) + "/widgets.example.com";
  EXPECT_EQ(ask({.method = "DELETE", .target = name}).first, 200);
  EXPECT_EQ(post(kWidgets, R"({"metadata":{"name":"b"}})").first, 405);
  EXPECT_EQ(ask({.method = "DELETE", .target = path("a")}).first, 200);
  EXPECT_EQ(text_at(watch->body->events()[1], "/type"), "DELETED");
  EXPECT_FALSE(watch->body->ended);
  patch(name, "application/merge-patch+json", R"({"metadata":{"finalizers":null}})");
  time_.settle();
  EXPECT_TRUE(watch->body->ended);
  EXPECT_EQ(get(kWidgets).first, 404);
  EXPECT_EQ(server_->watches().count(), 0u);
}

TEST_F(CustomTest, WhatIsNotActedOnIsSaid) {
  const std::string rules = R"(,{"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{
    "type":"object","x-kubernetes-validations":[{"rule":"true"}]}}})";
  const auto made = send({.method = "POST", .target = kDefinitions, .body = definition(rules)});
  ASSERT_EQ(made->result->status, 201) << made->result->body;
  EXPECT_NE(made->result->headers[0].second.find("x-kubernetes-validations rules are kept, but not"),
            std::string::npos);
  EXPECT_EQ(ask({.method = "POST", .target = kWidgets, .body = "k8s",
                 .headers = {{"Content-Type", "application/vnd.kubernetes.protobuf"}}}).first, 415);
}

}  // namespace
}  // namespace minato::apiserver
