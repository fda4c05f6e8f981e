#include "haproxy/listener_certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/strings.h"
#include "haproxy/config.h"
#include "host/files.h"
#include "tls/x509.h"

namespace minato::haproxy {
namespace {

constexpr std::size_t kKeyLimitBytes = 64 << 10;

Result<std::string> read_key(const balancer::ListenerConfig& listener) {
  ASSIGN_OR_RETURN(std::string key, host::read_file(listener.private_key_file, kKeyLimitBytes));
  if (Status pair = tls::check_key_matches(listener.certificate_pem, key); !pair) {
    return wrap(fmt::format("certificate of {} with key {}", listener.domain,
                            listener.private_key_file),
                pair.error());
  }
  return key;
}

}  // namespace

Status store_certificate(const std::string& run_dir, const balancer::ListenerConfig& listener) {
  if (!listener.private_key_file.starts_with('/')) {
    return fail(Reason::kInvalid, fmt::format("private key file '{}' must be an absolute path",
                                              listener.private_key_file));
  }
  RETURN_IF_ERROR(read_key(listener));
  const std::string path = certificate_path(run_dir);
  RETURN_IF_ERROR(host::write_file_atomic(path, listener.certificate_pem, 0644));
  const std::string link = path + ".key";
  const std::string temporary = link + ".tmp";
  ::unlink(temporary.c_str());
  if (::symlink(listener.private_key_file.c_str(), temporary.c_str()) != 0 ||
      ::rename(temporary.c_str(), link.c_str()) != 0) {
    return fail_errno("linking " + link, errno);
  }
  return {};
}

Result<std::vector<std::string>> certificate_commands(const std::string& run_dir,
                                                      const balancer::ListenerConfig& listener) {
  ASSIGN_OR_RETURN(const std::string key, read_key(listener));
  const std::string path = certificate_path(run_dir);
  std::string payload;
  // An empty line would end the payload.
  for (const std::string& line : split(listener.certificate_pem + "\n" + key, '\n')) {
    if (!trim(line).empty()) payload += line + "\n";
  }
  return std::vector<std::string>{fmt::format("set ssl cert {} <<\n{}", path, payload),
                                  fmt::format("commit ssl cert {}", path)};
}

}  // namespace minato::haproxy
