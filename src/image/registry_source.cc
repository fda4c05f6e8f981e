// A registry, by the HTTP API of github.com/opencontainers/distribution-spec (pull) and the token
// flow of github.com/distribution/distribution docs/spec/auth/token.md.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <variant>

#include "base/strings.h"
#include "image/auth.h"
#include "image/http.h"
#include "image/json.h"
#include "image/source.h"

namespace minato::image {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTokenLimit = 256 * 1024;
constexpr std::int64_t kErrorLimit = 64 * 1024;
constexpr std::size_t kMessageLimit = 200;

bool is_worth_retrying(int status) { return status == 429 || status / 100 == 5; }

// A registry's own words, fit for a terminal and a Pod's status.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMessageLimit));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// {"errors":[{"code":"MANIFEST_UNKNOWN","message":"…"}]}
std::string words_of(const HttpResponse& response) {
  const auto document = parse_object(response.body, "the error");
  if (!document) return "";
  const auto errors = array_member(*document, "errors");
  if (!errors || *errors == nullptr || (*errors)->empty()) return "";
  const auto first = as_object((*errors)->front(), "error");
  if (!first) return "";
  return " (" + printable(string_member(**first, "code").value_or("")) + ": " +
         printable(string_member(**first, "message").value_or("")) + ")";
}

class RegistrySource final : public Source {
 public:
  RegistrySource(Reference reference, const Options& options, std::stop_token stop)
      : reference_(std::move(reference)),
        options_(options),
        stop_(std::move(stop)),
        http_(HttpOptions{.ca_file = options.ca_file,
                          .connect_timeout = options.connect_timeout,
                          .stall_timeout = options.stall_timeout,
                          .stop = stop_}) {}

  Result<Manifest> manifest() override;
  Status fetch(const Descriptor& blob, BlobWriter& out) override;

 private:
  Status choose_base();
  Result<HttpResponse> get(const std::string& path, const std::string& accept, std::int64_t limit,
                           BlobWriter* out);
  Result<HttpResponse> get_once(const HttpRequest& request, BlobWriter* out);
  Status authorize(const HttpResponse& refused);
  Result<std::string> fetch_token(const Challenge& challenge, const Credentials& credentials);
  Status wait(int attempt, const HttpResponse* response);
  std::unexpected<Error> failure(const HttpResponse& response, std::string_view what) const;
  Result<std::string> get_manifest(const std::string& tag_or_digest,
                                   const std::optional<Descriptor>& expected);
  Transport transport() const {
    return is_loopback_registry(reference_.registry) ? Transport::kHttpsOrLoopbackHttp
                                                     : Transport::kHttps;
  }

  Reference reference_;
  const Options& options_;
  std::stop_token stop_;
  HttpClient http_;
  std::string base_;           // "https://registry:5000/v2/name/"; "" until known.
  std::string authorization_;  // Once the registry has asked for it.
};

// HTTPS, but for a loopback registry that speaks plain HTTP. That is tried first there, since it
// spares loading the certificates; the probe carries no login. A TLS server answers it with 400.
Status RegistrySource::choose_base() {
  if (!base_.empty()) return {};
  const std::string host =
      reference_.registry == "docker.io" ? "registry-1.docker.io" : reference_.registry;
  std::string scheme = "https";
  if (transport() == Transport::kHttpsOrLoopbackHttp) {
    const auto answer = http_.send({.url = fmt::format("http://{}/v2/", host),
                                    .transport = Transport::kHttpsOrLoopbackHttp,
                                    .body_limit_bytes = kErrorLimit});
    if (failed_with(answer, Reason::kAborted)) return std::unexpected(answer.error());
    if (answer && answer->status != 400) scheme = "http";
  }
  base_ = fmt::format("{}://{}/v2/{}/", scheme, host, reference_.name);
  return {};
}

Status RegistrySource::wait(int attempt, const HttpResponse* response) {
  Duration pause = options_.retry.first_backoff;
  for (int i = 1; i < attempt && pause < options_.retry.longest_backoff; ++i) pause *= 2;
  if (response != nullptr) {
    const auto seconds = parse_int(response->header("retry-after"));
    if (seconds && *seconds > 0 && *seconds < 3600) {
      pause = std::max<Duration>(pause, std::chrono::seconds(*seconds));
    }
  }
  pause = std::min(pause, options_.retry.longest_backoff);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, stop_, pause, [] { return false; });
  if (stop_.stop_requested()) return fail(Reason::kAborted, "the pull was cancelled");
  return {};
}

