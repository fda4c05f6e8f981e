#include "aws_http/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/strings.h"

namespace minato::aws_http {
namespace {

using namespace std::string_view_literals;

// Rule: botocore data/_retry.json and retries/standard.py.
constexpr std::array kThrottling = {
    "Throttling"sv, "ThrottlingException"sv, "ThrottledException"sv, "RequestThrottled"sv,
    "RequestThrottledException"sv, "TooManyRequestsException"sv, "RequestLimitExceeded"sv,
    "EC2ThrottledException"sv, "SlowDown"sv, "PriorRequestNotComplete"sv, "LimitExceededException"sv,
    "BandwidthLimitExceeded"sv, "TransactionInProgressException"sv,
    "ProvisionedThroughputExceededException"sv};
constexpr std::array kTransient = {"RequestTimeout"sv, "RequestTimeoutException"sv,
                                   "InternalFailure"sv, "InternalError"sv, "ServiceUnavailable"sv,
                                   "IDPCommunicationError"sv};
constexpr std::array kEndedCredentials = {"ExpiredToken"sv, "ExpiredTokenException"sv,
                                          "RequestExpired"sv};
constexpr std::array kWrongTime = {"RequestTimeTooSkewed"sv, "RequestExpired"sv};
constexpr std::array kUnauthorized = {"AuthFailure"sv, "SignatureDoesNotMatch"sv,
                                      "InvalidClientTokenId"sv, "UnrecognizedClientException"sv,
                                      "MissingAuthenticationToken"sv, "ExpiredToken"sv,
                                      "IncompleteSignature"sv, "InvalidIdentityToken"sv};
constexpr std::array kForbidden = {"AccessDenied"sv, "AccessDeniedException"sv,
                                   "UnauthorizedOperation"sv, "OptInRequired"sv};
constexpr std::array kNotFound = {"TargetGroupNotFound"sv, "InvalidTarget"sv,
                                  "InvalidInstanceID.NotFound"sv};
constexpr std::array kConflict = {"ScalingActivityInProgress"sv, "ResourceContention"sv,
                                  "ResourceInUse"sv};

bool has(const auto& codes, std::string_view code) {
  return std::ranges::find(codes, code) != codes.end();
}

Reason reason_of(int status, const ServiceError& error) {
  if (has(kThrottling, error.code) || status == 429) return Reason::kTooManyRequests;
  if (has(kUnauthorized, error.code) || has(kEndedCredentials, error.code)) {
    return Reason::kUnauthorized;
  }
  if (has(kForbidden, error.code)) return Reason::kForbidden;
  if (has(kNotFound, error.code)) return Reason::kNotFound;
  if (has(kConflict, error.code)) return Reason::kConflict;
  // Auto Scaling has one code for what is missing and for what is out of range.
  if (error.code == "ValidationError" && error.message.contains("not found")) {
    return Reason::kNotFound;
  }
  if (status >= 500) return Reason::kUnavailable;
  return status == 403 ? Reason::kForbidden : Reason::kInvalid;
}

}  // namespace

void add_list(Parameters& parameters, std::string_view name, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    parameters.emplace_back(fmt::format("{}.{}", name, i + 1), values[i]);
  }
}

std::string encode_form(Service service, std::string_view action, const Parameters& parameters) {
  std::string out = fmt::format("Action={}&Version={}", action, info(service).api_version);
  for (const auto& [name, value] : parameters) {
    out += fmt::format("&{}={}", percent_encode(name), percent_encode(value));
  }
  return out;
}

ServiceError read_error(const HttpResponse& response) {
  const Result<Element> document = parse_xml(response.body);
  if (!document) return {};
  const Element* error = document->find("Error");
  if (const Element* list = document->find("Errors"); list != nullptr) error = list->find("Error");
  if (error == nullptr) return {};
  std::string_view id = document->at("RequestId");
  if (id.empty()) id = document->at("RequestID");
  return {std::string(error->at("Code")), std::string(error->at("Message")), std::string(id)};
}

Retry retry_of(int status, std::string_view code) {
  if (has(kThrottling, code) || status == 429) return Retry::kThrottled;
  const bool is_transient = status == 500 || status == 502 || status == 503 || status == 504;
  return is_transient || has(kTransient, code) ? Retry::kTransient : Retry::kNo;
}

bool is_about_credentials(std::string_view code) { return has(kEndedCredentials, code); }

bool is_about_time(std::string_view code) { return has(kWrongTime, code); }

Error to_error(Service service, std::string_view action, int status, const ServiceError& error) {
  const std::string code = error.code.empty() ? fmt::format("HTTP status {}", status) : error.code;
  std::string message = fmt::format("{} {}: {}", info(service).signing_name, action, code);
  if (!error.message.empty()) message += ": " + error.message;
  if (!error.request_id.empty()) message += fmt::format(" (request {})", error.request_id);
  return {reason_of(status, error), std::move(message)};
}

}  // namespace minato::aws_http
