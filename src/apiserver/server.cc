#include "apiserver/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/gzip.h"
#include "apiserver/prepared.h"
#include "apiserver/version.h"
#include "apiserver/views.h"
#include "base/check.h"
#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/json.h"

namespace minato::apiserver {
namespace {

// kubectl before 1.27 takes no other and applies nothing without one. It leaves kinds that are not
// in the document to the server: this one is `swagger: "2.0"` (field 1) and no kinds.
constexpr std::string_view kOldOpenApi = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
// As upstream names it in answers: what is asked for is no media type to Go's parser.
constexpr std::string_view kOldOpenApiType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view kEmptyDocument = "\x0a\x03""2.0";

constexpr std::string_view kNotFound = "the server could not find the requested resource";

void not_found(const CallPtr& call) {
  call->answer(failure({Reason::kNotFound, std::string(kNotFound)}));
}

void not_allowed(const CallPtr& call) {
  call->fail({Reason::kMethodNotAllowed,
              "the server does not allow this method on the requested resource"});
}

std::string version_text() {
  return fmt::format(
      R"({{"major":"{}","minor":"{}","gitVersion":"{}","gitCommit":"","gitTreeState":"clean",)"
      R"("buildDate":"1970-01-01T00:00:00Z","goVersion":"","compiler":"gcc","platform":"linux/amd64"}})",
      kMajor, kMinor, kGitVersion);
}

std::string forbidden_text(const Call& call) {
  const std::string why = denial(call.user, call.info);
  if (!call.info.is_resource) return "forbidden: " + why;
  const std::string resource =
      call.info.group.empty() ? call.info.resource : call.info.resource + "." + call.info.group;
  return call.info.name.empty()
             ? fmt::format("{} is forbidden: {}", resource, why)
             : fmt::format("{} \"{}\" is forbidden: {}", resource, call.info.name, why);
}

bool serves(const std::vector<std::string_view>& verbs, std::string_view verb) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

}  // namespace

ApiServer::ApiServer(env::Env env, registry::Registry& registry, const Authenticator& authenticator,
                     const Authorizer& authorizer, ServerOptions options)
    : options_(std::move(options)),
      authenticator_(authenticator),
      authorizer_(authorizer),
      catalogue_(registry.store().kinds()),
      openapi_(catalogue_),
      lists_(env.fork("lists"), registry),
      watches_(env.fork("watches"), registry, options_.watch_limits),
      writes_(env.fork("writes"), registry, authorizer),
      subresources_(env.fork("subresources"), registry, options_.logs),
      remote_(env.fork("remote"), registry, options_.streams),
      reviews_(authenticator, authorizer) {
  const kube::Kind& kind = kube::CustomResourceDefinition::static_kind();
  auto watch = registry.watch(
      kind, {}, registry.store().resource_version(),
      [this, &executor = env.executor, alive = std::weak_ptr(alive_)](const kube::WatchEvent&) {
        // Ending a stream runs what hangs on it: not from inside somebody's write.
        executor.post([this, alive] {
          if (alive.lock()) watches_.end_unserved(catalogue_);
        });
      });
  CHECK(watch, "definitions can be watched from now on");
  definitions_ = std::move(*watch);
}

void ApiServer::handle(HttpRequest request, ExchangePtr exchange) {
  const auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->exchange = std::move(exchange);
  if (!call->request.prepared) prepare(call->request);
  Prepared& prepared = *call->request.prepared;
  if (!prepared.is_well_formed)
    return call->fail({Reason::kBadRequest, "the request's path or query is malformed"});
  call->url = std::move(prepared.url);
  call->info = std::move(prepared.info);
  if (const Status known = identify(*call); !known) return call->answer(failure(known.error()));
  if (const Decision decision = authorizer_.authorize(call->user, call->info); !decision.allowed) {
    return call->fail({Reason::kForbidden, forbidden_text(*call)});
  }
  const std::string& verb = call->info.verb;
  const bool is_whole = verb == "list" || (verb == "get" && call->info.subresource.empty());
  if (is_whole && accepts_gzip(call->request)) call->exchange = gzip_answers(call->exchange);
  serve(call);
}

Status ApiServer::identify(Call& call) const {
  ASSIGN_OR_RETURN(call.user, authenticator_.authenticate(call.request));
  return impersonate(call);
}

// kubectl --as: who may impersonate whom is the authorizer's to say, for each part of who they say
// to be. A part that is not looked at would be a way around it.
Status ApiServer::impersonate(Call& call) const {
  User wanted;
  std::vector<std::string> account_groups;
  std::vector<RequestInfo> checks;
  const auto check = [&](std::string group, std::string resource, std::string name) -> RequestInfo& {
    return checks.emplace_back(RequestInfo{.is_resource = true,
                                           .verb = "impersonate",
                                           .group = std::move(group),
                                           .resource = std::move(resource),
                                           .name = std::move(name)});
  };
  for (const auto& [key, value] : call.request.headers) {
    const std::string name = to_lower(key);
    if (name == "impersonate-user") {
      const auto parts = split(value, ':');
      if (parts.size() == 4 && value.starts_with("system:serviceaccount:")) {
        check("", "serviceaccounts", parts[3]).namespace_ = parts[2];
        account_groups = service_account_user(parts[2], "", "").groups;
      } else {
        check("", "users", value);
      }
      wanted.name = value;
    } else if (name == "impersonate-group") {
      check("", "groups", value);
      wanted.groups.push_back(value);
    } else if (name == "impersonate-uid") {
      check("authentication.k8s.io", "uids", value);
      wanted.uid = value;
    } else if (name.starts_with("impersonate-extra-")) {
      check("authentication.k8s.io", "userextras", value).subresource =
          name.substr(std::string_view("impersonate-extra-").size());
    }
  }
  if (checks.empty()) return {};
  if (wanted.name.empty())
    return minato::fail(Reason::kBadRequest,
                        "requested parts of a user without a user to impersonate");
  for (const RequestInfo& info : checks) {
    if (authorizer_.authorize(call.user, info).allowed) continue;
    return minato::fail(Reason::kForbidden, fmt::format("{} \"{}\" is forbidden: {}", info.resource,
                                                        info.name, denial(call.user, info)));
  }
  if (wanted.groups.empty()) wanted.groups = std::move(account_groups);
  call.user = std::move(wanted);
  const std::string_view group = call.user.name == kAnonymous ? kUnauthenticated : kAuthenticated;
  if (!call.user.is_in(group)) call.user.groups.emplace_back(group);
  return {};
}

void ApiServer::serve(const CallPtr& call) {
  if (!call->info.is_resource) return serve_path(call);
  call->served = catalogue_.find(call->info.group, call->info.version, call->info.resource);
  if (call->served == nullptr) return not_found(call);
  const VersionView* view = find_view(call->info.group, call->info.version, call->info.resource);
  // Parts other than the status (a scale) are the same in all versions.
  if (view != nullptr && (call->info.subresource.empty() || call->info.subresource == "status")) {
    if (const Status read = convert_request(*view, call->request, call->url); !read)
      return call->fail(read.error());
    call->exchange = convert_answers(*view, call->exchange);
  }
  if (call->served->stored != nullptr && call->served->stored->custom) {
    if (const std::string& warning = call->served->stored->custom->deprecation; !warning.empty())
      call->warnings.push_back(warning);
  }
  serve_resource(call);
}

void ApiServer::serve_resource(const CallPtr& call) {
  const ServedResource& served = *call->served;
  if (served.stored == nullptr) {
    if (!serves(served.verbs, call->info.verb)) return not_allowed(call);
    if (served.group == "metrics.k8s.io") return answer_metrics(call, options_.metrics);
    return reviews_.create(call);
  }
  // An object of a namespace is reached through its namespace.
  if (served.namespaced && !call->info.name.empty() && call->info.namespace_.empty())
    return not_found(call);
  if (call->info.subresource.empty()) return serve_object(call);
  serve_subresource(call);
}

void ApiServer::serve_object(const CallPtr& call) {
  const std::string& verb = call->info.verb;
  if (!serves(call->served->verbs, verb)) return not_allowed(call);
  if (verb == "get") return lists_.get(call);
  if (verb == "list") return lists_.list(call);
  if (verb == "watch") return watches_.open(call);
  if (verb == "create") return call->info.name.empty() ? writes_.create(call) : not_allowed(call);
  if (call->info.name.empty() && verb != "deletecollection") return not_allowed(call);
  if (verb == "update") return writes_.update(call);
  if (verb == "patch") return writes_.patch(call);
  if (verb == "delete") return writes_.remove(call);
  if (verb == "deletecollection") return writes_.remove_collection(call);
  not_allowed(call);
}

void ApiServer::serve_subresource(const CallPtr& call) {
  const auto& all = call->served->subresources;
  const std::string& verb = call->info.verb;
  const auto part = std::ranges::find(all, call->info.subresource, &ServedSubresource::name);
  if (part == all.end()) return not_found(call);
  if (!serves(part->verbs, verb)) return not_allowed(call);
  if (part->name == "scale") return subresources_.scale(call);
  if (part->name == "eviction") return subresources_.evict(call);
  if (part->name == "binding") return subresources_.bind(call);
  if (part->name == "log") return subresources_.log(call);
  if (part->name == "exec") return remote_.exec(call);
  if (part->name == "attach") return remote_.attach(call);
  if (part->name == "token") return serve_token(call);
  if (part->name == "portforward") return remote_.port_forward(call);
  if (verb == "get") return lists_.get(call);
  if (verb == "update") return writes_.update(call);
  writes_.patch(call);
}

void ApiServer::serve_token(const CallPtr& call) {
  if (options_.tokens == nullptr) return call->fail({Reason::kUnavailable, "no tokens here"});
  auto asked = read_object(call->request, kube::TokenRequest::static_kind());
  if (!asked) return call->fail(asked.error());
  const auto issued =
      options_.tokens->issue(call->key(), kube::as<kube::TokenRequest>(**asked));
  if (!issued) return call->fail(issued.error());
  call->answer({.status = 201, .body = kube::to_json(*issued) + "\n"});
}

void ApiServer::serve_path(const CallPtr& call) {
  const std::string& path = call->info.path;
  if (call->info.verb != "get" && call->info.verb != "head") return not_allowed(call);
  if (path == "/version") return call->answer({.body = version_text() + "\n"});
  if (path == "/api" || path.starts_with("/api/") || path == "/apis" ||
      path.starts_with("/apis/")) {
    return serve_discovery(call);
  }
  if (path == "/openapi/v2" || path.starts_with("/openapi/v3")) return serve_openapi(call);
  if (path == "/") {
    return call->answer(
        {.body =
             R"({"paths":["/api","/api/v1","/apis","/healthz","/livez","/openapi/v2","/openapi/v3","/readyz","/version"]})"
             "\n"});
  }
  const std::string& first = call->url.segments[0];
  if (first == "healthz" || first == "livez" || first == "readyz") return serve_health(call);
  not_found(call);
}

void ApiServer::serve_discovery(const CallPtr& call) const {
  const auto& parts = call->url.segments;
  const bool core = parts[0] == "api";
  if (parts.size() == 1) {
    if (const std::string version = negotiate_discovery(call->request); !version.empty()) {
      return call->answer(
          {.content_type = fmt::format(
               "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", version),
           .body = catalogue_.aggregated(core ? Part::kCore : Part::kGroups, version)});
    }
    return call->answer({.body = core ? legacy_versions(options_.address) : catalogue_.group_list()});
  }
  std::string body;
  if (core && parts.size() == 2) body = catalogue_.resource_list("", parts[1]);
  if (!core && parts.size() == 2) body = catalogue_.group(parts[1]);
  if (!core && parts.size() == 3) body = catalogue_.resource_list(parts[1], parts[2]);
  if (body.empty()) return not_found(call);
  call->answer({.body = std::move(body)});
}

void ApiServer::serve_openapi(const CallPtr& call) {
  const std::string& path = call->info.path;
  if (path == "/openapi/v2") {
    const std::string_view accept = call->request.header("Accept");
    if (!accept.empty() && accept.find("json") == std::string_view::npos &&
        accept.find("*/*") == std::string_view::npos) {
      if (accept.starts_with(kOldOpenApi)) {
        return call->answer(
            {.content_type = std::string(kOldOpenApiType), .body = std::string(kEmptyDocument)});
      }
      return call->answer(failure(406, "NotAcceptable",
                                  "only the following media types are accepted: application/json"));
    }
    return call->answer({.body = openapi_.v2()});
  }
  if (path == "/openapi/v3") return call->answer({.body = openapi_.index()});
  const std::string& body =
      openapi_.v3(std::string_view(path).substr(std::string_view("/openapi/v3/").size()));
  if (body.empty()) return not_found(call);
  call->answer({.body = body});
}

void ApiServer::serve_health(const CallPtr& call) const {
  const bool asks_ready = call->url.segments[0] == "readyz";
  const std::string why = asks_ready && options_.not_ready ? options_.not_ready() : "";
  call->answer({.status = why.empty() ? 200 : 500,
                .content_type = "text/plain; charset=utf-8",
                .body = why.empty() ? "ok" : why + "\n"});
}

}  // namespace minato::apiserver
