// Seam: what a Node's kubelet needs from a container runtime. One Runtime per Node.
//
// Implementations: linux_container (crun through the per-Pod shim), sim (modelled times and
// failures). The same contract tests run against both (container/runtime_contract.h).
//
// Threading: called and calling back on the loop only. Every call returns at once; its result
// arrives through `done`, never from inside the call, exactly once. A Runtime that is destroyed
// drops callbacks that are outstanding. Nothing blocks.
//
// Survival: sandboxes and containers live on when the Runtime object (or the process that holds
// it) goes away; list() on a new one finds them again with the exit status of what ended meanwhile.
//
// Shape follows the Kubernetes CRI (k8s.io/cri-api pkg/apis/runtime/v1), reduced to what the
// kubelet here uses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "container/streams.h"

namespace minato::container {

template <class T>
using Done = std::move_only_function<void(Result<T>)>;
using DoneStatus = std::move_only_function<void(Status)>;

// The OCI image configuration, as far as starting a container needs it
// (github.com/opencontainers/image-spec config.md).
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // "KEY=value"
  std::string user;              // "", "1000", "1000:1000", "app", "app:staff"
  std::string working_dir;
  std::string stop_signal;  // "", "SIGQUIT", "3"
  std::vector<std::string> exposed_ports;
  std::map<std::string, std::string> labels;
};

struct Image {
  std::string reference;  // As asked for.
  std::string digest;     // Of the manifest that was chosen: "sha256:…".
  ImageConfig config;
  std::int64_t size_bytes = 0;
};

// imagePullPolicy (k8s.io/api core/v1).
enum class PullPolicy { kAlways, kIfNotPresent, kNever };

// CPU in milli-CPU, memory in bytes; 0 means not limited / not requested.
struct Resources {
  std::int64_t cpu_request_milli = 0;
  std::int64_t cpu_limit_milli = 0;
  std::int64_t memory_limit_bytes = 0;
};

struct SandboxConfig {
  std::string pod_uid;  // Identity of the sandbox; unique for ever.
  std::string pod_namespace;
  std::string pod_name;
  std::string hostname;
  bool host_network = false;  // Use the Node's own network namespace and address.
  std::vector<std::string> dns_servers;
  std::vector<std::string> dns_searches;
  std::vector<std::string> dns_options;
  Resources resources;  // Of the whole Pod; bounds all its containers together.
  std::map<std::string, std::string> annotations;  // Kept and given back by list().
};

struct Sandbox {
  std::string pod_uid;
  std::string pod_namespace;
  std::string pod_name;
  std::string ip;
  WallTime created_at{};
  std::map<std::string, std::string> annotations;
  // False: nothing can run in it until run_sandbox() is called again (SANDBOX_NOTREADY).
  bool is_ready = true;
};

// A file of a kFiles volume.
struct VolumeFile {
  std::string content;
  std::uint32_t mode = 0644;
  std::int64_t owner = -1;  // uid; -1: root.
  bool operator==(const VolumeFile&) const = default;
};

// A file, or a directory of files, shown inside the container.
struct Mount {
  enum class Kind {
    kFiles,     // `files` written by the runtime on tmpfs (ConfigMap, Secret, downward API).
    kEmptyDir,  // Scratch that lives as long as the Pod; shared between its containers by `name`.
    kHostPath,  // A path of the Node. Only for the platform's own Pods.
  };
  Kind kind = Kind::kFiles;
  std::string name;  // Volume name: the same name is the same volume within a Pod.
  std::string container_path;
  std::string sub_path;
  std::string host_path;                     // kHostPath
  std::map<std::string, VolumeFile> files;   // kFiles: by relative path.
  std::int64_t group = -1;  // Owns kFiles and kEmptyDir and may use them as root may; -1: nobody.
  bool read_only = false;
  std::int64_t size_limit_bytes = 0;  // kEmptyDir on memory; 0: none.
  bool memory_medium = false;         // kEmptyDir with medium Memory.
};

struct SecurityContext {
  std::int64_t run_as_user = -1;   // -1: what the image says.
  std::int64_t run_as_group = -1;  // -1: what the image says.
  bool run_as_non_root = false;    // Refuse to start as uid 0.
  bool read_only_root = false;
  bool privileged = false;
  bool allow_privilege_escalation = false;  // false sets no_new_privs.
  // Privileged containers have none.
  enum class Seccomp { kRuntimeDefault, kUnconfined, kLocalhost } seccomp = Seccomp::kRuntimeDefault;
  std::string seccomp_profile;  // kLocalhost: a file below the kubelet's directory of profiles.
  std::vector<std::int64_t> supplemental_groups;  // Beside those that the image says.
  std::vector<std::string> capabilities_add;   // "NET_BIND_SERVICE"
  std::vector<std::string> capabilities_drop;  // "ALL"
};