Result<HttpResponse> RegistrySource::get_once(const HttpRequest& request, BlobWriter* out) {
  HttpRequest authorized = request;
  authorized.authorization = authorization_;
  const auto sink = [out](std::string_view bytes) { return out->append(bytes); };
  const auto send = [&] {
    return out == nullptr ? http_.send(authorized) : http_.send(authorized, sink);
  };
  ASSIGN_OR_RETURN(HttpResponse response, send());
  if (response.status != 401) return response;
  // A first request has no token yet, a later one may have outlived its token.
  RETURN_IF_ERROR(authorize(response));
  authorized.authorization = authorization_;
  return send();
}

Result<HttpResponse> RegistrySource::get(const std::string& path, const std::string& accept,
                                         std::int64_t limit, BlobWriter* out) {
  RETURN_IF_ERROR(choose_base());
  HttpRequest request{.url = base_ + path,
                      .transport = transport(),
                      .body_limit_bytes = limit};
  if (!accept.empty()) request.headers.push_back("Accept: " + accept);
  for (int attempt = 1;; ++attempt) {
    if (out != nullptr) RETURN_IF_ERROR(out->restart());
    auto response = get_once(request, out);
    const bool again = response ? is_worth_retrying(response->status)
                                : response.error().reason == Reason::kUnavailable;
    if (!again || attempt >= options_.retry.attempts) return response;
    // A full disk is unavailable as well, but another try would only fill it again.
    if (out != nullptr && !response && out->failed()) return response;
    RETURN_IF_ERROR(wait(attempt, response ? &*response : nullptr));
  }
}

Status RegistrySource::authorize(const HttpResponse& refused) {
  ASSIGN_OR_RETURN(const Credentials credentials,
                   find_credentials(options_.auth_files, reference_.registry, reference_.name));
  // A registry may offer several schemes; Bearer is preferred as it keeps the password away.
  std::optional<Challenge> basic;
  const auto [first, last] = refused.headers.equal_range("www-authenticate");
  for (auto header = first; header != last; ++header) {
    const auto challenge = parse_challenge(header->second);
    if (!challenge) continue;
    if (challenge->scheme == "bearer") {
      ASSIGN_OR_RETURN(const std::string token, fetch_token(*challenge, credentials));
      authorization_ = "Bearer " + token;
      return {};
    }
    if (challenge->scheme == "basic") basic = *challenge;
  }
  if (!basic) {
    return fail(Reason::kUnauthorized,
                reference_.registry + " asks for an authentication that is not understood");
  }
  if (credentials.user.empty()) {
    return fail(Reason::kUnauthorized,
                fmt::format("{} asks for a login; sign in with `docker login {}` or "
                            "`skopeo login {}` and try again",
                            reference_.registry, reference_.registry, reference_.registry));
  }
  authorization_ = "Basic " + base64_encode(credentials.user + ":" + credentials.password);
  return {};
}

Result<std::string> RegistrySource::fetch_token(const Challenge& challenge,
                                                const Credentials& credentials) {
  const auto parameter = [&](const char* name) {
    const auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
  };
  const std::string realm = parameter("realm");
  std::string scope = parameter("scope");
  if (scope.empty()) scope = fmt::format("repository:{}:pull", reference_.name);
  std::string query = fmt::format("service={}&scope={}", percent_encode(parameter("service")),
                                  percent_encode(scope));
  // The realm gets credentials: only over TLS, unless registry and realm are both loopback.
  HttpRequest request{.url = realm, .transport = transport(), .body_limit_bytes = kTokenLimit};
  if (!credentials.identity_token.empty()) {
    request.form = fmt::format("grant_type=refresh_token&client_id=minato&refresh_token={}&{}",
                               percent_encode(credentials.identity_token), query);
  } else {
    request.url += (realm.find('?') == std::string::npos ? "?" : "&") + query;
    if (!credentials.user.empty()) {
      request.authorization =
          "Basic " + base64_encode(credentials.user + ":" + credentials.password);
    }
  }
  ASSIGN_OR_RETURN(const HttpResponse response, http_.send(request));
  if (is_worth_retrying(response.status)) {
    return fail(Reason::kUnavailable,
                fmt::format("the token service {} answers {}", origin_of(realm), response.status));
  }
  if (response.status != 200) {
    return fail(Reason::kUnauthorized,
                fmt::format("the token service {} answers {}{}", origin_of(realm), response.status,
                            credentials.empty() ? "; no login is stored for it" : ""));
  }
  ASSIGN_OR_RETURN(const json::object answer, parse_object(response.body, "the token"));
  ASSIGN_OR_RETURN(std::string token, string_member(answer, "token"));
  if (token.empty()) {
    ASSIGN_OR_RETURN(token, string_member(answer, "access_token"));
  }
  const bool clean = !token.empty() && std::ranges::all_of(token, [](char c) {
    return c > ' ' && c <= '~';
  });
  if (!clean) return fail(Reason::kUnauthorized, "the token service gave no usable token");
  return token;
}

