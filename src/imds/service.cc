#include "imds/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/strings.h"
#include "imds/documents.h"

namespace minato::imds {
namespace {

// The versions that the service lists; they all have the same documents here.
constexpr std::array<std::string_view, 23> kVersions = {
    "1.0",        "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15",
    "2008-02-01", "2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12",
    "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19", "2016-06-30", "2016-09-02",
    "2018-03-28", "2018-08-17", "2018-09-24", "2021-03-23", "latest"};

constexpr std::string_view kTokenAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTokenBytes = 54;

Response text(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain"}, {"Server", "EC2ws"}}, std::move(body)};
}

Response refusal(int status, std::string_view title) {
  std::string body = fmt::format(
      "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n"
      "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n"
      "\t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
      "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n"
      " <head>\n  <title>{0} - {1}</title>\n </head>\n"
      " <body>\n  <h1>{0} - {1}</h1>\n </body>\n</html>\n",
      status, title);
  return {status, {{"Content-Type", "text/html"}, {"Server", "EC2ws"}}, std::move(body)};
}
Response not_found() { return refusal(404, "Not Found"); }
Response bad_request() { return refusal(400, "Bad Request"); }
Response not_allowed(std::string_view allow) {
  Response out = refusal(405, "Not Allowed");
  out.headers["Allow"] = allow;
  return out;
}

// All values of a header.
std::vector<std::string> values_of(const Request& request, std::string_view name) {
  std::vector<std::string> out;
  const std::string wanted = to_lower(name);
  for (const auto& [each, value] : request.headers) {
    if (to_lower(each) == wanted) out.emplace_back(trim(value));
  }
  return out;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// Decoded once, so "%252F" names a "%2F" that does not exist. An encoded slash or control character
// is no part of any name.
std::optional<std::string> decode(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    char c = segment[i];
    if (c == '%') {
      if (i + 2 >= segment.size()) return std::nullopt;
      const auto high = hex_digit(segment[i + 1]);
      const auto low = hex_digit(segment[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

// The names on the way, without the query; nothing when the path is none. "." and ".." are names
// like others, of things that do not exist.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() > kMaxPathBytes) return std::nullopt;
  path = path.substr(0, path.find('?'));
  std::vector<std::string> out;
  for (const std::string& raw : split(path, '/')) {
    if (raw.empty()) continue;
    std::optional<std::string> name = decode(raw);
    if (!name) return std::nullopt;
    out.push_back(std::move(*name));
  }
  return out;
}

// The children of a directory; nothing when there is none of that name.
std::optional<std::string> listing(const Documents& all, const std::string& directory) {
  const std::string prefix = directory.empty() ? directory : directory + "/";
  std::set<std::string> children;
  for (auto it = all.lower_bound(prefix); it != all.end() && it->first.starts_with(prefix); ++it) {
    const std::string rest = it->first.substr(prefix.size());
    const std::size_t slash = rest.find('/');
    // The top is listed without slashes.
    children.insert(slash == std::string::npos || directory.empty() ? rest.substr(0, slash)
                                                                    : rest.substr(0, slash + 1));
  }
  if (children.empty()) return std::nullopt;
  return join({children.begin(), children.end()}, "\n");
}

}  // namespace

Service::Service(env::Env env, Source source)
    : env_(env.fork("imds")), source_(std::move(source)) {}

Response Service::handle(const Request& request) {
  const InstanceView view = source_();
  if (view.http_endpoint == HttpEndpoint::kDisabled) return refusal(403, "Forbidden");
  if (request.headers.size() > kMaxHeaders) return bad_request();
  const auto segments = segments_of(request.path);
  if (!segments) return bad_request();
  const bool is_token = *segments == std::vector<std::string>{"latest", "api", "token"};
  if (is_token) {
    return request.method == "PUT" ? issue_token(request) : not_allowed("OPTIONS, PUT");
  }
  if (request.method != "GET" && request.method != "HEAD") return not_allowed("GET, HEAD");
  Response out = read(request, view);
  if (request.method == "HEAD") out.body.clear();
  return out;
}

// ---- Tokens.

Response Service::issue_token(const Request& request) {
  // Whoever adds this header is a proxy that would hand the token out.
  if (!values_of(request, "X-Forwarded-For").empty()) return refusal(403, "Forbidden");
  const auto asked = values_of(request, kTokenTtlHeader);
  if (asked.size() != 1) return bad_request();
  const Result<std::int64_t> seconds = parse_int(asked.front());
  if (!seconds || *seconds < 1 || *seconds > kMaxTokenTtl / 1s) return bad_request();
  make_room();
  const std::string token = new_token();
  tokens_[token] = env_.clock.monotonic() + std::chrono::seconds(*seconds);
  Response out = text(200, token);
  out.headers[std::string(kTokenTtlHeader)] = std::to_string(*seconds);
  return out;
}

void Service::make_room() {
  if (tokens_.size() < kMaxTokens) return;
  const MonoTime now = env_.clock.monotonic();
  std::erase_if(tokens_, [&](const auto& each) { return each.second <= now; });
  if (tokens_.size() < kMaxTokens) return;
  tokens_.erase(std::ranges::min_element(tokens_, {}, [](const auto& each) {
    return std::pair(each.second, each.first);
  }));
}

std::string Service::new_token() {
  std::string out;
  while (out.size() < kTokenBytes) out += kTokenAlphabet[env_.rng.below(kTokenAlphabet.size())];
  return out + "==";
}

bool Service::may_read(const Request& request, const InstanceView& view) const {
  const auto given = values_of(request, kTokenHeader);
  if (given.empty()) return view.http_tokens == HttpTokens::kOptional;
  if (given.size() != 1) return false;
  const auto found = tokens_.find(given.front());
  return found != tokens_.end() && env_.clock.monotonic() < found->second;
}

// ---- Documents.

Response Service::read(const Request& request, const InstanceView& view) {
  if (!may_read(request, view)) return refusal(401, "Unauthorized");
  std::vector<std::string> names = *segments_of(request.path);
  if (names.empty()) {
    return text(200, join({kVersions.begin(), kVersions.end()}, "\n"));
  }
  if (std::ranges::find(kVersions, names.front()) == kVersions.end()) return not_found();
  names.erase(names.begin());
  const Documents all = documents(view);
  const std::string path = join(names, "/");
  if (const auto found = all.find(path); found != all.end()) return text(200, found->second);
  if (const auto children = listing(all, path)) return text(200, *children);
  return not_found();
}

}  // namespace minato::imds
