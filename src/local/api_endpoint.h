// The Kubernetes API of a local world, on a listening socket of the host and on one of the VPC, for
// Pods: certificate, the administrator's token, and what joins apiserver to this cluster. Both ask
// for the same proofs; each has its own limits, so that Pods cannot keep people out.
//
// Files in the world's directories: authority/kubernetes.{crt,key}; admin.token (0600), which is
// made once and means the group system:masters, and `minato kubeconfig` reads it; and
// authority/service-accounts.key (0600), which signs the tokens of ServiceAccounts.
//
// Ownership: the loop and the cluster outlive it. Loop thread only. Errors: those of files and of
// certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/rbac.h"
#include "apiserver/server.h"
#include "cluster/cluster.h"
#include "host/files.h"
#include "host/loop.h"
#include "net/https_server.h"

namespace minato::local {

inline std::string admin_token_file(const std::string& state_dir) {
  return state_dir + "/admin.token";
}

class ApiEndpoint {
 public:
  struct Options {
    std::string state_dir;
    std::string host_name;
    std::vector<std::string> addresses;  // By which Pods know it; in the certificate.
  };
  struct Listening {
    host::Fd host;
    host::Fd vpc;
  };
  static Result<std::unique_ptr<ApiEndpoint>> open(host::Loop& loop, env::Env env,
                                                   cluster::Cluster& cluster, Listening listening,
                                                   const Options& options);
  ~ApiEndpoint();

  apiserver::ServiceAccountTokens& tokens() { return tokens_; }

 private:
  ApiEndpoint(const env::Env& env, cluster::Cluster& cluster, std::string admin_token,
              apiserver::SigningKey key);

  apiserver::Authenticator authenticator_;
  apiserver::RoleAuthorizer authorizer_;
  apiserver::ServiceAccountTokens tokens_;
  apiserver::ApiServer server_;
  std::vector<std::unique_ptr<net::HttpsServer>> https_;
};

}  // namespace minato::local
