#include "local/http_metadata.h"

#include <fmt/format.h>

#include "imds/service.h"

namespace minato::local {
namespace {

constexpr Duration kTimeout = 2s;
constexpr int kTokenSeconds = 3600;
constexpr Duration kRenewBefore = 60s;

}  // namespace

void HttpMetadata::get(const std::string& path, Callback done) {
  with_token([this, path, done = std::move(done)](Status ready) mutable {
    if (!ready) return done(std::unexpected(ready.error()));
    fetch(path, Retry::kWithNewToken, std::move(done));
  });
}

void HttpMetadata::with_token(std::move_only_function<void(Status)> then) {
  if (!token_.empty() && loop_.monotonic() < renew_at_) {
    return loop_.post([alive = std::weak_ptr(alive_), then = std::move(then)]() mutable {
      if (alive.lock()) then({});
    });
  }
  host::HttpRequest request{.method = "PUT",
                            .target = std::string(imds::kTokenPath),
                            .headers = {{std::string(imds::kTokenTtlHeader), std::to_string(kTokenSeconds)}},
                            .body = {}};
  host::http_fetch(loop_, address_, port_, std::move(request), kTimeout,
                   [this, alive = std::weak_ptr(alive_), then = std::move(then)](auto answer) mutable {
                     if (!alive.lock()) return;
                     if (!answer) return then(std::unexpected(answer.error()));
                     if (answer->status != 200) {
                       return then(fail(Reason::kUnavailable,
                                        fmt::format("instance metadata gave no token: HTTP status {}", answer->status)));
                     }
                     token_ = std::move(answer->body);
                     renew_at_ = loop_.monotonic() + std::chrono::seconds(kTokenSeconds) - kRenewBefore;
                     then({});
                   });
}

void HttpMetadata::fetch(const std::string& path, Retry retry, Callback done) {
  host::HttpRequest request{.method = "GET",
                            .target = "/latest/" + path,
                            .headers = {{std::string(imds::kTokenHeader), token_}},
                            .body = {}};
  host::http_fetch(
      loop_, address_, port_, std::move(request), kTimeout,
      [this, path, retry, alive = std::weak_ptr(alive_), done = std::move(done)](auto answer) mutable {
        if (!alive.lock()) return;
        if (!answer) return done(std::unexpected(answer.error()));
        if (answer->status == 200) return done(std::optional<std::string>(std::move(answer->body)));
        if (answer->status == 404) return done(std::optional<std::string>());
        if (answer->status == 401 && retry == Retry::kWithNewToken) {
          token_.clear();  // It was made by a service that has been restarted since.
          return with_token([this, path, done = std::move(done)](Status ready) mutable {
            if (!ready) return done(std::unexpected(ready.error()));
            fetch(path, Retry::kNo, std::move(done));
          });
        }
        done(fail(Reason::kUnavailable, fmt::format("instance metadata, {}: HTTP status {}", path, answer->status)));
      });
}

}  // namespace minato::local