struct ContainerConfig {
  std::string name;
  std::uint32_t attempt = 0;  // Restart count; (pod_uid, name, attempt) is the identity.
  std::string image;          // Reference or digest of an image that pull_image() gave.
  std::vector<std::string> command;  // Replaces the image's entrypoint and cmd when not empty.
  std::vector<std::string> args;     // Replaces the image's cmd when not empty.
  std::vector<std::pair<std::string, std::string>> env;  // Over the image's; later wins.
  std::string working_dir;
  std::vector<Mount> mounts;
  Resources resources;
  SecurityContext security;
  std::string stop_signal;  // Over the image's; "" for the image's or SIGTERM.
  // Standard input that open_attach() writes to; once: it ends with whoever was first to write.
  enum class Input { kNone, kOnce, kKept } input = Input::kNone;
  bool terminal = false;          // One stream for all, on a pseudo-terminal.
  std::string processes_of;       // A running container of the Pod whose processes it is among; "".
  std::map<std::string, std::string> annotations;
};

enum class ContainerState { kCreated, kRunning, kExited };

struct Container {
  std::string pod_uid;
  std::string name;
  std::uint32_t attempt = 0;
  std::string id;  // Unique, e.g. for containerStatuses[].containerID.
  std::string image;
  std::string image_digest;
  ContainerState state = ContainerState::kCreated;
  WallTime created_at{};
  WallTime started_at{};
  WallTime finished_at{};
  int exit_code = 0;  // 128+signal when killed by a signal.
  int signal = 0;
  bool oom_killed = false;
  std::string reason;   // kExited: "Completed", "Error", "OOMKilled", "ContainerCannotRun".
  std::string message;  // Why it could not run, or the termination message.
  std::map<std::string, std::string> annotations;
};

// Names a container within its Node.
struct ContainerRef {
  std::string pod_uid;
  std::string name;
  std::uint32_t attempt = 0;
  auto operator<=>(const ContainerRef&) const = default;
};

struct ExecResult {
  int exit_code = 0;
  std::string output;  // stdout and stderr, at most kExecOutputLimit bytes.
};
inline constexpr std::size_t kExecOutputLimit = 10 * 1024;

// What a probe or a lifecycle hook asks; carried out from the Node towards the Pod.
struct HttpRequest {
  bool https = false;  // Certificates are not verified, as upstream.
  std::string host;    // Address to connect to.
  std::uint16_t port = 0;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
};
struct HttpResponse {
  int status = 0;
  std::string body;  // At most 10 KiB.
};

// grpc.health.v1.Health/Check (github.com/grpc/grpc doc/health-checking.md), without TLS as
// upstream.
struct HealthCheck {
  std::string host;  // Address to connect to.
  std::uint16_t port = 0;
  std::string service;  // "": the server as a whole.
};
struct HealthAnswer {
  enum Code {  // Of google.rpc.Code, those that are made here; a server may answer any.
    kOk = 0,
    kCancelled = 1,
    kUnknown = 2,
    kDeadlineExceeded = 4,
    kPermissionDenied = 7,
    kResourceExhausted = 8,
    kUnimplemented = 12,
    kInternal = 13,
    kUnavailable = 14,
    kUnauthenticated = 16,
  };
  enum ServingStatus { kStatusUnknown = 0, kServing = 1, kNotServing = 2, kServiceUnknown = 3 };
  int code = kOk;
  std::string message;                  // Why the code is not kOk.
  int serving_status = kStatusUnknown;  // Of HealthCheckResponse, where other numbers may come.
};

struct ContainerStats {
  ContainerRef ref;
  std::uint64_t cpu_usage_ns = 0;         // Since the container started.
  std::uint64_t memory_working_set_bytes = 0;  // usage - inactive_file, as cAdvisor.
  std::uint64_t memory_usage_bytes = 0;
};
struct NodeStats {
  WallTime at{};
  std::uint64_t cpu_usage_ns = 0;  // Of the whole Node since it booted.
  std::uint64_t memory_working_set_bytes = 0;
  std::vector<ContainerStats> containers;
};

// One line of a log, as the CRI format keeps it.
struct LogOptions {
  bool follow = false;
  std::int64_t tail_lines = -1;  // -1: all.
  bool timestamps = false;
  WallTime since{};
  std::int64_t limit_bytes = -1;
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  // Called whenever a container changes state for any reason (start, exit). Set once, first.
  using Sink = std::function<void(const Container&)>;
  virtual void set_sink(Sink sink) = 0;

