#include "apiserver/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace minato::apiserver {
namespace {

// Takes as long for a wrong first character as for a wrong last one.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i] ^ other));
  }
  return difference == 0;
}

std::string verb_of(std::string_view method, bool has_name, const Url& url) {
  if (method == "GET" || method == "HEAD") {
    if (has_name) return "get";
    return url.flag("watch") ? "watch" : "list";
  }
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return has_name ? "delete" : "deletecollection";
  return to_lower(method);
}

// Everything behind the version: [namespaces/NS/]resource[/name[/subresource]].
void read_resource(std::vector<std::string> rest, RequestInfo& info) {
  if (rest.size() >= 2 && rest[0] == "namespaces") {
    const bool of_namespace_itself =
        rest.size() == 2 || (rest.size() == 3 && (rest[2] == "status" || rest[2] == "finalize"));
    info.namespace_ = rest[1];
    if (!of_namespace_itself) rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (!rest.empty()) info.resource = rest[0];
  if (rest.size() > 1) info.name = rest[1];
  for (std::size_t i = 2; i < rest.size(); ++i) {
    info.subresource += (i > 2 ? "/" : "") + rest[i];
  }
}

bool is_discovery(std::string_view path) {
  return path == "/" || path == "/api" || path == "/apis" || path == "/version" ||
         path.starts_with("/api/") || path.starts_with("/apis/") || path == "/openapi" ||
         path.starts_with("/openapi/");
}

bool is_public(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz" || path == "/version" ||
         path.starts_with("/livez/") || path.starts_with("/readyz/") ||
         path.starts_with("/healthz/");
}

bool is_question_about_oneself(const RequestInfo& info) {
  return info.verb == "create" &&
         ((info.group == "authorization.k8s.io" && (info.resource == "selfsubjectaccessreviews" ||
                                                    info.resource == "selfsubjectrulesreviews")) ||
          (info.group == "authentication.k8s.io" && info.resource == "selfsubjectreviews"));
}

}  // namespace

bool User::is_in(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

RequestInfo read_request_info(std::string_view method, const Url& url) {
  RequestInfo info{.verb = to_lower(method), .path = url.path};
  const std::vector<std::string>& parts = url.segments;
  std::size_t skipped = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    info.version = parts[1];
    skipped = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    info.group = parts[1];
    info.version = parts[2];
    skipped = 3;
  } else {
    return info;
  }
  info.is_resource = true;
  read_resource({parts.begin() + static_cast<std::ptrdiff_t>(skipped), parts.end()}, info);
  info.verb = verb_of(method, !info.name.empty(), url);
  return info;
}

void Authenticator::add_token(std::string token, User user) {
  tokens_.emplace_back(std::move(token), std::move(user));
}

Result<User> Authenticator::check_token(std::string_view token) const {
  const User* found = nullptr;
  for (const auto& [known, user] : tokens_) {
    if (same_secret(known, token)) found = &user;
  }
  if (found != nullptr) return *found;
  if (verifier_) return verifier_(token);
  return fail(Reason::kUnauthorized, "the token is not known");
}

Result<User> Authenticator::authenticate(const HttpRequest& request) const {
  const std::string_view header = request.header("Authorization");
  User user;
  if (!header.empty()) {
    const std::size_t space = header.find(' ');
    const bool bearer = to_lower(header.substr(0, space)) == "bearer";
    if (!bearer || space == std::string_view::npos)
      return fail(Reason::kUnauthorized, "Unauthorized");
    auto known = check_token(trim(header.substr(space + 1)));
    if (!known) return fail(Reason::kUnauthorized, "Unauthorized");
    user = std::move(*known);
  } else if (!request.peer.common_name.empty()) {
    user = {request.peer.common_name, "", request.peer.organizations};
  } else {
    return User{std::string(kAnonymous), "", {std::string(kUnauthenticated)}};
  }
  if (!user.is_in(kAuthenticated)) user.groups.emplace_back(kAuthenticated);
  return user;
}

Decision BaseAuthorizer::authorize(const User& user, const RequestInfo& info) const {
  if (user.is_in(kMasters)) return {true, ""};
  const bool reads = info.verb == "get" || info.verb == "head";
  if (!info.is_resource && reads && is_public(info.path)) return {true, ""};
  if (!user.is_in(kAuthenticated)) return {false, ""};
  if (!info.is_resource && reads && is_discovery(info.path)) return {true, ""};
  if (is_question_about_oneself(info)) return {true, ""};
  return {false, ""};
}

Rules BaseAuthorizer::rules_of(const User& user, const std::string&) const {
  Rules out;
  if (user.is_in(kMasters)) {
    out.rules.push_back({.verbs = {"*"}, .groups = {"*"}, .resources = {"*"}});
    out.rules.push_back({.verbs = {"*"}, .paths = {"*"}});
  }
  if (user.is_in(kAuthenticated)) {
    out.rules.push_back({.verbs = {"create"},
                         .groups = {"authorization.k8s.io"},
                         .resources = {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}});
    out.rules.push_back({.verbs = {"create"},
                         .groups = {"authentication.k8s.io"},
                         .resources = {"selfsubjectreviews"}});
    out.rules.push_back(
        {.verbs = {"get"},
         .paths = {"/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"}});
  }
  out.rules.push_back({.verbs = {"get"}, .paths = {"/healthz", "/livez", "/readyz", "/version"}});
  return out;
}

std::string denial(const User& user, const RequestInfo& info) {
  if (!info.is_resource) {
    return fmt::format("User \"{}\" cannot {} path \"{}\"", user.name, info.verb, info.path);
  }
  const std::string resource =
      info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  const std::string where = info.namespace_.empty()
                                ? "at the cluster scope"
                                : fmt::format("in the namespace \"{}\"", info.namespace_);
  return fmt::format("User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", user.name,
                     info.verb, resource, info.group, where);
}

}  // namespace minato::apiserver
