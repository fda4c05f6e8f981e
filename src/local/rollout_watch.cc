#include "local/rollout_watch.h"

#include <fmt/format.h>

#include "controllers/deployment/rollback.h"
#include "kube/types/apps.h"

namespace minato::local {
namespace {

constexpr Duration kInterval = 100ms;

class RolloutWatch : public std::enable_shared_from_this<RolloutWatch> {
 public:
  RolloutWatch(host::Loop& loop, cluster::Cluster& cluster, kube::ObjectKey key, OnFailure on_failure,
               std::shared_ptr<control::Exchange> exchange, std::function<void()> rolled_back)
      : loop_(loop),
        cluster_(cluster),
        key_(std::move(key)),
        on_failure_(on_failure),
        exchange_(std::move(exchange)),
        rolled_back_(std::move(rolled_back)) {}

  void start() {
    exchange_->on_close([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->timer_ = {};
    });
    look();
  }

 private:
  void look() {
    const auto deployment = cluster_.informers().of<kube::Deployment>().get(key_);
    if (!deployment) return exchange_->finish(fail(Reason::kNotFound, "the Deployment is gone"));
    const cluster::Rollout rollout = cluster::rollout_of(*deployment);
    if (rollout.message != said_) {
      said_ = rollout.message;
      exchange_->send(boost::json::object{{"message", rollout.message}, {"done", rollout.done}});
    }
    if (rollout.done) return finish();
    if (rollout.failed && !why_.empty()) {
      return exchange_->finish(fail(Reason::kTimeout, "the rollback did not finish either: " + rollout.message));
    }
    if (rollout.failed) return failed(rollout.message);
    timer_ = loop_.after(kInterval, [self = shared_from_this()] { self->look(); });
  }
  void finish() {
    exchange_->finish(why_.empty() ? Status{} : fail(Reason::kTimeout, why_));
  }
  void failed(const std::string& message) {
    if (on_failure_ == OnFailure::kLeave) return exchange_->finish(fail(Reason::kTimeout, message));
    const auto back = controllers::rollback(cluster_.client(), key_, 0);
    if (!back) {
      return exchange_->finish(wrap("the rollout failed and cannot be rolled back", back.error()));
    }
    if (rolled_back_) rolled_back_();
    why_ = fmt::format("the rollout failed ({}) and was rolled back to revision {}", message, back->revision);
    exchange_->send(boost::json::object{{"message", "rolling back: " + message}, {"done", false}});
    timer_ = loop_.after(kInterval, [self = shared_from_this()] { self->look(); });
  }

  host::Loop& loop_;
  cluster::Cluster& cluster_;
  kube::ObjectKey key_;
  OnFailure on_failure_;
  std::shared_ptr<control::Exchange> exchange_;
  std::function<void()> rolled_back_;
  std::string said_;
  std::string why_;  // Why it was rolled back; "" while it was not.
  env::TimerHandle timer_;
};

}  // namespace

void watch_rollout(host::Loop& loop, cluster::Cluster& cluster, kube::ObjectKey deployment,
                   OnFailure on_failure, std::shared_ptr<control::Exchange> exchange,
                   std::function<void()> rolled_back) {
  std::make_shared<RolloutWatch>(loop, cluster, std::move(deployment), on_failure,
                                 std::move(exchange), std::move(rolled_back))
      ->start();
}

}  // namespace minato::local
