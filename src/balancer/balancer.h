// Seam: the load balancer's data plane under a target group. The cloud model owns the life cycle
// (initial, healthy, draining, unused); a Driver carries traffic, checks health and reports.
//
// Implementations: haproxy (a real proxy with the ALB's settings and answers), sim (a modelled
// ALB). Owned by the world; called and calling back on the loop.
//
// Rules: Elastic Load Balancing "Target groups for your Application Load Balancers" and "Health
// checks for your target groups" (AWS documentation), summarised in docs/ARCHITECTURE.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::balancer {

struct HealthCheck {
  std::string path = "/";
  Duration interval = 30s;
  Duration timeout = 5s;
  std::uint32_t healthy_threshold = 5;
  std::uint32_t unhealthy_threshold = 2;
  std::uint16_t status_low = 200;   // Matcher, inclusive.
  std::uint16_t status_high = 399;  // Matcher, inclusive.
  std::uint16_t port = 0;           // 0: the traffic port.
  bool operator==(const HealthCheck&) const = default;
};

enum class Algorithm { kRoundRobin, kLeastOutstandingRequests };

struct TargetGroupConfig {
  std::string name;
  HealthCheck health_check;
  Duration deregistration_delay = 300s;
  Duration slow_start{};  // 0: off.
  Algorithm algorithm = Algorithm::kRoundRobin;
  bool operator==(const TargetGroupConfig&) const = default;
};

struct ListenerConfig {
  std::string domain;             // Host name of the certificate.
  std::string certificate_pem;    // Chain, leaf first. Public.
  std::string private_key_file;   // Path of a 0600 file; the key itself travels no further.
  Duration idle_timeout = 60s;
};

struct Config {
  ListenerConfig listener;
  TargetGroupConfig target_group;
};

// A target of type "instance": Node address and NodePort.
struct Target {
  std::string id;  // Instance id.
  std::string ip;
  std::uint16_t port = 0;
  std::string zone;
  auto operator<=>(const Target&) const = default;
};

// What the checks say, before the cloud model makes a target state of it.
enum class Health { kChecking, kHealthy, kUnhealthy };

struct Observation {
  std::string target_id;
  Health health = Health::kChecking;
  // AWS's codes: "Elb.InitialHealthChecking", "Target.ResponseCodeMismatch", "Target.Timeout",
  // "Target.FailedHealthChecks", "" when healthy.
  std::string reason;
  std::string description;  // "Health checks failed with these codes: [503]"
  std::uint64_t in_flight = 0;  // Requests being served by this target now.
};

// Counters since start; per target and in total. HTTPCode_* as in CloudWatch.
struct TargetCounters {
  std::string target_id;
  std::uint64_t requests = 0;
  std::uint64_t http_2xx = 0;
  std::uint64_t http_3xx = 0;
  std::uint64_t http_4xx = 0;
  std::uint64_t http_5xx = 0;
  std::uint64_t connection_errors = 0;
};
struct Counters {
  std::uint64_t requests = 0;
  std::uint64_t elb_5xx = 0;     // Made by the balancer itself (502, 503, 504).
  std::uint64_t target_5xx = 0;  // Made by targets.
  std::vector<TargetCounters> targets;
};

class Driver {
 public:
  virtual ~Driver() = default;

  // Called on every change of health or of "in flight is zero" for any target. Set once, first.
  using Sink = std::function<void(const Observation&)>;
  virtual void set_sink(Sink sink) = 0;

  // Starts, or changes a running one in place. No connection is lost by it.
  virtual Status configure(const Config& config) = 0;
  // Begins checking; carries no traffic before the first pass (state "initial"), unless every
  // target of the group is unhealthy (fail-open). Adding what is there is success.
  virtual Status add_target(const Target& target) = 0;
  // No new requests; those in flight go on. Observations continue with in_flight.
  virtual Status drain_target(const std::string& target_id) = 0;
  // Cuts what is left and forgets the target. NotFound is success.
  virtual Status remove_target(const std::string& target_id) = 0;

  virtual std::vector<Observation> observe() = 0;  // The present state of every target.
  virtual Counters counters() = 0;
};

}  // namespace minato::balancer
