// cloud::InstanceMetadata straight over a Service, without a network: the simulated world's and the
// tests' way to the metadata of an instance. It is a client as others are: it gets a token, uses it
// and renews it, so that the rules of tokens are exercised there too.
//
// Owned by whoever owns the agent of that instance; the Service outlives it. Loop thread only.
// Errors: Unavailable, with the status that was answered; or whatever `fault` says (for faults of
// the simulation: a service that hangs or fails).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cloud/instance_metadata.h"
#include "env/env.h"
#include "imds/service.h"

namespace minato::imds {

class SimMetadata final : public cloud::InstanceMetadata {
 public:
  SimMetadata(env::Env env, Service& service) : env_(std::move(env)), service_(service) {}

  // Asked before each request; an error is the answer. Set, if at all, from the beginning.
  std::function<Status()> fault;
  // Whether it calls what it is given at the next change of what the service tells; may be empty.
  std::function<bool(std::function<void()>)> watch;

  void get(const std::string& path,
           std::move_only_function<void(Result<std::optional<std::string>>)> done) override;
  bool will_tell_change(std::function<void()> changing) override {
    return !fault && watch && watch(std::move(changing));
  }

 private:
  Result<std::optional<std::string>> fetch(const std::string& path);
  Response request(const std::string& path);
  void renew_token();

  env::Env env_;
  Service& service_;
  std::string token_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace minato::imds
