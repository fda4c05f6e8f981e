#include "kube_http/endpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "host/files.h"
#include "kube/base64.h"
#include "kube_http/token_program.h"

namespace minato::kube_http {
namespace {

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() {
    char pattern[] = "/tmp/minato-endpoint-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~EndpointTest() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    EXPECT_TRUE(host::write_file_atomic(directory_ + "/" + name, text, mode));
    return directory_ + "/" + name;
  }
  std::string kubeconfig(const std::string& user, const std::string& cluster = {}) {
    return write("config", "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                           "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: shop}\n"
                           "clusters:\n- name: k\n  cluster:\n    server: https://127.0.0.1:6443/\n" + cluster +
                           "users:\n- name: u\n  user:\n" + user);
  }

  std::string directory_;
};

TEST_F(EndpointTest, ReadsWhatAKubeconfigSays) {
  write("ca.pem", "authority");
  write("me.pem", "certificate");
  const auto found = from_kubeconfig(kubeconfig("    client-certificate: me.pem\n    client-key-data: " + kube::base64_encode("key") + "\n",
                                                "    certificate-authority: ca.pem\n    tls-server-name: kubernetes\n"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->server, "https://127.0.0.1:6443");
  EXPECT_EQ(found->tls_server_name, "kubernetes");
  EXPECT_EQ(found->authority_pem, "authority");
  EXPECT_EQ(found->client_certificate_pem, "certificate");
  EXPECT_EQ(found->client_key_pem, "key");
  EXPECT_EQ(found->namespace_, "shop");
}

TEST_F(EndpointTest, WhatIsMissingOrNotSupportedIsNamed) {
  EXPECT_TRUE(failed_with(from_kubeconfig(directory_ + "/none"), Reason::kNotFound));
  const auto context = from_kubeconfig(kubeconfig("    token: t\n"), "other");
  ASSERT_TRUE(failed_with(context, Reason::kNotFound));
  EXPECT_NE(context.error().message.find("no context named \"other\""), std::string::npos) << context.error().message;
  const auto insecure = from_kubeconfig(kubeconfig("    token: t\n", "    insecure-skip-tls-verify: true\n"));
  ASSERT_TRUE(failed_with(insecure, Reason::kInvalid));
  EXPECT_NE(insecure.error().message.find("certificate-authority"), std::string::npos);
  EXPECT_TRUE(failed_with(from_kubeconfig(kubeconfig("    client-key-data: a2V5\n")), Reason::kInvalid));
  EXPECT_TRUE(failed_with(from_kubeconfig(kubeconfig("    username: a\n    password: b\n")), Reason::kInvalid));
}

TEST_F(EndpointTest, APodFindsItsCluster) {
  write("ca.crt", "authority");
  write("token", "t1\n");
  write("namespace", "kube-system");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_TRUE(failed_with(in_cluster(directory_), Reason::kNotFound));
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto found = in_cluster(directory_);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->server, "https://[fd00::1]:443");
  EXPECT_EQ(found->namespace_, "kube-system");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ::unsetenv("KUBERNETES_SERVICE_PORT");
}

TEST_F(EndpointTest, ATokenFileIsReadAgainByAgeAndWhenItIsRefused) {
  Credentials credentials({.token_file = write("token", "t1\n")});
  const MonoTime start{};
  EXPECT_EQ(*credentials.token(start, {}), "t1");
  write("token", "t2");
  EXPECT_EQ(*credentials.token(start + kTokenFileAge - 1ns, {}), "t1");
  EXPECT_EQ(*credentials.token(start + kTokenFileAge, {}), "t2");
  write("token", "t3");
  credentials.refuse();
  EXPECT_EQ(*credentials.token(start + kTokenFileAge, {}), "t3");
  std::filesystem::remove(directory_ + "/token");
  EXPECT_EQ(*credentials.token(start + 3 * kTokenFileAge, {}), "t3");
}

TEST_F(EndpointTest, AProgramGivesTokensUntilTheyEnd) {
  write("give.sh", "#!/bin/sh\necho run >> " + directory_ + "/runs\n"
                   "echo \"{\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{\\\"token\\\":\\\"$WHO-$1\\\","
                   "\\\"expirationTimestamp\\\":\\\"2030-01-01T00:15:00Z\\\"}}\"\n", 0700);
  const auto endpoint = from_kubeconfig(kubeconfig(
      "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: ./give.sh\n      args: [x]\n"
      "      env: [{name: WHO, value: me}]\n"));
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  Credentials credentials(*endpoint);
  const WallTime then = *parse_rfc3339("2030-01-01T00:00:00Z");
  const auto token = credentials.token({}, then);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(*token, "me-x");
  ASSERT_TRUE(credentials.token({}, then + 13min));
  EXPECT_EQ(*host::read_file(directory_ + "/runs"), "run\n");
  ASSERT_TRUE(credentials.token({}, then + 14min));
  EXPECT_EQ(*host::read_file(directory_ + "/runs"), "run\nrun\n");
}

TEST_F(EndpointTest, AProgramThatFailsSaysSo) {
  const auto failed = run_token_program({.argv = {write("fail.sh", "#!/bin/sh\nexit 3\n", 0700)}});
  ASSERT_TRUE(failed_with(failed, Reason::kUnauthorized));
  EXPECT_NE(failed.error().message.find("status 3"), std::string::npos);
  EXPECT_TRUE(failed_with(run_token_program({.argv = {"/no/such/program"}}), Reason::kNotFound));
  EXPECT_TRUE(failed_with(read_exec_credential(R"({"status":{}})"), Reason::kInvalid));
}

}  // namespace
}  // namespace minato::kube_http
