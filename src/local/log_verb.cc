#include "local/log_verb.h"

#include <fmt/format.h>

#include <set>

namespace minato::local {
namespace {

constexpr Duration kLookForPods = 500ms;

class LogStreams : public std::enable_shared_from_this<LogStreams> {
 public:
  LogStreams(host::Loop& loop, cluster::Cluster& cluster, std::string name_space,
             const control::Request& request, std::shared_ptr<control::Exchange> exchange)
      : loop_(loop),
        cluster_(cluster),
        namespace_(std::move(name_space)),
        pod_(request.text("pod")),
        container_(request.text("container")),
        previous_(request.flag("previous")),
        exchange_(std::move(exchange)) {
    options_.follow = request.flag("follow");
    options_.timestamps = request.flag("timestamps");
    options_.tail_lines = request.integer("tail", -1);
  }

  void start() {
    exchange_->on_close([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->close();
    });
    if (!pod_.empty()) {
      const auto pod = cluster_.informers().of<kube::Pod>().get({namespace_, pod_});
      if (!pod) return end(fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", pod_)));
      if (const Status status = open(*pod); !status) return end(status);
    }
    look();
  }

 private:
  void look() {
    if (closed_) return;
    for (const auto& pod : cluster_.informers().of<kube::Pod>().in_namespace(namespace_)) {
      // One that has not started yet is tried again with the next look, and so is a restarted one.
      if (pod_.empty() || pod->metadata.name == pod_) (void)open(*pod);
    }
    if (options_.follow) {
      timer_ = loop_.after(kLookForPods, [self = shared_from_this()] { self->look(); });
    } else if (open_ == 0) {
      end({});
    }
  }

  Status open(const kube::Pod& pod) {
    const std::string& container =
        container_.empty() ? pod.spec.containers.at(0).name : container_;
    kubelet::Kubelet* kubelet = cluster_.kubelet_of(pod.spec.node_name);
    container::Runtime* runtime = cluster_.runtime_of(pod.spec.node_name);
    auto ref = kubelet != nullptr ? kubelet->container_ref(pod.key(), container) : std::nullopt;
    if (!ref || runtime == nullptr) {
      return fail(Reason::kNotFound, fmt::format("container \"{}\" of pod \"{}\" has not started",
                                                 container, pod.metadata.name));
    }
    if (previous_ && ref->attempt == 0) {
      return fail(Reason::kNotFound, fmt::format("previous terminated container \"{}\" in pod \"{}\" not found",
                                                 container, pod.metadata.name));
    }
    if (previous_) --ref->attempt;
    if (!seen_.insert(*ref).second) return {};
    ++open_;
    const std::string prefix = pod_.empty() ? fmt::format("[{}] ", pod.metadata.name) : "";
    auto partial = std::make_shared<std::string>();
    streams_.push_back(runtime->read_log(
        *ref, options_,
        [weak = weak_from_this(), prefix, partial](std::string_view chunk) {
          if (const auto self = weak.lock()) self->print(prefix, *partial, chunk);
        },
        [weak = weak_from_this()](Status status) {
          if (const auto self = weak.lock()) self->stream_ended(status);
        }));
    return {};
  }

  void print(const std::string& prefix, std::string& partial, std::string_view chunk) {
    if (closed_) return;
    if (prefix.empty()) {
      exchange_->send(boost::json::value(boost::json::string(chunk)));
      return;
    }
    partial += chunk;
    std::string out;
    std::size_t start = 0;
    for (std::size_t end; (end = partial.find('\n', start)) != std::string::npos; start = end + 1) {
      out += prefix + partial.substr(start, end - start + 1);
    }
    partial.erase(0, start);
    if (!out.empty()) exchange_->send(boost::json::value(boost::json::string(out)));
  }

  void stream_ended(const Status& status) {
    --open_;
    if (!pod_.empty() && !status) return end(status);
    if (!options_.follow && open_ == 0) end({});
  }
  void end(const Status& status) {
    if (std::exchange(closed_, true)) return;
    exchange_->finish(status);
    // Streams are let go in a turn of their own: one of them may be calling us.
    loop_.post([self = shared_from_this()] { self->close(); });
  }
  void close() {
    closed_ = true;
    timer_ = {};
    streams_.clear();
    keep_ = nullptr;
  }

  host::Loop& loop_;
  cluster::Cluster& cluster_;
  std::string namespace_, pod_, container_;
  bool previous_ = false;
  container::LogOptions options_;
  std::shared_ptr<control::Exchange> exchange_;
  std::vector<std::unique_ptr<container::Runtime::LogStream>> streams_;
  std::set<container::ContainerRef> seen_;
  std::size_t open_ = 0;
  bool closed_ = false;
  env::TimerHandle timer_;

 public:
  std::shared_ptr<LogStreams> keep_;  // Alive until close().
};

}  // namespace

void stream_logs(host::Loop& loop, cluster::Cluster& cluster, const std::string& name_space,
                 const control::Request& request, std::shared_ptr<control::Exchange> exchange) {
  auto streams = std::make_shared<LogStreams>(loop, cluster, name_space, request, std::move(exchange));
  streams->keep_ = streams;
  streams->start();
}

}  // namespace minato::local
