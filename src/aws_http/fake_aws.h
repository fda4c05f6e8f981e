// For tests: an AWS that answers what was put there, by action, in order, the last answer staying; and
// credentials that need nobody.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aws_http/credentials.h"
#include "base/strings.h"
#include "env/env.h"

namespace minato::aws_http {

class FakeTransport final : public HttpTransport {
 public:
  explicit FakeTransport(env::Executor& executor) : executor_(executor) {}

  void send(HttpRequest request, Duration, Callback done) override {
    requests.push_back(request);
    Result<HttpResponse> answer = fail(Reason::kUnavailable, "nobody answers");
    if (const auto found = answers_.find(action_of(request)); found != answers_.end()) {
      answer = found->second.front();
      if (found->second.size() > 1) found->second.pop_front();
    }
    executor_.post([answer = std::move(answer), done = std::move(done)]() mutable { done(std::move(answer)); });
  }

  // The Action of a form; the path of a GET.
  static std::string action_of(const HttpRequest& request) {
    if (request.method == "GET") return request.target;
    return field(request, "Action");
  }
  // Of the form, as it was encoded.
  static std::string field(const HttpRequest& request, const std::string& name) {
    for (const std::string& pair : split(request.body, '&')) {
      if (pair.starts_with(name + "=")) return pair.substr(name.size() + 1);
    }
    return "";
  }

  void answer(const std::string& action, Result<HttpResponse> response) {
    answers_[action].push_back(std::move(response));
  }
  void answer(const std::string& action, std::string body) {
    answer(action, HttpResponse{200, {}, std::move(body)});
  }
  // Instead of those that are there.
  void answer_only(const std::string& action, Result<HttpResponse> response) {
    answers_[action].clear();
    answer(action, std::move(response));
  }
  void answer_only(const std::string& action, std::string body) {
    answer_only(action, HttpResponse{200, {}, std::move(body)});
  }
  std::vector<HttpRequest> of(const std::string& action) const {
    std::vector<HttpRequest> out;
    for (const HttpRequest& each : requests) {
      if (action_of(each) == action) out.push_back(each);
    }
    return out;
  }

  std::vector<HttpRequest> requests;

 private:
  env::Executor& executor_;
  std::map<std::string, std::deque<Result<HttpResponse>>> answers_;
};

class KnownCredentials final : public CredentialSource {
 public:
  void get(Callback done) override { done(Credentials{"KEY" + std::to_string(generation_), "secret", "", {}}); }
  void refuse(const Credentials&) override { ++generation_; }

 private:
  int generation_ = 1;
};

inline Settings us_east_1() {
  return Settings::read([](auto name) { return std::string(name == "AWS_REGION" ? "us-east-1" : ""); }).value();
}

inline HttpResponse error_answer(int status, const std::string& code, const std::string& message = "") {
  return {status, {},
          "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
              "</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"};
}

}  // namespace minato::aws_http
