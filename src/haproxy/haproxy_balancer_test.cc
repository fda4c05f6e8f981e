// Against a real HAProxy on loopback. Health checks run every 200 ms so that a test takes a second.
#include "haproxy/haproxy_balancer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "haproxy/testing_backend.h"
#include "haproxy/testing_client.h"
#include "host/files.h"
#include "tls/authority.h"

namespace minato::haproxy {
namespace {

using balancer::Health;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

constexpr char kDomain[] = "shop.test";

class RecordingLog final : public env::Log {
 public:
  void write(env::Level level, std::string_view, std::string_view message) override {
    if (level >= env::Level::kWarning) lines += std::string(message) + "\n";
  }
  std::string lines;
};

host::Fd listen_on_loopback(int backlog, std::uint16_t* port) {
  host::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(fd.get(), generic, sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), backlog), 0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(fd.get(), generic, &size), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

class HaproxyBalancerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!host::find_program("haproxy")) GTEST_SKIP() << "haproxy is not installed";
    char pattern[] = "/tmp/minato-lb-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    https_ = listen_on_loopback(512, &https_port_);
    http_ = listen_on_loopback(512, &http_port_);
    authority_ = tls::Authority::open_or_create(directory_ + "/ca", "test", loop_.wall()).value();
    options_ = {.run_dir = directory_ + "/run",
                .state_dir = directory_ + "/state",
                .https_fd = https_.get(),
                .http_fd = http_.get(),
                .public_https_port = https_port_,
                .connect_timeout = 500ms};
    config_.listener = {.domain = kDomain, .idle_timeout = 2s};
    use_certificate("one.test");
    config_.target_group = {.name = "shop",
                            .health_check = {.path = "/healthz",
                                             .interval = 200ms,
                                             .timeout = 100ms,
                                             .healthy_threshold = 2,
                                             .unhealthy_threshold = 2}};
    make_balancer();
  }
  void TearDown() override {
    if (directory_.empty()) return;
    balancer_.reset();
    EXPECT_TRUE(stop_processes(options_.run_dir, 2s));
    EXPECT_TRUE(find_processes(options_.run_dir).empty());
    if (HasFailure()) {
      std::cerr << host::read_file(options_.state_dir + "/haproxy.log").value_or("") << log_.lines
                << host::read_file(options_.state_dir + "/access.log").value_or("");
    }
    EXPECT_TRUE(host::remove_tree(directory_));
  }

  void use_certificate(const std::string& more) {
    const auto issued = authority_->issue(
        {.domain = kDomain, .more_dns_names = {more}}, loop_.wall()).value();
    config_.listener.certificate_pem = issued.chain_pem;
    config_.listener.private_key_file = issued.key_file;
  }
  void make_balancer() {
    balancer_.reset();
    events_.clear();
    balancer_.emplace(loop_, log_, options_);
    balancer_->set_sink([this](const balancer::Observation& event) { events_.push_back(event); });
  }
  void start() {
    const Status configured = balancer_->configure(config_);
    ASSERT_TRUE(configured) << configured.error().message;
    ASSERT_TRUE(wait([&] { return balancer_->process_id() != 0; }));
  }

  bool wait(const std::function<bool()>& condition, Duration limit = 10s) {
    const MonoTime end = loop_.monotonic() + limit;
    while (!condition()) {
      if (loop_.monotonic() > end) return false;
      loop_.io().restart();
      loop_.io().run_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  void turn(Duration duration) {
    const MonoTime end = loop_.monotonic() + duration;
    wait([&] { return loop_.monotonic() >= end; });
  }
  template <class T>
  T get(std::future<T> future) {
    EXPECT_TRUE(wait([&] { return future.wait_for(0s) == std::future_status::ready; }, 15s));
    return future.get();
  }

  balancer::Target add(const std::string& id, const std::string& ip, std::uint16_t port) {
    const balancer::Target target{.id = id, .ip = ip, .port = port, .zone = "a"};
    const Status added = balancer_->add_target(target);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
    return target;
  }
  std::optional<balancer::Observation> seen(const std::string& id) {
    for (const auto& observation : balancer_->observe()) {
      if (observation.target_id == id) return observation;
    }
    return std::nullopt;
  }
  bool wait_health(const std::string& id, Health health) {
    return wait([&] { return seen(id) && seen(id)->health == health; });
  }

  Request request(const std::string& path = "/") {
    return {.url = "https://" + std::string(kDomain) + ":" + std::to_string(https_port_) + path,
            .ca_file = authority_->certificate_file(),
            .resolve = std::string(kDomain) + ":" + std::to_string(https_port_) + ":127.0.0.1"};
  }
  Answer ask(const std::string& path = "/") { return get(fetch_async(request(path))); }

  host::Loop loop_;
  RecordingLog log_;
  std::string directory_;
  host::Fd https_, http_;
  std::uint16_t https_port_ = 0, http_port_ = 0;
  std::optional<tls::Authority> authority_;
  Options options_;
  balancer::Config config_;
  std::vector<balancer::Observation> events_;
  std::optional<HaproxyBalancer> balancer_;
};

TEST_F(HaproxyBalancerTest, TargetBecomesHealthyAfterOnePassAndServes) {
  TestingBackend backend("a", "127.0.0.2");
  config_.target_group.health_check.interval = 5s;
  start();
  EXPECT_EQ(ask().status, 503);  // Empty group.
  const MonoTime added = loop_.monotonic();
  add("i-a", "127.0.0.2", backend.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  RecordProperty("milliseconds_to_healthy", std::to_string((loop_.monotonic() - added) / 1ms));
  EXPECT_LT(loop_.monotonic() - added, 3s) << "the first check must not wait for an interval";
  turn(50ms);
  EXPECT_THAT(ask().body, HasSubstr("target: a"));
  EXPECT_EQ(backend.check_host(), "127.0.0.2:" + std::to_string(backend.port()));
  EXPECT_EQ(events_.front().reason, "Elb.InitialHealthChecking");
  EXPECT_EQ(events_.back().health, Health::kHealthy);
  EXPECT_EQ(log_.lines, "");
}

TEST_F(HaproxyBalancerTest, InitialTargetCarriesNoTraffic) {
  TestingBackend good("good", "127.0.0.2");
  TestingBackend slow_to_start("late", "127.0.0.3");
  slow_to_start.set_health(503);
  config_.target_group.health_check.unhealthy_threshold = 10;
  start();
  add("i-late", "127.0.0.3", slow_to_start.port());
  ASSERT_TRUE(wait([&] { return slow_to_start.health_checks() > 0; }));
  EXPECT_EQ(ask().status, 503);  // Alone and initial: not even fail-open.
  add("i-good", "127.0.0.2", good.port());
  ASSERT_TRUE(wait_health("i-good", Health::kHealthy));
  turn(50ms);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(ask().body, HasSubstr("target: good"));
  EXPECT_EQ(seen("i-late")->health, Health::kChecking);
  EXPECT_EQ(slow_to_start.requests(), 0);
  slow_to_start.set_health(200);
  ASSERT_TRUE(wait_health("i-late", Health::kHealthy));
  ASSERT_TRUE(wait([&] { ask(); return slow_to_start.requests() > 0; }));
}

TEST_F(HaproxyBalancerTest, UnhealthyTargetIsLeftOutWithItsCodeAndComesBack) {
  TestingBackend a("a", "127.0.0.2"), b("b", "127.0.0.3");
  start();
  add("i-a", "127.0.0.2", a.port());
  add("i-b", "127.0.0.3", b.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy) && wait_health("i-b", Health::kHealthy));
  a.set_health(503);
  ASSERT_TRUE(wait_health("i-a", Health::kUnhealthy));
  EXPECT_EQ(seen("i-a")->reason, "Target.ResponseCodeMismatch");
  EXPECT_EQ(seen("i-a")->description, "Health checks failed with these codes: [503]");
  const int before = a.requests();
  for (int i = 0; i < 10; ++i) EXPECT_THAT(ask().body, HasSubstr("target: b"));
  EXPECT_EQ(a.requests(), before);
  a.set_health(200);
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  ASSERT_TRUE(wait([&] { ask(); return a.requests() > before; }));
}

TEST_F(HaproxyBalancerTest, NeverHealthyTargetsFailWithTheirReasons) {
  std::uint16_t refused_port = 0, silent_port = 0;
  listen_on_loopback(1, &refused_port).reset();
  const host::Fd silent = listen_on_loopback(16, &silent_port);
  start();
  add("i-refused", "127.0.0.1", refused_port);
  add("i-silent", "127.0.0.1", silent_port);
  ASSERT_TRUE(wait_health("i-refused", Health::kUnhealthy));
  ASSERT_TRUE(wait_health("i-silent", Health::kUnhealthy));
  EXPECT_EQ(seen("i-refused")->reason, "Target.FailedHealthChecks");
  EXPECT_EQ(seen("i-silent")->reason, "Target.Timeout");
}

TEST_F(HaproxyBalancerTest, AllUnhealthyFailsOpenAndBrokenTargetsAre502) {
  TestingBackend a("a", "127.0.0.2");
  std::uint16_t refused_port = 0;
  listen_on_loopback(1, &refused_port).reset();
  start();
  a.set_health(500);
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kUnhealthy));
  turn(50ms);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask("/503").status, 503);  // The target's own answers are not touched.
  EXPECT_EQ(ask("/close").status, 502);
  ASSERT_TRUE(balancer_->remove_target("i-a"));
  add("i-refused", "127.0.0.1", refused_port);
  ASSERT_TRUE(wait_health("i-refused", Health::kUnhealthy));
  ASSERT_TRUE(wait([&] { return !seen("i-a"); }));
  turn(50ms);
  const Answer refused = ask();
  EXPECT_EQ(refused.status, 502);
  EXPECT_THAT(refused.body, HasSubstr("502 Bad Gateway"));
  turn(300ms);
  const balancer::Counters counters = balancer_->counters();
  EXPECT_EQ(counters.target_5xx, 1U);
  EXPECT_EQ(counters.elb_5xx, 2U);
  EXPECT_EQ(counters.requests, 4U);
  ASSERT_EQ(counters.targets.size(), 1U);
  EXPECT_EQ(counters.targets[0].connection_errors, 1U);
}

