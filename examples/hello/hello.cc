// hello: a small web service to try a cluster with. HTTP/1.1 on PORT (8080), nothing but libc.
//
//   /            who answers: service, version, Pod, Node, zone (from the environment), as JSON
//   /healthz     200, or 503 when BROKEN=1
//   /burn?ms=N   uses a CPU for N milliseconds      /slow?ms=N   answers after N milliseconds
//   /env         the environment, secrets redacted  /crash       answers, then exits with status 1
//   /leak        takes memory until it is killed
//   /unready?ms=N  /healthz answers 503 for N milliseconds
//
// A few worker threads, each with an epoll loop and its own connections; burning happens on threads
// of its own, so that health checks are answered meanwhile. SIGTERM: for STOP_DELAY (default 0s)
// everything is still accepted and answered with "Connection: close"; then listening ends, requests
// under way are finished, and the exit status is 0.
//
// Requests are input from strangers: sizes and times are bounded, what is malformed gets a 400.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "request.h"

extern "C" char** environ;

namespace {

using hello::json_string;
using hello::kLongestWaitMs;
using hello::Request;
using hello::upper;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kHeadLimit = 8 * 1024;
constexpr std::size_t kOutputLimit = 64 * 1024;  // For clients that ask and do not read.
constexpr std::size_t kMaxConnectionsPerWorker = 8192;
constexpr int kMaxBurns = 64;
constexpr milliseconds kRequestTimeout{10'000};  // A begun request must be complete by then.
constexpr milliseconds kIdleTimeout{75'000};     // Longer than a load balancer's 60 s.
constexpr milliseconds kLastCallTimeout{1'000};  // For requests on their way when we stop …
constexpr milliseconds kIdleLinger{3'000};       // … and for idle ones to be closed by the other side.

std::string variable(const char* name, const char* fallback = "") {
  const char* value = std::getenv(name);
  return value == nullptr ? fallback : value;
}

struct Response {
  int status = 200;
  std::string body;
  std::string type = "text/plain; charset=utf-8";
};

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    default: return "Service Unavailable";
  }
}

// ---- Pages ------------------------------------------------------------------------------------

std::string who_answers() {
  std::string out = "{";
  for (const auto& [key, name] : {std::pair{"service", "SERVICE"}, {"version", "VERSION"},
                                  {"pod", "POD_NAME"}, {"podIP", "POD_IP"},
                                  {"node", "NODE_NAME"}, {"zone", "ZONE"}}) {
    if (out.size() > 1) out += ", ";
    out += json_string(key) + ": " + json_string(variable(name));
  }
  return out + "}\n";
}

// "scheme://user:password@host"
bool has_credentials(std::string_view value) {
  const std::size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = value.substr(scheme + 3);
  return rest.substr(0, rest.find('/')).find('@') != std::string_view::npos;
}

bool is_secret(std::string_view name, std::string_view value) {
  const std::string shown = upper(name);
  for (const char* word : {"PASSWORD", "SECRET", "TOKEN", "KEY"}) {
    if (shown.find(word) != std::string::npos) return true;
  }
  const std::string names = "," + variable("SECRET_NAMES") + ",";
  return names.find("," + std::string(name) + ",") != std::string::npos || has_credentials(value);
}

std::string environment_page() {
  std::map<std::string, std::string> sorted;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
    sorted[std::string(name)] = is_secret(name, value) ? "(redacted)" : std::string(value);
  }
  std::string out;
  for (const auto& [name, value] : sorted) out += name + "=" + value + "\n";
  return out;
}

[[noreturn]] void leak() {
  constexpr std::size_t kStep = 4 << 20;
  while (true) {
    // Touched, so that it is memory and not only a promise of it; volatile, so that it is kept.
    auto* memory = static_cast<volatile char*>(std::malloc(kStep));
    if (memory != nullptr) {
      for (std::size_t at = 0; at < kStep; at += 4096) memory[at] = 1;
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
}

void burn(milliseconds duration) {
  const auto end = Clock::now() + duration;
  volatile std::uint64_t value = 0;
  while (Clock::now() < end) {
    for (std::uint64_t i = 0; i < 1000; ++i) value = value + i;
  }
}

// ---- Server -----------------------------------------------------------------------------------

enum class Phase { kServing, kLameDuck, kStopping };
std::atomic<Phase> phase{Phase::kServing};
std::atomic<int> burns{0};
std::atomic<Clock::rep> unready_until{0};

struct Connection {
  int fd = -1;
  std::uint64_t id = 0;  // Never used twice, unlike descriptors.
  std::string input;
  std::string output;
  std::size_t sent = 0;
  std::int64_t body_left = 0;  // Of a request's body, to be passed over.
  bool busy = false;           // A response is being made elsewhere or later.
  bool keep_alive = true;      // Of the request under way.
  bool head_only = false;
  bool served = false;
  bool closing = false;  // After what is in output.
  bool crash = false;
  std::optional<Response> delayed;  // With busy: given at the deadline.
  Clock::time_point deadline;
};

class Worker {
 public:
  explicit Worker(int listener) : listener_(listener) {
    add(listener_, EPOLLIN | EPOLLEXCLUSIVE, kListenerId);
    add(wake_, EPOLLIN, kWakeId);
  }

  void run() {
    while (!(stopping_ && connections_.empty())) {
      epoll_event events[256];
      const int n = ::epoll_wait(epoll_, events, 256, wait_ms());
      for (int i = 0; i < n; ++i) handle(events[i]);
      expire();
      if (phase == Phase::kStopping && !stopping_) begin_stop();
    }
  }

  void wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));
  }

 private:
  static constexpr std::uint64_t kListenerId = 0;
  static constexpr std::uint64_t kWakeId = 1;

  void add(int fd, std::uint32_t events, std::uint64_t id) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  int wait_ms() const {
    if (deadlines_.empty()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(deadlines_.begin()->first - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
  }

  void set_deadline(Connection& connection, milliseconds from_now) {
    deadlines_.erase({connection.deadline, connection.id});
    connection.deadline = Clock::now() + from_now;
    deadlines_.insert({connection.deadline, connection.id});
  }

  void handle(const epoll_event& event) {
    if (event.data.u64 == kListenerId) return accept_all();
    if (event.data.u64 == kWakeId) return take_finished();
    const auto found = connections_.find(event.data.u64);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) return close(connection);
    const bool was_full = connection.output.size() > kOutputLimit;
    if ((event.events & EPOLLOUT) != 0 && !flush(connection)) return;
    if (was_full && !serve(connection)) return;
    if (was_full || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0) read(connection);
  }

  void accept_all() {
    while (connections_.size() < kMaxConnectionsPerWorker) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto connection = std::make_unique<Connection>();
      connection->fd = fd;
      connection->id = next_id_++;
      set_deadline(*connection, kRequestTimeout);
      add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection->id);
      connections_[connection->id] = std::move(connection);
    }
  }

