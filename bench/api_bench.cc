// The Kubernetes API over HTTPS on loopback: creations by 1, 8 and 64 clients, each waiting for its
// answer; one Pod read; all of them listed; a thousand watchers; memory and time to start.
//
// The server is a process of its own (api_server.h), the clients are threads of this one, and both
// share the machine. Beside the wall clock stands what of a processor the server spends for each
// creation, which a busy machine changes less: all of it, and its first thread's, which makes all
// changes.
//
//   minato_api_bench [--pods=N]
//   minato_api_bench [--pods=N] --port=N --token=T --pid=N...   another server, running already
// bench/api_compare.py does the second with kube-apiserver and etcd.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "api_client.h"
#include "api_server.h"
#include "base/check.h"
#include "base/strings.h"

namespace minato::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr int kWatchers = 1'000;
constexpr int kWatchedPods = 100;
constexpr int kGets = 5'000;
constexpr int kLists = 5;

double seconds_since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

// "12.3 / 45.6": the middle one, and the one that one in a hundred exceeds.
std::string percentiles(std::vector<double> values, double scale) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) { return values[values.size() * percent / 100] * scale; };
  return fmt::format("{:.2f} / {:.2f}", at(50), at(99));
}

// What the server's processes have spent and hold, as the kernel counts it.
class Processes {
 public:
  explicit Processes(std::vector<int> pids) : pids_(std::move(pids)) {}
  double processor_seconds() const {
    double sum = 0;
    for (const int pid : pids_) sum += spent(fmt::format("/proc/{}/stat", pid));
    return sum;
  }
  double first_thread_seconds() const {
    return spent(fmt::format("/proc/{}/task/{}/stat", pids_[0], pids_[0]));
  }
  double memory_mib() const {
    double sum = 0;
    for (const int pid : pids_) {
      std::ifstream file(fmt::format("/proc/{}/statm", pid));
      double all = 0, resident = 0;
      file >> all >> resident;
      sum += resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
    }
    return sum;
  }

