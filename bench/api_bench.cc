// The Kubernetes API over HTTPS on loopback: how many Pods clients create per second, each on a
// connection of its own and waiting for its answer, and how long the list of many takes.
//
// The server is the real one (TLS, HTTP, fields' owners, rules, the durable store with its commit
// before every answer) on one thread; the clients are threads of this process, so both share the
// machine. Objects are JSON of about 1.3 KB. Beside the wall clock it tells what of a processor the
// server's thread spends per creation, which a busy machine changes less.
//
//   minato_api_bench [--pods=N] [--repetitions=N]
#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <thread>

#include "apiserver/server.h"
#include "base/check.h"
#include "base/strings.h"
#include "host/files.h"
#include "host/http.h"
#include "net/https_server.h"
#include "net/tls_context.h"
#include "store/sqlite_journal.h"
#include "tls/authority.h"

namespace minato {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Seconds = std::chrono::duration<double>;

constexpr std::string_view kToken = "token-of-the-benchmark";

std::string pod(int number) {
  constexpr std::string_view kContainer =
      R"({{"name":"{}","image":"registry.local/web:1.2.3","ports":[{{"name":"http-{}","containerPort":8080}}],)"
      R"("env":[{{"name":"MODE","value":"production"}},{{"name":"POD","valueFrom":{{"fieldRef":{{"fieldPath":"metadata.name"}}}}}}],)"
      R"("resources":{{"requests":{{"cpu":"250m","memory":"256Mi"}},"limits":{{"memory":"256Mi"}}}},)"
      R"("readinessProbe":{{"httpGet":{{"path":"/healthz","port":8080}},"periodSeconds":5,"failureThreshold":3}},)"
      R"("lifecycle":{{"preStop":{{"exec":{{"command":["sleep","10"]}}}}}}}})";
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web-{:07}","labels":{{"app":"web","tier":"front"}},)"
      R"("annotations":{{"example.com/built-by":"ci"}}}},"spec":{{"containers":[{},{}],)"
      R"("tolerations":[{{"key":"group","operator":"Equal","value":"scaling","effect":"NoSchedule"}}],)"
      R"("terminationGracePeriodSeconds":30,"nodeSelector":{{"group":"scaling"}}}}}})",
      number, fmt::format(fmt::runtime(kContainer), "web", "a"),
      fmt::format(fmt::runtime(kContainer), "log-agent", "b"));
}

