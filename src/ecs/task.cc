#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "ecs/parts.h"

namespace minato::ecs {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxName = 40;

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

std::string text_of(const json::value& container, std::string_view key) {
  const json::object* object = container.if_object();
  const json::value* value = object == nullptr ? nullptr : object->if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
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

std::string_view advice_for(const std::string& image) {
  if (image.find("datadog") != std::string::npos)
    return "; run the Datadog agent as a DaemonSet by its own chart";
  if (image.find("xray") != std::string::npos || image.find("otel") != std::string::npos) {
    return "; run the collector as a DaemonSet or Deployment of its own";
  }
  if (image.find("fluent") != std::string::npos) return "; the cluster's agent collects logs";
  if (image.find("envoy") != std::string::npos || image.find("nginx") != std::string::npos) {
    return "; the load balancer ends TLS and routes; if it must stay, build it into the image";
  }
  return "; one container per Pod: build it into the image or run it as a service of its own";
}

// What the task has and no container claims is the main container's.
void read_task_size(Fields& in, Draft& draft) {
  const json::value* cpu = in.take("cpu");
  const json::value* memory = in.take("memory");
  if (cpu != nullptr && cpu->is_string()) {
    const std::int64_t milli = task_cpu_milli(std::string_view(cpu->get_string()));
    if (draft.cpu_milli == 0) draft.cpu_milli = milli;
    in.changed("cpu",
               fmt::format("the task's {}m are shared by its containers; the Pod asks for {}m",
                           milli, draft.cpu_milli));
  }
  if (memory != nullptr && memory->is_string()) {
    const std::int64_t mib = task_memory_mib(std::string_view(memory->get_string()));
    if (draft.memory_mib == 0) draft.memory_mib = mib;
    in.changed("memory",
               fmt::format("the task's {} MiB are shared by its containers; the Pod gets {}Mi", mib,
                           draft.memory_mib));
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
  in.lose("volumes", "no volumes; use a bucket or a database, or mount EFS in a Pod of your own");
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
  Fields container(*main, fmt::format("containerDefinitions[{}]", text_of(*main, "name")), report);
  read_container(container, draft);
  if (draft.port == 0)
    return fail(Reason::kInvalid, fmt::format("containerDefinitions[{}].portMappings: no TCP port",
                                              text_of(*main, "name")));
  for (const json::value& other : containers) {
    if (&other == main) continue;
    const std::string image = text_of(other, "image");
    in.lost(fmt::format("containerDefinitions[{}]", text_of(other, "name")),
            image + std::string(advice_for(image)));
  }
  read_task_size(in, draft);
  read_roles(in);
  lose_the_rest(in);
  in.finish();
  return {};
}

}  // namespace minato::ecs
