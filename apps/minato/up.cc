#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <filesystem>
#include <thread>

#include "ask.h"
#include "catalogue_choice.h"
#include "down.h"
#include "host/files.h"
#include "image/source.h"
#include "linux_net/doctor.h"
#include "linux_net/holder.h"
#include "local/world_config.h"
#include "pull.h"
#include "secrets.h"
#include "sources.h"
#include "version.h"

namespace minato::app {
namespace json = boost::json;
namespace {

constexpr Duration kQuietStart = 5s;
constexpr int kHttpsNumber = 10;  // Descriptor numbers in the control process.
constexpr int kHttpNumber = 11;
constexpr int kApiNumber = 12;
constexpr std::uint16_t kApiPort = 6443;  // Unless it is taken.

struct UpArguments {
  Common common;
  std::vector<std::string> files = {"minato.yaml"};
  std::string catalogue;
  bool detach = false;
  std::uint16_t https_port = 0;
  std::uint16_t http_port = 0;
  std::uint16_t api_port = 0;
  int timeout_s = 180;
};

volatile sig_atomic_t interrupted = 0;

void on_signal(int) { interrupted = 1; }

// Without SA_RESTART, so that sleeps and reads end at once.
void catch_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void pause_for(Duration duration) {
  for (Duration slept{}; slept < duration && interrupted == 0; slept += 50ms) {
    std::this_thread::sleep_for(50ms);
  }
}

Result<host::Fd> listen_on(std::uint16_t port, const char* what) {
  host::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 4096) != 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      return fail(Reason::kUnavailable,
                  fmt::format("port {} on 127.0.0.1 is taken by another program; choose another with "
                              "--{}-port or 'local: {{ {}_port: … }}' in the file", port, what, what));
    }
    if (error == EACCES) {
      return fail(Reason::kForbidden, fmt::format("ports below 1024 need root (port {}); choose another with "
                                                  "--{}-port", port, what));
    }
    return fail_errno(fmt::format("listening on port {}", port), error);
  }
  return fd;
}

