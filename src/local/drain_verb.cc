#include "local/drain_verb.h"

#include <fmt/format.h>

#include "cluster/explain.h"

namespace minato::local {
namespace json = boost::json;
namespace {

using ExchangePtr = std::shared_ptr<control::Exchange>;
constexpr Duration kLook = 200ms;

// Looks again and again until the removal is over.
class Watch final : public std::enable_shared_from_this<Watch> {
 public:
  Watch(host::Loop& loop, cluster::Cluster& cluster, std::string node, ExchangePtr exchange)
      : loop_(loop), cluster_(cluster), node_(std::move(node)), exchange_(std::move(exchange)) {}

  void start() {
    exchange_->on_close([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->timer_.cancel();
    });
    look();
  }

 private:
  void look() {
    for (const removal::Progress& progress : cluster_.remover().progress()) {
      if (progress.request.node != node_) continue;
      say(cluster::describe(progress));
      if (progress.phase == removal::Phase::kDone) return exchange_->finish({});
      if (progress.phase == removal::Phase::kCancelled) {
        return exchange_->finish(fail(Reason::kAborted, fmt::format("the removal of {} was cancelled", node_)));
      }
    }
    timer_ = loop_.after(kLook, [self = shared_from_this()] { self->look(); });
  }
  void say(const std::string& line) {
    if (line == said_) return;
    said_ = line;
    exchange_->send(json::object{{"message", fmt::format("{} {}", node_, line)}});
  }

  host::Loop& loop_;
  cluster::Cluster& cluster_;
  std::string node_;
  ExchangePtr exchange_;
  std::string said_;
  env::TimerHandle timer_;
};

// An instance's id will do as well as its Node's name.
std::string node_named(const cluster::Cluster& cluster, const std::string& name) {
  const cloud::Instance* instance = cluster.cloud().find_instance(name);
  return instance == nullptr ? name : instance->hostname;
}

}  // namespace

void add_drain_verbs(control::Server& server, host::Loop& loop, cluster::Cluster& cluster) {
  server.handle("drain", [&](const control::Request& request, ExchangePtr exchange) {
    removal::Request wanted;
    wanted.node = node_named(cluster, request.text("node"));
    wanted.cause = removal::Cause::kDrain;
    wanted.after = request.flag("replace") ? removal::After::kTerminateAndReplace : removal::After::kKeep;
    wanted.message = "somebody asked for it";
    if (const Status begun = cluster.remover().begin(wanted); !begun) return exchange->finish(begun);
    if (!request.flag("wait")) return exchange->finish({});
    std::make_shared<Watch>(loop, cluster, wanted.node, exchange)->start();
  });
  server.handle("undrain", [&cluster](const control::Request& request, ExchangePtr exchange) {
    exchange->finish(cluster.remover().cancel(node_named(cluster, request.text("node"))));
  });
  server.handle("explain", [&cluster](const control::Request& request, ExchangePtr exchange) {
    const auto text = cluster::explain(cluster, request.text("kind"), node_named(cluster, request.text("name")),
                                       request.text("namespace"));
    if (text) exchange->send(json::object{{"text", *text}});
    exchange->finish(text ? Status() : Status(std::unexpected(text.error())));
  });
}

}  // namespace minato::local
