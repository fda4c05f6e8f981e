#include "kubelet/actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "kubelet/backoff.h"

namespace minato::kubelet {
namespace {

constexpr int kFirstFailureStatus = 400;

// Upstream's defaults, unless the probe sets these headers itself (an empty Accept removes it).
void add_default_headers(std::vector<std::pair<std::string, std::string>>& headers) {
  const auto has = [&](std::string_view name) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto& header) { return to_lower(header.first) == name; });
  };
  if (!has("user-agent")) headers.emplace_back("User-Agent", "kube-probe/1.32");
  if (!has("accept")) headers.emplace_back("Accept", "*/*");
}

std::string url_of(const container::HttpRequest& request) {
  return fmt::format("{}://{}:{}{}", request.https ? "https" : "http", request.host, request.port,
                     request.path);
}

Outcome of_exec(const Result<container::ExecResult>& result, Duration timeout) {
  if (result) {
    const bool passed = result->exit_code == 0;
    return {passed ? Outcome::Verdict::kSuccess : Outcome::Verdict::kFailure, result->output};
  }
  if (is(result.error(), Reason::kTimeout)) {
    return {Outcome::Verdict::kFailure,
            fmt::format("command timed out after {}", go_duration(timeout))};
  }
  return {Outcome::Verdict::kError, result.error().message};
}

Outcome of_http(const Result<container::HttpResponse>& response, const std::string& url) {
  if (!response) {
    return {Outcome::Verdict::kFailure,
            fmt::format("Get \"{}\": {}", url, response.error().message)};
  }
  if (response->status >= 200 && response->status < kFirstFailureStatus) {
    return {Outcome::Verdict::kSuccess, response->body};
  }
  return {Outcome::Verdict::kFailure,
          fmt::format("HTTP probe failed with statuscode: {}", response->status)};
}

// google.rpc.Code, as grpc-go spells its values.
std::string code_name(int code) {
  constexpr std::array kNames{
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : fmt::format("Code({})", code);
}

std::string serving_status_name(int status) {
  switch (status) {
    case container::HealthAnswer::kStatusUnknown: return "UNKNOWN";
    case container::HealthAnswer::kServing: return "SERVING";
    case container::HealthAnswer::kNotServing: return "NOT_SERVING";
    case container::HealthAnswer::kServiceUnknown: return "SERVICE_UNKNOWN";
    default: return std::to_string(status);
  }
}

std::string health_failure(const Result<container::HealthAnswer>& answer,
                           const std::string& address, Duration timeout) {
  if (!answer && is(answer.error(), Reason::kTimeout)) {
    return fmt::format(
        "timeout: failed to connect service \"{}\" within {}: context deadline exceeded", address,
        go_duration(timeout));
  }
  if (!answer) {
    return fmt::format("error: failed to connect service at \"{}\": {}", address,
                       answer.error().message);
  }
  switch (answer->code) {
    case container::HealthAnswer::kOk:
      return fmt::format("service unhealthy (responded with \"{}\")",
                         serving_status_name(answer->serving_status));
    case container::HealthAnswer::kUnimplemented:
      return "error: this server does not implement the grpc health protocol "
             "(grpc.health.v1.Health): " +
             answer->message;
    case container::HealthAnswer::kDeadlineExceeded:
      return "timeout: health rpc did not complete within " + go_duration(timeout);
    default:
      return fmt::format("error: health rpc probe failed: rpc error: code = {} desc = {}",
                         code_name(answer->code), answer->message);
  }
}

Outcome of_health(const Result<container::HealthAnswer>& answer, const std::string& address,
                  Duration timeout) {
  if (answer && answer->code == container::HealthAnswer::kOk &&
      answer->serving_status == container::HealthAnswer::kServing) {
    return {Outcome::Verdict::kSuccess, "service healthy"};
  }
  return {Outcome::Verdict::kFailure, health_failure(answer, address, timeout)};
}

}  // namespace

