#include "linux_net/dns.h"

#include <fmt/format.h>
#include <stdio.h>

#include <cerrno>
#include <set>

#include "host/files.h"

namespace minato::linux_net {
namespace {

constexpr int kAnswerTtlSeconds = 5;  // CoreDNS's default for Services.

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

std::vector<std::string> dns_command(const std::string& hosts_directory, const std::string& listen) {
  return {"dnsmasq",
          // In the foreground, and without changing user: the user namespace may have only root.
          "--keep-in-foreground", "--user=root", "--group=root", "--pid-file=", "--log-facility=-",
          "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-poll", "--bind-interfaces",
          "--listen-address=" + listen, "--hostsdir=" + hosts_directory,
          // Everything that is not in the hosts file does not exist.
          "--address=/#/", fmt::format("--local-ttl={}", kAnswerTtlSeconds)};
}

HostsDirectory::HostsDirectory(std::string directory, std::string server_address)
    : directory_(std::move(directory)), server_address_(std::move(server_address)) {}

Result<HostsDirectory> HostsDirectory::open(const std::string& directory, std::string server_address) {
  HostsDirectory out(directory, std::move(server_address));
  RETURN_IF_ERROR(host::make_directories(out.path()));
  out.written_ = host::read_file(out.path() + "/services").value_or("");
  return out;
}

Status HostsDirectory::apply(const std::vector<network::DnsRecord>& records) {
  const std::string text = render_hosts(records);
  if (text == written_) return {};
  // Written outside of the directory that dnsmasq watches: it would read a temporary file too.
  const std::string beside = directory_ + "/services";
  RETURN_IF_ERROR(host::write_file_atomic(beside, text));
  if (::rename(beside.c_str(), (path() + "/services").c_str()) != 0) {
    return fail_errno("renaming to " + path() + "/services", errno);
  }
  written_ = text;
  return {};
}

}  // namespace minato::linux_net
