#include "spec/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "spec/reader.h"
#include "spec/units.h"

namespace minato::spec {
namespace {

constexpr std::size_t kMaxNameLength = 40;  // Leaves room for generated suffixes within 63.

bool is_label(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > kMaxNameLength || !plain(text.front()) || !plain(text.back())) {
    return false;
  }
  return std::ranges::all_of(text, [&](char c) { return plain(c) || c == '-'; });
}

bool is_env_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !letter(text.front())) return false;
  return std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

template <class Out, class Parsed>
Status assign(Out& out, Result<Parsed> parsed) {
  if (!parsed) return std::unexpected(std::move(parsed).error());
  out = static_cast<Out>(std::move(parsed).value());
  return {};
}

void duration(Reader& in, const std::string& key, Duration& out, Duration low, Duration high) {
  in.scalar(key, [&](const std::string& text) -> Status {
    ASSIGN_OR_RETURN(const Duration value, parse_duration(text));
    if (value < low || value > high) {
      return fail(Reason::kInvalid, fmt::format("{} is not between {} and {}", text,
                                                format_duration(low), format_duration(high)));
    }
    out = value;
    return {};
  });
}

void port(Reader& in, const std::string& key, std::uint16_t& out) {
  std::int32_t number = out;
  in.integer(key, number, 1, 65535);
  out = static_cast<std::uint16_t>(number);
}

