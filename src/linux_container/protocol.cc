#include "linux_container/protocol.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "linux_container/layout.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

constexpr std::size_t kHeaderBytes = 4;

bool flag(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

WallTime time(const json::object& object, std::string_view key) {
  return WallTime{Duration{number_member(object, key)}};
}

std::int64_t count(WallTime time) { return time.time_since_epoch().count(); }

json::array to_array(const std::vector<std::string>& items) {
  json::array array;
  for (const std::string& item : items) array.emplace_back(item);
  return array;
}

json::object to_object(const std::map<std::string, std::string>& items) {
  json::object object;
  for (const auto& [key, value] : items) object[key] = value;
  return object;
}

std::map<std::string, std::string> text_map(const json::object& object, std::string_view key) {
  std::map<std::string, std::string> result;
  const json::value* value = object.if_contains(key);
  if (!value || !value->is_object()) return result;
  for (const auto& item : value->get_object()) {
    if (item.value().is_string()) result[item.key()] = std::string(item.value().get_string());
  }
  return result;
}

std::vector<json::object> objects(const json::object& object, std::string_view key) {
  std::vector<json::object> result;
  const json::value* value = object.if_contains(key);
  if (!value || !value->is_array()) return result;
  for (const json::value& item : value->get_array()) {
    if (item.is_object()) result.push_back(item.get_object());
  }
  return result;
}

constexpr std::string_view kStateNames[] = {"created", "running", "exited"};

container::ContainerState state_from(std::string_view name) {
  if (name == kStateNames[1]) return container::ContainerState::kRunning;
  if (name == kStateNames[2]) return container::ContainerState::kExited;
  return container::ContainerState::kCreated;
}

constexpr int kLastReason = static_cast<int>(Reason::kAborted);

}  // namespace

std::string to_frame(const json::object& message) {
  const std::string body = json::serialize(message);
  std::string frame(kHeaderBytes, '\0');
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    frame[i] = static_cast<char>((body.size() >> (8 * (kHeaderBytes - 1 - i))) & 0xff);
  }
  return frame + body;
}

Result<std::optional<json::object>> FrameReader::next() {
  if (buffer_.size() < kHeaderBytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(buffer_[i]);
  }
  if (length > kMaxFrameBytes) {
    return fail(Reason::kBadRequest, fmt::format("frame of {} bytes is too large", length));
  }
  if (buffer_.size() < kHeaderBytes + length) return std::nullopt;
  auto message = parse_object(std::string_view(buffer_).substr(kHeaderBytes, length));
  buffer_.erase(0, kHeaderBytes + length);
  if (!message) return std::unexpected(message.error());
  return std::move(message).value();
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return fail(Reason::kBadRequest, "malformed JSON: " + error.message());
  if (!value.is_object()) return fail(Reason::kBadRequest, "malformed JSON: not an object");
  return std::move(value.get_object());
}

std::string text_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value) return 0;
  boost::system::error_code error;
  const auto result = value->to_number<std::int64_t>(error);
  return error ? 0 : result;
}

std::vector<std::string> text_list_member(const json::object& object, std::string_view key) {
  std::vector<std::string> result;
  const json::value* value = object.if_contains(key);
  if (!value || !value->is_array()) return result;
  for (const json::value& item : value->get_array()) {
    if (item.is_string()) result.emplace_back(item.get_string());
  }
  return result;
}

std::string bytes_to_text(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return text;
}

std::string text_to_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80 || i + 1 == text.size()) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>(lead << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    }
  }
  return bytes;
}

json::object to_json(const container::Container& c) {
  return {{"podUID", c.pod_uid},
          {"name", c.name},
          {"attempt", c.attempt},
          {"id", c.id},
          {"image", c.image},
          {"imageDigest", c.image_digest},
          {"state", kStateNames[static_cast<int>(c.state)]},
          {"createdAt", count(c.created_at)},
          {"startedAt", count(c.started_at)},
          {"finishedAt", count(c.finished_at)},
          {"exitCode", c.exit_code},
          {"signal", c.signal},
          {"oomKilled", c.oom_killed},
          {"reason", c.reason},
          {"message", bytes_to_text(c.message)},
          {"annotations", to_object(c.annotations)}};
}

Result<container::Container> container_from_json(const json::object& json) {
  container::Container c;
  c.pod_uid = text_member(json, "podUID");
  c.name = text_member(json, "name");
  c.attempt = static_cast<std::uint32_t>(number_member(json, "attempt"));
  c.id = text_member(json, "id");
  c.image = text_member(json, "image");
  c.image_digest = text_member(json, "imageDigest");
  c.state = state_from(text_member(json, "state"));
  c.created_at = time(json, "createdAt");
  c.started_at = time(json, "startedAt");
  c.finished_at = time(json, "finishedAt");
  c.exit_code = static_cast<int>(number_member(json, "exitCode"));
  c.signal = static_cast<int>(number_member(json, "signal"));
  c.oom_killed = flag(json, "oomKilled");
  c.reason = text_member(json, "reason");
  c.message = text_to_bytes(text_member(json, "message"));
  c.annotations = text_map(json, "annotations");
  RETURN_IF_ERROR(check_path_component("container name", c.name));
  return c;
}

json::object to_json(const container::Sandbox& sandbox) {
  return {{"podUID", sandbox.pod_uid},
          {"namespace", sandbox.pod_namespace},
          {"name", sandbox.pod_name},
          {"ip", sandbox.ip},
          {"createdAt", count(sandbox.created_at)},
          {"annotations", to_object(sandbox.annotations)}};
}

