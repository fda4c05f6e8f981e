// Certificates and keys as PEM text over OpenSSL's EVP interface; the only place that knows its
// handles. Pure functions, thread-safe; failures are Invalid (bad input) or InternalError with
// OpenSSL's own words. Keys never appear in messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::tls {

// What a certificate is for. DNS names and IP addresses become subject alternative names.
struct Subject {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

struct Validity {
  WallTime not_before;
  WallTime not_after;
};

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> dns_names;     // Sorted.
  std::vector<std::string> ip_addresses;  // Sorted, in their shortest text.
  std::string serial_hex;
  Validity validity;
};

// A fresh ECDSA P-256 key, PKCS #8.
Result<std::string> generate_key();
// A self-signed CA certificate that may sign leaves only (path length 0).
Result<std::string> make_ca_certificate(const std::string& key_pem, const Subject& subject,
                                        const Validity& validity);
// A TLS server certificate for `leaf_key_pem`, signed by the CA.
Result<std::string> make_server_certificate(const std::string& ca_certificate_pem,
                                            const std::string& ca_key_pem,
                                            const std::string& leaf_key_pem, const Subject& subject,
                                            const Validity& validity);

// Reads the first certificate of a PEM chain.
Result<CertificateInfo> read_certificate(std::string_view chain_pem);
// Invalid unless the private key belongs to the first certificate of the chain.
Status check_key_matches(std::string_view chain_pem, std::string_view key_pem);
// Invalid unless the first certificate was signed by this CA.
Status check_signed_by(std::string_view chain_pem, std::string_view ca_certificate_pem);
// SHA-256 over the DER form of the first certificate, "AB:CD:…", as browsers and openssl show it.
Result<std::string> sha256_fingerprint(std::string_view chain_pem);
// SHA-256 of any bytes, lower-case hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace minato::tls
