#include "tls/authority.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "host/files.h"

namespace minato::tls {
namespace {

// Clocks of clients on the same machine or in a VM may run a little behind.
constexpr Duration kClockSkew = 5min;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Subject subject_of(const Request& request) {
  Subject subject{.common_name = request.domain,
                  .dns_names = {request.domain},
                  .ip_addresses = request.ip_addresses};
  subject.dns_names.insert(subject.dns_names.end(), request.more_dns_names.begin(),
                           request.more_dns_names.end());
  for (auto* names : {&subject.dns_names, &subject.ip_addresses}) {
    std::ranges::sort(*names);
    const auto repeated = std::ranges::unique(*names);
    names->erase(repeated.begin(), repeated.end());
  }
  return subject;
}

Status check_request(const Request& request) {
  if (request.domain.empty() || request.domain.find('/') != std::string::npos ||
      request.domain.starts_with('.')) {
    return fail(Reason::kInvalid, fmt::format("'{}' is not a domain name", request.domain));
  }
  if (request.days < 1 || request.days > kMaximumLeafDays) {
    return fail(Reason::kInvalid, fmt::format("a certificate lasts 1 to {} days, not {}",
                                              kMaximumLeafDays, request.days));
  }
  return {};
}

// A wildcard is a fine certificate name but a poor file name.
std::string file_base(const std::string& domain) {
  std::string base = domain;
  std::ranges::replace(base, '*', '_');
  return base == "ca" ? "ca_" : base;
}

}  // namespace

Result<Authority> Authority::open_or_create(const std::string& directory, const std::string& host,
                                            WallTime now) {
  RETURN_IF_ERROR(host::make_directories(directory, 0700));
  const std::string certificate_file = directory + "/ca.crt";
  const std::string key_file = directory + "/ca.key";
  if (exists(certificate_file) && !exists(key_file)) {
    return fail(Reason::kConflict,
                fmt::format("{} is there without its key {}; restore the key or remove both",
                            certificate_file, key_file));
  }
  std::string certificate_pem;
  if (exists(certificate_file)) {
    ASSIGN_OR_RETURN(certificate_pem, host::read_file(certificate_file));
    ASSIGN_OR_RETURN(const std::string key_pem, host::read_file(key_file));
    if (Status matches = check_key_matches(certificate_pem, key_pem); !matches) {
      return fail(Reason::kConflict, fmt::format("{} and {} do not belong together: {}",
                                                 certificate_file, key_file,
                                                 matches.error().message));
    }
    ASSIGN_OR_RETURN(const CertificateInfo info, read_certificate(certificate_pem));
    if (info.validity.not_after <= now) certificate_pem.clear();
  }
  if (certificate_pem.empty()) {
    ASSIGN_OR_RETURN(certificate_pem, create(directory, host, now));
  }
  ASSIGN_OR_RETURN(std::string fingerprint, sha256_fingerprint(certificate_pem));
  return Authority(directory, std::move(certificate_pem), std::move(fingerprint));
}

// The certificate is written last and makes the pair valid: a key alone, left by a crash between
// the two, is used again.
Result<std::string> Authority::create(const std::string& directory, const std::string& host,
                                      WallTime now) {
  const std::string key_file = directory + "/ca.key";
  std::string key_pem;
  if (exists(key_file)) {
    ASSIGN_OR_RETURN(key_pem, host::read_file(key_file));
  } else {
    ASSIGN_OR_RETURN(key_pem, generate_key());
    RETURN_IF_ERROR(host::write_file_atomic(key_file, key_pem, 0600));
  }
  const Subject subject{.common_name = "minato local authority " + host};
  const Validity validity{.not_before = now - kClockSkew,
                          .not_after = now + kMaximumAuthorityDays * kDay - kClockSkew};
  ASSIGN_OR_RETURN(std::string certificate_pem, make_ca_certificate(key_pem, subject, validity));
  RETURN_IF_ERROR(host::write_file_atomic(directory + "/ca.crt", certificate_pem, 0644));
  return certificate_pem;
}

// Any failure means the same to issue(): there is none to use, make a new one.
Result<Certificate> Authority::load(const Request& request, const std::string& base,
                                    WallTime now) const {
  Certificate certificate{.chain_file = base + ".crt", .key_file = base + ".key"};
  ASSIGN_OR_RETURN(certificate.chain_pem, host::read_file(certificate.chain_file));
  ASSIGN_OR_RETURN(certificate.key_pem, host::read_file(certificate.key_file));
  RETURN_IF_ERROR(check_key_matches(certificate.chain_pem, certificate.key_pem));
  RETURN_IF_ERROR(check_signed_by(certificate.chain_pem, certificate_pem_));
  ASSIGN_OR_RETURN(const CertificateInfo info, read_certificate(certificate.chain_pem));
  const Subject wanted = subject_of(request);
  if (info.dns_names != wanted.dns_names || info.ip_addresses != wanted.ip_addresses) {
    return fail(Reason::kNotFound, "issued for other names");
  }
  const Duration margin = std::min<Duration>(kRenewBefore, request.days * kDay / 3);
  if (info.validity.not_after - now < margin) return fail(Reason::kNotFound, "about to expire");
  certificate.not_after = info.validity.not_after;
  return certificate;
}

Result<Certificate> Authority::issue(const Request& request, WallTime now) {
  RETURN_IF_ERROR(check_request(request));
  const std::string base = directory_ + "/" + file_base(request.domain);
  if (auto present = load(request, base, now)) return present;

  Certificate certificate{
      .chain_file = base + ".crt", .key_file = base + ".key", .issued_now = true};
  ASSIGN_OR_RETURN(const CertificateInfo authority, read_certificate(certificate_pem_));
  certificate.not_after =
      std::min(now + request.days * kDay - kClockSkew, authority.validity.not_after);
  const Validity validity{.not_before = now - kClockSkew, .not_after = certificate.not_after};
  ASSIGN_OR_RETURN(const std::string ca_key, host::read_file(directory_ + "/ca.key"));
  ASSIGN_OR_RETURN(certificate.key_pem, generate_key());
  ASSIGN_OR_RETURN(certificate.chain_pem,
                   make_server_certificate(certificate_pem_, ca_key, certificate.key_pem,
                                           subject_of(request), validity));
  RETURN_IF_ERROR(host::write_file_atomic(certificate.key_file, certificate.key_pem, 0600));
  RETURN_IF_ERROR(host::write_file_atomic(certificate.chain_file, certificate.chain_pem, 0644));
  return certificate;
}

}  // namespace minato::tls
