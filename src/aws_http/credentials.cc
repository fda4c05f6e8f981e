#include "aws_http/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "aws_http/query.h"
#include "base/strings.h"

namespace minato::aws_http {
namespace {

constexpr Duration kTimeout = 5s;
// Asked again that long before they end. SDKs begin between 5 and 15 minutes before.
constexpr Duration kRefreshBefore = 5min;
// Long enough for a request and its retries.
constexpr Duration kUsableFor = 30s;
constexpr std::string_view kRolePath = "meta-data/iam/security-credentials/";
// Plain HTTP goes to the agent on this machine only. Rule: SDK guide, "Container credential provider".
constexpr std::array<std::string_view, 5> kContainerHosts = {
    "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "127.0.0.1", "localhost"};

struct Uri {
  std::string origin;
  std::string target;
};

Result<Uri> container_uri(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const std::size_t slash = scheme == text.npos ? text.npos : text.find('/', scheme + 3);
  Uri out{text.substr(0, slash), slash == text.npos ? "/" : text.substr(slash)};
  std::string host = host_of(out.origin);
  if (const std::size_t colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
    host.resize(colon);
  }
  const bool is_ours = out.origin.starts_with("http://") &&
                       std::ranges::find(kContainerHosts, host) != kContainerHosts.end();
  if (is_ours || out.origin.starts_with("https://")) return out;
  return fail(Reason::kInvalid,
              fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI is \"{}\"; expected https or an address of "
                          "the agent on this machine", text));
}

Result<WallTime> expiry_of(std::string_view text) {
  if (text.empty()) return WallTime{};
  return parse_rfc3339(text);
}

Status check(const Credentials& credentials, std::string_view who) {
  if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return {};
  return fail(Reason::kUnauthorized, fmt::format("{} gave no access key", who));
}

Result<Credentials> read_json(std::string_view text) {
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(text, error);
  if (error || !document.is_object()) {
    return fail(Reason::kInvalid, "the answer with credentials is no JSON object");
  }
  const auto member = [&](std::string_view name) -> std::string {
    const auto* value = document.get_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  };
  Credentials out{member("AccessKeyId"), member("SecretAccessKey"), member("Token"), {}};
  ASSIGN_OR_RETURN(out.expires, expiry_of(member("Expiration")));
  RETURN_IF_ERROR(check(out, "the credentials endpoint"));
  return out;
}

}  // namespace

Result<Credentials> read_json_credentials(const HttpResponse& response) {
  if (response.status == 200) return read_json(response.body);
  const bool is_refusal = response.status == 401 || response.status == 403;
  return fail(is_refusal ? Reason::kUnauthorized : Reason::kUnavailable,
              fmt::format("the credentials endpoint answered with HTTP status {}", response.status));
}

Result<Credentials> read_sts_credentials(const HttpResponse& response) {
  constexpr std::string_view kAction = "AssumeRoleWithWebIdentity";
  if (response.status != 200) {
    return std::unexpected(to_error(Service::kSts, kAction, response.status, read_error(response)));
  }
  ASSIGN_OR_RETURN(const Element document, parse_xml(response.body));
  const std::string way = fmt::format("{}Result/Credentials/", kAction);
  const auto member = [&](std::string_view name) {
    return std::string(document.at(fmt::format("{}{}", way, name)));
  };
  Credentials out{member("AccessKeyId"), member("SecretAccessKey"), member("SessionToken"), {}};
  ASSIGN_OR_RETURN(out.expires, expiry_of(member("Expiration")));
  RETURN_IF_ERROR(check(out, "sts"));
  return out;
}

CredentialChain::CredentialChain(env::Env env, HttpTransport& transport, Settings settings,
                                 Parts parts)
    : env_(std::move(env)),
      transport_(transport),
      settings_(std::move(settings)),
      parts_(std::move(parts)),
      alive_(std::make_shared<bool>(true)) {}

bool CredentialChain::holds(const Credentials& credentials, Duration at_least) const {
  return !is_set(credentials.expires) || env_.clock.wall() + at_least < credentials.expires;
}

void CredentialChain::get(Callback done) {
  if (held_ && holds(*held_, kRefreshBefore)) return done(*held_);
  waiting_.push_back(std::move(done));
  if (waiting_.size() == 1) ask();
}

void CredentialChain::refuse(const Credentials& credentials) {
  if (held_ && held_->access_key_id == credentials.access_key_id) held_.reset();
}

void CredentialChain::ask() {
  const auto variable = [&](std::string_view name) { return parts_.variables(name); };
  if (!variable("AWS_ACCESS_KEY_ID").empty()) {
    Credentials keys{variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
                     variable("AWS_SESSION_TOKEN"), {}};
    const Status checked = check(keys, "AWS_SECRET_ACCESS_KEY");
    return answer(checked ? Result<Credentials>(std::move(keys)) : std::unexpected(checked.error()));
  }
  if (!variable("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) return ask_sts();
  if (!variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty()) return ask_container();
  if (parts_.metadata != nullptr && variable("AWS_EC2_METADATA_DISABLED") != "true") {
    return ask_instance();
  }
  answer(fail(Reason::kUnauthorized,
              "nothing names AWS credentials; give the service account a role (eks.identity), or set "
              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
}

HttpTransport::Callback CredentialChain::then(Result<Credentials> (*read)(const HttpResponse&)) {
  return [this, read, alive = std::weak_ptr(alive_)](Result<HttpResponse> response) {
    if (!alive.lock()) return;
    answer(response ? read(*response) : std::unexpected(response.error()));
  };
}

void CredentialChain::ask_sts() {
  const auto token = parts_.read_file(parts_.variables("AWS_WEB_IDENTITY_TOKEN_FILE"));
  if (!token) return answer(std::unexpected(token.error()));
  std::string session = parts_.variables("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "minato";
  HttpRequest request{.method = "POST", .origin = settings_.endpoint(Service::kSts)};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = encode_form(Service::kSts, "AssumeRoleWithWebIdentity",
                             {{"RoleArn", parts_.variables("AWS_ROLE_ARN")},
                              {"RoleSessionName", session},
                              {"WebIdentityToken", std::string(trim(*token))}});
  transport_.send(std::move(request), kTimeout, then(read_sts_credentials));
}

void CredentialChain::ask_container() {
  const auto uri = container_uri(parts_.variables("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  if (!uri) return answer(std::unexpected(uri.error()));
  HttpRequest request{.method = "GET", .origin = uri->origin, .target = uri->target};
  if (const std::string path = parts_.variables("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
      !path.empty()) {
    const auto token = parts_.read_file(path);
    if (!token) return answer(std::unexpected(token.error()));
    request.headers.emplace_back("Authorization", std::string(trim(*token)));
  }
  transport_.send(std::move(request), kTimeout, then(read_json_credentials));
}

void CredentialChain::ask_instance() {
  parts_.metadata->get(std::string(kRolePath), [this, alive = std::weak_ptr(alive_)](auto role) {
    if (!alive.lock()) return;
    if (!role) return answer(std::unexpected(role.error()));
    if (!*role || trim(**role).empty()) {
      return answer(fail(Reason::kUnauthorized, "this instance has no IAM role"));
    }
    ask_instance_role(split(trim(**role), '\n').front());
  });
}

void CredentialChain::ask_instance_role(const std::string& role) {
  parts_.metadata->get(
      std::string(kRolePath) + role, [this, alive = std::weak_ptr(alive_)](auto document) {
        if (!alive.lock()) return;
        if (!document) return answer(std::unexpected(document.error()));
        if (!*document) return answer(fail(Reason::kUnauthorized, "this instance's IAM role is gone"));
        answer(read_json(**document));
      });
}

void CredentialChain::answer(Result<Credentials> asked) {
  if (asked) {
    held_ = *asked;
  } else if (held_ && holds(*held_, kUsableFor)) {
    env_.log.write(env::Level::kWarning, "aws",
                   "refreshing credentials: " + asked.error().message);
    asked = *held_;
  }
  for (Callback& done : std::exchange(waiting_, {})) done(asked);
}

}  // namespace minato::aws_http
