#include "linux_net/dns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "host/files.h"

namespace minato::linux_net {
namespace {

constexpr std::string_view kComponent = "dns";
constexpr Duration kRestartDelay = 500ms;
constexpr int kAnswerTtlSeconds = 5;  // CoreDNS's default for Services.

std::string hosts_directory(const DnsOptions& options) { return options.directory + "/hosts"; }
std::string hosts_file(const DnsOptions& options) { return options.directory + "/hosts/services"; }
std::string identity_file(const DnsOptions& options) { return options.directory + "/dnsmasq"; }

std::vector<std::string> command(const DnsOptions& options) {
  return {"dnsmasq",
          // In the foreground, and without changing user: the user namespace may have only root.
          "--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-poll",
          "--bind-interfaces", "--listen-address=" + options.address,
          "--hostsdir=" + hosts_directory(options),
          // Everything that is not in the hosts file does not exist.
          "--address=/#/", fmt::format("--local-ttl={}", kAnswerTtlSeconds)};
}

}  // namespace

std::string render_hosts(const std::vector<network::DnsRecord>& records) {
  std::set<std::string> lines;
  for (const network::DnsRecord& record : records) {
    for (const std::string& address : record.addresses) {
      lines.insert(fmt::format("{} {}\n", address, record.name));
    }
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

DnsServer::DnsServer(DnsOptions options, host::Loop& loop, env::Log& log)
    : options_(std::move(options)), loop_(loop), log_(log) {}

Result<std::unique_ptr<DnsServer>> DnsServer::open(DnsOptions options, host::Loop& loop,
                                                   env::Log& log) {
  RETURN_IF_ERROR(host::make_directories(hosts_directory(options)));
  std::unique_ptr<DnsServer> server(new DnsServer(std::move(options), loop, log));
  if (server->adopt()) {
    RETURN_IF_ERROR(server->watch());
  } else {
    RETURN_IF_ERROR(server->start());
  }
  return server;
}

// Ours is the process of our record that still has our directory on its command line.
bool DnsServer::adopt() {
  const auto record = host::read_file(identity_file(options_));
  if (!record) return false;
  const auto process = parse_identity(*record);
  if (!process || !is_alive(*process)) return false;
  const auto line = host::read_file(fmt::format("/proc/{}/cmdline", process->pid));
  if (!line || line->find("--hostsdir=" + hosts_directory(options_)) == std::string::npos) {
    return false;
  }
  process_ = *process;
  written_ = host::read_file(hosts_file(options_)).value_or("");
  return true;
}

Status DnsServer::start() {
  host::SpawnOptions spawn;
  spawn.argv = command(options_);
  spawn.new_session = true;
  host::Fd log_fd;
  if (!options_.log_file.empty()) {
    log_fd = host::Fd(
        ::open(options_.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log_fd) return fail_errno("opening " + options_.log_file, errno);
    spawn.descriptors = {{log_fd.get(), 2}};
  }
  ASSIGN_OR_RETURN(const pid_t pid, host::spawn(spawn));
  const auto process = identify(pid);
  if (!process)
    return fail(Reason::kUnavailable, "dnsmasq ended at once; see " + options_.log_file);
  process_ = *process;
  RETURN_IF_ERROR(
      host::write_file_atomic(identity_file(options_), format_identity(process_), 0600));
  return watch();
}

Status DnsServer::watch() {
  ASSIGN_OR_RETURN(
      watch_, host::watch_process(loop_, process_.pid, [this](host::ExitStatus status) {
        log_.write(env::Level::kWarning, kComponent,
                   fmt::format("dnsmasq ended with status {}; starting it again", status.code));
        restart_later();
      }));
  return {};
}

void DnsServer::restart_later() {
  restart_ = loop_.after(kRestartDelay, [this] {
    if (const Status started = start(); !started) {
      log_.write(env::Level::kError, kComponent, started.error().message);
      restart_later();
    }
  });
}

Status DnsServer::apply(const std::vector<network::DnsRecord>& records) {
  const std::string text = render_hosts(records);
  if (text == written_) return {};
  // Written outside of the directory that dnsmasq watches: it would read a temporary file too.
  const std::string beside = options_.directory + "/services";
  RETURN_IF_ERROR(host::write_file_atomic(beside, text));
  if (::rename(beside.c_str(), hosts_file(options_).c_str()) != 0) {
    return fail_errno("renaming to " + hosts_file(options_), errno);
  }
  written_ = text;
  return {};
}

}  // namespace minato::linux_net
