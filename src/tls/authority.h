// A certificate authority for one machine: the part that AWS Certificate Manager plays on EKS. One
// ECDSA P-256 root that signs TLS server certificates directly, kept as files:
//   ca.crt (0644), ca.key (0600), and per leaf <name>.crt (0644) and <name>.key (0600).
//
// Ownership: a value, owned by whoever opens it; the private key stays in the directory and is read
// only to sign. Threading: none of its own; calls block for file access and a signature
// (milliseconds). The caller gives the time. Two processes must not open one directory at once.
//
// Errors: Conflict when a CA key or certificate is there without its other half (never replaced
// silently: people may have trusted it), Invalid for bad names, else the file system's reason.
// Rules: RFC 5280; CA/Browser Forum baseline for lifetimes (leaf at most a year, root at most ten).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tls/x509.h"

namespace minato::tls {

inline constexpr Duration kDay = 24h;
inline constexpr int kMaximumLeafDays = 365;
inline constexpr int kMaximumAuthorityDays = 3652;
inline constexpr Duration kRenewBefore = 30 * kDay;

struct Certificate {
  std::string chain_pem;  // Leaf first; the root is left out, clients have it or do not trust it.
  std::string key_pem;
  std::string chain_file;
  std::string key_file;
  WallTime not_after;
  bool issued_now = false;  // False: what was on disk is still good.
};

struct Request {
  std::string domain;                                     // Common name, and a DNS name.
  std::vector<std::string> more_dns_names;
  std::vector<std::string> ip_addresses = {"127.0.0.1"};
  int days = kMaximumLeafDays;
};

class Authority {
 public:
  // Opens the authority in `directory`, or makes one named "minato local authority <host>". An
  // expired root is made anew, which everyone then has to trust again.
  static Result<Authority> open_or_create(const std::string& directory, const std::string& host,
                                          WallTime now);

  // The certificate on disk when it fits the request and lasts longer than kRenewBefore (for short
  // ones: than a third of its life), else a new one.
  Result<Certificate> issue(const Request& request, WallTime now);

  const std::string& certificate_pem() const { return certificate_pem_; }
  std::string certificate_file() const { return directory_ + "/ca.crt"; }
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  Authority(std::string directory, std::string certificate_pem, std::string fingerprint)
      : directory_(std::move(directory)),
        certificate_pem_(std::move(certificate_pem)),
        fingerprint_(std::move(fingerprint)) {}
  static Result<std::string> create(const std::string& directory, const std::string& host,
                                    WallTime now);
  Result<Certificate> load(const Request& request, const std::string& base, WallTime now) const;

  std::string directory_;
  std::string certificate_pem_;
  std::string fingerprint_;
};

// What `minato trust` prints: how to trust this authority with curl, on Debian and Ubuntu and in
// browsers, how to check that it is the right one, and how to undo each step. Changes nothing.
std::string trust_instructions(const Authority& authority, const std::string& url);

}  // namespace minato::tls
