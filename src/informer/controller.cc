#include "informer/controller.h"

#include <fmt/format.h>

namespace minato::informer {

Duration rest_after(std::size_t objects) {
  constexpr std::size_t kFew = 100;
  return objects < kFew ? Duration{} : static_cast<std::int64_t>(objects) * 200us;
}

Runner::Runner(env::Env env, Controller& controller, WorkQueue::Options options)
    : env_(std::move(env)),
      controller_(controller),
      queue_(env_, options, [this] { schedule(); }),
      alive_(std::make_shared<bool>(true)) {}

void Runner::start() {
  started_ = true;
  schedule();
}

void Runner::schedule() {
  if (!started_ || scheduled_ || queue_.empty()) return;
  scheduled_ = true;
  env_.executor.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) run_one();
  });
}

void Runner::run_one() {
  scheduled_ = false;
  const std::optional<kube::ObjectKey> key = queue_.take();
  if (!key) return;
  ++reconciles_;
  const Result<Requeue> result = controller_.reconcile(*key);
  if (result) {
    queue_.forget(*key);
    if (result->after) queue_.add_after(*key, *result->after);
  } else {
    ++errors_;
    // A conflict is the normal way to learn that the cache was behind.
    const auto level =
        is(result.error(), Reason::kConflict) ? env::Level::kDebug : env::Level::kWarning;
    env_.log.write(level, controller_.name(),
                   fmt::format("{}: {}", key->to_string(), result.error().message));
    queue_.add_rate_limited(*key);
  }
  queue_.done(*key, result ? result->rest : Duration{});
  schedule();
}

}  // namespace minato::informer
