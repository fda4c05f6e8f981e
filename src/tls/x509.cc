#include "tls/x509.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/check.h"
#include "base/strings.h"

namespace minato::tls {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using SerialNumber = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Time = std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>>;

void free_names(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Deleter<free_names>>;

constexpr int kSerialBits = 127;  // RFC 5280 allows 20 octets; the top bit must stay clear.

std::unexpected<Error> openssl_failure(Reason reason, std::string_view what) {
  char text[256] = "unknown cause";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return fail(reason, fmt::format("{}: {}", what, text));
}

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<CertificatePtr> parse_certificate(std::string_view pem) {
  CertificatePtr certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_failure(Reason::kInvalid, "no readable PEM certificate");
  return certificate;
}

// Without a callback OpenSSL would ask the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<Key> parse_key(std::string_view pem) {
  Key key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key) return openssl_failure(Reason::kInvalid, "no readable, unencrypted PEM private key");
  return key;
}

Result<std::string> to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return openssl_failure(Reason::kInternalError, "writing a certificate");
  }
  return text_of(bio.get());
}

Status add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_failure(Reason::kInvalid, fmt::format("certificate extension '{}'", value));
  }
  return {};
}

// Names go into OpenSSL's "DNS:a,IP:b" syntax, where a comma would start another name.
Result<std::string> alternative_names(const Subject& subject) {
  std::vector<std::string> parts;
  for (const std::string& name : subject.dns_names) {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '-' || c == '.' || c == '*' || c == '_';
    });
    if (!plain) return fail(Reason::kInvalid, fmt::format("'{}' is not a DNS name", name));
    parts.push_back("DNS:" + name);
  }
  for (const std::string& address : subject.ip_addresses) {
    unsigned char buffer[16];
    if (::inet_pton(AF_INET, address.c_str(), buffer) != 1 &&
        ::inet_pton(AF_INET6, address.c_str(), buffer) != 1) {
      return fail(Reason::kInvalid, fmt::format("'{}' is not an IP address", address));
    }
    parts.push_back("IP:" + address);
  }
  if (parts.empty()) return fail(Reason::kInvalid, "a certificate needs a DNS name or IP address");
  return join(parts, ",");
}

time_t to_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Status set_serial(X509* certificate) {
  const SerialNumber number(BN_new());
  if (!number || BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      !BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate))) {
    return openssl_failure(Reason::kInternalError, "drawing a serial number");
  }
  return {};
}

// Everything that a CA and a leaf have in common.
Result<CertificatePtr> begin_certificate(EVP_PKEY* key, const Subject& subject,
                                      const Validity& validity) {
  CertificatePtr certificate(X509_new());
  if (!certificate) return openssl_failure(Reason::kInternalError, "making a certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  RETURN_IF_ERROR(set_serial(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_seconds(validity.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_seconds(validity.not_after));
  // A common name has at most 64 characters (X.520); longer DNS names live in the SAN alone.
  const std::string name = subject.common_name.substr(0, 64);
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  if (X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 bytes, static_cast<int>(name.size()), -1, 0) != 1) {
    return openssl_failure(Reason::kInvalid, fmt::format("common name '{}'", name));
  }
  if (X509_set_pubkey(certificate.get(), key) != 1) {
    return openssl_failure(Reason::kInternalError, "setting a public key");
  }
  return certificate;
}

WallTime to_wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime{};
  return WallTime{std::chrono::seconds(::timegm(&parts))};
}

std::string common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

void read_alternative_names(const X509* certificate, CertificateInfo& info) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* data = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* bytes = ASN1_STRING_get0_data(data);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(data));
    if (name->type == GEN_DNS) {
      info.dns_names.emplace_back(reinterpret_cast<const char*>(bytes), size);
    } else if (size == 4 || size == 16) {
      char text[INET6_ADDRSTRLEN] = "";
      ::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
      info.ip_addresses.emplace_back(text);
    }
  }
  std::ranges::sort(info.dns_names);
  std::ranges::sort(info.ip_addresses);
}

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(),
                              reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
                              nullptr);
  CHECK(done == 1 && size == digest.size(), "SHA-256 is not available in this OpenSSL");
  return digest;
}

}  // namespace

