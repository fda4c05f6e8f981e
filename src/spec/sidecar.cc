#include "spec/sidecar.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "spec/spec.h"
#include "spec/values.h"

namespace minato::spec {
namespace {

constexpr std::string_view kRuns = "first, around or beside";

Status read_runs(const std::string& text, Sidecar::Runs& out) {
  for (const auto runs : {Sidecar::Runs::kFirst, Sidecar::Runs::kAround, Sidecar::Runs::kBeside}) {
    if (to_string(runs) != text) continue;
    out = runs;
    return {};
  }
  return fail(Reason::kInvalid, fmt::format("'{}' is none of {}", text, kRuns));
}

// The one of that name, made where there is none.
template <class T>
T& named(std::vector<T>& list, const std::string& name) {
  const auto found = std::ranges::find(list, name, &T::name);
  if (found != list.end()) return *found;
  T& added = list.emplace_back();
  added.name = name;
  return added;
}

void read_sidecar(Reader& in, Sidecar& out) {
  in.text("image", out.image);
  in.scalar("runs", [&](const std::string& text) { return read_runs(text, out.runs); });
  in.texts("command", out.command);
  in.texts("args", out.args);
  read_cpu(in, out.cpu_milli);
  read_memory(in, "memory", out.memory_bytes);
  read_variables(in, "env", out.env);
  in.texts("secrets", out.secrets);
  read_port(in, "port", out.port);
  read_path(in, "health", out.health);
  in.texts("check", out.check);
  read_duration(in, "startup", out.startup, 1s, 3600s);
  read_confinement(in, out.confinement);
  read_mounts(in, out.mounts);
}

// Complaints about one container of the file; `key` is where it stands, "" for the service's own.
class Checker {
 public:
  Checker(Reader& in, const Spec& spec) : in_(in), spec_(spec) {}

  void check_mounts(const std::string& key, const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
      if (std::ranges::find(spec_.volumes, mount.volume, &Volume::name) != spec_.volumes.end())
        continue;
      complain(key, fmt::format("there is no volume '{}' to mount at {}; say it in 'volumes'",
                                mount.volume, mount.path));
    }
  }

  void check(const Sidecar& sidecar) {
    const std::string key = "sidecars." + sidecar.name;
    check_mounts(key, sidecar.mounts);
    if (sidecar.name == spec_.service) complain(key, "is the name of the service's own container");
    if (sidecar.image.empty()) complain(key, "'image' is missing");
    if (!sidecar.health.empty() && sidecar.port == 0) complain(key, "'health' needs 'port'");
    if (!sidecar.health.empty() && !sidecar.check.empty())
      complain(key, "'health' and 'check' both say when it has started; one of them can");
    if (sidecar.runs == Sidecar::Runs::kFirst && !(sidecar.health.empty() && sidecar.check.empty()))
      complain(key, "what runs first is over before anyone could ask it: no 'health', no 'check'");
    for (const std::string& name : sidecar.secrets) {
      const auto is_it = [&](const auto& secret) { return secret.first == name; };
      if (std::ranges::none_of(spec_.secrets, is_it))
        complain(key, fmt::format("there is no '{}' in 'secrets'", name));
    }
    if (sidecar.port == 0) return;
    const auto [taken, is_new] = ports_.emplace(sidecar.port, sidecar.name);
    if (!is_new)
      complain(key, fmt::format("port {} is {}'s: containers of a Pod share its ports",
                                sidecar.port, taken->second));
  }

  void take_port(std::uint16_t port, const std::string& name) { ports_.emplace(port, name); }

 private:
  void complain(const std::string& key, const std::string& message) {
    in_.problem(key.empty() ? "mounts" : "sidecars",
                key.empty() ? message : fmt::format("'{}': {}", key, message));
  }

  Reader& in_;
  const Spec& spec_;
  std::map<std::uint16_t, std::string> ports_;
};

}  // namespace

std::string_view to_string(Sidecar::Runs runs) {
  switch (runs) {
    case Sidecar::Runs::kFirst: return "first";
    case Sidecar::Runs::kAround: return "around";
    case Sidecar::Runs::kBeside: return "beside";
  }
  return {};
}

void read_mounts(Reader& in, std::vector<Mount>& mounts) {
  in.entries("mounts", [&](const std::string& path, const std::string& volume) -> Status {
    if (!path.starts_with('/') || path.find(':') != std::string::npos)
      return fail(Reason::kInvalid, "must be a path that begins with '/' and has no ':'");
    std::erase_if(mounts, [&](const Mount& mount) { return mount.path == path; });
    mounts.push_back({path, volume});
    return {};
  });
}

void read_volumes(Reader& in, std::vector<Volume>& volumes) {
  in.named_objects("volumes", [&](const std::string& name, Reader& r) {
    if (const Status status = check_name(name); !status) r.problem("size", status.error().message);
    Volume& volume = named(volumes, name);
    read_memory(r, "size", volume.size_bytes);
    r.boolean("memory", volume.in_memory);
    if (volume.size_bytes == 0)
      r.problem("size",
                fmt::format("'volumes.{}.size' is missing: without one it fills the node", name));
  });
}

void read_sidecars(Reader& in, std::vector<Sidecar>& sidecars) {
  in.named_objects("sidecars", [&](const std::string& name, Reader& r) {
    if (const Status status = check_name(name); !status) r.problem("image", status.error().message);
    read_sidecar(r, named(sidecars, name));
  });
}

void check_sidecars(Reader& in, const Spec& spec) {
  Checker checker(in, spec);
  checker.take_port(spec.port, "the service");
  checker.check_mounts("", spec.mounts);
  for (const Sidecar& sidecar : spec.sidecars) checker.check(sidecar);
}

PodSize pod_size(const Spec& spec) {
  PodSize lasting{spec.cpu_milli, spec.memory_bytes}, around, peak;
  for (const Sidecar& sidecar : spec.sidecars) {
    if (sidecar.runs == Sidecar::Runs::kFirst) {
      peak.cpu_milli = std::max(peak.cpu_milli, around.cpu_milli + sidecar.cpu_milli);
      peak.memory_bytes = std::max(peak.memory_bytes, around.memory_bytes + sidecar.memory_bytes);
      continue;
    }
    lasting.cpu_milli += sidecar.cpu_milli;
    lasting.memory_bytes += sidecar.memory_bytes;
    if (sidecar.runs != Sidecar::Runs::kAround) continue;
    around.cpu_milli += sidecar.cpu_milli;
    around.memory_bytes += sidecar.memory_bytes;
  }
  return {std::max(lasting.cpu_milli, peak.cpu_milli),
          std::max(lasting.memory_bytes, peak.memory_bytes)};
}

}  // namespace minato::spec
