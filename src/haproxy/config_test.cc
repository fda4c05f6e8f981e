#include "haproxy/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minato::haproxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Settings settings() {
  return {.run_dir = "/run/minato",
          .redirect_http = true,
          .public_https_port = 8443,
          .threads = 2,
          .maximum_connections = 4000,
          .source_ip = "10.0.0.4",
          .target_group = {.name = "shop",
                           .health_check = {.path = "/healthz",
                                            .interval = 5s,
                                            .timeout = 2s,
                                            .healthy_threshold = 2,
                                            .unhealthy_threshold = 3,
                                            .port = 9000},
                           .deregistration_delay = 120s,
                           .slow_start = 30s,
                           .algorithm = balancer::Algorithm::kLeastOutstandingRequests}};
}

constexpr char kGolden[] = R"(global
    maxconn 4000
    nbthread 2
    stats socket '/run/minato/haproxy-DIGEST.sock' mode 600 level admin expose-fd listeners
    stats timeout 1h
    hard-stop-after 120000ms
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384

defaults
    mode http
    retries 0
    option dontlognull
    option idle-close-on-response
    timeout connect 10000ms
    timeout client 60000ms
    timeout server 60000ms
    timeout tunnel 60000ms
    timeout http-keep-alive 60000ms
    timeout http-request 60000ms
    timeout check 2000ms

frontend https
    bind fd@10 ssl crt '/run/minato/listener.pem' alpn h2,http/1.1
    http-request set-header X-Minato-Tls "%[ssl_fc_cipher] %[ssl_fc_protocol]"
    default_backend relay

backend relay
    option http-server-close
    timeout server 75000ms
    http-response set-var(txn.relayed) bool(true)
    http-after-response set-header Server awselb/2.0 if !{ var(txn.relayed) -m found }
    server relay unix@/run/minato/relay.sock send-proxy-v2

frontend requests
    bind unix@/run/minato/relay.sock mode 600 accept-proxy
    timeout client 75000ms
    log stdout len 8192 format raw local0
    log-format "https %Ts.%ms app/minato %ci:%cp %si:%sp %TR %Tr %Td %ST %[var(txn.target_status)] %U %B %{+Q}r %{+Q}[var(txn.user_agent)] %[var(txn.tls)] targetgroup/%b %{+Q}ID %{+Q}[var(txn.host)] %s %ts"
    unique-id-format "1-%[date,hex,bytes(8,8),lower]-%[uuid(4),regsub(-,,g),bytes(0,24)]"
    http-request set-var(txn.start) date(0,ms)
    http-request set-var(txn.host) req.hdr(host)
    http-request set-var(txn.user_agent) req.fhdr(user-agent)
    http-request set-var(txn.tls) req.fhdr(X-Minato-Tls)
    http-request del-header X-Minato-Tls
    http-request add-header X-Forwarded-For %[src] if { req.fhdr_cnt(X-Forwarded-For) gt 1 }
    http-request set-header X-Forwarded-For "%[req.fhdr(X-Forwarded-For)], %[src]" if { req.fhdr_cnt(X-Forwarded-For) eq 1 }
    http-request set-header X-Forwarded-For %[src] if { req.fhdr_cnt(X-Forwarded-For) eq 0 }
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-var(txn.traced) bool(true) if { req.fhdr(X-Amzn-Trace-Id) -m sub Root= }
    http-request set-header X-Amzn-Trace-Id "Self=%[unique-id];%[req.fhdr(X-Amzn-Trace-Id)]" if { var(txn.traced) -m found }
    http-request set-header X-Amzn-Trace-Id "Root=%[unique-id]" unless { var(txn.traced) -m found }
    use_backend no_target if { nbsrv(targets) eq 0 } { nbsrv(targets_open) eq 0 } !{ stopping }
    use_backend targets_open if { nbsrv(targets) eq 0 } !{ stopping }
    default_backend targets

frontend http
    bind fd@11
    http-request redirect code 301 location "https://%[req.hdr(host),field(1,:)]:8443%[pathq]"

backend targets
    balance leastconn
    http-reuse always
