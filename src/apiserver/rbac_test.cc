// Who may do what, and attempts to get around it.
#include "apiserver/rbac.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "apiserver/fixture.h"
#include "apiserver/service_accounts.h"

namespace minato::apiserver {
namespace {

using testing::HasSubstr;

constexpr const char* kRbac = "/apis/rbac.authorization.k8s.io/v1/";

class RbacTest : public ServerFixture {
 protected:
  RbacTest()
      : roles_(*registry_), tokens_(env_, *registry_, SigningKey::generate().value()) {
    EXPECT_TRUE(bootstrap_roles(*registry_));
    ServerOptions options;
    options.tokens = &tokens_;
    authenticator_.set_verifier([this](std::string_view token) { return tokens_.verify(token); });
    server_ = std::make_unique<ApiServer>(env_, *registry_, authenticator_, roles_, options);
    post("/api/v1/namespaces", R"({"metadata":{"name":"team"}})");
    make_config_map("m");
  }

  // Ann gets a ClusterRole, in one namespace or ("") everywhere.
  void bind_ann(const std::string& role, const std::string& where) {
    const std::string path = where.empty()
                                 ? "clusterrolebindings"
                                 : fmt::format("namespaces/{}/rolebindings", where);
    EXPECT_EQ(post(kRbac + path,
                   fmt::format(R"({{"metadata":{{"name":"ann-{}"}},"roleRef":{{"kind":"ClusterRole",)"
                               R"("name":"{}"}},"subjects":[{{"kind":"User","name":"ann"}}]}})",
                               role, role))
                  .first,
              201);
  }
  void make_role(const std::string& name, const std::string& rules) {
    EXPECT_EQ(post(std::string(kRbac) + "clusterroles",
                   fmt::format(R"({{"metadata":{{"name":"{}"}},"rules":{}}})", name, rules))
                  .first,
              201);
  }
  int as_ann(const std::string& method, const std::string& target, const std::string& body = "",
             Headers headers = {}) {
    return ask({.method = method, .target = target, .body = body, .headers = std::move(headers),
                .token = "user-token"})
        .first;
  }
  int with(const std::string& token, const std::string& target) {
    return ask({.target = target, .token = token}).first;
  }
  std::string token_of(const std::string& account, const std::string& spec = "{}") {
    post("/api/v1/namespaces/team/serviceaccounts",
         fmt::format(R"({{"metadata":{{"name":"{}"}}}})", account));
    const auto [status, body] =
        post(fmt::format("/api/v1/namespaces/team/serviceaccounts/{}/token", account),
             fmt::format(R"({{"spec":{}}})", spec));
    EXPECT_EQ(status, 201) << boost::json::serialize(body);
    return text_at(body, "/status/token");
  }