TEST_F(HaproxyBalancerTest, ConnectThatIsNotAnsweredIs504) {
  std::uint16_t port = 0;
  // A backlog of zero that is full: further connects get no answer at all.
  const host::Fd full = listen_on_loopback(0, &port);
  std::vector<host::Fd> fillers;
  for (int i = 0; i < 4; ++i) {
    host::Fd filler(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(filler.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    fillers.push_back(std::move(filler));
  }
  start();
  add("i-full", "127.0.0.1", port);
  ASSERT_TRUE(wait_health("i-full", Health::kUnhealthy));
  EXPECT_EQ(seen("i-full")->reason, "Target.Timeout");
  turn(50ms);
  const Answer answer = ask();
  EXPECT_EQ(answer.status, 504);
  EXPECT_THAT(answer.body, HasSubstr("504 Gateway Time-out"));
}

TEST_F(HaproxyBalancerTest, DrainedTargetFinishesWhatIsInFlightAndGetsNothingNew) {
  TestingBackend a("a", "127.0.0.2"), b("b", "127.0.0.3");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  turn(50ms);
  auto in_flight = fetch_async(request("/slow"));
  ASSERT_TRUE(wait([&] { return seen("i-a")->in_flight == 1; }));
  add("i-b", "127.0.0.3", b.port());
  ASSERT_TRUE(wait_health("i-b", Health::kHealthy));
  ASSERT_TRUE(balancer_->drain_target("i-a"));
  events_.clear();
  turn(50ms);
  for (int i = 0; i < 10; ++i) EXPECT_THAT(ask().body, HasSubstr("target: b"));
  EXPECT_GE(seen("i-a")->in_flight, 1U);
  const Answer finished = get(std::move(in_flight));
  EXPECT_EQ(finished.status, 200);
  EXPECT_THAT(finished.body, HasSubstr("target: a"));
  ASSERT_TRUE(wait([&] { return !events_.empty() && events_.back().target_id == "i-a"; }));
  EXPECT_EQ(events_.back().in_flight, 0U);
  ASSERT_TRUE(balancer_->remove_target("i-a"));
  ASSERT_TRUE(balancer_->remove_target("i-never"));
  ASSERT_TRUE(wait([&] { return !seen("i-a"); }));
  EXPECT_EQ(log_.lines, "");
}

TEST_F(HaproxyBalancerTest, IdleTargetSaysZeroInFlightAfterDrainingBegan) {
  TestingBackend a("a", "127.0.0.2");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  ASSERT_TRUE(balancer_->drain_target("i-a"));
  EXPECT_EQ(seen("i-a")->in_flight, 1U);  // Not known yet.
  events_.clear();
  ASSERT_TRUE(wait([&] { return !events_.empty(); }));
  EXPECT_EQ(events_.back().in_flight, 0U);
}

TEST_F(HaproxyBalancerTest, RemovingCutsWhatIsInFlightAndTheTargetMayComeBack) {
  TestingBackend a("a", "127.0.0.2");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  turn(50ms);
  auto in_flight = fetch_async(request("/slow"));
  ASSERT_TRUE(wait([&] { return seen("i-a")->in_flight == 1; }));
  ASSERT_TRUE(balancer_->remove_target("i-a"));
  EXPECT_EQ(get(std::move(in_flight)).status, 502);
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  turn(50ms);
  EXPECT_EQ(ask().status, 200);
}

TEST_F(HaproxyBalancerTest, RequestsCarryAlbHeaders) {
  TestingBackend a("a", "127.0.0.2");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  turn(50ms);
  EXPECT_THAT(ask().body, HasSubstr("x-forwarded-for: 127.0.0.1\n"));
  Request with = request();
  with.headers = {"X-Forwarded-For: 203.0.113.7, 198.51.100.2"};
  const std::string body = get(fetch_async(with)).body;
  EXPECT_THAT(body, HasSubstr("x-forwarded-for: 203.0.113.7, 198.51.100.2, 127.0.0.1\n"));
  EXPECT_THAT(body, HasSubstr("x-forwarded-proto: https\n"));
  EXPECT_THAT(body, HasSubstr("x-forwarded-port: " + std::to_string(https_port_) + "\n"));
  EXPECT_THAT(body, ::testing::ContainsRegex("x-amzn-trace-id: Root=1-[0-9a-f]{8}-[0-9a-f]{24}\n"));
  with.headers = {"X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678"};
  EXPECT_THAT(get(fetch_async(with)).body,
              ::testing::ContainsRegex("x-amzn-trace-id: Self=1-[0-9a-f]{8}-[0-9a-f]{24};"
                                       "Root=1-67891233-abcdef012345678912345678\n"));
  turn(100ms);
  const std::string access_log = host::read_file(options_.state_dir + "/access.log").value();
  EXPECT_THAT(access_log, HasSubstr(" 200 200 "));
  EXPECT_THAT(access_log, HasSubstr("\"GET / HTTP/1.1\" \"\" TLS_AES_256_GCM_SHA384 TLSv1.3 "));
  EXPECT_THAT(access_log, HasSubstr("app/minato 127.0.0.1:"));
  EXPECT_THAT(body, ::testing::Not(HasSubstr("x-minato")));
}

TEST_F(HaproxyBalancerTest, PlainHttpIsRedirected) {
  start();
  const Answer answer = get(fetch_async(
      {.url = "http://127.0.0.1:" + std::to_string(http_port_) + "/a/b?c=d",
       .headers = {"Host: shop.test:8080"}}));
  EXPECT_EQ(answer.status, 301);
  EXPECT_THAT(answer.headers, HasSubstr("location: https://shop.test:" +
                                        std::to_string(https_port_) + "/a/b?c=d\r\n"));
}

TEST_F(HaproxyBalancerTest, CertificateIsReplacedWithoutANewProcess) {
  TestingBackend a("a", "127.0.0.2");
  start();
  const pid_t pid = balancer_->process_id();
  Request other = request();
  other.url = "https://two.test:" + std::to_string(https_port_) + "/";
  other.resolve = "two.test:" + std::to_string(https_port_) + ":127.0.0.1";
  EXPECT_THAT(get(fetch_async(other)).error, HasSubstr("SSL"));
  use_certificate("two.test");
  ASSERT_TRUE(balancer_->configure(config_));
  ASSERT_TRUE(wait([&] { return get(fetch_async(other)).status == 503; }));
  EXPECT_EQ(balancer_->process_id(), pid);
  EXPECT_EQ(log_.lines, "");
}

TEST_F(HaproxyBalancerTest, NextObjectAdoptsTheRunningProcessWithoutAFailedRequest) {
  TestingBackend a("a", "127.0.0.2"), b("b", "127.0.0.3");
  start();
  const auto target_a = add("i-a", "127.0.0.2", a.port());
  add("i-b", "127.0.0.3", b.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy) && wait_health("i-b", Health::kHealthy));
  turn(50ms);
  const pid_t pid = balancer_->process_id();
  Load load(request());
  turn(200ms);
  make_balancer();
  start();
  EXPECT_EQ(balancer_->process_id(), pid);
  ASSERT_TRUE(balancer_->add_target(target_a));
  // i-b was not asked for again, and is reported for its owner to decide.
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy) && wait_health("i-b", Health::kHealthy));
  turn(300ms);
  EXPECT_THAT(load.finish(), ElementsAre(Key(200)));
  ASSERT_TRUE(wait([&] { return balancer_->counters().requests > 0; }));
  EXPECT_EQ(log_.lines, "");
}

