// Who we are on AWS: the first of these that the environment names, asked again before its keys end.
//
//   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN                     keys as they are
//   AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME     IAM roles for service accounts
//   AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE       EKS Pod Identity
//   the instance's own role, unless AWS_EC2_METADATA_DISABLED is "true"
//
// Token files are read again at every refresh, since the kubelet replaces them. While one refresh is
// under way, all who ask wait for it. Where a refresh fails and the keys at hand still hold, these are
// given. Keys are in no log and no message. Owned by the composition; transport and metadata outlive
// it. Loop thread only. Errors: Unauthorized (nothing names credentials; refused), Unavailable,
// Timeout, Invalid.
// Rules: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws_http/settings.h"
#include "aws_http/sigv4.h"
#include "cloud/instance_metadata.h"
#include "env/env.h"

namespace minato::aws_http {

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  using Callback = std::move_only_function<void(Result<Credentials>)>;
  virtual void get(Callback done) = 0;  // In this turn or a later one.
  // AWS says that these have ended: the next get() asks for others.
  virtual void refuse(const Credentials& credentials) = 0;
};

using FileReader = std::function<Result<std::string>(const std::string& path)>;

class CredentialChain final : public CredentialSource {
 public:
  struct Parts {
    Variables variables;
    FileReader read_file;
    // Null: there is none, as in a Pod that the metadata service is one hop too far for.
    cloud::InstanceMetadata* metadata = nullptr;
  };
  CredentialChain(env::Env env, HttpTransport& transport, Settings settings, Parts parts);

  void get(Callback done) override;
  void refuse(const Credentials& credentials) override;

 private:
  bool holds(const Credentials& credentials, Duration at_least) const;
  void ask();
  void ask_sts();
  void ask_container();
  void ask_instance();
  void ask_instance_role(const std::string& role);
  void answer(Result<Credentials> asked);
  HttpTransport::Callback then(Result<Credentials> (*read)(const HttpResponse&));

  env::Env env_;
  HttpTransport& transport_;
  Settings settings_;
  Parts parts_;
  std::optional<Credentials> held_;
  std::vector<Callback> waiting_;
  std::shared_ptr<bool> alive_;
};

// Answers as they come; for tests.
Result<Credentials> read_json_credentials(const HttpResponse& response);
Result<Credentials> read_sts_credentials(const HttpResponse& response);

}  // namespace minato::aws_http
