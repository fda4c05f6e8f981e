// The one file, `minato.yaml`: what a team says about its web service.
//
// Reading is strict: an unknown key, a wrong type or unit is an error that names file, line and
// column and, where it can, the key that was meant. All errors of a file are reported together.
// Pure: reads no other file, no environment; secret values are references here, never contents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "spec/confinement.h"
#include "spec/eks.h"
#include "spec/sidecar.h"

namespace minato::spec {

struct Replicas {
  std::int32_t min = 2;
  std::int32_t max = 0;  // Not below min.
  std::int32_t cpu_percent = 60;   // Of what Pods ask for, on the average; more means more Pods.
  std::int32_t memory_percent = 0;  // Likewise; 0: memory does not count.
  std::int32_t headroom = 0;  // Room for this many Pods is kept free on Nodes that run already.
};

struct Stop {
  Duration drain = 10s;    // Between leaving the endpoints and SIGTERM.
  Duration timeout = 20s;  // Between SIGTERM and SIGKILL.
};

// Where the value of a secret comes from.
struct SecretSource {
  enum class Kind { kSsm, kSecretsManager, kFile, kEnvironment, kGenerated };
  Kind kind = Kind::kGenerated;
  std::string name;  // Parameter path, ARN, file path or variable; "" for kGenerated.
  std::string to_string() const;
};

struct NodeGroup {
  std::vector<std::string> types;
  std::int32_t min = 2;
  std::int32_t max = 0;          // Not below min.
  std::int32_t spot_percent = 0;
  std::int32_t on_demand_base = 0;
};

struct HealthCheck {
  Duration interval = 5s;
  Duration timeout = 2s;
  std::int32_t healthy = 2;
  std::int32_t unhealthy = 2;
};

struct LoadBalancer {
  HealthCheck health_check;
  Duration deregistration_delay = 30s;
  Duration idle_timeout = 60s;
  Duration slow_start{};
};

// Who may reach Pods, which is everyone on `port`, and whom Pods may.
struct NetworkPolicy {
  std::vector<std::string> egress;  // CIDR blocks, besides DNS; none: all but the instance metadata.
};

struct Slo {
  double availability_percent = 99.9;
  Duration p99 = 300ms;
};

struct Alert {
  std::string kind;    // "slack", "webhook"
  std::string target;  // "env:SLACK_WEBHOOK_URL" or "file:…": never the address itself.
};

// How the service behaves on this machine; has no meaning on EKS.
struct Local {
  std::uint16_t https_port = 8443;
  std::uint16_t http_port = 8080;
  std::int32_t cpu_scale_percent = 100;  // Share of a vCPU that an instance's vCPU is worth here.
  bool realistic = false;                // Profile: fast (seconds) or realistic (EC2-like).
};

struct Spec {
  DECLARE_SPECIAL_MEMBERS(Spec);
  std::string service;
  std::string image;
  std::uint16_t port = 0;
  std::string domain;  // Default: <service>.localhost
  std::string health = "/";
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::int64_t cpu_milli = 250;
  std::int64_t memory_bytes = 256 << 20;
  Replicas replicas;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::pair<std::string, SecretSource>> secrets;
  Stop stop;
  // How long the service keeps an idle connection open; 0: not said. Only lint reads it.
  Duration keep_alive{};
  Duration startup = 60s;  // Longest time a new container may take to answer its health path.
  Confinement confinement;
  std::vector<Mount> mounts;
  std::vector<Volume> volumes;
  std::vector<Sidecar> sidecars;  // Those that run first and around start in this order.
  std::optional<NetworkPolicy> network_policy;  // Not said: everyone reaches Pods, and Pods everyone.
  std::string region = "us-east-1";
  std::vector<std::string> zones = {"a", "b", "c"};  // Letters; the full name is region + letter.
  NodeGroup master{.types = {"t3.medium"}, .min = 2};
  NodeGroup scaling{.types = {"m6i.large", "m5.large"}, .min = 2};
  LoadBalancer load_balancer;
  std::vector<Alert> alerts;
  Slo slo;
  Local local;
  Eks eks;
  std::vector<Waiver> waivers;
};

// What a Pod asks for at most at a time, over its containers.
// Rule: Kubernetes, "Sidecar Containers", resource sharing within containers.
struct PodSize {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};
PodSize pod_size(const Spec& spec);

struct Source {
  std::string name;  // As shown in errors: "minato.yaml".
  std::string text;
};

// The base file, then overlays in order: a key in an overlay replaces the same key before it
// (objects are merged, lists and env entries of the same name are replaced).
// Errors: Invalid with one cause per problem; the message lists them a line each.
Result<Spec> read(const std::vector<Source>& sources);

}  // namespace minato::spec
