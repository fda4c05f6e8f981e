// Keeps a description new: looks again every period, sooner after a change of ours, later while looking
// fails.
//
// One look at a time. A failure keeps what is known, is a warning, and doubles the period up to
// kLongestPause. Owned by the adapter whose look it calls. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cloud/auto_scaling.h"
#include "env/env.h"

namespace minato::aws_http {

class Poller {
 public:
  static constexpr Duration kLongestPause = 60s;
  // Changes that come together are looked at together, and AWS needs a moment to tell of them.
  static constexpr Duration kAfterChange = 1s;

  // `look` answers once; never twice. `period` is asked after each look.
  using Look = std::function<void(cloud::Done)>;
  Poller(env::Env env, std::string what, Look look, std::function<Duration()> period)
      : env_(std::move(env)), what_(std::move(what)), look_(std::move(look)), period_(std::move(period)) {}

  // `first` hears of the first look.
  void start(cloud::Done first);
  // There will be a look that begins after now, shortly.
  void soon();
  // When a look last succeeded; nothing: never.
  std::optional<MonoTime> last_success() const { return last_success_; }

 private:
  void look();
  void looked(const Status& status);

  env::Env env_;
  std::string what_;
  Look look_;
  std::function<Duration()> period_;
  cloud::Done first_;
  bool is_looking_ = false;
  bool is_due_again_ = false;
  int failures_ = 0;
  std::optional<MonoTime> last_success_;
  env::TimerHandle timer_;
};

}  // namespace minato::aws_http
