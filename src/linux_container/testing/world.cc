#include "linux_container/testing/world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "host/files.h"
#include "host/process.h"
#include "linux_container/oci_runtime.h"

namespace minato::linux_container {
namespace {

using container::ContainerConfig;

constexpr Duration kPatience = 60s;

// One per test program, so that several may run at a time; set before the program forks.
const std::string& cgroup_root() {
  static const std::string name = fmt::format("minato-container-test-{}", ::getpid());
  return name;
}

void bring_loopback_up() {
  const host::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::string_view("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  ::ioctl(fd.get(), SIOCSIFFLAGS, &request);
}

// A new network namespace, kept by a bind mount at `path`. A thread makes it: only its own
// namespace changes.
Status make_netns(const std::string& path) {
  RETURN_IF_ERROR(host::write_file_atomic(path, ""));
  Status status;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0 ||
        ::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      status = fail_errno("making a network namespace", errno);
    }
    bring_loopback_up();
  }).join();
  return status;
}

}  // namespace

Result<StoredImage> DirectoryImages::pull(const std::string& reference, container::PullPolicy) {
  ++pulls;
  if (reference != "test/payload:1") {
    return fail(Reason::kNotFound, "image " + reference + " does not exist");
  }
  return StoredImage{{reference, "sha256:1", config, 1}, layer_dirs, "userxattr"};
}

Result<ResolvedUser> DirectoryImages::resolve_user(const StoredImage&, const std::string& user) {
  if (user.empty()) return ResolvedUser{};
  if (user == "app") return ResolvedUser{.uid = 1000, .gid = 1000, .groups = {1001}};
  if (user == "1234:5678") return ResolvedUser{.uid = 1234, .gid = 5678};
  return fail(Reason::kInvalid,
              fmt::format("unable to find user {}: no matching entries in passwd file", user));
}

Result<linux_net::PodLink> BareNetwork::attach_pod(const std::string&, const std::string& pod_uid) {
  const std::string path = dir_ + "/" + pod_uid;
  if (::access(path.c_str(), F_OK) != 0) RETURN_IF_ERROR(make_netns(path));
  return linux_net::PodLink{path, "10.0.0.1"};
}

Status BareNetwork::detach_pod(const std::string&, const std::string& pod_uid) {
  const std::string path = dir_ + "/" + pod_uid;
  ::umount2(path.c_str(), MNT_DETACH);
  ::unlink(path.c_str());
  return {};
}

Result<linux_net::PodLink> BareNetwork::node_link(const std::string&) {
  const std::string path = dir_ + "/node";
  if (::access(path.c_str(), F_OK) != 0) RETURN_IF_ERROR(make_netns(path));
  return linux_net::PodLink{path, "127.0.0.1"};
}

std::unique_ptr<World> World::create() {
  if (::geteuid() != 0) return nullptr;
  char pattern[] = "/var/tmp/minato-test-XXXXXX";
  std::unique_ptr<World> world(new World(::mkdtemp(pattern)));
  const auto oci = detect_oci_runtime(world->options.run_dir);
  if (!oci) return nullptr;
  world->options.oci_runtime = *oci;
  world->start_runtime();
  return world;
}

World::World(std::string dir)
    : dir_(std::move(dir)),
      work_(boost::asio::make_work_guard(loop.io())),
      cgroups_(host::Cgroups::detect(cgroup_root())) {
  options.node = "ip-10-0-0-10";
  options.cgroup = "i-0abc";
  options.run_dir = "/run/node";
  options.state_dir = dir_ + "/state";
  options.logs_dir = dir_ + "/logs";
  options.shim_argv = {"/proc/self/exe", "shim"};
  const std::string image = dir_ + "/image";
  for (const std::string& path :
       {options.run_dir, options.state_dir, std::string("/run/netns"), image}) {
    EXPECT_TRUE(host::make_directories(path));
  }
  std::filesystem::copy_file(MINATO_TEST_PAYLOAD, image + "/payload");
  images = std::make_unique<DirectoryImages>(std::vector{image});
  network_ = std::make_unique<BareNetwork>("/run/netns");
}

World::~World() {
  if (!runtime_) start_runtime();
  bool gone = false;
  runtime_->destroy_all([&](const Status& status) {
    EXPECT_TRUE(status) << status.error().message;
    gone = true;
  });
  EXPECT_TRUE(run_until([&] { return gone; }));
  runtime_.reset();
  const auto left = cgroups_.processes(options.cgroup);
  EXPECT_TRUE(left.empty()) << left.size() << " processes are left";
  EXPECT_TRUE(host::remove_tree(dir_));
}

void World::start_runtime() {
  runtime_ = std::make_unique<LinuxRuntime>(loop, log_, *images, cgroups_, *network_, options);
}

void World::restart() {
  stop_runtime();
  start_runtime();
}

bool World::run_until(const std::function<bool()>& condition) {
  const MonoTime deadline = loop.monotonic() + kPatience;
  while (!condition()) {
    if (loop.monotonic() > deadline) return false;
    loop.io().run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool World::wait_for_output(const container::ContainerRef& ref, std::string_view text) {
  return run_until([&] {
    const std::string dir = find_pod_log_dir(options.logs_dir, ref.pod_uid);
    const auto log = host::read_file(log_file(dir, ref.name, ref.attempt));
    return log && log->find(text) != std::string::npos;
  });
}

ContainerConfig World::payload(std::vector<std::string> args) {
  ContainerConfig config;
  config.name = "app";
  config.image = "test/payload:1";
  config.command = {"/payload"};
  config.args = std::move(args);
  return config;
}

namespace {

int wait_for(pid_t pid) {
  int wait_status = 0;
  ::waitpid(pid, &wait_status, 0);
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1;
}

// In a process of its own: process 1 of new namespaces runs `body`.
[[noreturn]] void run_in_namespaces(const std::function<int()>& body) {
  if (::unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) != 0) ::_exit(1);
  const pid_t pid = ::fork();
  if (pid != 0) ::_exit(wait_for(pid));
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  ::mount("proc", "/proc", "proc", 0, nullptr);
  ::mount("none", "/run", "tmpfs", 0, "mode=755");
  bring_loopback_up();
  const int status = body();
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

int run_isolated(const std::function<int()>& body) {
  if (::geteuid() != 0) return body();
  const std::string root = cgroup_root();  // Named after this process, not after a child.
  const pid_t pid = ::fork();
  if (pid == 0) run_in_namespaces(body);
  const int status = wait_for(pid);
  const Status removed = host::Cgroups::detect(root).remove_root();
  if (!removed) fmt::print(stderr, "{}\n", removed.error().message);
  return status;
}

}  // namespace minato::linux_container
