#include "haproxy/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "tls/x509.h"

namespace minato::haproxy {
namespace {

// sun_path holds 108 bytes, and HAProxy binds to a temporary name ".<pid>.tmp" longer.
constexpr std::size_t kMaximumRunDirBytes = 60;
constexpr std::size_t kDigestBytes = 12;
// Lets uploads and WebSockets end by themselves after a reload, but not forever.
constexpr Duration kMinimumHandover = 60s;

// ELBSecurityPolicy-TLS13-1-2-2021-06.
constexpr std::string_view kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384";

// ALB's fields in ALB's order as far as HAProxy knows them. The time is in seconds since 1970, those
// of processing are in milliseconds; last come the target and how the request ended.
constexpr std::string_view kLogFormat =
    R"("https %Ts.%ms app/minato %ci:%cp %si:%sp %TR %Tr %Td %ST %[var(txn.target_status)] )"
    R"(%U %B %{+Q}r %{+Q}[var(txn.user_agent)] %[var(txn.tls)] targetgroup/%b %{+Q}ID )"
    R"(%{+Q}[var(txn.host)] %s %ts")";

// From frontend `https` to `requests`, which takes it away; a client's own is overwritten.
constexpr std::string_view kTlsHeader = "X-Minato-Tls";
constexpr Duration kRelayMargin = 5s;

bool is_plain_path(const std::string& path) {
  return path.starts_with('/') && std::ranges::all_of(path, [](unsigned char c) {
           return c > 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '#';
         });
}

std::string global_section(const Settings& settings, const std::string& socket) {
  const Duration handover =
      std::max(kMinimumHandover, settings.target_group.deregistration_delay);
  return fmt::format(
      R"(global
    maxconn {maxconn}
    nbthread {threads}
    stats socket '{socket}' mode 600 level admin expose-fd listeners
    stats timeout 1h
    hard-stop-after {handover}ms
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers {ciphers}

)",
      fmt::arg("maxconn", settings.maximum_connections), fmt::arg("threads", settings.threads),
      fmt::arg("socket", socket), fmt::arg("handover", to_milliseconds(handover)),
      fmt::arg("ciphers", kCiphers));
}

std::string defaults_section(const Settings& settings) {
  return fmt::format(
      R"(defaults
    mode http
    retries 0
    option dontlognull
    option idle-close-on-response
    timeout connect {connect}ms
    timeout client {idle}ms
    timeout server {idle}ms
    timeout tunnel {idle}ms
    timeout http-keep-alive {idle}ms
    timeout http-request {idle}ms
    timeout check {check}ms

)",
      fmt::arg("connect", to_milliseconds(settings.connect_timeout)),
      fmt::arg("idle", to_milliseconds(settings.idle_timeout)),
      fmt::arg("check", to_milliseconds(settings.target_group.health_check.timeout)));
}

// What clients reach, and the way from there to `requests`. The timeouts between the two are longer
// than those at both ends, so that the one who knows what happened gives the answer.
std::string https_frontend(const Settings& settings) {
  return fmt::format(
      R"(frontend https
    bind fd@{fd} ssl crt '{certificate}' alpn h2,http/1.1
    http-request set-header {tls_header} "%[ssl_fc_cipher] %[ssl_fc_protocol]"
    default_backend relay

backend relay
    option http-server-close
    timeout server {patience}ms
    http-response set-var(txn.relayed) bool(true)
    http-after-response set-header Server awselb/2.0 if !{{ var(txn.relayed) -m found }}
    server relay unix@{relay} send-proxy-v2

frontend requests
    bind unix@{relay} mode 600 accept-proxy
    timeout client {patience}ms
)",
      fmt::arg("fd", kHttpsDescriptor), fmt::arg("certificate", certificate_path(settings.run_dir)),
      fmt::arg("tls_header", kTlsHeader), fmt::arg("relay", settings.run_dir + "/relay.sock"),
      fmt::arg("patience", to_milliseconds(settings.idle_timeout + settings.connect_timeout +
                                           kRelayMargin)));
}

