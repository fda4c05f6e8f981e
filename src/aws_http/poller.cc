#include "aws_http/poller.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::aws_http {
namespace {

constexpr int kMaxDoublings = 6;

}  // namespace

void Poller::start(cloud::Done first) {
  first_ = std::move(first);
  look();
}

void Poller::soon() {
  if (is_looking_) {
    is_due_again_ = true;
  } else {
    timer_ = env_.executor.after(kAfterChange, [this] { look(); });
  }
}

void Poller::look() {
  is_looking_ = true;
  is_due_again_ = false;
  look_([this](Status status) { looked(status); });
}

void Poller::looked(const Status& status) {
  is_looking_ = false;
  Duration pause = period_();
  if (status) {
    failures_ = 0;
    last_success_ = env_.clock.monotonic();
    if (is_due_again_) pause = kAfterChange;
  } else {
    pause = std::min(pause * (1 << std::min(++failures_, kMaxDoublings)), kLongestPause);
    env_.log.write(env::Level::kWarning, "aws",
                   fmt::format("{}: {}; again in {}", what_, status.error().message,
                               format_duration(pause)));
  }
  timer_ = env_.executor.after(pause, [this] { look(); });
  if (auto first = std::exchange(first_, nullptr)) first(status);
}

}  // namespace minato::aws_http
