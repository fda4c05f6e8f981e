#include "tls/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "host/files.h"

namespace minato::tls {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr WallTime kNow{1'790'000'000s};

class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() {
    char pattern[] = "/tmp/minato-tls-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~AuthorityTest() override { EXPECT_TRUE(host::remove_tree(directory_)); }

  Authority open(WallTime now = kNow) {
    auto authority = Authority::open_or_create(directory_, "box", now);
    EXPECT_TRUE(authority) << (authority ? "" : authority.error().message);
    return std::move(authority).value();
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }
  std::string directory_;
};

X509* parse(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

// OpenSSL's own verdict, as a TLS client would reach it.
std::string verify(const std::string& leaf_pem, const std::string& ca_pem, const char* host,
                   const char* ip, WallTime at) {
  X509* leaf = parse(leaf_pem);
  X509* ca = parse(ca_pem);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, ca);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, at.time_since_epoch() / 1s);
  if (host) X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  if (ip) X509_VERIFY_PARAM_set1_ip_asc(parameters, ip);
  X509_verify_cert(context);
  const std::string verdict = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  X509_free(ca);
  X509_free(leaf);
  return verdict;
}

TEST_F(AuthorityTest, IssuesChainsThatOpensslVerifiesForNameAndAddress) {
  Authority authority = open();
  const auto issued =
      authority.issue({.domain = "shop.example.com", .more_dns_names = {"localhost"}}, kNow);
  ASSERT_TRUE(issued) << issued.error().message;
  const std::string& ca = authority.certificate_pem();
  const WallTime later = kNow + 300 * kDay;
  EXPECT_EQ(verify(issued->chain_pem, ca, "shop.example.com", nullptr, later), "ok");
  EXPECT_EQ(verify(issued->chain_pem, ca, "localhost", nullptr, later), "ok");
  EXPECT_EQ(verify(issued->chain_pem, ca, nullptr, "127.0.0.1", later), "ok");
  EXPECT_EQ(verify(issued->chain_pem, ca, "b.example.com", nullptr, later), "hostname mismatch");
  EXPECT_EQ(verify(issued->chain_pem, ca, nullptr, nullptr, kNow + 366 * kDay),
            "certificate has expired");
  const auto info = read_certificate(issued->chain_pem);
  ASSERT_TRUE(info);
  EXPECT_THAT(info->dns_names, ElementsAre("localhost", "shop.example.com"));
  EXPECT_THAT(info->ip_addresses, ElementsAre("127.0.0.1"));
  EXPECT_LE(info->validity.not_after - info->validity.not_before, 365 * kDay);
}

TEST_F(AuthorityTest, RootIsNamedAfterTheHostAndLastsAtMostTenYears) {
  const auto info = read_certificate(open().certificate_pem());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, "minato local authority box");
  EXPECT_LE(info->validity.not_after - info->validity.not_before, 3653 * kDay);
}

TEST_F(AuthorityTest, KeysAreReadableByTheOwnerOnly) {
  Authority authority = open();
  const auto issued = authority.issue({.domain = "a.test"}, kNow);
  ASSERT_TRUE(issued);
  EXPECT_EQ(mode_of(directory_ + "/ca.key"), 0600U);
  EXPECT_EQ(mode_of(issued->key_file), 0600U);
  EXPECT_EQ(mode_of(issued->chain_file), 0644U);
}

TEST_F(AuthorityTest, OpeningAgainGivesTheSameAuthorityAndCertificate) {
  const auto first = open().issue({.domain = "a.test"}, kNow);
  const std::string fingerprint = open().fingerprint();
  const auto second = open().issue({.domain = "a.test"}, kNow + kDay);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->issued_now);
  EXPECT_FALSE(second->issued_now);
  EXPECT_EQ(first->chain_pem, second->chain_pem);
  EXPECT_EQ(fingerprint, open().fingerprint());
  EXPECT_EQ(fingerprint.size(), 32U * 3 - 1);
}

TEST_F(AuthorityTest, ReissuesNearExpiryForOtherNamesAndForAForeignKey) {
  Authority authority = open();
  const auto first = authority.issue({.domain = "a.test"}, kNow);
  const auto near_end = authority.issue({.domain = "a.test"}, kNow + 336 * kDay);
  const auto renamed =
      authority.issue({.domain = "a.test", .more_dns_names = {"b.test"}}, kNow + 336 * kDay);
  ASSERT_TRUE(first && near_end && renamed);
  EXPECT_TRUE(near_end->issued_now);
  EXPECT_TRUE(renamed->issued_now);
  EXPECT_NE(read_certificate(first->chain_pem)->serial_hex,
            read_certificate(near_end->chain_pem)->serial_hex);
  // What a crash between the two writes leaves: a key that is not the certificate's.
  ASSERT_TRUE(host::write_file_atomic(renamed->key_file, generate_key().value(), 0600));
  const auto repaired =
      authority.issue({.domain = "a.test", .more_dns_names = {"b.test"}}, kNow + 336 * kDay);
  ASSERT_TRUE(repaired);
  EXPECT_TRUE(repaired->issued_now);
  EXPECT_TRUE(check_key_matches(repaired->chain_pem, repaired->key_pem));
}

TEST_F(AuthorityTest, RefusesHalfAnAuthorityInsteadOfReplacingIt) {
  open();
  ::unlink((directory_ + "/ca.key").c_str());
  const auto opened = Authority::open_or_create(directory_, "box", kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kConflict);
}

TEST_F(AuthorityTest, RefusesBadNamesAndLifetimes) {
  Authority authority = open();
  EXPECT_TRUE(failed_with(authority.issue({.domain = "a,IP:1.2.3.4"}, kNow), Reason::kInvalid));
  EXPECT_TRUE(failed_with(authority.issue({.domain = "../x"}, kNow), Reason::kInvalid));
  EXPECT_TRUE(failed_with(authority.issue({.domain = "a.test", .ip_addresses = {"1.2.3"}}, kNow),
                          Reason::kInvalid));
  EXPECT_TRUE(failed_with(authority.issue({.domain = "a.test", .days = 366}, kNow),
                          Reason::kInvalid));
}

TEST_F(AuthorityTest, InstructionsNameFileFingerprintAndUndo) {
  const Authority authority = open();
  const std::string text = trust_instructions(authority, "https://a.test:8443/");
  EXPECT_THAT(text, HasSubstr("curl --cacert " + directory_ + "/ca.crt https://a.test:8443/"));
  EXPECT_THAT(text, HasSubstr(authority.fingerprint()));
  EXPECT_THAT(text, HasSubstr("Undo"));
}

}  // namespace
}  // namespace minato::tls
