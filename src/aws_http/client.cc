#include "aws_http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <optional>

namespace minato::aws_http {
namespace {

// What an attempt takes from the quota, and what a call that succeeds gives back.
constexpr int kRetryCost = 5;
constexpr int kTimeoutCost = 10;
constexpr int kSuccessGain = 1;
constexpr int kMaxPages = 1000;

// "Tue, 15 Nov 1994 08:12:31 GMT". Rule: RFC 9110, section 5.6.7, IMF-fixdate.
std::optional<WallTime> parse_http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return WallTime{std::chrono::seconds(::timegm(&parts))};
}

struct Pages {
  Client& client;
  Action action;
  Parameters parameters;
  Paging paging;
  std::function<void(const Element&)> page;
  std::move_only_function<void(Status)> done;
  int count = 0;
};

void next_page(const std::shared_ptr<Pages>& pages, const std::string& token) {
  if (++pages->count > kMaxPages) {
    return pages->done(fail(Reason::kInvalid, fmt::format("{}: more than {} pages",
                                                          info(pages->action).name, kMaxPages)));
  }
  Parameters parameters = pages->parameters;
  if (!token.empty()) parameters.emplace_back(pages->paging.parameter, token);
  pages->client.call(pages->action, std::move(parameters), [pages](Result<Element> answer) {
    if (!answer) return pages->done(std::unexpected(answer.error()));
    const std::string_view way = pages->paging.way;
    const Element* parent = way.empty() ? &*answer : answer->find(way);
    if (parent == nullptr) {
      return pages->done(fail(Reason::kInvalid, fmt::format("{}: the answer has no {}",
                                                            info(pages->action).name, way)));
    }
    pages->page(*parent);
    const std::string next(parent->at(pages->paging.token));
    return next.empty() ? pages->done({}) : next_page(pages, next);
  });
}

}  // namespace

struct Client::Call {
  Action action;
  std::string form;
  Answer done;
  Credentials credentials{};  // Of the attempt under way.
  int attempts = 0;
  bool has_new_credentials = false;
  bool has_new_time = false;
};

Client::Client(env::Env env, HttpTransport& transport, CredentialSource& credentials,
               Settings settings, Options options)
    : env_(std::move(env)),
      transport_(transport),
      credentials_(credentials),
      settings_(std::move(settings)),
      options_(options),
      quota_(options.quota),
      alive_(std::make_shared<bool>(true)) {}

void Client::call(Action action, Parameters parameters, Answer done) {
  const ActionInfo& called = info(action);
  attempt(std::make_shared<Call>(Call{.action = action,
                                      .form = encode_form(called.service, called.name, parameters),
                                      .done = std::move(done)}));
}

void Client::attempt(std::shared_ptr<Call> call) {
  ++call->attempts;
  // Credentials may be at hand; an answer never comes in the turn of the call.
  env_.executor.post([this, alive = std::weak_ptr(alive_), call = std::move(call)]() mutable {
    if (!alive.lock()) return;
    credentials_.get([this, alive, call](Result<Credentials> credentials) {
      if (!alive.lock()) return;
      if (!credentials) return finish(*call, std::unexpected(credentials.error()));
      send(call, *credentials);
    });
  });
}

void Client::send(std::shared_ptr<Call> call, const Credentials& credentials) {
  const Service service = info(call->action).service;
  call->credentials = credentials;
  HttpRequest request{.method = "POST", .origin = settings_.endpoint(service)};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = call->form;
  sign(request, credentials, {settings_.region(), std::string(info(service).signing_name)},
       env_.clock.wall() + clock_skew_);
  transport_.send(std::move(request), options_.attempt_timeout,
                  [this, alive = std::weak_ptr(alive_), call](Result<HttpResponse> response) mutable {
                    if (alive.lock()) answered(std::move(call), std::move(response));
                  });
}

void Client::answered(std::shared_ptr<Call> call, Result<HttpResponse> response) {
  const ActionInfo& called = info(call->action);
  const std::string what = fmt::format("{} {}", info(called.service).signing_name, called.name);
  if (!response) {
    return failed(std::move(call), Retry::kTransient, wrap(what, response.error()).error());
  }
  if (response->status == 200) {
    quota_ = std::min(options_.quota, quota_ + kSuccessGain);
    Result<Element> document = parse_xml(response->body);
    if (!document) document = wrap(what, document.error());
    return finish(*call, std::move(document));
  }
  const ServiceError error = read_error(*response);
  if (mend(*call, *response, error)) return attempt(std::move(call));
  failed(std::move(call), retry_of(response->status, error.code),
         to_error(called.service, called.name, response->status, error));
}

// Whether the fault was ours and is no more.
bool Client::mend(Call& call, const HttpResponse& response, const ServiceError& error) {
  if (is_about_time(error.code) && !call.has_new_time) {
    const auto date = response.headers.find("date");
    const auto theirs = date == response.headers.end() ? std::nullopt : parse_http_date(date->second);
    if (theirs) {
      clock_skew_ = *theirs - env_.clock.wall();
      return call.has_new_time = true;
    }
  }
  if (is_about_credentials(error.code) && !call.has_new_credentials) {
    credentials_.refuse(call.credentials);
    return call.has_new_credentials = true;
  }
  return false;
}

void Client::failed(std::shared_ptr<Call> call, Retry retry, Error error) {
  const int cost = error.reason == Reason::kTimeout ? kTimeoutCost : kRetryCost;
  if (retry == Retry::kNo || call->attempts >= options_.attempts || quota_ < cost) {
    return finish(*call, std::unexpected(std::move(error)));
  }
  quota_ -= cost;
  const Duration most =
      std::min(options_.backoff * (1 << (call->attempts - 1)), options_.backoff_max);
  const Duration wait = env_.rng.between(Duration::zero(), most);
  env_.log.write(env::Level::kInfo, "aws",
                 fmt::format("again in {}: {}", format_duration(wait), error.message));
  const std::uint64_t id = next_wait_++;
  waits_[id] = env_.executor.after(wait, [this, id, call]() {
    waits_.erase(id);
    attempt(call);
  });
}

void Client::finish(Call& call, Result<Element> result) {
  if (auto done = std::exchange(call.done, nullptr)) done(std::move(result));
}

void call_pages(Client& client, Action action, Parameters parameters, Paging paging,
                std::function<void(const Element&)> page,
                std::move_only_function<void(Status)> done) {
  next_page(std::make_shared<Pages>(Pages{client, action, std::move(parameters), paging,
                                          std::move(page), std::move(done)}),
            "");
}

}  // namespace minato::aws_http
