#include "image/auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "host/files.h"
#include "host/process.h"
#include "image/http.h"
#include "image/json.h"

namespace minato::image {
namespace {

namespace json = boost::json;

constexpr std::size_t kFileLimit = 1 << 20;
constexpr std::string_view kDockerHubKey = "https://index.docker.io/v1/";

// Keys are written as hosts, with namespaces, or as Docker's old URLs.
std::string normal_key(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  if (key == "index.docker.io" || key == "registry-1.docker.io") return "docker.io";
  return std::string(key);
}

Result<Credentials> read_entry(const json::object& entry) {
  Credentials out;
  ASSIGN_OR_RETURN(out.identity_token, string_member(entry, "identitytoken"));
  ASSIGN_OR_RETURN(const std::string encoded, string_member(entry, "auth"));
  if (encoded.empty()) return out;
  const auto decoded = base64_decode(encoded);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return fail(Reason::kInvalid, "an \"auth\" entry is not base64 of \"user:password\"");
  }
  out.user = decoded->substr(0, colon);
  out.password = decoded->substr(colon + 1);
  // Docker pads with NUL bytes.
  while (out.password.ends_with('\0')) out.password.pop_back();
  return out;
}

// docker-credential-NAME get: the server on standard input, a JSON object on standard output.
Result<Credentials> ask_helper(const std::string& helper, const std::string& server) {
  const bool plain = !helper.empty() && std::ranges::all_of(helper, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!plain) return fail(Reason::kInvalid, "a credential helper's name is not a plain word");
  const std::string program = "docker-credential-" + helper;
  auto result = host::run_command({program, "get"}, server);
  if (!result) return wrap("running " + program, std::move(result).error());
  if (result->status.code != 0) {
    // The helper's words for an unknown server; its other output might hold secrets.
    if (result->output.find("credentials not found") != std::string::npos) return Credentials{};
    return fail(Reason::kUnauthorized, fmt::format("{} failed with exit status {}", program,
                                                   result->status.code));
  }
  ASSIGN_OR_RETURN(const json::object answer,
                   parse_object(result->output, "the answer of " + program));
  Credentials out;
  ASSIGN_OR_RETURN(out.user, string_member(answer, "Username"));
  ASSIGN_OR_RETURN(out.password, string_member(answer, "Secret"));
  // The protocol's mark for an identity token.
  if (out.user == "<token>") out = {.user = "", .password = "", .identity_token = out.password};
  return out;
}

// "host/a/b", "host/a", "host".
std::vector<std::string> candidates(const std::string& registry, const std::string& name) {
  std::vector<std::string> out;
  std::string key = registry + "/" + name;
  while (true) {
    out.push_back(key);
    const std::size_t slash = key.rfind('/');
    if (slash == std::string::npos) return out;
    key.resize(slash);
  }
}

Result<Credentials> search_file(const json::object& document, const std::string& registry,
                                const std::string& name) {
  ASSIGN_OR_RETURN(const json::object* auths, object_member(document, "auths"));
  std::map<std::string, const json::object*> by_key;
  if (auths != nullptr) {
    for (const auto& [key, value] : *auths) {
      if (value.is_object()) by_key[normal_key({key.data(), key.size()})] = &value.get_object();
    }
  }
  for (const std::string& key : candidates(registry, name)) {
    const auto found = by_key.find(key);
    if (found == by_key.end()) continue;
    ASSIGN_OR_RETURN(Credentials credentials, read_entry(*found->second));
    // An empty entry says that a helper has them.
    if (!credentials.empty()) return credentials;
  }
  const std::string server = registry == "docker.io" ? std::string(kDockerHubKey) : registry;
  ASSIGN_OR_RETURN(const json::object* helpers, object_member(document, "credHelpers"));
  std::string helper;
  if (helpers != nullptr) {
    ASSIGN_OR_RETURN(helper, string_member(*helpers, registry));
  }
  if (helper.empty()) {
    ASSIGN_OR_RETURN(helper, string_member(document, "credsStore"));
  }
  if (helper.empty()) return Credentials{};
  return ask_helper(helper, server);
}

}  // namespace

Result<Credentials> find_credentials(const std::vector<std::string>& files,
                                     const std::string& registry, const std::string& name) {
  for (const std::string& file : files) {
    auto text = host::read_file(file, kFileLimit);
    if (failed_with(text, Reason::kNotFound)) continue;
    if (!text) return std::unexpected(text.error());
    ASSIGN_OR_RETURN(const json::object document, parse_object(*text, file));
    auto credentials = search_file(document, registry, name);
    if (!credentials) return wrap(file, std::move(credentials).error());
    if (!credentials->empty()) return credentials;
  }
  return Credentials{};
}

Result<Challenge> parse_challenge(std::string_view header) {
  header = trim(header);
  const std::size_t space = header.find(' ');
  Challenge out{.scheme = to_lower(header.substr(0, space)), .parameters = {}};
  if (out.scheme.empty()) return fail(Reason::kInvalid, "an empty authentication challenge");
  std::string_view rest = space == std::string_view::npos ? "" : header.substr(space + 1);
  while (!(rest = trim(rest)).empty()) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) break;  // token68, of which neither scheme has any.
    const std::string key = to_lower(trim(rest.substr(0, equals)));
    rest = trim(rest.substr(equals + 1));
    std::string value;
    if (rest.starts_with('"')) {
      std::size_t at = 1;
      for (; at < rest.size() && rest[at] != '"'; ++at) {
        if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
        value += rest[at];
      }
      if (at >= rest.size()) return fail(Reason::kInvalid, "a damaged authentication challenge");
      rest = rest.substr(at + 1);
    } else {
      value = trim(rest.substr(0, rest.find(',')));
    }
    out.parameters[key] = value;
    const std::size_t comma = rest.find(',');
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  return out;
}

}  // namespace minato::image
