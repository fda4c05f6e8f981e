#include "aws_http/sigv4.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string_view>

#include "base/check.h"
#include "base/strings.h"
#include "tls/x509.h"

namespace minato::aws_http {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                          out.data(), &size);
  CHECK(made != nullptr, "HMAC-SHA256 failed");
  return {reinterpret_cast<const char*>(out.data()), size};
}

// "2015-08-30T12:36:00Z" → "20150830T123600Z".
std::string basic_format(WallTime now) {
  std::string text = format_rfc3339(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

// Ends trimmed, runs of spaces made one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

std::map<std::string, std::string> canonical_headers(const HttpRequest& request) {
  std::map<std::string, std::string> out{{"host", host_of(request.origin)}};
  for (const auto& [name, value] : request.headers) {
    const auto [known, is_new] = out.try_emplace(to_lower(name), canonical_value(value));
    if (!is_new) known->second += "," + canonical_value(value);
  }
  return out;
}

std::string signing_key(const Credentials& credentials, const SigningScope& scope,
                        std::string_view date) {
  const std::string of_date = hmac("AWS4" + credentials.secret_access_key, date);
  return hmac(hmac(hmac(of_date, scope.region), scope.service), "aws4_request");
}

}  // namespace

void sign(HttpRequest& request, const Credentials& credentials, const SigningScope& scope,
          WallTime now) {
  const std::string time = basic_format(now);
  const std::string date = time.substr(0, time.find('T'));
  request.headers.emplace_back("X-Amz-Date", time);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  std::string lines;
  std::string names;
  for (const auto& [name, value] : canonical_headers(request)) {
    lines += fmt::format("{}:{}\n", name, value);
    names += names.empty() ? name : ";" + name;
  }
  const std::string canonical = fmt::format("{}\n{}\n\n{}\n{}\n{}", request.method, request.target,
                                            lines, names, tls::sha256_hex(request.body));
  const std::string where = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, where, tls::sha256_hex(canonical));
  const std::string signature = to_hex(hmac(signing_key(credentials, scope, date), to_sign));
  request.headers.emplace_back(
      "Authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                   credentials.access_key_id, where, names, signature));
}

}  // namespace minato::aws_http