  RoleAuthorizer roles_;
  ServiceAccountTokens tokens_;
};

TEST_F(RbacTest, RolesGiveWhatTheySayWhereTheyAreBound) {
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/team/pods"), 403);
  bind_ann("view", "team");
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/team/pods"), 200);
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/default/pods"), 403);
  EXPECT_EQ(as_ann("GET", "/api/v1/pods"), 403);
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/team/secrets"), 403);
  const std::string map = R"({"metadata":{"name":"n"}})";
  EXPECT_EQ(as_ann("POST", "/api/v1/namespaces/team/configmaps", map), 403);
  bind_ann("edit", "team");
  EXPECT_EQ(as_ann("POST", "/api/v1/namespaces/team/configmaps", map), 201);
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/team/secrets"), 200);
  EXPECT_EQ(as_ann("DELETE", "/api/v1/namespaces/team"), 403);
}

TEST_F(RbacTest, NamesAndSubresourcesAreOfTheirOwn) {
  make_role("one", R"([{"apiGroups":[""],"resources":["configmaps"],"resourceNames":["m"],)"
                   R"("verbs":["get"]},{"apiGroups":["apps"],"resources":["*/scale"],"verbs":["*"]}])");
  bind_ann("one", "");
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/default/configmaps/m"), 200);
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/default/configmaps/n"), 403);
  EXPECT_EQ(as_ann("GET", "/api/v1/namespaces/default/configmaps"), 403);
  EXPECT_EQ(as_ann("GET", "/apis/apps/v1/namespaces/default/deployments/d/scale"), 404);
  EXPECT_EQ(as_ann("GET", "/apis/apps/v1/namespaces/default/deployments/d"), 403);
}

TEST_F(RbacTest, NobodyGivesAwayMoreThanTheyHave) {
  make_role("rolewriter", R"([{"apiGroups":["rbac.authorization.k8s.io"],"resources":["*"],)"
                          R"("verbs":["create","update","patch","get"]}])");
  bind_ann("rolewriter", "");
  bind_ann("view", "team");
  const std::string roles = std::string(kRbac) + "namespaces/team/roles";
  const auto role = [](const std::string& name, const std::string& verbs) {
    return fmt::format(R"({{"metadata":{{"name":"{}"}},"rules":[{{"apiGroups":[""],)"
                       R"("resources":["pods"],"verbs":[{}]}}]}})", name, verbs);
  };
  EXPECT_EQ(as_ann("POST", roles, role("more", R"("delete")")), 403);
  EXPECT_EQ(as_ann("POST", roles, role("all", R"("*")")), 403);
  EXPECT_EQ(as_ann("POST", roles, role("same", R"("get")")), 201);
  EXPECT_EQ(as_ann("PUT", roles + "/same", role("same", R"("delete")")), 403);
  const std::string grow = R"({"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]})";
  EXPECT_EQ(as_ann("PATCH", roles + "/same", grow,
                   {{"Content-Type", "application/merge-patch+json"}}), 403);
  EXPECT_EQ(as_ann("PATCH", roles + "/same?fieldManager=f&force=true",
                   R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role",)" +
                       role("same", R"("delete")").substr(1),
                   {{"Content-Type", "application/apply-patch+yaml"}}), 403);
  const auto binding = [](const std::string& to) {
    return fmt::format(R"({{"metadata":{{"name":"b-{}"}},"roleRef":{{"kind":"ClusterRole","name":"{}"}},)"
                       R"("subjects":[{{"kind":"User","name":"ann"}}]}})", to, to);
  };
  EXPECT_EQ(as_ann("POST", std::string(kRbac) + "clusterrolebindings", binding("cluster-admin")), 403);
  EXPECT_EQ(as_ann("POST", std::string(kRbac) + "namespaces/team/rolebindings", binding("edit")), 403);
  EXPECT_EQ(as_ann("POST", std::string(kRbac) + "namespaces/team/rolebindings", binding("view")), 201);
  EXPECT_EQ(as_ann("POST", std::string(kRbac) + "clusterrolebindings", binding("not-there-yet")), 404);
  EXPECT_EQ(as_ann("POST", std::string(kRbac) + "clusterroles",
                   R"({"metadata":{"name":"sum"},"aggregationRule":{"clusterRoleSelectors":[)"
                   R"({"matchLabels":{"kubernetes.io/bootstrapping":"rbac-defaults"}}]}})"), 403);
}

TEST_F(RbacTest, ABindingKeepsItsRole) {
  bind_ann("view", "team");
  const auto [status, body] =
      patch(std::string(kRbac) + "namespaces/team/rolebindings/ann-view",
            "application/merge-patch+json", R"({"roleRef":{"name":"cluster-admin"}})");
  EXPECT_EQ(status, 422);
  EXPECT_THAT(text_at(body, "/message"), HasSubstr("cannot change roleRef"));
}

TEST_F(RbacTest, EveryPartOfAnImpersonationIsChecked) {
  make_role("as-bob", R"([{"apiGroups":[""],"resources":["users"],"resourceNames":["bob"],)"
                      R"("verbs":["impersonate"]}])");
  bind_ann("as-bob", "");
  const std::string pods = "/api/v1/namespaces/default/pods";
  const auto as = [&](Headers headers) { return as_ann("GET", "/api", "", std::move(headers)); };
  EXPECT_EQ(as({{"Impersonate-User", "bob"}}), 200);
  EXPECT_EQ(as({{"Impersonate-User", "eve"}}), 403);
  EXPECT_EQ(as({{"Impersonate-User", "bob"}, {"impersonate-group", "system:masters"}}), 403);
  EXPECT_EQ(as({{"Impersonate-User", "bob"}, {"Impersonate-Uid", "1"}}), 403);
  EXPECT_EQ(as({{"Impersonate-User", "bob"}, {"Impersonate-Extra-Scopes", "all"}}), 403);
  EXPECT_EQ(as({{"Impersonate-User", "system:serviceaccount:team:robot"}}), 403);
  EXPECT_EQ(as({{"Impersonate-Group", "bobs"}}), 400);
  EXPECT_EQ(ask({.target = pods, .headers = {{"Impersonate-User", "bob"}}}).first, 403);
}

