// What the Runtime and a shim say to each other: frames of a 4-byte big-endian length and one JSON
// object, over a stream socket in the Pod's private directory.
//
//   request  {"id":7,"op":"start"|"stop"|"exec"|"session"|"endSession"|"remove", …}
//   answer   {"id":7, …}  or  {"id":7,"error":{"reason":"Invalid","message":"…"}}
//   event    {"event":{container}}
//
// The container form is also the durable status file. Environment variables never travel here:
// they are only in the OCI configuration. Pure functions and values; nothing here does I/O.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"

namespace minato::linux_container {

inline constexpr std::size_t kMaxFrameBytes = 4 << 20;
inline constexpr int kNotStarted = -1;  // Exit code of a session whose command could not run.

std::string to_frame(const boost::json::object& message);

// Cuts a byte stream into messages. After an error the connection must be dropped.
class FrameReader {
 public:
  void append(std::string_view bytes) { buffer_ += bytes; }
  // Nothing while the next frame is incomplete.
  Result<std::optional<boost::json::object>> next();

 private:
  std::string buffer_;
};

Result<boost::json::object> parse_object(std::string_view text);
// Members that may be absent or of another type: then "" and 0.
std::string text_member(const boost::json::object& object, std::string_view key);
std::int64_t number_member(const boost::json::object& object, std::string_view key);
std::vector<std::string> text_list_member(const boost::json::object& object, std::string_view key);

// Any bytes as JSON text and back (each byte one code point): what containers write need not be
// UTF-8, and a JSON parser refuses what is not.
std::string bytes_to_text(std::string_view bytes);
std::string text_to_bytes(std::string_view text);

boost::json::object to_json(const container::Container& container);
Result<container::Container> container_from_json(const boost::json::object& json);
boost::json::object to_json(const container::Sandbox& sandbox);
Result<container::Sandbox> sandbox_from_json(const boost::json::object& json);
boost::json::object to_json(const container::ExecResult& result);
container::ExecResult exec_result_from_json(const boost::json::object& json);
boost::json::object to_json(const Error& error);
Error error_from_json(const boost::json::object& json);

// The part of a volume that subPath names; bound by the shim without following links.
struct SubPath {
  std::string volume_dir;
  std::string path;
  std::string target;
};
// A memory volume; mounted once per Pod.
struct MemoryVolume {
  std::string path;
  std::int64_t size_bytes = 0;  // 0: the kernel's default.
  std::int64_t group = -1;      // -1: nobody's in particular.
};

struct StartRequest {
  container::Container container;       // Identity; the shim fills in state, times and exit.
  std::vector<std::string> layer_dirs;  // Topmost first, as overlayfs wants them.
  std::string overlay_options;          // Further options, e.g. "userxattr".
  std::string writable_layer;           // Holds "upper" and "work".
  std::string stop_signal;
  std::string log_file;
  std::vector<std::string> cgroup_join_files;
  std::vector<SubPath> sub_paths;
  std::vector<MemoryVolume> memory_volumes;
  bool terminal = false;
  bool input = false;
  bool input_once = false;   // It ends with whoever attaches to it first.
  std::string processes_of;  // Name of the container whose PID namespace it enters; "".
};
boost::json::object to_json(const StartRequest& request);
Result<StartRequest> start_request_from_json(const boost::json::object& json);

// A shim's own settings (shim.json), fixed for the life of the Pod.
struct ShimConfig {
  std::string run_dir;
  std::string state_dir;
  std::string netns_path;
  std::string hostname;
  std::string oci_runtime;                     // Absolute path; the name decides the dialect.
  std::vector<std::string> cgroup_join_files;  // Of the shim itself.
  std::int64_t log_max_bytes = 10 << 20;
  int log_files = 5;
  enum class Network { kPod, kHost } network = Network::kPod;
};
boost::json::object to_json(const ShimConfig& config);
Result<ShimConfig> shim_config_from_json(const boost::json::object& json);

}  // namespace minato::linux_container
