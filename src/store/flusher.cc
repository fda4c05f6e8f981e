#include "store/flusher.h"

namespace minato::store {

Flusher::Flusher(env::Env env, Store& store)
    : env_(std::move(env)), store_(store), self_(std::make_shared<Flusher*>(this)) {
  store_.on_pending([this] { schedule(); });
  if (store_.has_pending()) schedule();
}

Flusher::~Flusher() { store_.on_pending(nullptr); }

void Flusher::schedule() {
  env_.executor.post([self = std::weak_ptr<Flusher*>(self_)] {
    if (const auto alive = self.lock()) (*alive)->flush();
  });
}

void Flusher::flush() {
  if (const Status flushed = store_.flush(); !flushed) {
    if (!failing_) {
      env_.log.write(env::Level::kError, "store",
                     "cannot save; writes are refused until it works again: " +
                         flushed.error().message);
    }
    failing_ = true;
    retry_ = env_.executor.after(kRetryInterval, [this] { flush(); });
    return;
  }
  if (failing_) env_.log.write(env::Level::kInfo, "store", "saving works again");
  failing_ = false;
}

}  // namespace minato::store
