#include "image/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>

#include "base/check.h"
#include "base/strings.h"
#include "image/reference.h"

namespace minato::image {
namespace {

constexpr int kMaxRedirects = 5;
constexpr std::size_t kMaxHeaders = 200;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct HttpClient::State {
  HttpOptions options;
  CURL* curl = curl_easy_init();
  // Of the transfer under way.
  HttpResponse response;
  const Sink* sink = nullptr;
  Status sink_status;
  std::int64_t body_limit = 0;
  std::size_t header_bytes = 0;

  explicit State(HttpOptions the_options) : options(std::move(the_options)) {
    CHECK(curl != nullptr, "curl_easy_init failed");
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { curl_easy_cleanup(curl); }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
    auto* state = static_cast<State*>(self);
    const std::string_view line = trim(std::string_view(bytes, count));
    if (line.starts_with("HTTP/")) {
      state->response.headers.clear();  // An interim response came before.
      return count;
    }
    state->header_bytes += count;
    if (state->header_bytes > kMaxHeaderBytes || state->response.headers.size() > kMaxHeaders) {
      state->sink_status = fail(Reason::kInvalid, "the response has too many headers");
      return 0;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      state->response.headers.emplace(to_lower(line.substr(0, colon)),
                                      std::string(trim(line.substr(colon + 1))));
    }
    return count;
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
    auto* state = static_cast<State*>(self);
    long status = 0;
    curl_easy_getinfo(state->curl, CURLINFO_RESPONSE_CODE, &status);
    if (*state->sink && status / 100 == 2) {
      state->sink_status = (*state->sink)(std::string_view(bytes, count));
      return state->sink_status ? count : 0;
    }
    state->response.body.append(bytes, count);
    if (static_cast<std::int64_t>(state->response.body.size()) <= state->body_limit) return count;
    state->sink_status = fail(
        Reason::kInvalid, fmt::format("the response is larger than {} bytes", state->body_limit));
    return 0;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<State*>(self)->options.stop.stop_requested() ? 1 : 0;
  }

  void prepare(const HttpRequest& request, const std::string& url, curl_slist* headers);
  Result<HttpResponse> transfer(const HttpRequest& request, const std::string& url,
                                bool authorized, const Sink& the_sink);
};

void HttpClient::State::prepare(const HttpRequest& request, const std::string& url,
                                curl_slist* headers) {
  curl_easy_reset(curl);  // Keeps the connections.
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                   request.transport == Transport::kHttps ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "minato");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  const auto milliseconds = [](Duration duration) {
    return static_cast<long>(duration / std::chrono::milliseconds(1));
  };
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options.connect_timeout));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   std::max(1L, milliseconds(options.stall_timeout) / 1000));
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  // A proxy that the environment names cannot reach this machine's own loopback.
  if (is_loopback_registry(authority_of(url))) curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!request.form.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.form.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.form.c_str());
  }
}

Result<HttpResponse> HttpClient::State::transfer(const HttpRequest& request,
                                                 const std::string& url, bool authorized,
                                                 const Sink& the_sink) {
  if (url.starts_with("http:") && !is_loopback_registry(authority_of(url))) {
    return fail(Reason::kForbidden,
                fmt::format("{} is plain HTTP; that is allowed on loopback addresses only",
                            origin_of(url)));
  }
  response = {};
  sink = &the_sink;
  sink_status = {};
  body_limit = request.body_limit_bytes;
  header_bytes = 0;
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers) {
    headers = curl_slist_append(headers, header.c_str());
  }
  if (authorized && !request.authorization.empty()) {
    headers = curl_slist_append(headers, ("Authorization: " + request.authorization).c_str());
  }
  prepare(request, url, headers);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (!sink_status) return std::unexpected(sink_status.error());
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return fail(Reason::kAborted, "the transfer was cancelled");
  }
  if (code != CURLE_OK) {
    return fail(Reason::kUnavailable,
                fmt::format("{}: {}", origin_of(url), curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return std::move(response);
}

HttpClient::HttpClient(HttpOptions options) {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  state_ = std::make_unique<State>(std::move(options));
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request, const Sink& sink) {
  std::string url = request.url;
  const std::string first_origin = origin_of(url);
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    const bool authorized = origin_of(url) == first_origin;
    ASSIGN_OR_RETURN(HttpResponse response, state_->transfer(request, url, authorized, sink));
    if (!is_redirect(response.status)) return response;
    char* target = nullptr;
    curl_easy_getinfo(state_->curl, CURLINFO_REDIRECT_URL, &target);
    if (target == nullptr || !request.form.empty()) return response;
    url = target;
  }
  return fail(Reason::kUnavailable, first_origin + ": too many redirects");
}

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string base64_encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  text = trim(text);
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return fail(Reason::kInvalid, "not base64");
  // EVP_DecodeBlock counts the padding as bytes.
  const auto padding = text.size() - text.find_last_not_of('=') - 1;
  out.resize(static_cast<std::size_t>(n) - (text.empty() ? 0 : padding));
  return out;
}

std::string origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  return to_lower(url.substr(0, scheme)) + "://" + authority_of(url);
}

std::string authority_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#\\"));
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    rest = rest.substr(at + 1);
  }
  return to_lower(rest);
}

}  // namespace minato::image
