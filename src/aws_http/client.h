// Calls of AWS actions: signed, sent, tried again where that may help, and answered as XML or Error.
//
// Retries as SDKs do in their standard mode: three attempts, full jitter below 1 s, 2 s, …, and a quota
// that failures empty and successes fill, so that a service in trouble is not asked the more for it.
// Answers that the clocks differ are repeated once with the service's time; that credentials ended,
// once with new ones. Owned by the composition; transport and credentials outlive it. Loop thread only.
// `done` comes in a later turn, exactly once, or never when the client is gone. Errors: what to_error()
// makes of AWS's code, Unavailable, Timeout, and those of CredentialSource.
// Rule: AWS SDKs and Tools Reference Guide, "Retry behavior".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "aws_http/credentials.h"
#include "aws_http/query.h"

namespace minato::aws_http {

class Client {
 public:
  struct Options {
    Duration attempt_timeout = 10s;
    int attempts = 3;
    Duration backoff = 1s;  // Doubled by every attempt.
    Duration backoff_max = 20s;
    int quota = 500;
  };
  Client(env::Env env, HttpTransport& transport, CredentialSource& credentials, Settings settings)
      : Client(std::move(env), transport, credentials, std::move(settings), Options{}) {}
  Client(env::Env env, HttpTransport& transport, CredentialSource& credentials, Settings settings,
         Options options);

  // The document of the answer: <ActionResponse>.
  using Answer = std::move_only_function<void(Result<Element>)>;
  void call(Action action, Parameters parameters, Answer done);

 private:
  struct Call;
  void attempt(std::shared_ptr<Call> call);
  void send(std::shared_ptr<Call> call, const Credentials& credentials);
  void answered(std::shared_ptr<Call> call, Result<HttpResponse> response);
  bool mend(Call& call, const HttpResponse& response, const ServiceError& error);
  void failed(std::shared_ptr<Call> call, Retry retry, Error error);
  void finish(Call& call, Result<Element> result);

  env::Env env_;
  HttpTransport& transport_;
  CredentialSource& credentials_;
  Settings settings_;
  Options options_;
  int quota_;
  Duration clock_skew_{};  // What the services' clock is ahead of ours.
  std::map<std::uint64_t, env::TimerHandle> waits_;
  std::uint64_t next_wait_ = 0;
  std::shared_ptr<bool> alive_;
};

// The names that an action's pages go by.
struct Paging {
  std::string_view way;        // To the list's parent: "DescribeAutoScalingGroupsResult"; "": the root.
  std::string_view token;      // In the answer: "NextToken".
  std::string_view parameter;  // In the next request: "NextToken", "Marker".
};
// Calls until no page is left; `page` sees the list's parent of each. Errors: as call(); Invalid when
// there is no end to it.
void call_pages(Client& client, Action action, Parameters parameters, Paging paging,
                std::function<void(const Element&)> page, std::move_only_function<void(Status)> done);

}  // namespace minato::aws_http