ANSWERS    option httpchk
    http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host %[bc_dst]:%[bc_dst_port] hdr User-Agent ELB-HealthChecker/2.0
    http-check expect status 200-399
    default-server check inter 5000ms rise 2 fall 3 pool-purge-delay 1s source 10.0.0.4:1024-65535 port 9000 slowstart 30000ms
    server i-1 10.0.1.11:30080

backend targets_open
    balance leastconn
    http-reuse always
    default-server pool-purge-delay 1s source 10.0.0.4:1024-65535
ANSWERS    server i-1 10.0.1.11:30080
    server i-2 10.0.2.11:30080

backend no_target
    http-request return status 503 content-type text/html string "<html><head><title>503 Service Temporarily Unavailable</title></head></html>" hdr Server awselb/2.0
)";

constexpr char kAnswers[] = R"(    http-response set-var(txn.target_status) status
    http-after-response set-var(txn.elapsed) date(0,ms),sub(txn.start)
    http-after-response set-header Server awselb/2.0 if !{ var(txn.target_status) -m found }
    http-after-response set-status 504 reason "Gateway Time-out" if { status 503 } !{ var(txn.target_status) -m found } { var(txn.elapsed) -m int ge 9000 }
    http-after-response set-status 502 reason "Bad Gateway" if { status 503 } !{ var(txn.target_status) -m found }
    http-error status 503 content-type text/html lf-string "<html><head><title>%[date(0,ms),sub(txn.start),div(9000),bool,iif(504 Gateway Time-out,502 Bad Gateway)]</title></head></html>"
)";

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST(ConfigTest, RendersAnApplicationLoadBalancer) {
  const std::vector<SeedTarget> seeds = {
      {.target = {.id = "i-1", .ip = "10.0.1.11", .port = 30080}, .healthy = true},
      {.target = {.id = "i-2", .ip = "10.0.2.11", .port = 30080}, .healthy = false}};
  const std::string expected = replace_all(replace_all(kGolden, "ANSWERS", kAnswers), "DIGEST",
                                           settings_digest(settings()));
  EXPECT_EQ(render_config(settings(), seeds), expected);
}

TEST(ConfigTest, StandardPortAndMissingHttpSocketLeaveTheirPartsOut) {
  Settings plain = settings();
  plain.public_https_port = 443;
  EXPECT_THAT(render_config(plain, {}), HasSubstr("field(1,:)]%[pathq]"));
  plain.redirect_http = false;
  EXPECT_THAT(render_config(plain, {}), Not(HasSubstr("frontend http\n")));
}

TEST(ConfigTest, DigestFollowsEverySettingThatARunningProcessCannotTakeUp) {
  const std::string digest = settings_digest(settings());
  EXPECT_EQ(digest, settings_digest(settings()));
  Settings changed = settings();
  changed.target_group.health_check.interval = 6s;
  EXPECT_NE(digest, settings_digest(changed));
  changed = settings();
  changed.idle_timeout = 61s;
  EXPECT_NE(digest, settings_digest(changed));
  changed = settings();
  changed.target_group.slow_start = 0s;
  EXPECT_NE(digest, settings_digest(changed));
}

TEST(ConfigTest, ValuesThatCouldBeReadAsConfigurationAreRefused) {
  EXPECT_TRUE(validate(settings()));
  for (const std::string path : {"healthz", "/a b", "/a\nserver x", "/a'", "/a#b", ""}) {
    Settings bad = settings();
    bad.target_group.health_check.path = path;
    EXPECT_TRUE(failed_with(validate(bad), Reason::kInvalid)) << path;
  }
  Settings bad = settings();
  bad.run_dir = "/" + std::string(80, 'x');
  EXPECT_THAT(validate(bad).error().message, HasSubstr("unix socket"));
  bad = settings();
  bad.target_group.health_check.status_low = 500;
  EXPECT_FALSE(validate(bad));
  bad = settings();
  bad.target_group.health_check.unhealthy_threshold = 0;
  EXPECT_FALSE(validate(bad));
}

}  // namespace
}  // namespace minato::haproxy