TEST_F(RbacTest, TokensAreTheirAccountsAndNothingElse) {
  const std::string token = token_of("robot");
  EXPECT_EQ(with(token, "/api"), 200);
  const std::string maps = "/api/v1/namespaces/team/configmaps";
  EXPECT_EQ(with(token, maps), 403);
  post(std::string(kRbac) + "namespaces/team/rolebindings",
       R"({"metadata":{"name":"r"},"roleRef":{"kind":"ClusterRole","name":"view"},)"
       R"("subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"team"}]})");
  EXPECT_EQ(with(token, maps), 200);
  EXPECT_EQ(with(token_of("other"), maps), 403);
  const auto [status, review] =
      ask({.method = "POST", .target = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
           .body = "{}", .token = token});
  EXPECT_EQ(status, 201);
  EXPECT_EQ(text_at(review, "/status/userInfo/username"), "system:serviceaccount:team:robot");
  EXPECT_EQ(text_at(review, "/status/userInfo/groups/1"), "system:serviceaccounts:team");
}

TEST_F(RbacTest, TokensThatAreNotGoodAreRefused) {
  const std::string token = token_of("robot");
  const auto refused = [&](const std::string& wrong) { return with(wrong, "/api") == 401; };
  ServiceAccountTokens other(env_, *registry_, SigningKey::generate().value());
  const auto foreign = other.issue({"team", "robot"}, {});
  EXPECT_TRUE(refused(foreign->status.token)) << "another cluster's";
  EXPECT_TRUE(refused(token_of("robot", R"({"audiences":["vault"]})"))) << "for somebody else";
  EXPECT_TRUE(refused(token + "x"));
  EXPECT_TRUE(refused("." + token));
  EXPECT_TRUE(refused(token.substr(0, token.rfind('.')) + "."));
  // {"alg":"none"} with the same claims and no signature.
  const std::string claims = token.substr(token.find('.'), token.rfind('.') - token.find('.'));
  EXPECT_TRUE(refused("eyJhbGciOiJub25lIn0" + claims + "."));
  EXPECT_TRUE(refused("eyJhbGciOiJub25lIn0" + token.substr(token.find('.'))));
  EXPECT_TRUE(refused(std::string(100'000, 'a')));
  EXPECT_EQ(with(token, "/api"), 200);
  time_.advance(61min);
  EXPECT_TRUE(refused(token)) << "expired";
}

TEST_F(RbacTest, TokensEndWithTheirAccountAndTheirPod) {
  const std::string token = token_of("robot");
  post("/api/v1/namespaces/team/pods",
       R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"robot","containers":)"
       R"([{"name":"c","image":"i"}]}})");
  const std::string bound = token_of("robot", R"({"boundObjectRef":{"kind":"Pod","name":"p"}})");
  EXPECT_EQ(with(bound, "/api"), 200);
  ask({.method = "DELETE", .target = "/api/v1/namespaces/team/pods/p?gracePeriodSeconds=0"});
  EXPECT_EQ(with(bound, "/api"), 401);
  const std::string account = "/api/v1/namespaces/team/serviceaccounts/robot";
  ask({.method = "DELETE", .target = account});
  EXPECT_EQ(with(token, "/api"), 401);
  token_of("robot");  // Made anew: another account of the same name.
  EXPECT_EQ(with(token, "/api"), 401);
  EXPECT_EQ(post(account + "/token", R"({"spec":{"expirationSeconds":5}})").first, 422);
}

TEST_F(RbacTest, NobodyInParticularSeesHealthAndVersionOnly) {
  for (const char* path : {"/healthz", "/livez", "/readyz", "/version"})
    EXPECT_EQ(with("", path), 200) << path;
  for (const char* path : {"/", "/api", "/apis", "/openapi/v2", "/api/v1/pods", "/healthz/../api",
                           "/version%2f..%2fapi/v1/secrets", "//api//v1//secrets", "/metrics",
                           "/api/v1/namespaces/default/secrets/", "/livezz"})
    EXPECT_NE(with("", path), 200) << path;
  EXPECT_EQ(ask({.method = "POST", .target = "/version", .token = ""}).first, 403);
  EXPECT_EQ(with("", "/api/v1/namespaces/default/secrets?watch=true"), 403);
}

}  // namespace
}  // namespace minato::apiserver