TEST_F(HaproxyBalancerTest, ChangedSettingsAreTakenUpWithoutAFailedRequest) {
  TestingBackend a("a", "127.0.0.2"), b("b", "127.0.0.3");
  start();
  add("i-a", "127.0.0.2", a.port());
  add("i-b", "127.0.0.3", b.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy) && wait_health("i-b", Health::kHealthy));
  turn(50ms);
  Load load(request());
  for (const Duration interval : {300ms, 400ms, 500ms}) {
    const pid_t before = balancer_->process_id();
    auto in_flight = fetch_async(request("/slow"));
    turn(100ms);
    config_.target_group.health_check.interval = interval;
    ASSERT_TRUE(balancer_->configure(config_));
    ASSERT_TRUE(wait([&] { return balancer_->process_id() != before; }));
    const std::uint64_t known = seen("i-a")->in_flight + seen("i-b")->in_flight;
    if (in_flight.wait_for(0s) != std::future_status::ready) {
      EXPECT_GE(known, 1U) << "in the process before";
    }
    turn(300ms);
    EXPECT_EQ(get(std::move(in_flight)).status, 200);
  }
  EXPECT_THAT(load.finish(), ElementsAre(Key(200)));
  ASSERT_TRUE(wait([&] { return find_processes(options_.run_dir).size() == 1; }));
}