// The server on a thread of its own, with everything behind it.
class Server {
 public:
  explicit Server(const std::string& directory) {
    thread_ = std::thread([this, directory] { serve(directory); });
    while (port_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~Server() {
    loop_->post_from_thread([this] { loop_->stop(); });
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  double processor_seconds() {
    clockid_t clock{};
    timespec spent{};
    CHECK(::pthread_getcpuclockid(thread_.native_handle(), &clock) == 0, "the thread has a clock");
    ::clock_gettime(clock, &spent);
    return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
  }

 private:
  class Silent final : public env::Log {
    void write(env::Level, std::string_view, std::string_view) override {}
  };

  void serve(const std::string& directory) {
    host::Loop loop;
    loop_ = &loop;
    Silent log;
    const env::Env env{loop, loop, log, env::Rng(1)};
    auto journal = store::SqliteJournal::open(directory + "/state.db");
    CHECK(journal, "a database");
    auto store = store::Store::open(std::move(*journal));
    CHECK(store, "a store");
    auto registry = registry::Registry::make(env, **store);
    CHECK(registry && (*registry)->bootstrap(), "a registry");
    auto authority = tls::Authority::open_or_create(directory + "/authority", "bench", loop.wall());
    CHECK(authority, "an authority");
    const auto certificate = authority->issue({.domain = "localhost"}, loop.wall());
    CHECK(certificate, "a certificate");
    auto tls = net::make_tls_context({certificate->chain_pem, certificate->key_pem, ""});
    CHECK(tls, "a TLS context");
    apiserver::Authenticator authenticator;
    authenticator.add_token(std::string(kToken), {"bench", "", {std::string(apiserver::kMasters)}});
    const apiserver::BaseAuthorizer authorizer;
    apiserver::ApiServer server(env, **registry, authenticator, authorizer, {});
    auto listening = host::listen_tcp("127.0.0.1", 0);
    CHECK(listening, "a port");
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&address), &size);
    net::HttpsServer::Options options;
    options.before_send = [&store] { return (*store)->flush(); };
    net::HttpsServer https(
        loop, std::move(*listening), *tls,
        [&server](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
          server.handle(std::move(request), std::move(exchange));
        },
        std::move(options));
    port_ = ntohs(address.sin_port);
    loop.run();
  }

  host::Loop* loop_ = nullptr;
  std::atomic<std::uint16_t> port_ = 0;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(std::uint16_t port)
      : context_(asio::ssl::context::tls_client), stream_(io_, context_) {
    stream_.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream_.next_layer().set_option(tcp::no_delay(true));
    stream_.handshake(asio::ssl::stream_base::client);
  }
  void create(int number) {
    const std::string body = pod(number);
    send(fmt::format("POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nAuthorization: "
                     "Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     kToken, body.size(), body));
    const std::string head = read_head();
    CHECK(head.starts_with("HTTP/1.1 201"), "{}", head);
    const std::size_t at = head.find("Content-Length: ");
    CHECK(at != std::string::npos, "{}", head);
    std::size_t length = 0;
    for (std::size_t i = at + 16; head[i] != '\r'; ++i)
      length = length * 10 + static_cast<std::size_t>(head[i] - '0');
    if (buffer_.size() < length) {
      asio::read(stream_, asio::dynamic_buffer(buffer_),
                 asio::transfer_at_least(length - buffer_.size()));
    }
    buffer_.erase(0, length);
  }
  // Bytes of the body, which comes in chunks.
  std::size_t list(std::string_view encoding) {
    send(fmt::format("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n"
                     "Accept-Encoding: {}\r\n\r\n", kToken, encoding));
    const std::string head = read_head();
    CHECK(head.starts_with("HTTP/1.1 200"), "{}", head);
    std::size_t total = 0;
    for (;;) {
      const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(buffer_), "\r\n");
      const std::size_t chunk = std::stoul(buffer_.substr(0, size), nullptr, 16);
      if (buffer_.size() < size + chunk + 2) {
        asio::read(stream_, asio::dynamic_buffer(buffer_),
                   asio::transfer_at_least(size + chunk + 2 - buffer_.size()));
      }
      buffer_.erase(0, size + chunk + 2);
      if (chunk == 0) return total;
      total += chunk;
    }
  }

 private:
  void send(const std::string& text) { asio::write(stream_, asio::buffer(text)); }
  std::string read_head() {
    const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(buffer_), "\r\n\r\n");
    std::string out = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return out;
  }
  asio::io_context io_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  std::string buffer_;
};

// "8873 ±1.2 % [8800, 8873, 8900]": median, half the range, every repetition.
std::string summary(std::vector<double> values) {
  const std::string all = fmt::format("{:.0f}", fmt::join(values, ", "));
  std::ranges::sort(values);
  const double median = values[values.size() / 2];
  return fmt::format("{:6.0f} ±{:4.1f} % [{}]", median,
                     50 * (values.back() - values.front()) / median, all);
}

struct TemporaryDirectory {
  TemporaryDirectory() {
    char path[] = "/tmp/minato-api-bench-XXXXXX";
    CHECK(::mkdtemp(path) != nullptr, "a directory");
    name = path;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(name); }
  std::string name;
};

double create_rate(std::uint16_t port, int connections, int pods) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < connections; ++i) clients.push_back(std::make_unique<Client>(port));
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&client = *clients[static_cast<std::size_t>(i)], i, connections, pods] {
      for (int number = i; number < pods; number += connections) client.create(number);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return pods / Seconds(std::chrono::steady_clock::now() - start).count();
}

void measure_creates(int connections, int pods, int repetitions) {
  std::vector<double> rates, microseconds;
  for (int i = 0; i < repetitions; ++i) {
    const TemporaryDirectory directory;
    Server server(directory.name);
    const double before = server.processor_seconds();
    rates.push_back(create_rate(server.port(), connections, pods));
    microseconds.push_back((server.processor_seconds() - before) * 1e6 / pods);
  }
  fmt::print("create, {} connection{}  creates/s {}  server µs each {}\n", connections,
             connections == 1 ? " " : "s", summary(rates), summary(microseconds));
  std::fflush(stdout);
}

void measure_list(int pods, int repetitions) {
  const TemporaryDirectory directory;
  const Server server(directory.name);
  create_rate(server.port(), 4, pods);
  Client client(server.port());
  for (const std::string_view encoding : {"identity", "gzip"}) {
    std::vector<double> milliseconds;
    std::size_t bytes = 0;
    for (int i = 0; i < repetitions; ++i) {
      const auto start = std::chrono::steady_clock::now();
      bytes = client.list(encoding);
      milliseconds.push_back(Seconds(std::chrono::steady_clock::now() - start).count() * 1e3);
    }
    fmt::print("list, {:8}          ms {}  {} bytes\n", encoding, summary(milliseconds), bytes);
  }
}

int run(int pods, int repetitions) {
  fmt::print("{} Pods of {} bytes, durable store, TLS, {} repetitions\n", pods, pod(0).size(),
             repetitions);
  for (const int connections : {1, 8}) measure_creates(connections, pods, repetitions);
  measure_list(pods, repetitions);
  return 0;
}

}  // namespace
}  // namespace minato

int main(int argc, char** argv) {
  int pods = 10'000;
  int repetitions = 5;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto number = [&](std::string_view prefix, int& value) {
      if (!argument.starts_with(prefix)) return;
      const auto parsed = minato::parse_int(argument.substr(prefix.size()));
      if (parsed && *parsed > 0) value = static_cast<int>(*parsed);
    };
    number("--pods=", pods);
    number("--repetitions=", repetitions);
  }
  return minato::run(pods, repetitions);
}
