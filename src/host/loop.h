// The real Clock and Executor: one Boost.Asio io_context on one thread, and a small pool of worker
// threads for calls that block (unpacking layers, fsync, DNS).
//
// Threading: everything on the loop thread but post_from_thread(). Adapters may use io() for their
// own sockets and timers; handlers run on the loop like any task. The Loop outlives every adapter.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "env/env.h"

namespace minato::host {

class Loop final : public env::Clock, public env::Executor {
 public:
  Loop();
  ~Loop() override;

  MonoTime monotonic() const override;
  WallTime wall() const override;
  void post(env::Task task) override;
  [[nodiscard]] env::TimerHandle after(Duration delay, env::Task task) override;
  void post_from_thread(env::Task task) override;

  // Runs `work` on a worker thread, then `then` with its result on the loop.
  template <class Work, class Then>
  void run_blocking(Work work, Then then) {
    submit([this, work = std::move(work), then = std::move(then)]() mutable {
      auto result = work();
      post_from_thread(
          [then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
    });
  }

  void run();   // Until stop().
  void stop();  // From the loop or a signal handler task.
  boost::asio::io_context& io() { return io_; }

 private:
  void submit(env::Task blocking);

  boost::asio::io_context io_;
  boost::asio::thread_pool workers_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::host
