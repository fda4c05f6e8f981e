#include "load/shards.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace minato::load {
namespace {

constexpr double kRatePerThread = 6000;
constexpr std::size_t kMaxThreads = 16;
constexpr Duration kGather = 100ms;
constexpr Duration kLead = 20ms;  // Until every thread is ready to begin …
constexpr Duration kHandshake = 1ms;  // … and for each connection that is opened ahead.
constexpr double kAnswerSeconds = 0.01;  // That the rate has connections enough for, from the start.

class Sharded final : public Generator {
 public:
  Sharded(host::Loop& loop, Options options, std::size_t threads, MakeShard make)
      : loop_(loop), options_(std::move(options)), make_(std::move(make)), alive_(std::make_shared<bool>(true)) {
    for (std::size_t i = 0; i < threads; ++i) shards_.push_back(std::make_unique<Shard>());
  }
  ~Sharded() override {
    alive_.reset();
    for (const auto& shard : shards_) {
      if (!shard->thread.joinable()) continue;
      shard->loop.post_from_thread([&loop = shard->loop] { loop.stop(); });
      shard->thread.join();
    }
  }

  void start(std::function<void(const Report&)> progress, std::function<void(const Report&)> done) override {
    progress_ = std::move(progress);
    done_ = std::move(done);
    options_.open_ahead = std::min(options_.max_connections, static_cast<std::size_t>(options_.rate * kAnswerSeconds));
    options_.start_at = loop_.monotonic() + kLead + kHandshake * options_.open_ahead;
    for (const auto& shard : shards_) {
      shard->thread = std::thread([this, &shard = *shard] { run(shard); });
    }
    gather();
  }
  void change(double rate, const std::string& path) override {
    each([share = rate / static_cast<double>(shards_.size()), path](Generator& shard) { shard.change(share, path); });
  }
  void stop() override {
    each([](Generator& shard) { shard.stop(); });
  }
  const Report& report() const override { return report_; }

 private:
  struct Shard {
    host::Loop loop;
    std::thread thread;
    std::unique_ptr<Generator> generator;  // Lives on the thread.
    std::mutex mutex;
    Report report;  // Guarded by it.
    bool is_done = false;
  };

  void run(Shard& shard) {
    Options own = options_;
    const std::size_t count = shards_.size();
    own.rate /= static_cast<double>(count);
    own.max_connections = std::max<std::size_t>(1, own.max_connections / count);
    own.open_ahead /= count;
    own.threads = 1;
    shard.generator = make_(shard.loop, own);
    const auto keep = [&shard](const Report& report) {
      const std::lock_guard lock(shard.mutex);
      shard.report = report;
    };
    shard.generator->start(keep, [this, &shard, keep, alive = std::weak_ptr(alive_)](const Report& report) {
      keep(report);
      loop_.post_from_thread([this, &shard, alive] {
        if (!alive.lock()) return;
        shard.is_done = true;
        finish_if_over();
      });
    });
    shard.loop.run();
    shard.generator.reset();
  }
  template <class Function>
  void each(Function function) {
    for (const auto& shard : shards_) {
      shard->loop.post_from_thread([&generator = shard->generator, function] {
        if (generator) function(*generator);
      });
    }
  }
  void merge() {
    Report all;
    for (const auto& shard : shards_) {
      const std::lock_guard lock(shard->mutex);
      if (shard->report.timeline.begun() != MonoTime{}) all.add(shard->report);
    }
    report_ = std::move(all);
  }
  void gather() {
    merge();
    if (progress_ && report_.sent > 0) progress_(report_);
    timer_ = loop_.after(kGather, [this] { gather(); });
  }
  void finish_if_over() {
    if (!std::ranges::all_of(shards_, [](const auto& shard) { return shard->is_done; })) return;
    timer_.cancel();
    merge();
    if (const auto done = std::exchange(done_, nullptr)) done(report_);
  }

  host::Loop& loop_;
  Options options_;
  MakeShard make_;
  std::shared_ptr<bool> alive_;
  std::vector<std::unique_ptr<Shard>> shards_;
  Report report_;
  env::TimerHandle timer_;
  std::function<void(const Report&)> progress_;
  std::function<void(const Report&)> done_;
};

}  // namespace

std::unique_ptr<Generator> make_sharded(host::Loop& loop, Options options, std::size_t threads, MakeShard make) {
  return std::make_unique<Sharded>(loop, std::move(options), threads, std::move(make));
}

std::size_t threads_for(double rate) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const auto wanted = static_cast<std::size_t>(rate / kRatePerThread) + 1;
  return std::min({wanted, processors, kMaxThreads});
}

}  // namespace minato::load
