// cloud::InstanceMetadata over HTTP, IMDSv2: for programs on an instance, local or EC2's.
//
// Gets a token, uses it, gets another before it ends or when it is refused. Loop thread only.
// Errors: Unavailable, Timeout.
// Rule: Amazon EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
#pragma once

#include <memory>
#include <string>

#include "cloud/instance_metadata.h"
#include "host/http.h"

namespace minato::local {

class HttpMetadata final : public cloud::InstanceMetadata {
 public:
  explicit HttpMetadata(host::Loop& loop, std::string address = "169.254.169.254", std::uint16_t port = 80)
      : loop_(loop), address_(std::move(address)), port_(port), alive_(std::make_shared<bool>(true)) {}

  void get(const std::string& path, Callback done) override;

 private:
  enum class Retry { kWithNewToken, kNo };
  void fetch(const std::string& path, Retry retry, Callback done);
  void with_token(std::move_only_function<void(Status)> then);

  host::Loop& loop_;
  std::string address_;
  std::uint16_t port_;
  std::string token_;
  MonoTime renew_at_{};
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::local
