#include "spec/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "spec/reader.h"
#include "spec/units.h"
#include "spec/values.h"

namespace minato::spec {

DEFINE_SPECIAL_MEMBERS(Spec);

namespace {

Result<SecretSource> parse_secret(const std::string& text) {
  using Kind = SecretSource::Kind;
  constexpr std::pair<std::string_view, Kind> kPrefixes[] = {
      {"ssm:", Kind::kSsm},
      {"secretsmanager:", Kind::kSecretsManager},
      {"file:", Kind::kFile},
      {"env:", Kind::kEnvironment},
      {"generated:", Kind::kGenerated}};
  for (const auto& [prefix, kind] : kPrefixes) {
    if (!text.starts_with(prefix)) continue;
    SecretSource source{kind, text.substr(prefix.size())};
    if (kind != Kind::kGenerated && source.name.empty()) {
      return fail(Reason::kInvalid, fmt::format("nothing follows '{}'", prefix));
    }
    return source;
  }
  // Whatever this text is, it may be the secret itself: it is not repeated in the message.
  return fail(Reason::kInvalid,
              "must say where the value comes from (ssm:, secretsmanager:, file:, env: or "
              "generated:), not the value itself");
}

void read_env(Reader& in, Spec& spec) {
  read_variables(in, "env", spec.env);
  in.entries("secrets", [&](const std::string& name, const std::string& value) -> Status {
    RETURN_IF_ERROR(check_variable_name(name));
    ASSIGN_OR_RETURN(SecretSource source, parse_secret(value));
    std::erase_if(spec.secrets, [&](const auto& entry) { return entry.first == name; });
    spec.secrets.emplace_back(name, std::move(source));
    return {};
  });
}

void read_group(Reader& in, const std::string& key, NodeGroup& group) {
  in.object(key, [&](Reader& r) {
    r.texts("types", group.types);
    if (group.types.empty())
      r.problem("types", fmt::format("'nodes.{}.types' must not be empty", key));
    r.integer("min", group.min, 0, 1000);
    r.integer("max", group.max, 0, 1000);
    read_percent(r, "spot", group.spot_percent);
    r.integer("on_demand_base", group.on_demand_base, 0, 1000);
    if (group.max != 0 && group.max < group.min) {
      r.problem("max",
                fmt::format("'nodes.{}.max' ({}) is below min ({})", key, group.max, group.min));
    }
  });
}

void read_load_balancer(Reader& in, LoadBalancer& balancer) {
  in.object("load_balancer", [&](Reader& r) {
    r.object("health_check", [&](Reader& h) {
      // AWS allows 5 s and more; shorter ones are for trying things out locally.
      read_duration(h, "interval", balancer.health_check.interval, 200ms, 300s);
      read_duration(h, "timeout", balancer.health_check.timeout, 100ms, 120s);
      h.integer("healthy", balancer.health_check.healthy, 2, 10);
      h.integer("unhealthy", balancer.health_check.unhealthy, 2, 10);
      if (balancer.health_check.timeout >= balancer.health_check.interval) {
        h.problem("timeout",
                  "'load_balancer.health_check.timeout' must be shorter than the interval");
      }
    });
    read_duration(r, "deregistration_delay", balancer.deregistration_delay, 0s, 3600s);
    read_duration(r, "idle_timeout", balancer.idle_timeout, 1s, 4000s);
    read_duration(r, "slow_start", balancer.slow_start, 0s, 900s);
  });
}

void read_service(Reader& in, Spec& spec) {
  in.scalar("service", [&](const std::string& text) -> Status {
    RETURN_IF_ERROR(check_name(text));
    spec.service = text;
    return {};
  });
  in.text("image", spec.image);
  read_port(in, "port", spec.port);
  in.text("domain", spec.domain);
  read_path(in, "health", spec.health);
  in.texts("command", spec.command);
  in.texts("args", spec.args);
  read_cpu(in, spec.cpu_milli);
  read_memory(in, "memory", spec.memory_bytes);
  read_confinement(in, spec.confinement);
  read_mounts(in, spec.mounts);
  read_duration(in, "startup", spec.startup, 1s, 3600s);
  read_duration(in, "keep_alive", spec.keep_alive, 1s, 4000s);
  in.object("stop", [&](Reader& r) {
    read_duration(r, "drain", spec.stop.drain, 0s, 3600s);
    read_duration(r, "timeout", spec.stop.timeout, 1s, 3600s);
  });
  in.object("replicas", [&](Reader& r) {
    r.integer("min", spec.replicas.min, 1, 5000);
    r.integer("max", spec.replicas.max, 1, 5000);
    read_percent(r, "cpu", spec.replicas.cpu_percent);
    read_percent(r, "memory", spec.replicas.memory_percent);
    r.integer("headroom", spec.replicas.headroom, 0, 5000);
    if (spec.replicas.max != 0 && spec.replicas.max < spec.replicas.min) {
      r.problem("max", fmt::format("'replicas.max' ({}) is below min ({})", spec.replicas.max,
                                   spec.replicas.min));
    }
  });
  read_env(in, spec);
}

void read_network_policy(Reader& in, Spec& spec) {
  in.object("network_policy", [&](Reader& r) {
    if (!spec.network_policy) spec.network_policy.emplace();
    if (!r.has("egress")) return;
    std::vector<std::string> egress;
    r.texts("egress", egress);
    if (egress == std::vector<std::string>{"any"}) {
      egress.clear();
    } else if (egress.empty()) {
      r.problem(
          "egress",
          "'network_policy.egress': no block at all; say any, or those that the service calls");
    }
    for (const std::string& block : egress) {
      if (is_cidr(block)) continue;
      r.problem("egress",
                fmt::format("'network_policy.egress': '{}' is neither any nor a block such "
                            "as 10.0.0.0/16",
                            block));
    }
    spec.network_policy->egress = std::move(egress);
  });
}

void read_place(Reader& in, Spec& spec) {
  in.text("region", spec.region);
  in.texts("zones", spec.zones);
  for (const std::string& zone : spec.zones) {
    if (zone.size() != 1 || zone[0] < 'a' || zone[0] > 'z') {
      in.problem("zones", fmt::format("'zones': '{}' must be a letter, as in [a, c, d]", zone));
    }
  }
  std::vector<std::string> sorted = spec.zones;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    in.problem("zones", "'zones': a zone appears twice");
  if (sorted.empty()) in.problem("zones", "'zones' must not be empty");
  in.object("nodes", [&](Reader& r) {
    read_group(r, "master", spec.master);
    read_group(r, "scaling", spec.scaling);
  });
  read_load_balancer(in, spec.load_balancer);
  read_network_policy(in, spec);
}

// An address of mail, or a topic of Amazon SNS, may stand in the file; those with a token in them
// may not.
Status check_alert(const std::string& kind, const std::string& target) {
  if (kind == "slack" || kind == "webhook") {
    if (target.starts_with("env:") || target.starts_with("file:")) return {};
    return fail(
        Reason::kInvalid,
        "must be env:NAME or file:PATH, so that no address with a token in it stands in this file");
  }
  if (kind == "email") {
    const std::size_t at = target.find('@');
    if (at != std::string::npos && at > 0 && at + 1 < target.size()) return {};
    return fail(Reason::kInvalid, fmt::format("'{}' is no address of mail", target));
  }
  if (kind == "sns") {
    if (target.starts_with("arn:") && target.find(":sns:") != std::string::npos) return {};
    return fail(Reason::kInvalid, fmt::format("'{}' is no ARN of a topic of Amazon SNS", target));
  }
  return fail(Reason::kInvalid, "is not a kind of alert; known: email, slack, sns, webhook");
}

void read_alerts(Reader& in, Spec& spec) {
  if (in.has("alerts")) spec.alerts.clear();
  in.objects("alerts", [&](Reader& r) {
    r.any_scalar([&](const std::string& kind, const std::string& target) -> Status {
      RETURN_IF_ERROR(check_alert(kind, target));
      spec.alerts.push_back({kind, target});
      return {};
    });
  });
}

void read_operations(Reader& in, Spec& spec) {
  read_alerts(in, spec);
  in.object("slo", [&](Reader& r) {
    read_share(r, "availability", spec.slo.availability_percent);
    read_duration(r, "p99", spec.slo.p99, 1ms, 600s);
  });
  in.object("local", [&](Reader& r) {
    read_port(r, "https_port", spec.local.https_port);
    read_port(r, "http_port", spec.local.http_port);
    read_percent(r, "cpu_scale", spec.local.cpu_scale_percent);
    r.scalar("profile", [&](const std::string& text) -> Status {
      if (text != "fast" && text != "realistic") {
        return fail(Reason::kInvalid, fmt::format("'{}' is neither fast nor realistic", text));
      }
      spec.local.realistic = text == "realistic";
      return {};
    });
  });
}

void require_and_default(Reader& base, Spec& spec) {
  if (spec.service.empty() && !base.has("service"))
    base.problem("service", "'service' is missing: the name of your service");
  if (spec.image.empty() && !base.has("image")) {
    base.problem("image",
                 "'image' is missing: oci:DIR, docker-archive:FILE or docker://REGISTRY/NAME");
  }
  if (spec.port == 0 && !base.has("port"))
    base.problem("port", "'port' is missing: the port your container listens on");
  if (spec.domain.empty()) spec.domain = spec.service + ".localhost";
  spec.replicas.max = std::max(spec.replicas.max, spec.replicas.min);
  spec.master.max = std::max(spec.master.max, spec.master.min);
  spec.scaling.max = std::max(spec.scaling.max, spec.scaling.min);
}

}  // namespace

std::string SecretSource::to_string() const {
  switch (kind) {
    case Kind::kSsm: return "ssm:" + name;
    case Kind::kSecretsManager: return "secretsmanager:" + name;
    case Kind::kFile: return "file:" + name;
    case Kind::kEnvironment: return "env:" + name;
    case Kind::kGenerated: return "generated:" + name;
  }
  return {};
}

Result<Spec> read(const std::vector<Source>& sources) {
  Spec spec;
  std::vector<Cause> causes;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Problems problems(sources[i].name);
    Reader reader(parse_document(sources[i].text, problems), "", problems);
    read_service(reader, spec);
    read_volumes(reader, spec.volumes);
    read_sidecars(reader, spec.sidecars);
    read_place(reader, spec);
    read_operations(reader, spec);
    read_eks(reader, spec.eks);
    read_waivers(reader, spec.waivers);
    // After the last file, so that an overlay may supply what the base leaves out.
    if (i + 1 == sources.size()) {
      require_and_default(reader, spec);
      check_sidecars(reader, spec);
    }
    reader.finish();
    causes.insert(causes.end(), problems.causes().begin(), problems.causes().end());
  }
  if (causes.empty()) return spec;
  std::vector<std::string> lines;
  for (const Cause& cause : causes) lines.push_back(cause.field + ": " + cause.message);
  return std::unexpected(Error{Reason::kInvalid, join(lines, "\n"), std::move(causes)});
}

}  // namespace minato::spec
