#include "host/loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace minato::host {
namespace {

constexpr std::size_t kWorkers = 4;

// Asio of Boost 1.81 wants copyable handlers in places; a shared box makes a move-only task one.
auto boxed(env::Task task) {
  return [box = std::make_shared<env::Task>(std::move(task))] { (*box)(); };
}

}  // namespace

Loop::Loop() : io_(1), workers_(kWorkers), alive_(std::make_shared<bool>(true)) {}

Loop::~Loop() {
  alive_.reset();
  workers_.join();
}

MonoTime Loop::monotonic() const {
  return MonoTime{std::chrono::steady_clock::now().time_since_epoch()};
}

WallTime Loop::wall() const { return WallTime{std::chrono::system_clock::now().time_since_epoch()}; }

void Loop::post(env::Task task) { boost::asio::post(io_, boxed(std::move(task))); }

void Loop::post_from_thread(env::Task task) { post(std::move(task)); }

env::TimerHandle Loop::after(Duration delay, env::Task task) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::max(delay, Duration{0}));
  auto cancelled = std::make_shared<bool>(false);
  auto box = std::make_shared<env::Task>(std::move(task));
  // A timer that has fired but not yet run cannot be cancelled in Asio; the flag closes that gap.
  timer->async_wait([timer, cancelled, box](const boost::system::error_code& error) {
    if (!error && !*cancelled) (*box)();
  });
  return env::TimerHandle(
      [weak = std::weak_ptr(timer), alive = std::weak_ptr(alive_), cancelled] {
        *cancelled = true;
        if (const auto pending = weak.lock(); pending && alive.lock()) pending->cancel();
      });
}

void Loop::run() {
  const auto guard = boost::asio::make_work_guard(io_);
  io_.run();
}

void Loop::stop() { io_.stop(); }

void Loop::submit(env::Task blocking) { boost::asio::post(workers_, boxed(std::move(blocking))); }

}  // namespace minato::host
