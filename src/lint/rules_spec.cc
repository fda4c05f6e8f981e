#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/strings.h"
#include "cloud/catalogue_file.h"
#include "lint/rules.h"
#include "spec/instance_types.h"

namespace minato::lint {
namespace {

constexpr int kWarnDays = 60;
constexpr std::size_t kFewTypes = 5;

// Rule: EKS release calendar as of 2026-07; end of standard support.
struct Support {
  std::string_view version;
  std::string_view end;
};
constexpr auto kSupport = std::to_array<Support>(
    {{"1.33", "2026-07-29"}, {"1.34", "2026-12-02"}, {"1.35", "2027-03-27"}});

// Before the calendar begins, or so new that nobody here has heard of it.
bool is_unknown(const std::string& version) {
  constexpr int kNewestMinor = 36;
  constexpr std::string_view kMajor = "1.";
  const auto minor = parse_int(version.substr(kMajor.size()));
  const auto oldest = parse_int(kSupport.front().version.substr(kMajor.size()));
  return !version.starts_with(kMajor) || !minor || *minor < *oldest || *minor > kNewestMinor;
}

void check_version(const spec::Spec& spec, WallTime now, const Sink& found) {
  if (is_unknown(spec.eks.version)) {
    found("V1", "eks.version",
          fmt::format("{} is not one of 1.33 to 1.36, which EKS knows and minato renders for",
                      spec.eks.version));
  }
  for (const auto& [version, end_text] : kSupport) {
    const auto end = parse_rfc3339(fmt::format("{}T00:00:00Z", end_text));
    if (spec.eks.version != version || !end || !is_set(now)) continue;
    const auto days = std::chrono::duration_cast<std::chrono::hours>(*end - now).count() / 24;
    if (days < 0)
      found("V1", "eks.version",
            fmt::format("standard support of {} ended on {}", version, end_text));
    else if (days < kWarnDays)
      found("V5", "eks.version",
            fmt::format("standard support of {} ends on {}, in {} days", version, end_text, days));
  }
}

void check_types(const spec::Spec& spec, const std::string& key, const spec::NodeGroup& group,
                 const cloud::Catalogue& catalogue, const Sink& found) {
  std::set<std::string_view> architectures;
  const cloud::InstanceType* first = catalogue.find(group.types.front());
  for (const std::string& name : group.types) {
    const cloud::InstanceType* type = catalogue.find(name);
    if (type == nullptr) found("A13", key + ".types", spec::unknown_type(name, spec));
    if (type == nullptr || first == nullptr) continue;
    architectures.insert(type->architecture);
    if (type->vcpus != first->vcpus || type->memory_mib != first->memory_mib) {
      found("A9", key + ".types",
            fmt::format("{} has {} vCPUs and {} MiB, {} has {} and {}", first->name, first->vcpus,
                        first->memory_mib, type->name, type->vcpus, type->memory_mib));
    }
  }
  if (architectures.size() > 1) found("A10", key + ".types", "both amd64 and arm64");
}

void check_groups(const spec::Spec& spec, const cloud::Catalogue& catalogue, const Sink& found) {
  const spec::NodeGroup& scaling = spec.scaling;
  if (spec.master.min < 2) found("A1", "nodes.master.min", fmt::format("{} node", spec.master.min));
  if (spec.master.spot_percent > 0)
    found("A1", "nodes.master.spot", fmt::format("{} % spot", spec.master.spot_percent));
  if (spec.zones.size() < 2) found("A1", "zones", "one zone only");
  check_types(spec, "nodes.master", spec.master, catalogue, found);
  check_types(spec, "nodes.scaling", scaling, catalogue, found);
  if (scaling.spot_percent > 0 && scaling.types.size() < kFewTypes) {
    found("A2", "nodes.scaling.types",
          fmt::format("{} types with {} % spot", scaling.types.size(), scaling.spot_percent));
  }
  const bool mixed = !spec.eks.split_groups && scaling.spot_percent > 0 &&
                     (scaling.spot_percent < 100 || scaling.on_demand_base > 0);
  if (mixed)
    found("A3", "nodes.scaling",
          fmt::format("{} on demand, then {} % spot in one group", scaling.on_demand_base,
                      scaling.spot_percent));
  if (scaling.spot_percent > 0 && scaling.max <= scaling.min) {
    found("A8", "nodes.scaling.max", fmt::format("min and max are both {}", scaling.max));
  }
}

// What a Node of the smallest type has for Pods.
void check_room(const spec::Spec& spec, const cloud::Catalogue& catalogue, const Sink& found) {
  std::int64_t cpu = 0, memory = 0, pods = 0;
  for (const std::string& name : spec.scaling.types) {
    const cloud::InstanceType* type = catalogue.find(name);
    if (type == nullptr) continue;
    const cloud::KubeReserved reserved = cloud::kube_reserved(*type);
    const std::int64_t type_cpu = type->vcpus * 1000 - reserved.cpu_milli;
    const std::int64_t type_memory = (std::int64_t{type->memory_mib} << 20) - reserved.memory_bytes;
    cpu = cpu == 0 ? type_cpu : std::min(cpu, type_cpu);
    memory = memory == 0 ? type_memory : std::min(memory, type_memory);
    pods = pods == 0 ? type->max_pods : std::min<std::int64_t>(pods, type->max_pods);
  }
  if (cpu == 0) return;
  const spec::PodSize pod = spec::pod_size(spec);
  const std::int64_t each = std::min({cpu / pod.cpu_milli, memory / pod.memory_bytes, pods});
  if (each == 0) {
    found("R1", "cpu",
          fmt::format("{}m and {} MiB do not fit the {}m and {} MiB of a node", pod.cpu_milli,
                      pod.memory_bytes >> 20, cpu, memory >> 20));
  } else if (each * spec.scaling.max < spec.replicas.max) {
    found("R2", "replicas.max",
          fmt::format("{} Pods, but {} nodes hold {} at most", spec.replicas.max, spec.scaling.max,
                      each * spec.scaling.max));
  }
}

bool sounds_secret(std::string_view name) {
  const std::string lower = to_lower(name);
  return std::ranges::any_of(
      std::array{"password", "passwd", "secret", "token", "api_key", "apikey", "private_key",
                 "credential"},
      [&](const char* word) { return lower.find(word) != std::string::npos; });
}

void check_environment(const spec::Spec& spec, const Sink& found) {
  for (const auto& [name, value] : spec.env) {
    if (std::ranges::any_of(spec.secrets,
                            [&](const auto& secret) { return secret.first == name; })) {
      found("E1", "env." + name, "also in secrets");
    }
    if (sounds_secret(name) && !value.empty()) found("E3", "env." + name, "sounds like a secret");
  }
}

void check_image(std::string place, const std::string& image, const Sink& found) {
  const bool local = image.starts_with("oci:") || image.starts_with("docker-archive:");
  if (image.empty() || local || image.find('@') != std::string::npos) return;
  found("D10", std::move(place), "by tag, not by digest");
}

// `place` is "" of the service's own container, "sidecars.NAME." of another.
void check_confinement(const std::string& place, const spec::Confinement& confinement,
                       const Sink& found) {
  if (!confinement.read_only_root)
    found("D8", place + "read_only_root", "the root file system is writable");
  if (!confinement.non_root)
    found("D8", place + "user",
          confinement.user ? "root" : "whoever the image says, who may be root");
  if (confinement.security_level() == "privileged")
    found("D8", place + "capabilities", join(*confinement.capabilities, ", "));
}

void check_memory(const std::string& place, const spec::Spec& spec,
                  const std::vector<spec::Mount>& mounts, std::int64_t memory_bytes,
                  const Sink& found) {
  for (const spec::Mount& mount : mounts) {
    const auto volume = std::ranges::find(spec.volumes, mount.volume, &spec::Volume::name);
    if (volume == spec.volumes.end() || !volume->in_memory || volume->size_bytes < memory_bytes)
      continue;
    found("R3", place + "mounts",
          fmt::format("volume {} of {} MiB in memory, of {} MiB for all of it", mount.volume,
                      volume->size_bytes >> 20, memory_bytes >> 20));
  }
}

// CloudWatch tells by mail and by topics; whom Alertmanager tells needs one.
void check_alerts(const spec::Spec& spec, const Sink& found) {
  if (spec.alerts.empty()) found("N4", "alerts", "nobody is told of alarms");
  for (const spec::Alert& alert : spec.alerts) {
    const bool by_alertmanager = alert.kind == "slack" || alert.kind == "webhook";
    if (by_alertmanager && !spec.eks.prometheus)
      found("N4", "alerts",
            fmt::format("{} is told by Alertmanager, and eks.prometheus is false", alert.kind));
  }
}

void check_service(const spec::Spec& spec, const Sink& found) {
  if (spec.replicas.min < 2) found("H1", "replicas.min", fmt::format("{} Pod", spec.replicas.min));
  if (spec.eks.image.empty()) check_image("image", spec.image, found);
  check_image("eks.image", spec.eks.image, found);
  check_image("eks.controller_image", spec.eks.controller_image, found);
  for (const spec::Sidecar& sidecar : spec.sidecars)
    check_image(fmt::format("sidecars.{}.image", sidecar.name), sidecar.image, found);
  check_confinement("", spec.confinement, found);
  check_memory("", spec, spec.mounts, spec.memory_bytes, found);
  for (const spec::Sidecar& sidecar : spec.sidecars) {
    const std::string place = fmt::format("sidecars.{}.", sidecar.name);
    check_confinement(place, sidecar.confinement, found);
    check_memory(place, spec, sidecar.mounts, sidecar.memory_bytes, found);
  }
  for (const std::string& block : spec.eks.api_access) {
    if (block.ends_with("/0")) found("C3", "eks.api_access", block + " is everyone");
  }
  if (!spec.eks.protect) found("P1", "eks.protect", "false");
  if (!spec.eks.vpc.id.empty()) {
    for (const auto& [name, subnets] : {std::pair{"public_subnets", &spec.eks.vpc.public_subnets},
                                        {"private_subnets", &spec.eks.vpc.private_subnets}}) {
      if (subnets->size() < spec.zones.size()) {
        found("Z1", fmt::format("eks.vpc.{}", name),
              fmt::format("{} subnets for {} zones", subnets->size(), spec.zones.size()));
      }
    }
  }
}

}  // namespace

void check_spec(const spec::Spec& spec, const cloud::Catalogue& catalogue, WallTime now,
                const Sink& found) {
  check_version(spec, now, found);
  check_groups(spec, catalogue, found);
  check_room(spec, catalogue, found);
  check_environment(spec, found);
  check_service(spec, found);
  check_alerts(spec, found);
}

}  // namespace minato::lint