Result<SecretSource> parse_secret(const std::string& text) {
  using Kind = SecretSource::Kind;
  constexpr std::pair<std::string_view, Kind> kPrefixes[] = {{"ssm:", Kind::kSsm},
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
  in.entries("env", [&](const std::string& name, const std::string& value) -> Status {
    if (!is_env_name(name)) return fail(Reason::kInvalid, "is not a name for a variable");
    std::erase_if(spec.env, [&](const auto& entry) { return entry.first == name; });
    spec.env.emplace_back(name, value);
    return {};
  });
  in.entries("secrets", [&](const std::string& name, const std::string& value) -> Status {
    if (!is_env_name(name)) return fail(Reason::kInvalid, "is not a name for a variable");
    ASSIGN_OR_RETURN(SecretSource source, parse_secret(value));
    std::erase_if(spec.secrets, [&](const auto& entry) { return entry.first == name; });
    spec.secrets.emplace_back(name, std::move(source));
    return {};
  });
}

void read_group(Reader& in, const std::string& key, NodeGroup& group) {
  in.object(key, [&](Reader& r) {
    r.texts("types", group.types);
    if (group.types.empty()) r.problem("types", fmt::format("'nodes.{}.types' must not be empty", key));
    r.integer("min", group.min, 0, 1000);
    r.integer("max", group.max, 0, 1000);
    r.scalar("spot", [&](const std::string& text) { return assign(group.spot_percent, parse_percent(text)); });
    r.integer("on_demand_base", group.on_demand_base, 0, 1000);
    if (group.max != 0 && group.max < group.min) {
      r.problem("max", fmt::format("'nodes.{}.max' ({}) is below min ({})", key, group.max, group.min));
    }
  });
}

void read_load_balancer(Reader& in, LoadBalancer& balancer) {
  in.object("load_balancer", [&](Reader& r) {
    r.object("health_check", [&](Reader& h) {
      // AWS allows 5 s and more; shorter ones are for trying things out locally.
      duration(h, "interval", balancer.health_check.interval, 200ms, 300s);
      duration(h, "timeout", balancer.health_check.timeout, 100ms, 120s);
      h.integer("healthy", balancer.health_check.healthy, 2, 10);
      h.integer("unhealthy", balancer.health_check.unhealthy, 2, 10);
      if (balancer.health_check.timeout >= balancer.health_check.interval) {
        h.problem("timeout", "'load_balancer.health_check.timeout' must be shorter than the interval");
      }
    });
    duration(r, "deregistration_delay", balancer.deregistration_delay, 0s, 3600s);
    duration(r, "idle_timeout", balancer.idle_timeout, 1s, 4000s);
    duration(r, "slow_start", balancer.slow_start, 0s, 900s);
  });
}

void read_service(Reader& in, Spec& spec) {
  in.scalar("service", [&](const std::string& text) -> Status {
    if (!is_label(text)) {
      return fail(Reason::kInvalid,
                  fmt::format("'{}' must be 1 to {} of a-z, 0-9 and '-', and begin and end with a "
                              "letter or digit",
                              text, kMaxNameLength));
    }
    spec.service = text;
    return {};
  });
  in.text("image", spec.image);
  port(in, "port", spec.port);
  in.text("domain", spec.domain);
  in.scalar("health", [&](const std::string& text) -> Status {
    if (!text.starts_with('/')) return fail(Reason::kInvalid, "must be a path that begins with '/'");
    spec.health = text;
    return {};
  });
  in.texts("command", spec.command);
  in.texts("args", spec.args);
  in.scalar("cpu", [&](const std::string& text) { return assign(spec.cpu_milli, parse_cpu_milli(text)); });
  in.scalar("memory", [&](const std::string& text) { return assign(spec.memory_bytes, parse_bytes(text)); });
  in.boolean("read_only_root", spec.read_only_root);
  duration(in, "startup", spec.startup, 1s, 3600s);
  duration(in, "keep_alive", spec.keep_alive, 1s, 4000s);
  in.object("stop", [&](Reader& r) {
    duration(r, "drain", spec.stop.drain, 0s, 3600s);
    duration(r, "timeout", spec.stop.timeout, 1s, 3600s);
  });
  in.object("replicas", [&](Reader& r) {
    r.integer("min", spec.replicas.min, 1, 5000);
    r.integer("max", spec.replicas.max, 1, 5000);
    r.scalar("cpu", [&](const std::string& text) { return assign(spec.replicas.cpu_percent, parse_percent(text)); });
    if (spec.replicas.max != 0 && spec.replicas.max < spec.replicas.min) {
      r.problem("max", fmt::format("'replicas.max' ({}) is below min ({})", spec.replicas.max, spec.replicas.min));
    }
  });
  read_env(in, spec);
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
  if (std::ranges::adjacent_find(sorted) != sorted.end()) in.problem("zones", "'zones': a zone appears twice");
  if (sorted.empty()) in.problem("zones", "'zones' must not be empty");
  in.object("nodes", [&](Reader& r) {
    read_group(r, "master", spec.master);
    read_group(r, "scaling", spec.scaling);
  });
  read_load_balancer(in, spec.load_balancer);
}

void read_operations(Reader& in, Spec& spec) {
  if (in.has("alerts")) spec.alerts.clear();
  in.objects("alerts", [&](Reader& r) {
    r.any_scalar([&](const std::string& name, const std::string& value) -> Status {
      if (name != "slack" && name != "webhook") {
        return fail(Reason::kInvalid, "is not a kind of alert; known: slack, webhook");
      }
      if (!value.starts_with("env:") && !value.starts_with("file:")) {
        return fail(Reason::kInvalid, "must be env:NAME or file:PATH, so that no address with a "
                                      "token in it stands in this file");
      }
      spec.alerts.push_back({name, value});
      return {};
    });
  });
  in.object("slo", [&](Reader& r) {
    r.scalar("availability", [&](const std::string& text) {
      return assign(spec.slo.availability_percent, parse_fraction_percent(text));
    });
    duration(r, "p99", spec.slo.p99, 1ms, 600s);
  });
  in.object("local", [&](Reader& r) {
    port(r, "https_port", spec.local.https_port);
    port(r, "http_port", spec.local.http_port);
    r.scalar("cpu_scale", [&](const std::string& text) {
      return assign(spec.local.cpu_scale_percent, parse_percent(text));
    });
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
  if (spec.service.empty() && !base.has("service")) base.problem("service", "'service' is missing: the name of your service");
  if (spec.image.empty() && !base.has("image")) {
    base.problem("image", "'image' is missing: oci:DIR, docker-archive:FILE or docker://REGISTRY/NAME");
  }
  if (spec.port == 0 && !base.has("port")) base.problem("port", "'port' is missing: the port your container listens on");
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
    read_place(reader, spec);
    read_operations(reader, spec);
    read_eks(reader, spec.eks);
    read_waivers(reader, spec.waivers);
    // After the last file, so that an overlay may supply what the base leaves out.
    if (i + 1 == sources.size()) require_and_default(reader, spec);
    reader.finish();
    causes.insert(causes.end(), problems.causes().begin(), problems.causes().end());
  }
  if (causes.empty()) return spec;
  std::vector<std::string> lines;
  for (const Cause& cause : causes) lines.push_back(cause.field + ": " + cause.message);
  return std::unexpected(Error{Reason::kInvalid, join(lines, "\n"), std::move(causes)});
}

}  // namespace minato::spec