  void close(Connection& connection) {
    deadlines_.erase({connection.deadline, connection.id});
    ::close(connection.fd);
    const std::uint64_t id = connection.id;  // erase() must not refer into what it frees.
    connections_.erase(id);
    if (!stopping_ && connections_.size() + 1 == kMaxConnectionsPerWorker) accept_all();
  }

  void read(Connection& connection) {
    // Edge-triggered: read until nothing is left, but keep no more than one head and some.
    while (connection.input.size() <= kHeadLimit) {
      char buffer[16384];
      const ssize_t n = ::recv(connection.fd, buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) {
        // The peer is gone, or has no more requests; what is under way is answered still.
        if (n < 0 || (!connection.busy && connection.output.empty())) return close(connection);
        connection.keep_alive = false;
        return;
      }
      if (connection.input.empty() && !connection.busy) set_deadline(connection, kRequestTimeout);
      connection.input.append(buffer, static_cast<std::size_t>(n));
      if (!serve(connection)) return;
    }
  }

  // Answers all complete requests in the input; false when the connection is gone.
  bool serve(Connection& connection) {
    while (!connection.busy && !connection.closing && connection.output.size() <= kOutputLimit) {
      const auto skipped = std::min<std::int64_t>(
          connection.body_left, static_cast<std::int64_t>(connection.input.size()));
      connection.input.erase(0, static_cast<std::size_t>(skipped));
      connection.body_left -= skipped;
      if (connection.body_left > 0 || connection.input.empty()) break;
      const std::size_t end = connection.input.find("\r\n\r\n");
      if (end == std::string::npos || end > kHeadLimit) {
        if (connection.input.size() <= kHeadLimit) break;
        return refuse(connection, 431);
      }
      Request request;
      const std::string_view head(connection.input.data(), end);
      const int status = hello::parse_head(head, request);
      if (status != 0) return refuse(connection, status);
      connection.input.erase(0, end + 4);
      connection.body_left = request.body_bytes;
      connection.keep_alive = request.keep_alive;
      connection.head_only = request.method == "HEAD";
      if (!dispatch(connection, request)) return false;
    }
    return true;
  }

