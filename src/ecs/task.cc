#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxName = 40;
constexpr std::int64_t kLeastCpuMilli = 50, kLeastMemoryMib = 64;
constexpr std::int64_t kVolumeMib = 1024;  // Tasks do not say how much they use.

// "256" units, "0.25 vCPU", "1 vcpu".
std::int64_t task_cpu_milli(std::string_view text) {
  const std::string lower = to_lower(text);
  if (const std::size_t at = lower.find("vcpu"); at != std::string::npos) {
    const std::vector<std::string> parts = split(trim(std::string_view(lower).substr(0, at)), '.');
    const std::int64_t whole = parse_int(parts[0]).value_or(0);
    const std::string fraction = parts.size() > 1 ? (parts[1] + "000").substr(0, 3) : "0";
    return whole * 1000 + parse_int(fraction).value_or(0);
  }
  return parse_int(trim(text)).value_or(0) * 1000 / 1024;
}

// "512" MiB, "1 GB", "0.5GB".
std::int64_t task_memory_mib(std::string_view text) {
  const std::string lower = to_lower(text);
  if (const std::size_t at = lower.find("gb"); at != std::string::npos) {
    const std::vector<std::string> parts = split(trim(std::string_view(lower).substr(0, at)), '.');
    const std::int64_t whole = parse_int(parts[0]).value_or(0);
    const std::string fraction = parts.size() > 1 ? (parts[1] + "000").substr(0, 3) : "0";
    return whole * 1024 + parse_int(fraction).value_or(0) * 1024 / 1000;
  }
  return parse_int(trim(text)).value_or(0);
}

bool has_ports(const json::value& container) {
  const json::object* object = container.if_object();
  const json::value* ports = object == nullptr ? nullptr : object->if_contains("portMappings");
  return ports != nullptr && ports->is_array() && !ports->get_array().empty();
}

// What the load balancer names, else the first with a port.
const json::value* main_container(const json::array& containers, const std::string& named) {
  for (const json::value& container : containers) {
    if (!named.empty() && text_of(container, "name") == named) return &container;
  }
  const auto found = std::ranges::find_if(containers, has_ports);
  return found == containers.end() ? nullptr : &*found;
}

// What the task has and no container claims is the service's own container's.
void read_task_size(Fields& in, Draft& draft) {
  std::int64_t cpu_milli = task_cpu_milli(in.text("cpu")),
               memory_mib = task_memory_mib(in.text("memory"));
  for (const Sidecar& sidecar : draft.sidecars) {
    if (sidecar.runs == spec::Sidecar::Runs::kFirst) continue;
    cpu_milli -= sidecar.program.cpu_milli;
    memory_mib -= sidecar.program.memory_mib;
  }
  if (!in.text("cpu").empty()) {
    if (draft.program.cpu_milli == 0) draft.program.cpu_milli = std::max(kLeastCpuMilli, cpu_milli);
    in.changed("cpu",
               fmt::format("the task's {} are shared by its containers; the service asks for {}m",
                           in.text("cpu"), draft.program.cpu_milli));
  }
  if (!in.text("memory").empty()) {
    if (draft.program.memory_mib == 0)
      draft.program.memory_mib = std::max(kLeastMemoryMib, memory_mib);
    in.changed("memory",
               fmt::format("the task's {} are shared by its containers; the service gets {}Mi",
                           in.text("memory"), draft.program.memory_mib));
  }
}

// The volumeHandle by which the EFS CSI driver finds what the task mounts.
// Source: kubernetes-sigs/aws-efs-csi-driver docs/README.md, "fileSystemId:subpath:accessPointId".
std::string efs_handle(const json::value& efs) {
  const json::object* fields = efs.if_object();
  const json::value* authorization = fields == nullptr ? nullptr : fields->if_contains("authorizationConfig");
  const std::string access_point = authorization == nullptr ? "" : text_of(*authorization, "accessPointId");
  const std::string root = text_of(efs, "rootDirectory"), path = root == "/" ? "" : root;
  std::string out = text_of(efs, "fileSystemId");
  if (!path.empty() || !access_point.empty()) out += ":" + path;
  if (!access_point.empty()) out += ":" + access_point;
  return out;
}