 private:
  static double spent(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    // User and system time are the 12th and 13th after the name, which may have blanks.
    std::istringstream fields(text.str().substr(text.str().rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  std::vector<int> pids_;
};

struct Server {
  Target target;
  Processes processes;
};

void measure_creates(const Server& server, int connections, int pods) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < connections; ++i) clients.push_back(std::make_unique<Client>(server.target));
  std::vector<std::vector<double>> times(static_cast<std::size_t>(connections));
  const double before = server.processes.processor_seconds();
  const double first_before = server.processes.first_thread_seconds();
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&, i] {
      const auto index = static_cast<std::size_t>(i);
      for (int number = i; number < pods; number += connections) {
        const std::string body = pod(fmt::format("web-{}-{:07}", connections, number));
        const auto sent = Clock::now();
        const Answer answer = clients[index]->ask("POST", kPods, body);
        times[index].push_back(seconds_since(sent));
        CHECK(answer.status == 201, "created, not {}", answer.status);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double took = seconds_since(start);
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  const auto each = [pods](double seconds) { return seconds * 1e6 / pods; };
  fmt::print("create, {:2} connections  {:6.0f}/s  p50 / p99 {} ms  processor {:.0f} us each, "
             "of it the first thread {:.0f}\n",
             connections, pods / took, percentiles(all, 1e3),
             each(server.processes.processor_seconds() - before),
             each(server.processes.first_thread_seconds() - first_before));
  std::fflush(stdout);
}

void remove_all(const Server& server) { Client(server.target).ask("DELETE", kPods); }

void measure_reads(const Server& server, int pods) {
  Client client(server.target);
  std::vector<double> times;
  for (int i = 0; i < kGets; ++i) {
    const auto start = Clock::now();
    const Answer answer =
        client.ask("GET", fmt::format("{}/web-64-{:07}", kPods, i * 7919 % pods));
    times.push_back(seconds_since(start));
    CHECK(answer.status == 200, "found, not {}", answer.status);
  }
  fmt::print("get, 1 connection       p50 / p99 {} us\n", percentiles(times, 1e6));
  for (const std::string_view encoding : {"identity", "gzip"}) {
    std::vector<double> lists;
    std::size_t bytes = 0;
    for (int i = 0; i < kLists; ++i) {
      const auto start = Clock::now();
      bytes = client.ask("GET", "/api/v1/pods", {}, fmt::format("Accept-Encoding: {}\r\n", encoding)).bytes;
      lists.push_back(seconds_since(start));
    }
    std::ranges::sort(lists);
    fmt::print("list of {}, {:8}  {:.0f} ms (the middle of {}), {} bytes\n", pods, encoding,
               lists[kLists / 2] * 1e3, kLists, bytes);
  }
  std::fflush(stdout);
}

// Counts the events of one watch as they come.
class Watcher {
 public:
  Watcher(const Target& target, std::atomic<int>& events) : client_(target), events_(events) {
    client_.open("/api/v1/pods?watch=1&resourceVersionMatch=NotOlderThan&sendInitialEvents=false");
    read();
  }
  void poll() { client_.io().poll(); }

 private:
  static constexpr std::string_view kAdded = "{\"type\":\"ADDED\"";
  void read() {
    client_.stream().async_read_some(
        boost::asio::buffer(buffer_), [this](const boost::system::error_code& error, std::size_t size) {
          if (error) return;
          count(size);
          read();
        });
  }
  void count(std::size_t size) {
    text_.append(buffer_, size);
    std::size_t at = 0;
    while ((at = text_.find(kAdded, at)) != std::string::npos) {
      ++events_;
      at += kAdded.size();
      text_.erase(0, at);
      at = 0;
    }
    if (text_.size() > kAdded.size()) text_.erase(0, text_.size() - kAdded.size());
  }
  Client client_;
  std::atomic<int>& events_;
  char buffer_[16 << 10];
  std::string text_;
};

void measure_watchers(const Server& server) {
  const double memory = server.processes.memory_mib();
  std::atomic<int> events = 0;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < kWatchers; ++i)
    watchers.push_back(std::make_unique<Watcher>(server.target, events));
  const double watched = server.processes.memory_mib();
  const double before = server.processes.processor_seconds();
  const auto start = Clock::now();
  std::thread writer([&] {
    Client client(server.target);
    for (int i = 0; i < kWatchedPods; ++i)
      client.ask("POST", kPods, pod(fmt::format("watched-{:07}", i)));
  });
  while (events < kWatchers * kWatchedPods && seconds_since(start) < 120) {
    for (const auto& watcher : watchers) watcher->poll();
  }
  const double took = seconds_since(start);
  writer.join();
  fmt::print("{} watchers  {} Pods, {} events in {:.2f} s: {:.0f} events/s, processor {:.1f} us each; "
             "{:.0f} KiB for each watcher\n",
             kWatchers, kWatchedPods, events.load(), took, events / took,
             (server.processes.processor_seconds() - before) * 1e6 / std::max(events.load(), 1),
             (watched - memory) * 1024 / kWatchers);
}

void measure(const Server& server, int pods) {
  Client(server.target)
      .ask("POST", "/api/v1/namespaces/default/serviceaccounts",
           R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  fmt::print("memory when empty       {:.0f} MiB\n", server.processes.memory_mib());
  for (const int connections : {1, 8, 64}) {
    measure_creates(server, connections, pods);
    if (connections != 64) remove_all(server);
  }
  fmt::print("memory with {} Pods  {:.0f} MiB\n", pods, server.processes.memory_mib());
  measure_reads(server, pods);
  measure_watchers(server);
}

// The server of this tree for as long as this lives.
class Own {
 public:
  Own() {
    char path[] = "/tmp/minato-api-bench-XXXXXX";
    CHECK(::mkdtemp(path) != nullptr, "a directory");
    directory_ = path;
    const auto start = Clock::now();
    pid_ = ::fork();
    CHECK(pid_ >= 0, "a process");
    if (pid_ == 0) {
      const std::string serve = "--serve=" + directory_;
      ::execl("/proc/self/exe", "minato_api_bench", serve.c_str(), nullptr);
      ::_exit(127);
    }
    const std::string file = directory_ + "/port";
    while (!std::filesystem::exists(file)) {
      CHECK(::waitpid(pid_, nullptr, WNOHANG) == 0, "the server runs");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::ifstream(file) >> target_.port;
    target_.token = kToken;
    CHECK(Client(target_).ask("GET", "/readyz").status == 200, "the server is ready");
    fmt::print("ready after             {:.0f} ms\n", seconds_since(start) * 1e3);
  }
  ~Own() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;
  Server server() const { return {target_, Processes({pid_})}; }

 private:
  std::string directory_;
  pid_t pid_ = -1;
  Target target_;
};

struct Arguments {
  int pods = 10'000;
  Target target;
  std::vector<int> pids;
  std::string serve;
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = std::min(argument.find('='), argument.size() - 1);
    const std::string_view name = argument.substr(0, equals), value = argument.substr(equals + 1);
    const auto number = parse_int(value);
    if (name == "--serve") out.serve = value;
    if (name == "--token") out.target.token = value;
    if (name == "--pods" && number) out.pods = static_cast<int>(*number);
    if (name == "--port" && number) out.target.port = static_cast<std::uint16_t>(*number);
    if (name == "--pid" && number) out.pids.push_back(static_cast<int>(*number));
  }
  return out;
}

int run(const Arguments& arguments) {
  if (!arguments.serve.empty()) return serve_api(arguments.serve);
  const rlimit files{8192, 8192};
  ::setrlimit(RLIMIT_NOFILE, &files);
  fmt::print("{} Pods of {} bytes over TLS\n", arguments.pods, pod("web-64-0000000").size());
  if (arguments.target.port != 0) {
    measure({arguments.target, Processes(arguments.pids)}, arguments.pods);
  } else {
    const Own own;
    measure(own.server(), arguments.pods);
  }
  return 0;
}

}  // namespace
}  // namespace minato::bench

int main(int argc, char** argv) { return minato::bench::run(minato::bench::parse(argc, argv)); }