  bool refuse(Connection& connection, int status) {
    connection.keep_alive = false;
    connection.head_only = false;
    connection.input.clear();
    return respond(connection, {.status = status, .body = std::string(reason_of(status)) + "\n"});
  }

  bool dispatch(Connection& connection, const Request& request) {
    const auto text = [](int status, std::string body) {
      return Response{.status = status, .body = std::move(body)};
    };
    if (request.method != "GET" && request.method != "HEAD") {
      return respond(connection, text(405, "Method Not Allowed\n"));
    }
    if (request.path == "/") {
      return respond(connection, {.body = who_answers(), .type = "application/json"});
    }
    if (request.path == "/healthz") {
      static const bool broken = variable("BROKEN") == "1";
      const bool unready = Clock::now().time_since_epoch().count() < unready_until;
      return respond(connection, broken || unready ? text(503, "broken\n") : text(200, "ok\n"));
    }
    if (request.path == "/env") return respond(connection, text(200, environment_page()));
    if (request.path == "/burn" || request.path == "/slow" || request.path == "/unready") {
      return take_time(connection, request);
    }
    if (request.path == "/crash") {
      connection.crash = true;
      return respond(connection, text(200, "crashing\n"));
    }
    if (request.path == "/leak") {
      std::thread(leak).detach();
      return respond(connection, text(200, "leaking\n"));
    }
    return respond(connection, text(404, "Not Found\n"));
  }

  bool take_time(Connection& connection, const Request& request) {
    const auto ms = hello::milliseconds_of(request.query);
    if (!ms) {
      return respond(connection, {.status = 400, .body = "ms must be a number from 0 to 60000\n"});
    }
    const milliseconds duration(*ms);
    if (request.path == "/unready") {
      unready_until = (Clock::now() + duration).time_since_epoch().count();
      return respond(connection, {.body = "unready\n"});
    }
    const Response done{.body = (request.path == "/burn" ? "burned " : "slept ") +
                                std::to_string(*ms) + " ms\n"};
    if (request.path == "/slow") {
      connection.busy = true;
      connection.delayed = done;
      set_deadline(connection, duration);
      return true;
    }
    if (++burns > kMaxBurns) {
      --burns;
      return respond(connection, {.status = 503, .body = "too many are burning\n"});
    }
    connection.busy = true;
    set_deadline(connection, duration + milliseconds(kLongestWaitMs));
    std::thread([this, id = connection.id, duration, done] {
      burn(duration);
      --burns;
      {
        const std::lock_guard lock(finished_mutex_);
        finished_.emplace_back(id, done);
      }
      wake();
    }).detach();
    return true;
  }