TEST_F(HaproxyBalancerTest, AdoptionWithOtherSettingsKeepsTheTargets) {
  TestingBackend a("a", "127.0.0.2");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  turn(50ms);
  const pid_t before = balancer_->process_id();
  Load load(request());
  make_balancer();
  config_.target_group.algorithm = balancer::Algorithm::kLeastOutstandingRequests;
  start();
  ASSERT_TRUE(wait([&] { return balancer_->process_id() != before; }));
  turn(300ms);
  EXPECT_THAT(load.finish(), ElementsAre(Key(200)));
}

TEST_F(HaproxyBalancerTest, KilledProcessIsStartedAgainWithItsTargets) {
  TestingBackend a("a", "127.0.0.2");
  start();
  add("i-a", "127.0.0.2", a.port());
  ASSERT_TRUE(wait_health("i-a", Health::kHealthy));
  const pid_t before = balancer_->process_id();
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  const MonoTime killed = loop_.monotonic();
  // Clients wait in the listening socket's queue meanwhile.
  EXPECT_EQ(ask().status, 200);
  RecordProperty("milliseconds_to_answer", std::to_string((loop_.monotonic() - killed) / 1ms));
  ASSERT_TRUE(wait([&] { return balancer_->process_id() != 0; }));
  EXPECT_NE(balancer_->process_id(), before);
  EXPECT_EQ(seen("i-a")->health, Health::kHealthy);
}

