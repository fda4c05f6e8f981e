// kube::Client over HTTPS: the way to the API of a real cluster.
//
// Reads that controllers live on come from watches, each followed by a thread of its own
// (reflector.h) whose events arrive as turns of the loop. Everything else blocks the loop until it is
// answered, some milliseconds within a region, at most Options::timeout: the controllers of one
// cluster write a few objects a second at the very most, and what they do next depends on the
// answer. A server that does not answer costs one timeout and is then let alone for a while
// (breaker.h), so that what goes on without it (a target that is to be deregistered) is not held up.
//
// As in process, watches of this client tell of its own writes from inside the write, so caches are
// never behind them; removals and evictions they tell of when the server does. A write whose answer
// was lost (Timeout) may have happened: callers act on what they see next, as they do after a crash.
//
// A watch lives over ended connections, slow servers and lost history: it lists anew and tells the
// difference. For that it must begin where a list of the same kind and options ended: watch() answers
// Expired to any other version. kinds() are those that are built in.
//
// Ownership: the Env outlives the client, the client its watches. Loop thread only.
// Errors: those of kube::Client by the server's Status; further Unavailable, Timeout, Unauthorized,
// Forbidden. Rules: kubernetes.io/docs/reference/using-api/api-concepts.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "env/env.h"
#include "kube/client.h"
#include "kube/kinds.h"
#include "kube_http/breaker.h"
#include "kube_http/endpoint.h"
#include "kube_http/feed.h"
#include "kube_http/reflector.h"
#include "kube_http/transport.h"

namespace minato::kube_http {

class HttpClient final : public kube::Client {
 public:
  struct Options {
    Duration timeout = 5s;
    // Asked before every write; its error is the write's. Empty: always. For those who may act only
    // while they lead (election/elector.h).
    std::function<Status()> may_write;
    // Lists and watches of these kinds see no more than this, whoever asks: an agent's own Node.
    std::vector<std::pair<const kube::Kind*, kube::ListOptions>> scopes;
  };
  // What was asked so far, for metrics. Watches: since the start, of all of them.
  struct Statistics {
    std::uint64_t calls = 0;
    std::uint64_t failed_calls = 0;  // Not reached, or answered with 5xx.
    Duration waited{};               // How long the loop stood still for them.
    std::uint64_t watch_events = 0;
    std::uint64_t watch_connections = 0;
    std::uint64_t watch_lists = 0;
    std::uint64_t watch_failures = 0;
    std::int64_t watches_behind = 0;  // Whose last attempt failed.
  };

  HttpClient(env::Env env, std::shared_ptr<Credentials> credentials, Options options);
  HttpClient(env::Env env, std::shared_ptr<Credentials> credentials) : HttpClient(std::move(env), std::move(credentials), Options{}) {}
  ~HttpClient() override;

  Statistics statistics() const;

  const kube::Kinds& kinds() const override { return kinds_; }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override;
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override;
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind, const kube::ListOptions& options,
                                             std::uint64_t from_version, kube::WatchSink sink) override;
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override;
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object, kube::Subresource subresource) override;
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key, kube::PatchType type,
                                std::string_view body, kube::Subresource subresource) override;
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key, const kube::RemoveOptions& options) override;
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override;
  Status bind(const kube::ObjectKey& pod, const std::string& uid, const std::string& node) override;

 private:
  // A list that a watch may begin after.
  struct Listed {
    const kube::Kind* kind = nullptr;
    std::string selection;
    kube::ObjectList list;
  };
  // Who is asked for what, as RBAC names it.
  struct Access {
    std::string_view verb;  // "get", "create", …
    const kube::Kind& kind;
    std::string_view subresource = {};
  };
  Result<Answer> send(const Access& access, const Call& call);
  void note(const Access& access, const Result<Answer>& answer, MonoTime begun);
  Result<kube::ObjectPtr> write(const Access& access, const Call& call);
  kube::ListOptions scoped(const kube::Kind& kind, kube::ListOptions options) const;
  std::vector<kube::ObjectPtr> take_listed(const kube::Kind& kind, const std::string& selection, std::uint64_t version,
                                           bool& found);

  env::Env env_;
  std::shared_ptr<Credentials> credentials_;
  Options options_;
  Transport transport_;
  kube::Kinds kinds_;
  Breaker breaker_;
  std::deque<Listed> listed_;  // Newest last; bounded.
  std::vector<std::weak_ptr<Feed>> feeds_;
  std::shared_ptr<WatchCounters> counters_ = std::make_shared<WatchCounters>();
  Statistics statistics_;
  std::uint64_t watches_made_ = 0;
};

}  // namespace minato::kube_http