std::unexpected<Error> RegistrySource::failure(const HttpResponse& response,
                                               std::string_view what) const {
  const std::string words = words_of(response);
  switch (response.status) {
    case 404:
      return fail(Reason::kNotFound,
                  fmt::format("{} has no {}{}", reference_.registry, what, words));
    case 401:
    case 403:
      return fail(Reason::kUnauthorized,
                  fmt::format("{} refuses {}; the repository does not exist or needs another "
                              "login{}",
                              reference_.registry, what, words));
    case 429:
      return fail(Reason::kUnavailable,
                  fmt::format("{} limits the rate of pulls{}", reference_.registry, words));
    default:
      return fail(Reason::kUnavailable, fmt::format("{} answers {} to {}{}", reference_.registry,
                                                    response.status, what, words));
  }
}

Result<std::string> RegistrySource::get_manifest(const std::string& tag_or_digest,
                                                 const std::optional<Descriptor>& expected) {
  ASSIGN_OR_RETURN(HttpResponse response,
                   get("manifests/" + tag_or_digest, std::string(kManifestMediaTypes),
                       options_.limits.manifest_bytes, nullptr));
  if (response.status != 200) {
    return failure(response, fmt::format("manifest {} of {}", tag_or_digest, reference_.name));
  }
  if (!expected) return std::move(response.body);
  Hasher hasher(expected->digest->algorithm());
  hasher.update(response.body);
  if (hasher.finish() != *expected->digest) {
    return fail(Reason::kInvalid, fmt::format("manifest {} is damaged or forged: its content has "
                                              "another digest",
                                              expected->digest->text()));
  }
  if (expected->size >= 0 && expected->size != static_cast<std::int64_t>(response.body.size())) {
    return fail(Reason::kInvalid, fmt::format("manifest {} has another size than its index says",
                                              expected->digest->text()));
  }
  return std::move(response.body);
}

Result<Manifest> RegistrySource::manifest() {
  std::optional<Descriptor> expected;
  if (reference_.digest) expected = Descriptor{.digest = reference_.digest};
  std::string name = reference_.digest ? reference_.digest->text() : reference_.tag;
  for (int depth = 0; depth < kIndexDepth; ++depth) {
    ASSIGN_OR_RETURN(const std::string text, get_manifest(name, expected));
    ASSIGN_OR_RETURN(auto parsed, parse_manifest(text, options_.limits));
    if (auto* manifest = std::get_if<Manifest>(&parsed)) {
      if (expected) manifest->digest = *expected->digest;
      return std::move(*manifest);
    }
    ASSIGN_OR_RETURN(expected, choose_platform(std::get<Index>(parsed), options_.architecture));
    name = expected->digest->text();
  }
  return fail(Reason::kInvalid, "the image's indexes are nested too deep");
}

Status RegistrySource::fetch(const Descriptor& blob, BlobWriter& out) {
  const std::string digest = blob.digest->text();
  ASSIGN_OR_RETURN(const HttpResponse response, get("blobs/" + digest, "", kErrorLimit, &out));
  if (response.status != 200) return failure(response, "blob " + digest);
  return out.finish();
}

}  // namespace

std::unique_ptr<Source> make_registry_source(const Reference& reference, const Options& options,
                                             std::stop_token stop) {
  return std::make_unique<RegistrySource>(reference, options, std::move(stop));
}

}  // namespace minato::image