  void take_finished() {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_, &count, sizeof count));
    std::vector<std::pair<std::uint64_t, Response>> finished;
    {
      const std::lock_guard lock(finished_mutex_);
      finished.swap(finished_);
    }
    for (auto& [id, response] : finished) {
      const auto found = connections_.find(id);
      if (found != connections_.end()) resume(*found->second, std::move(response));
    }
  }

  // A response that took time; then whatever came in meanwhile.
  void resume(Connection& connection, Response response) {
    connection.busy = false;
    const std::uint64_t id = connection.id;
    const bool open = respond(connection, std::move(response)) && serve(connection);
    if (open && connections_.contains(id)) read(connection);
  }

  bool respond(Connection& connection, Response response) {
    if (phase != Phase::kServing) connection.keep_alive = false;
    connection.closing = !connection.keep_alive;
    connection.served = true;
    connection.output += "HTTP/1.1 " + std::to_string(response.status) + " ";
    connection.output += reason_of(response.status);
    connection.output += "\r\nContent-Type: " + response.type +
                         "\r\nContent-Length: " + std::to_string(response.body.size());
    if (response.status == 405) connection.output += "\r\nAllow: GET, HEAD";
    connection.output += connection.closing ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
    if (!connection.head_only) connection.output += response.body;
    set_deadline(connection, kIdleTimeout);
    return flush(connection);
  }

  // Sends what there is; false when the connection is gone.
  bool flush(Connection& connection) {
    while (connection.sent < connection.output.size()) {
      const ssize_t n = ::send(connection.fd, connection.output.data() + connection.sent,
                               connection.output.size() - connection.sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return true;
      if (n < 0) {
        close(connection);
        return false;
      }
      connection.sent += static_cast<std::size_t>(n);
    }
    connection.output.clear();
    connection.sent = 0;
    if (connection.crash) std::_Exit(1);
    if (!connection.closing) return true;
    // A reset for unread input would take the response with it.
    ::shutdown(connection.fd, SHUT_WR);
    char rest[4096];
    while (::recv(connection.fd, rest, sizeof rest, 0) > 0) {
    }
    close(connection);
    return false;
  }

  void expire() {
    while (!deadlines_.empty() && deadlines_.begin()->first <= Clock::now()) {
      Connection& connection = *connections_.at(deadlines_.begin()->second);
      if (!connection.delayed) {
        close(connection);
        continue;
      }
      const Response response = std::move(*connection.delayed);
      connection.delayed.reset();
      resume(connection, response);
    }
  }

  // Takes what has arrived still, connections and requests, then waits for what has begun only.
  void begin_stop() {
    accept_all();
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
    stopping_ = true;
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : connections_) ids.push_back(id);
    for (const std::uint64_t id : ids) {
      read(*connections_.at(id));
      const auto found = connections_.find(id);
      if (found == connections_.end()) continue;
      Connection& connection = *found->second;
      if (connection.busy || !connection.output.empty()) continue;
      // Whoever keeps a connection may be sending on it right now: it is answered once more, with
      // "Connection: close", and closed by us only when nothing has come for a while.
      set_deadline(connection, connection.served ? kIdleLinger : kLastCallTimeout);
    }
  }

  const int listener_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::uint64_t next_id_ = 2;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::set<std::pair<Clock::time_point, std::uint64_t>> deadlines_;
  bool stopping_ = false;
  std::mutex finished_mutex_;
  std::vector<std::pair<std::uint64_t, Response>> finished_;
};

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  sockaddr generic{};
  static_assert(sizeof generic == sizeof address);
  std::memcpy(&generic, &address, sizeof address);
  if (fd < 0 || ::bind(fd, &generic, sizeof generic) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    return -1;
  }
  return fd;
}

// Idle connections wake a worker only to be closed, so every worker is woken for each phase.
void enter(Phase next, const std::vector<std::unique_ptr<Worker>>& workers) {
  phase = next;
  for (const auto& worker : workers) worker->wake();
}

}  // namespace

int main() {
  const auto port = hello::parse_number(variable("PORT", "8080"), 65535);
  if (!port || *port == 0) {
    std::fprintf(stderr, "hello: PORT must be a number from 1 to 65535\n");
    return 2;
  }
  // Blocked before any thread starts: only sigwait() below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int listener = listen_on(static_cast<std::uint16_t>(*port));
  if (listener < 0) {
    std::fprintf(stderr, "hello: listening on port %d: %s\n", static_cast<int>(*port),
                 std::strerror(errno));
    return 1;
  }
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) workers.push_back(std::make_unique<Worker>(listener));
  for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  std::fprintf(stderr, "hello: version %s, port %d\n", variable("VERSION", "?").c_str(),
               static_cast<int>(*port));
  int signal = 0;
  ::sigwait(&signals, &signal);
  enter(Phase::kLameDuck, workers);
  std::this_thread::sleep_for(hello::parse_delay(variable("STOP_DELAY", "0")));
  enter(Phase::kStopping, workers);
  for (std::thread& thread : threads) thread.join();
  std::fprintf(stderr, "hello: stopped\n");
  // Burning threads may still run for connections that are gone.
  std::_Exit(0);
}