TEST_F(HaproxyBalancerTest, StopEndsTheProcess) {
  start();
  ASSERT_TRUE(balancer_->stop());
  EXPECT_TRUE(find_processes(options_.run_dir).empty());
}

TEST_F(HaproxyBalancerTest, UnusableInputIsNamed) {
  options_.https_fd = 987;
  make_balancer();
  EXPECT_THAT(balancer_->configure(config_).error().message,
              HasSubstr("https_fd is descriptor 987"));
  options_.https_fd = https_.get();
  options_.program = "no-such-haproxy";
  make_balancer();
  EXPECT_TRUE(failed_with(balancer_->configure(config_), Reason::kNotFound));
  options_.program = "haproxy";
  make_balancer();
  config_.listener.private_key_file = directory_ + "/other.key";
  ASSERT_TRUE(host::write_file_atomic(config_.listener.private_key_file,
                                      tls::generate_key().value(), 0600));
  EXPECT_THAT(balancer_->configure(config_).error().message, HasSubstr("is not the certificate's"));
  EXPECT_FALSE(balancer_->add_target({.id = "a b", .ip = "127.0.0.1", .port = 1}));
  EXPECT_FALSE(balancer_->add_target({.id = "i-a", .ip = "nowhere", .port = 1}));
}

}  // namespace
}  // namespace minato::haproxy