Result<std::string> generate_key() {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure(Reason::kInternalError, "generating an ECDSA P-256 key");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    return openssl_failure(Reason::kInternalError, "writing a private key");
  }
  return text_of(bio.get());
}

Result<std::string> make_ca_certificate(const std::string& key_pem, const Subject& subject,
                                        const Validity& validity) {
  ASSIGN_OR_RETURN(const Key key, parse_key(key_pem));
  ASSIGN_OR_RETURN(const CertificatePtr certificate, begin_certificate(key.get(), subject, validity));
  X509* const self = certificate.get();
  X509_set_issuer_name(self, X509_get_subject_name(self));
  RETURN_IF_ERROR(add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(add_extension(self, self, NID_subject_key_identifier, "hash"));
  if (X509_sign(self, key.get(), EVP_sha256()) == 0) {
    return openssl_failure(Reason::kInternalError, "signing the authority's certificate");
  }
  return to_pem(self);
}

Result<std::string> make_server_certificate(const std::string& ca_certificate_pem,
                                            const std::string& ca_key_pem,
                                            const std::string& leaf_key_pem, const Subject& subject,
                                            const Validity& validity) {
  ASSIGN_OR_RETURN(const CertificatePtr ca, parse_certificate(ca_certificate_pem));
  ASSIGN_OR_RETURN(const Key ca_key, parse_key(ca_key_pem));
  ASSIGN_OR_RETURN(const Key key, parse_key(leaf_key_pem));
  ASSIGN_OR_RETURN(const std::string names, alternative_names(subject));
  ASSIGN_OR_RETURN(const CertificatePtr certificate, begin_certificate(key.get(), subject, validity));
  X509* const leaf = certificate.get();
  X509_set_issuer_name(leaf, X509_get_subject_name(ca.get()));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_ext_key_usage, "serverAuth"));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_subject_alt_name, names));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(add_extension(leaf, ca.get(), NID_authority_key_identifier, "keyid:always"));
  if (X509_sign(leaf, ca_key.get(), EVP_sha256()) == 0) {
    return openssl_failure(Reason::kInternalError, "signing a server certificate");
  }
  return to_pem(leaf);
}

Result<CertificateInfo> read_certificate(std::string_view chain_pem) {
  ASSIGN_OR_RETURN(const CertificatePtr certificate, parse_certificate(chain_pem));
  CertificateInfo info;
  info.common_name = common_name_of(certificate.get());
  read_alternative_names(certificate.get(), info);
  const SerialNumber serial(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  if (char* text = serial ? BN_bn2hex(serial.get()) : nullptr) {
    info.serial_hex = text;
    OPENSSL_free(text);
  }
  info.validity = {.not_before = to_wall_time(X509_get0_notBefore(certificate.get())),
                   .not_after = to_wall_time(X509_get0_notAfter(certificate.get()))};
  return info;
}

Status check_key_matches(std::string_view chain_pem, std::string_view key_pem) {
  ASSIGN_OR_RETURN(const CertificatePtr certificate, parse_certificate(chain_pem));
  ASSIGN_OR_RETURN(const Key key, parse_key(key_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return openssl_failure(Reason::kInvalid, "the private key is not the certificate's");
  }
  return {};
}

Status check_signed_by(std::string_view chain_pem, std::string_view ca_certificate_pem) {
  ASSIGN_OR_RETURN(const CertificatePtr certificate, parse_certificate(chain_pem));
  ASSIGN_OR_RETURN(const CertificatePtr ca, parse_certificate(ca_certificate_pem));
  if (X509_verify(certificate.get(), X509_get0_pubkey(ca.get())) != 1) {
    return openssl_failure(Reason::kInvalid, "the certificate is not signed by this authority");
  }
  return {};
}

Result<std::string> sha256_fingerprint(std::string_view chain_pem) {
  ASSIGN_OR_RETURN(const CertificatePtr certificate, parse_certificate(chain_pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size < 0) return openssl_failure(Reason::kInternalError, "encoding a certificate");
  const std::string digest =
      sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  std::vector<std::string> bytes;
  for (const char byte : digest) {
    bytes.push_back(fmt::format("{:02X}", static_cast<unsigned char>(byte)));
  }
  return join(bytes, ":");
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

}  // namespace minato::tls
