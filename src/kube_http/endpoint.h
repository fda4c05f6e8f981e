// Where a cluster's API server is and how one proves who one is: from inside a Pod, or by a
// kubeconfig file.
//
// In a cluster the token lies in a file that the kubelet changes before it runs out; it is read
// again every minute and when the server refuses it. A kubeconfig may have a token, a file of one,
// a client certificate, or a program that gives tokens (`aws eks get-token`), which is run again
// shortly before its answer expires. The server's certificate is always verified.
//
// Endpoint is a value. Credentials may be asked from any thread; a program that gives tokens blocks
// its caller for as long as it runs, at most kProgramTimeout. Errors: NotFound (no such file,
// context or program), Invalid (what cannot be read, or is not supported; named), Unauthorized (the
// program fails).
// Rules: k8s.io/client-go rest/config.go (InClusterConfig), transport/token_source.go,
// tools/clientcmd/api/v1 types.go, pkg/apis/clientauthentication/v1 (ExecCredential).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::kube_http {

inline constexpr Duration kTokenFileAge = 1min;
inline constexpr Duration kProgramTimeout = 30s;
inline constexpr Duration kRunAgainBefore = 1min;  // The end of what a program gave.

struct TokenProgram {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;  // Beside the present one.
  std::string api_version;                                       // Of its ExecCredential.
};

struct Endpoint {
  std::string server;           // "https://10.100.0.1:443", without a slash at its end.
  std::string tls_server_name;  // "": that of `server`.
  std::string authority_pem;    // Whom to believe; "": the system's authorities.
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;
  TokenProgram program;
  std::string namespace_ = "default";
};

// By KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the Pod's service account. `directory` is
// where its token, ca.crt and namespace lie.
inline constexpr std::string_view kServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
Result<Endpoint> in_cluster(const std::string& directory = std::string(kServiceAccountDirectory));
// `context` "": the file's current one. Paths in the file are relative to it.
Result<Endpoint> from_kubeconfig(const std::string& path, const std::string& context = {});

class Credentials {
 public:
  explicit Credentials(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  // The bearer token to send now; "" when the client's certificate says who it is.
  Result<std::string> token(MonoTime now, WallTime wall);
  // The server has refused it: the next call asks anew.
  void refuse();

 private:
  const Endpoint endpoint_;
  std::mutex mutex_;
  std::string token_;
  MonoTime read_{};
  WallTime expires_{};  // Of a program's answer; unset when it names no end.
  bool has_token_ = false;
};

}  // namespace minato::kube_http
