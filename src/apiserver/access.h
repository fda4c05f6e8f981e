// Who asks, what for, and whether they may: authentication by client certificate or bearer token,
// and the seam for authorization. Loop thread only.
//
// Errors: Unauthorized for a token that is not known; a request without any credentials is
// system:anonymous.
// Rules: k8s.io/apiserver pkg/authentication, pkg/authorization and
// endpoints/request/requestinfo.go.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/http.h"
#include "base/result.h"
#include "kube/object.h"

namespace minato::apiserver {

inline constexpr std::string_view kMasters = "system:masters";
inline constexpr std::string_view kAuthenticated = "system:authenticated";
inline constexpr std::string_view kUnauthenticated = "system:unauthenticated";
inline constexpr std::string_view kAnonymous = "system:anonymous";

struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  bool is_in(std::string_view group) const;
};

// What a request is about, read from its method and path.
struct RequestInfo {
  bool is_resource = false;  // Otherwise only `verb` (lower-case method) and `path` say something.
  std::string verb;          // get, list, watch, create, update, patch, delete, deletecollection
  std::string path;
  std::string group;
  std::string version;
  std::string namespace_;
  std::string resource;
  std::string subresource;
  std::string name;
};
RequestInfo read_request_info(std::string_view method, const Url& url);

class Authenticator {
 public:
  // Several tokens may name one user. Requires: `token` is not empty.
  void add_token(std::string token, User user);
  // Whom else to ask about tokens (ServiceAccounts'). May be empty.
  using Verifier = std::function<Result<User>(std::string_view token)>;
  void set_verifier(Verifier verifier) { verifier_ = std::move(verifier); }
  Result<User> authenticate(const HttpRequest& request) const;
  // Errors: Unauthorized, with why; that is for the log and for TokenReviews, not for the bearer.
  Result<User> check_token(std::string_view token) const;

 private:
  Verifier verifier_;
  std::vector<std::pair<std::string, User>> tokens_;
};

struct Decision {
  bool allowed = false;
  std::string reason;
};

// What somebody may do, for SelfSubjectRulesReview.
struct Rules {
  struct Rule {
    std::vector<std::string> verbs, groups, resources, names, paths;  // `paths`: non-resource.
  };
  std::vector<Rule> rules;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Decision authorize(const User& user, const RequestInfo& info) const = 0;
  virtual Rules rules_of(const User& user, const std::string& namespace_) const = 0;
  // Whether `user` may write this role or binding. Errors: Forbidden, NotFound (its role).
  virtual Status check_escalation(const User&, const kube::Object&) const { return {}; }
};

// What holds in every cluster before any role is looked at: system:masters may do everything,
// everybody who is somebody may discover and ask about themselves, nobody may ask for health and
// version.
class BaseAuthorizer : public Authorizer {
 public:
  Decision authorize(const User& user, const RequestInfo& info) const override;
  Rules rules_of(const User& user, const std::string& namespace_) const override;
};

// "User "x" cannot list resource "pods" in API group "" in the namespace "default"".
std::string denial(const User& user, const RequestInfo& info);

}  // namespace minato::apiserver