std::string request_rules() {
  return fmt::format(
      R"(    log stdout len 8192 format raw local0
    log-format {log_format}
    unique-id-format "1-%[date,hex,bytes(8,8),lower]-%[uuid(4),regsub(-,,g),bytes(0,24)]"
    http-request set-var(txn.start) date(0,ms)
    http-request set-var(txn.host) req.hdr(host)
    http-request set-var(txn.user_agent) req.fhdr(user-agent)
    http-request set-var(txn.tls) req.fhdr({tls_header})
    http-request del-header {tls_header}
    http-request add-header X-Forwarded-For %[src] if {{ req.fhdr_cnt(X-Forwarded-For) gt 1 }}
    http-request set-header X-Forwarded-For "%[req.fhdr(X-Forwarded-For)], %[src]" if {{ req.fhdr_cnt(X-Forwarded-For) eq 1 }}
    http-request set-header X-Forwarded-For %[src] if {{ req.fhdr_cnt(X-Forwarded-For) eq 0 }}
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-var(txn.traced) bool(true) if {{ req.fhdr(X-Amzn-Trace-Id) -m sub Root= }}
    http-request set-header X-Amzn-Trace-Id "Self=%[unique-id];%[req.fhdr(X-Amzn-Trace-Id)]" if {{ var(txn.traced) -m found }}
    http-request set-header X-Amzn-Trace-Id "Root=%[unique-id]" unless {{ var(txn.traced) -m found }}
    use_backend no_target if {{ nbsrv(targets) eq 0 }} {{ nbsrv(targets_open) eq 0 }} !{{ stopping }}
    use_backend targets_open if {{ nbsrv(targets) eq 0 }} !{{ stopping }}
    default_backend targets

)",
      fmt::arg("log_format", kLogFormat), fmt::arg("tls_header", kTlsHeader));
}

// ALB writes the port even when it is 443, the scheme's default, which says the same.
std::string http_frontend(const Settings& settings) {
  const std::string port =
      settings.public_https_port == 443 ? "" : fmt::format(":{}", settings.public_https_port);
  return fmt::format(
      R"(frontend http
    bind fd@{fd}
    http-request redirect code 301 location "https://%[req.hdr(host),field(1,:)]{port}%[pathq]"

)",
      fmt::arg("fd", kHttpDescriptor), fmt::arg("port", port));
}

// What no target answered says that the balancer did, as ALB's own answers do.
// HAProxy answers 503 when a target could not be connected to. ALB answers 504 when that took its
// whole connect timeout, else 502. Rules cannot see which it was, so the time tells: a little less
// than the timeout is enough, since it runs on another clock than date() does, and what is refused
// or not reachable is so within seconds. Answers that targets gave themselves are left alone: only
// those set txn.target_status.
std::string backend_answers(const Settings& settings) {
  return fmt::format(
      R"(    http-response set-var(txn.target_status) status
    http-after-response set-var(txn.elapsed) date(0,ms),sub(txn.start)
    http-after-response set-header Server awselb/2.0 if !{{ var(txn.target_status) -m found }}
    http-after-response set-status 504 reason "Gateway Time-out" if {{ status 503 }} !{{ var(txn.target_status) -m found }} {{ var(txn.elapsed) -m int ge {waited} }}
    http-after-response set-status 502 reason "Bad Gateway" if {{ status 503 }} !{{ var(txn.target_status) -m found }}
    http-error status 503 content-type text/html lf-string "<html><head><title>%[date(0,ms),sub(txn.start),div({waited}),bool,iif(504 Gateway Time-out,502 Bad Gateway)]</title></head></html>"
)",
      fmt::arg("waited", to_milliseconds(settings.connect_timeout * 9 / 10)));
}

std::string backends(const Settings& settings, const std::vector<SeedTarget>& seeds) {
  const balancer::TargetGroupConfig& group = settings.target_group;
  const balancer::HealthCheck& check = group.health_check;
  const std::string_view algorithm =
      group.algorithm == balancer::Algorithm::kRoundRobin ? "roundrobin" : "leastconn";
  std::string text = fmt::format(
      R"(backend targets
    balance {algorithm}
    http-reuse always
{answers}    option httpchk
    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host %[bc_dst]:%[bc_dst_port] hdr User-Agent ELB-HealthChecker/2.0
    http-check expect status {low}-{high}
    default-server {check}
)",
      fmt::arg("algorithm", algorithm), fmt::arg("answers", backend_answers(settings)),
      fmt::arg("path", check.path), fmt::arg("low", check.status_low),
      fmt::arg("high", check.status_high), fmt::arg("check", check_options(group, settings.source_ip)));
  for (const SeedTarget& seed : seeds) {
    if (!seed.healthy) continue;
    text += fmt::format("    server {} {}:{}\n", seed.target.id, seed.target.ip, seed.target.port);
  }
  text += fmt::format("\nbackend targets_open\n    balance {}\n    http-reuse always\n    default-server {}\n{}", algorithm,
                      connection_options(settings.source_ip), backend_answers(settings));
  for (const SeedTarget& seed : seeds) {
    text += fmt::format("    server {} {}:{}\n", seed.target.id, seed.target.ip, seed.target.port);
  }
  text +=
      R"(