Result<std::uint16_t> resolve_port(const kube::IntOrString& port,
                                   const kube::Container& container) {
  std::int64_t number = port.number();
  if (!port.is_int()) {
    for (const kube::ContainerPort& candidate : container.ports) {
      if (candidate.name == port.text()) number = candidate.container_port;
    }
    if (number == 0) number = parse_int(port.text()).value_or(0);
  }
  if (number > 0 && number < 65536) return static_cast<std::uint16_t>(number);
  return fail(Reason::kInvalid, fmt::format("invalid port number: {}",
                                            port.is_int() ? std::to_string(number) : port.text()));
}

void Action::probe(const kube::ProbeHandler& handler, Duration timeout, Done done) {
  if (handler.exec) return exec(*handler.exec, timeout, std::move(done));
  if (handler.http_get) return http(*handler.http_get, timeout, std::move(done));
  if (handler.tcp_socket) return tcp(*handler.tcp_socket, timeout, std::move(done));
  if (handler.grpc) return health(*handler.grpc, timeout, std::move(done));
  answer_later({}, {Outcome::Verdict::kError, "missing probe handler"}, std::move(done));
}

void Action::hook(const kube::LifecycleHandler& handler, Duration timeout, Done done) {
  if (handler.exec) return exec(*handler.exec, timeout, std::move(done));
  if (handler.http_get) return http(*handler.http_get, timeout, std::move(done));
  if (handler.sleep) {
    const Duration wanted = std::chrono::seconds(handler.sleep->seconds);
    return answer_later(std::min(wanted, timeout), {}, std::move(done));
  }
  answer_later({}, {Outcome::Verdict::kFailure, "invalid handler: use exec, httpGet or sleep"},
               std::move(done));
}

void Action::exec(const kube::ExecAction& action, Duration timeout, Done done) {
  node_.runtime.exec(ref_, action.command, timeout,
                     guard_.wrap([timeout, done = std::move(done)](
                                     const Result<container::ExecResult>& result) {
                       done(of_exec(result, timeout));
                     }));
}

void Action::http(const kube::HTTPGetAction& action, Duration timeout, Done done) {
  const Result<std::uint16_t> port = resolve_port(action.port, container_);
  if (!port) {
    return answer_later({}, {Outcome::Verdict::kError, port.error().message}, std::move(done));
  }
  container::HttpRequest request;
  request.https = to_lower(action.scheme) == "https";
  request.host = action.host.empty() ? scope_.ip : action.host;
  request.port = *port;
  request.path = action.path.starts_with("/") ? action.path : "/" + action.path;
  for (const kube::HTTPHeader& header : action.http_headers) {
    request.headers.emplace_back(header.name, header.value);
  }
  add_default_headers(request.headers);
  const std::string url = url_of(request);
  node_.runtime.http_get(
      std::move(request), timeout,
      guard_.wrap([url, done = std::move(done)](const Result<container::HttpResponse>& response) {
        done(of_http(response, url));
      }));
}

void Action::tcp(const kube::TCPSocketAction& action, Duration timeout, Done done) {
  const Result<std::uint16_t> port = resolve_port(action.port, container_);
  if (!port) {
    return answer_later({}, {Outcome::Verdict::kError, port.error().message}, std::move(done));
  }
  const std::string host = action.host.empty() ? scope_.ip : action.host;
  node_.runtime.tcp_connect(
      host, *port, timeout,
      guard_.wrap([host, port = *port, done = std::move(done)](const Status& status) {
        if (status) return done({});
        done({Outcome::Verdict::kFailure,
              fmt::format("dial tcp {}:{}: {}", host, port, status.error().message)});
      }));
}

void Action::health(const kube::GRPCAction& action, Duration timeout, Done done) {
  const container::HealthCheck request{.host = scope_.ip,
                                       .port = static_cast<std::uint16_t>(action.port),
                                       .service = action.service.value_or("")};
  const std::string address = fmt::format("{}:{}", request.host, request.port);
  node_.runtime.check_health(request, timeout,
                             guard_.wrap([address, timeout, done = std::move(done)](
                                             const Result<container::HealthAnswer>& answer) {
                               done(of_health(answer, address, timeout));
                             }));
}

void Action::answer_later(Duration delay, Outcome outcome, Done done) {
  timer_ = node_.env.executor.after(
      delay, [outcome = std::move(outcome), done = std::move(done)] { done(outcome); });
}

}  // namespace minato::kubelet