Result<container::Sandbox> sandbox_from_json(const json::object& json) {
  container::Sandbox sandbox;
  sandbox.pod_uid = text_member(json, "podUID");
  sandbox.pod_namespace = text_member(json, "namespace");
  sandbox.pod_name = text_member(json, "name");
  sandbox.ip = text_member(json, "ip");
  sandbox.created_at = time(json, "createdAt");
  sandbox.annotations = text_map(json, "annotations");
  RETURN_IF_ERROR(check_path_component("Pod UID", sandbox.pod_uid));
  return sandbox;
}

json::object to_json(const container::ExecResult& result) {
  return {{"exitCode", result.exit_code}, {"output", bytes_to_text(result.output)}};
}

container::ExecResult exec_result_from_json(const json::object& json) {
  return {static_cast<int>(number_member(json, "exitCode")),
          text_to_bytes(text_member(json, "output"))};
}

json::object to_json(const Error& error) {
  return {{"reason", to_string(error.reason)}, {"message", bytes_to_text(error.message)}};
}

Error error_from_json(const json::object& json) {
  Error error{Reason::kUnknown, text_to_bytes(text_member(json, "message"))};
  const std::string name = text_member(json, "reason");
  for (int i = 0; i <= kLastReason; ++i) {
    if (to_string(static_cast<Reason>(i)) == name) error.reason = static_cast<Reason>(i);
  }
  return error;
}

json::object to_json(const StartRequest& request) {
  json::array sub_paths, memory_volumes;
  for (const SubPath& sub : request.sub_paths) {
    sub_paths.push_back(
        json::object{{"volume", sub.volume_dir}, {"path", sub.path}, {"target", sub.target}});
  }
  for (const MemoryVolume& volume : request.memory_volumes) {
    memory_volumes.push_back(json::object{
        {"path", volume.path}, {"size", volume.size_bytes}, {"group", volume.group}});
  }
  return {{"container", to_json(request.container)},
          {"layers", to_array(request.layer_dirs)},
          {"overlayOptions", request.overlay_options},
          {"writableLayer", request.writable_layer},
          {"stopSignal", request.stop_signal},
          {"logFile", request.log_file},
          {"cgroupJoinFiles", to_array(request.cgroup_join_files)},
          {"subPaths", std::move(sub_paths)},
          {"memoryVolumes", std::move(memory_volumes)},
          {"terminal", request.terminal ? 1 : 0},
          {"input", request.input ? 1 : 0},
          {"inputOnce", request.input_once ? 1 : 0},
          {"processesOf", request.processes_of}};
}

Result<StartRequest> start_request_from_json(const json::object& json) {
  StartRequest request;
  const json::value* container = json.if_contains("container");
  if (!container || !container->is_object()) {
    return fail(Reason::kBadRequest, "start request without a container");
  }
  ASSIGN_OR_RETURN(request.container, container_from_json(container->get_object()));
  request.layer_dirs = text_list_member(json, "layers");
  request.overlay_options = text_member(json, "overlayOptions");
  request.writable_layer = text_member(json, "writableLayer");
  request.stop_signal = text_member(json, "stopSignal");
  request.log_file = text_member(json, "logFile");
  request.cgroup_join_files = text_list_member(json, "cgroupJoinFiles");
  for (const json::object& sub : objects(json, "subPaths")) {
    request.sub_paths.push_back(
        {text_member(sub, "volume"), text_member(sub, "path"), text_member(sub, "target")});
  }
  for (const json::object& volume : objects(json, "memoryVolumes")) {
    request.memory_volumes.push_back({text_member(volume, "path"), number_member(volume, "size"),
                                      number_member(volume, "group")});
  }
  request.terminal = number_member(json, "terminal") != 0;
  request.input = number_member(json, "input") != 0;
  request.input_once = number_member(json, "inputOnce") != 0;
  request.processes_of = text_member(json, "processesOf");
  return request;
}

json::object to_json(const ShimConfig& config) {
  return {{"runDir", config.run_dir},
          {"stateDir", config.state_dir},
          {"netns", config.netns_path},
          {"hostname", config.hostname},
          {"ociRuntime", config.oci_runtime},
          {"cgroupJoinFiles", to_array(config.cgroup_join_files)},
          {"logMaxBytes", config.log_max_bytes},
          {"logFiles", config.log_files},
          {"hostNetwork", config.network == ShimConfig::Network::kHost}};
}

Result<ShimConfig> shim_config_from_json(const json::object& json) {
  ShimConfig config;
  config.run_dir = text_member(json, "runDir");
  config.state_dir = text_member(json, "stateDir");
  config.netns_path = text_member(json, "netns");
  config.hostname = text_member(json, "hostname");
  config.oci_runtime = text_member(json, "ociRuntime");
  config.cgroup_join_files = text_list_member(json, "cgroupJoinFiles");
  config.log_max_bytes = number_member(json, "logMaxBytes");
  config.log_files = static_cast<int>(number_member(json, "logFiles"));
  if (flag(json, "hostNetwork")) config.network = ShimConfig::Network::kHost;
  if (config.run_dir.empty() || config.oci_runtime.empty() || config.log_max_bytes <= 0 ||
      config.log_files <= 0) {
    return fail(Reason::kInvalid, "the shim's configuration is incomplete");
  }
  return config;
}

}  // namespace minato::linux_container