std::uint16_t port_of(const host::Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Where clients of the Kubernetes API connect is in the kubeconfig: any port will do.
Result<host::Fd> listen_for_api(std::uint16_t asked) {
  if (asked != 0) return listen_on(asked, "api");
  if (auto usual = listen_on(kApiPort, "api")) return usual;
  return listen_on(0, "api");
}

// What is on this machine is looked at here; what is in a registry, when it is pulled.
Status check_image(const std::string& key, const std::string& text) {
  const auto reference = image::Reference::parse(text);
  if (!reference) return wrap(key, reference.error());
  if (reference->kind == image::Reference::Kind::kRegistry) return {};
  const image::Options options;
  const auto manifest = image::make_source(*reference, options, {})->manifest();
  return manifest ? Status{} : wrap(fmt::format("{} ({})", key, text), manifest.error());
}

Status check_images(const spec::Spec& spec) {
  RETURN_IF_ERROR(check_image("image", spec.image));
  for (const spec::Sidecar& sidecar : spec.sidecars)
    RETURN_IF_ERROR(check_image(fmt::format("sidecars.{}.image", sidecar.name), sidecar.image));
  return {};
}

struct Prepared {
  local::WorldConfig config;
  CataloguePtr types;
};

// Everything that can be known to be wrong before anything is made.
Result<Prepared> prepare(const UpArguments& arguments) {
  Prepared out;
  local::WorldConfig& config = out.config;
  ASSIGN_OR_RETURN(config.sources, read_sources(arguments.files));
  ASSIGN_OR_RETURN(const spec::Spec spec, spec::read(config.sources));
  ASSIGN_OR_RETURN(out.types, choose_catalogue(arguments.catalogue, spec, config.sources));
  const World world = world_named(spec.service);
  if (const auto holder = linux_net::find_holder(world.state_dir)) {
    return fail(Reason::kAlreadyExists,
                fmt::format("{} is up already; see it with 'minato status', change it with 'minato "
                            "deploy {}', end it with 'minato down'", spec.service, arguments.files.front()));
  }
  config.name = spec.service;
  config.state_dir = world.state_dir;
  config.run_dir = world.run_dir;
  config.image_cache_dir = image_cache_dir();
  config.directory = std::filesystem::absolute(arguments.files.front()).parent_path().string();
  config.https_port = arguments.https_port != 0 ? arguments.https_port : spec.local.https_port;
  config.http_port = arguments.http_port != 0 ? arguments.http_port : spec.local.http_port;
  config.api_port = arguments.api_port;
  config.started_by = kVersion;
  const auto before = local::load_world_config(world.state_dir);
  ASSIGN_OR_RETURN(config.secrets, resolve_secrets(spec, config.directory,
                                                   before ? before->secrets : blueprint::SecretValues{}));
  ASSIGN_OR_RETURN(const spec::Spec resolved, local::spec_of(config));
  RETURN_IF_ERROR(check_images(resolved));
  RETURN_IF_ERROR(pull_images(images_of(resolved)));
  return out;
}

enum class Begun { kNothing, kSomething };  // Whether there is something of ours to remove.

Status start_world(local::WorldConfig& config, const CatalogueChoice& types, Begun& begun) {
  ASSIGN_OR_RETURN(const host::Fd https, listen_on(config.https_port, "https"));
  ASSIGN_OR_RETURN(const host::Fd http, listen_on(config.http_port, "http"));
  ASSIGN_OR_RETURN(const host::Fd api, listen_for_api(config.api_port));
  config.api_port = port_of(api);
  const World world = world_named(config.name);
  RETURN_IF_ERROR(check_run_root());
  begun = Begun::kSomething;
  RETURN_IF_ERROR(host::make_directories(world.state_dir, 0700));
  RETURN_IF_ERROR(host::make_directories(world.run_dir, 0700));
  RETURN_IF_ERROR(host::make_directories(config.image_cache_dir, 0700));
  RETURN_IF_ERROR(local::save(config));
  RETURN_IF_ERROR(local::save_catalogue(config, types.kept));
  (void)::unlink(start_error_file(world).c_str());
  linux_net::HolderOptions options;
  options.state_dir = config.state_dir;
  options.run_dir = config.run_dir;
  options.log_file = world.log_file();
  options.control = {std::filesystem::read_symlink("/proc/self/exe").string(), "control",
                     "--state-dir", config.state_dir, "--https-fd", std::to_string(kHttpsNumber),
                     "--http-fd", std::to_string(kHttpNumber), "--api-fd", std::to_string(kApiNumber)};
  options.descriptors = {{https.get(), kHttpsNumber}, {http.get(), kHttpNumber}, {api.get(), kApiNumber}};
  ASSIGN_OR_RETURN(const linux_net::HolderInfo holder, linux_net::start_holder(options));
  if (!holder.note.empty()) fmt::print(stderr, "minato: note: {}\n", holder.note);
  return {};
}

bool is_serving(const json::value& status) {
  const json::value& service = status.at("service");
  if (number(service, "desired") == 0 || number(service, "available") < number(service, "desired")) return false;
  for (const json::value& target : list(status, "targets")) {
    if (text(target, "state") == "healthy") return true;
  }
  return false;
}

std::string progress_line(const json::value& status) {
  const json::value& service = status.at("service");
  std::size_t ready = 0, healthy = 0;
  for (const json::value& node : list(status, "nodes")) ready += text(node, "status") == "Ready";
  for (const json::value& target : list(status, "targets")) healthy += text(target, "state") == "healthy";
  return fmt::format("nodes {}/{} ready, pods {}/{} ready, targets {}/{} healthy", ready,
                     list(status, "nodes").size(), number(service, "ready"), number(service, "desired"),
                     healthy, list(status, "targets").size());
}

// Prints what changes until the service answers, fails to start, or patience ends.
Status wait_until_serving(const World& world, Duration patience) {
  const control::Client client(world.control_socket());
  const auto began = std::chrono::steady_clock::now();
  const auto until = began + patience;
  std::string said;
  std::set<std::string> warned;
  while (std::chrono::steady_clock::now() < until) {
    if (interrupted != 0) return fail(Reason::kAborted, "interrupted");
    if (const auto error = host::read_file(start_error_file(world))) {
      return fail(Reason::kUnavailable, *error);
    }
    if (!linux_net::find_holder(world.state_dir)) {
      return fail(Reason::kUnavailable, "the world ended while it was starting; see " + world.log_file());
    }
    if (const auto status = client.ask({"status", {}})) {
      if (const std::string line = progress_line(*status); line != said) {
        fmt::print("{}\n", line);
        std::fflush(stdout);
        said = line;
      }
      if (is_serving(*status)) return {};
      // Nobody needs to read that Pods wait for Nodes which are just starting.
      const bool quiet = std::chrono::steady_clock::now() < began + kQuietStart;
      for (const json::value& warning : list(*status, "warnings")) {
        const std::string message = text(warning, "reason") + " " + text(warning, "object") + ": " + text(warning, "message");
        if (!quiet && warned.insert(message).second) fmt::print("  warning: {}\n", message);
      }
    }
    pause_for(100ms);
  }
  return fail(Reason::kTimeout, "the service does not serve yet; 'minato status' says why, 'minato down' ends it");
}

void print_how_to_reach(const local::WorldConfig& config) {
  const World world = world_named(config.name);
  fmt::print("\n{} is up: {}\n"
             "  reach it   curl --cacert {}/ca.crt {}\n"
             "  trust      minato trust\n"
             "  kubectl    minato kubeconfig --merge\n"
             "  state      {}\n"
             "  log        {}\n\n",
             config.name, config.url(), world.authority_dir(), config.url(), world.state_dir,
             world.log_file());
  std::fflush(stdout);
}

// Until Ctrl-C: a picture that renews itself, or what happens line by line where no terminal is.
void stay(const World& world) {
  const control::Client client(world.control_socket());
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  while (interrupted == 0) {
    if (terminal) {
      if (const auto status = client.ask({"status", {}})) {
        fmt::print("\033[H\033[2J{}\nCtrl-C ends it.\n", render_status(*status));
        std::fflush(stdout);
      }
      pause_for(1s);
      continue;
    }
    (void)client.call({"events", {{"follow", true}}}, [](const json::value& event) {
      fmt::print("{}  {:<7}  {:<22}  {}  {}\n", text(event, "time"), text(event, "type"),
                 text(event, "reason"), text(event, "object"), text(event, "message"));
      std::fflush(stdout);
      return interrupted == 0;
    });
    pause_for(500ms);
  }
}

int run_up(const UpArguments& arguments) {
  catch_signals();
  // The file first: its mistakes are worth knowing on any machine.
  if (const auto sources = read_sources(arguments.files); !sources) {
    return fail_with(sources.error(), arguments.common);
  } else if (const auto spec = spec::read(*sources); !spec) {
    return fail_with(spec.error(), arguments.common);
  }
  for (const linux_net::Finding& finding : linux_net::examine_host()) {
    if (finding.level != linux_net::Finding::Level::kMissing) continue;
    fmt::print(stderr, "minato: this machine cannot run a local world: {}: {}\n  fix: {}\n",
               finding.name, finding.why, finding.fix);
    return kCannot;
  }
  auto prepared = prepare(arguments);
  if (!prepared) return fail_with(prepared.error(), arguments.common);
  const World world = world_named(prepared->config.name);
  Begun begun = Begun::kNothing;
  Status status = start_world(prepared->config, *prepared->types, begun);
  if (status) status = wait_until_serving(world, std::chrono::seconds(arguments.timeout_s));
  if (!status && is(status.error(), Reason::kTimeout)) return fail_with(status.error(), arguments.common);
  if (!status) {
    const std::string log = host::read_file(world.log_file()).value_or("");
    const int code = fail_with(status.error(), arguments.common);
    if (is(status.error(), Reason::kUnavailable) && !log.empty()) {
      fmt::print(stderr, "the end of its log:\n{}", log.substr(log.size() > 2000 ? log.size() - 2000 : 0));
    }
    // What another `up` of the same name is just making is not ours to remove.
    if (begun == Begun::kSomething && !is(status.error(), Reason::kAlreadyExists)) {
      if (const Status cleared = bring_down(world); !cleared) fail_with(cleared.error(), arguments.common);
    }
    return interrupted != 0 ? static_cast<int>(kInterrupted) : code;
  }
  print_how_to_reach(prepared->config);
  if (arguments.detach) return kDone;
  stay(world);
  fmt::print("\nending {} …\n", world.name);
  const Status down = bring_down(world);
  return down ? kDone : fail_with(down.error(), arguments.common);
}

}  // namespace

void add_up(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<UpArguments>();
  CLI::App* command = app.add_subcommand("up", "Run a service on this machine: real containers, network and load balancer");
  add_output(*command, arguments->common);
  command->add_option("FILE", arguments->files, "minato.yaml, then overlays")->capture_default_str();
  add_catalogue_option(*command, arguments->catalogue);
  command->add_flag("-d,--detach", arguments->detach, "Return once it serves; 'minato down' ends it");
  command->add_option("--https-port", arguments->https_port, "Port on 127.0.0.1 (default: the file's, else 8443)")
      ->check(CLI::Range(1, 65535));
  command->add_option("--http-port", arguments->http_port, "Port that redirects to HTTPS (default: the file's, else 8080)")
      ->check(CLI::Range(1, 65535));
  command->add_option("--api-port", arguments->api_port, "Port of the Kubernetes API (default: 6443, else any that is free)")
      ->check(CLI::Range(1, 65535));
  command->add_option("--timeout", arguments->timeout_s, "Seconds to wait until it serves")->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = run_up(*arguments); });
}

}  // namespace minato::app