backend no_target
    http-request return status 503 content-type text/html string "<html><head><title>503 Service Temporarily Unavailable</title></head></html>" hdr Server awselb/2.0
)";
  return text;
}

std::string render(const Settings& settings, const std::vector<SeedTarget>& seeds,
                   const std::string& socket) {
  std::string text = global_section(settings, socket) + defaults_section(settings) +
                     https_frontend(settings) + request_rules();
  if (settings.redirect_http) text += http_frontend(settings);
  return text + backends(settings, seeds);
}

}  // namespace

std::int64_t to_milliseconds(Duration duration) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

Status validate(const Settings& settings) {
  const balancer::HealthCheck& check = settings.target_group.health_check;
  const auto invalid = [](std::string message) { return fail(Reason::kInvalid, std::move(message)); };
  if (settings.run_dir.size() > kMaximumRunDirBytes || !is_plain_path(settings.run_dir)) {
    return invalid(fmt::format("run directory '{}' must be an absolute path of at most {} plain "
                               "characters: a unix socket goes there",
                               settings.run_dir, kMaximumRunDirBytes));
  }
  if (!is_plain_path(check.path)) {
    return invalid(fmt::format("health check path '{}' must start with '/' and have no spaces, "
                               "quotes, '#' or '\\'",
                               check.path));
  }
  if (check.interval <= Duration{0} || check.timeout <= Duration{0}) {
    return invalid("health check interval and timeout must be above zero");
  }
  if (check.healthy_threshold < 1 || check.unhealthy_threshold < 1) {
    return invalid("health check thresholds must be at least 1");
  }
  if (check.status_low < 100 || check.status_high > 599 || check.status_low > check.status_high) {
    return invalid(fmt::format("health check matcher {}-{} is not a range of HTTP status codes",
                               check.status_low, check.status_high));
  }
  if (settings.idle_timeout <= Duration{0}) return invalid("idle timeout must be above zero");
  if (settings.threads < 1 || settings.maximum_connections < 1) {
    return invalid("HAProxy needs at least one thread and one connection");
  }
  return {};
}

std::string settings_digest(const Settings& settings) {
  return tls::sha256_hex(render(settings, {}, "")).substr(0, kDigestBytes);
}

std::string config_path(const std::string& run_dir, const std::string& digest) {
  return fmt::format("{}/haproxy-{}.cfg", run_dir, digest);
}

std::string socket_path(const std::string& run_dir, const std::string& digest) {
  return fmt::format("{}/haproxy-{}.sock", run_dir, digest);
}

std::string certificate_path(const std::string& run_dir) { return run_dir + "/listener.pem"; }

std::string render_config(const Settings& settings, const std::vector<SeedTarget>& seeds) {
  return render(settings, seeds, socket_path(settings.run_dir, settings_digest(settings)));
}

std::string connection_options(const std::string& source_ip) {
  const std::string source = source_ip.empty() ? "" : fmt::format(" source {}:1024-65535", source_ip);
  return "pool-purge-delay 1s" + source;
}

std::string check_options(const balancer::TargetGroupConfig& group, const std::string& source_ip) {
  const balancer::HealthCheck& check = group.health_check;
  std::string text = fmt::format("check inter {}ms rise {} fall {} {}", to_milliseconds(check.interval),
                                 check.healthy_threshold, check.unhealthy_threshold, connection_options(source_ip));
  if (check.port != 0) text += fmt::format(" port {}", check.port);
  if (group.slow_start > Duration{0}) {
    text += fmt::format(" slowstart {}ms", to_milliseconds(group.slow_start));
  }
  return text;
}

}  // namespace minato::haproxy