  // What is there now, in no particular order of time; used after a (re)start for adoption.
  struct Inventory {
    std::vector<Sandbox> sandboxes;
    std::vector<Container> containers;
  };
  virtual void list(Done<Inventory> done) = 0;

  // Errors: NotFound (no such image), Unauthorized, Invalid (digest mismatch, hostile layer,
  // other architecture), Unavailable (registry, disk full). The message names the reference.
  virtual void pull_image(const std::string& reference, PullPolicy policy, Done<Image> done) = 0;

  // Network and cgroup of a Pod. Running it again for the same pod_uid gives the same sandbox.
  virtual void run_sandbox(SandboxConfig config, Done<Sandbox> done) = 0;
  // Kills what is left in it and removes everything of the Pod but its logs. NotFound is success.
  virtual void remove_sandbox(const std::string& pod_uid, DoneStatus done) = 0;

  // `done` after the process runs (or could not). An image user that does not exist, a command
  // that is not found and the like give Invalid with a message fit for a Pod's status.
  virtual void start_container(const std::string& pod_uid, ContainerConfig config,
                               Done<Container> done) = 0;
  // Gives a kFiles volume new content, in one step and for every container of the Pod that shows it
  // whole; what sub_path shows stays. Errors: NotFound (no such Pod), Invalid.
  virtual void update_files(const std::string& pod_uid, Mount volume, DoneStatus done) = 0;
  // Sends the container's stop signal at once and SIGKILL after `grace`; the exit comes to the
  // sink. grace 0 kills at once. Ending what has ended is success.
  virtual void stop_container(const ContainerRef& ref, Duration grace, DoneStatus done) = 0;
  // Forgets an exited container (its root file system and status).
  virtual void remove_container(const ContainerRef& ref, DoneStatus done) = 0;

  // Runs a command inside. Errors: NotFound, Timeout (the command is killed).
  virtual void exec(const ContainerRef& ref, std::vector<std::string> command, Duration timeout,
                    Done<ExecResult> done) = 0;
  // From the Node's network namespace. Errors: Timeout, Unavailable (refused, reset).
  virtual void http_get(HttpRequest request, Duration timeout, Done<HttpResponse> done) = 0;
  virtual void tcp_connect(const std::string& host, std::uint16_t port, Duration timeout,
                           DoneStatus done) = 0;
  // From there too. Errors, until there is an HTTP/2 connection: Timeout, Unavailable. From then on
  // what goes wrong is the answer's code.
  virtual void check_health(HealthCheck request, Duration timeout, Done<HealthAnswer> done) = 0;

  // Whether probes of this Pod that are answered now will be answered alike until `changed` is
  // called (once), so that there is no need to ask meanwhile. Only who models a Pod can know that;
  // `changed` is dropped with the Pod.
  [[nodiscard]] virtual bool will_tell_change(const std::string& /*pod_uid*/,
                                              std::function<void()> /*changed*/) {
    return false;
  }

  // A command that people talk to, without a limit of time. Worlds without processes have none.
  // Errors: NotFound, Unavailable.
  [[nodiscard]] virtual Result<std::unique_ptr<Streams>> open_command(const ContainerRef&,
                                                                      CommandOptions,
                                                                      Streams::Events) {
    return fail(Reason::kUnavailable, "this world runs no commands in containers");
  }
  // What a running container writes from now on, and its standard input, if it has one and it is
  // asked for. done() with 0 when the container has ended; dropping it leaves the container alone.
  // Errors: NotFound, Unavailable.
  [[nodiscard]] virtual Result<std::unique_ptr<Streams>> open_attach(const ContainerRef&,
                                                                     AttachOptions,
                                                                     Streams::Events) {
    return fail(Reason::kUnavailable, "this world has no containers to attach to");
  }
  // A TCP connection to a port on the Pod's own loopback address.
  [[nodiscard]] virtual Result<std::unique_ptr<Streams>> open_port(const std::string& /*pod_uid*/,
                                                                   std::uint16_t /*port*/,
                                                                   Streams::Events) {
    return fail(Reason::kUnavailable, "this world has no connections to Pods");
  }

  virtual void stats(Done<NodeStats> done) = 0;

  // Streams log text; `chunk` is called any number of times, then `done` once. Destroying the
  // returned handle ends a followed stream.
  class LogStream {
   public:
    virtual ~LogStream() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<LogStream> read_log(
      const ContainerRef& ref, LogOptions options, std::function<void(std::string_view)> chunk,
      DoneStatus done) = 0;
};

}  // namespace minato::container