// Directories that live as long as the task; everything else outlives it and is lost.
void read_volumes(Fields& in, Draft& draft) {
  for (const json::value& each : in.list("volumes")) {
    std::vector<Entry> unused;
    Fields volume(each, "", unused);
    const std::string said = volume.text("name"), name = service_name(said),
                      field = fmt::format("volumes[{}]", said);
    const json::value& docker = volume.object("dockerVolumeConfiguration");
    if (const json::value& efs = volume.object("efsVolumeConfiguration"); !says_nothing(efs)) {
      in.lost(field,
              fmt::format("EFS outlives Pods, 'volumes' do not: keep its files in a bucket; or mount it in manifests of "
                          "your own by the EFS CSI driver, as a PersistentVolume with volumeHandle {}",
                          efs_handle(efs)));
    } else if (!text_of(volume.object("host"), "sourcePath").empty()) {
      in.lost(field, "a directory of the node: it is another one after every move");
    } else if (text_of(docker, "scope") == "shared") {
      in.lost(field, "a volume of Docker's that outlives tasks; keep its files in a bucket");
    } else if (!says_nothing(volume.object("fsxWindowsFileServerVolumeConfiguration")) ||
               volume.flag("configuredAtLaunch")) {
      in.lost(field, "no volumes of FSx or EBS");
    } else {
      draft.volumes[name] = {kVolumeMib, false};
      in.changed(field,
                 fmt::format("volumes.{}: {}Mi of the node's disk, for as long as the Pod lives",
                             name, kVolumeMib));
    }
  }
}

Status read_platform(Fields& in, Draft& draft) {
  const json::value& value = in.object("runtimePlatform");
  if (value.is_null()) return {};
  if (text_of(value, "operatingSystemFamily").starts_with("WINDOWS")) {
    return fail(Reason::kInvalid,
                "runtimePlatform.operatingSystemFamily: Windows containers cannot run here; minato "
                "is for Linux");
  }
  draft.arm64 = text_of(value, "cpuArchitecture") == "ARM64";
  in.kept("runtimePlatform",
          draft.arm64 ? "nodes: Graviton types" : "Linux on x86-64, as minato's defaults");
  return {};
}

void read_roles(Fields& in) {
  if (const std::string role = in.text("taskRoleArn"); !role.empty()) {
    in.changed(
        "taskRoleArn",
        fmt::format("the Pods get a role of their own; list the policies of {} in eks.policies",
                    role));
  }
  if (!in.text("executionRoleArn").empty()) {
    in.changed(
        "executionRoleArn",
        "nodes pull images by their own role; the secrets operator reads secrets by its own");
  }
}

void lose_the_rest(Fields& in) {
  in.lose("ephemeralStorage", "Pods share the node's disk of 50 GiB (terraform/nodes.tf)");
  in.lose("placementConstraints", "Pods run on the scaling group, spread over zones");
  in.lose("proxyConfiguration", "App Mesh is not supported");
  in.lose("pidMode", "each Pod has its own processes");
  in.lose("ipcMode", "each Pod has its own memory segments");
  in.lose("inferenceAccelerators", "no accelerators");
  in.lose("enableFaultInjection", "minato drill injects faults");
  in.lose("tags", "resources carry the service's name");
  if (!in.text("networkMode").empty())
    in.changed("networkMode", "each Pod has an address of the VPC");
  in.ignore({"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities",
             "registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt",
             "requiresCompatibilities"});
}

}  // namespace

std::string region_of(std::string_view arn) {
  const std::vector<std::string> parts = split(arn, ':');
  return arn.starts_with("arn:") && parts.size() > 3 ? parts[3] : "";
}

std::string service_name(std::string_view text) {
  std::string out;
  for (const char c : to_lower(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  out = out.substr(0, kMaxName);
  while (out.ends_with('-')) out.pop_back();
  return out;
}

Status read_task(const json::value& task, Draft& draft, std::vector<Entry>& report) {
  Fields in(task, "", report);
  const json::array& containers = in.list("containerDefinitions");
  const json::value* main = main_container(containers, draft.main_container);
  if (main == nullptr) {
    return fail(Reason::kInvalid,
                "containerDefinitions: none has portMappings; minato runs web services");
  }
  const std::string family = in.text("family");
  if (draft.service.empty()) {
    draft.service = service_name(family);
    in.kept("family", "service: " + draft.service);
  }
  if (draft.region.empty()) draft.region = region_of(in.text("taskDefinitionArn"));
  RETURN_IF_ERROR(read_platform(in, draft));
  read_volumes(in, draft);
  Fields container(*main, fmt::format("containerDefinitions[{}]", text_of(*main, "name")), report);
  read_container(container, draft);
  if (draft.port == 0)
    return fail(Reason::kInvalid, fmt::format("containerDefinitions[{}].portMappings: no TCP port",
                                              text_of(*main, "name")));
  read_sidecars(containers, *main, draft, report);
  read_task_size(in, draft);
  read_roles(in);
  lose_the_rest(in);
  in.finish();
  return {};
}

}  // namespace minato::ecs
