// The instance metadata service over HTTP at 169.254.169.254:80 inside every local instance.
//
// Answers programs in the instance's own network only: the hop limit of 1 that EKS recommends keeps
// Pods, which are one hop farther, from the instance's credentials. Owned by LocalWorld; the Vpc
// and the services outlive their server. Loop thread only. Errors are logged: an instance without
// metadata runs all the same.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cloud/auto_scaling.h"
#include "host/http.h"
#include "imds/service.h"
#include "linux_net/vpc.h"

namespace minato::local {

class MetadataServers {
 public:
  MetadataServers(host::Loop& loop, env::Log& log, linux_net::Vpc& vpc) : loop_(loop), log_(log), vpc_(vpc) {}

  void add(const cloud::Instance& instance, imds::Service& service);
  void remove(const std::string& instance_id) { servers_.erase(instance_id); }

 private:
  Result<host::Fd> listen(const std::string& instance_id) const;

  host::Loop& loop_;
  env::Log& log_;
  linux_net::Vpc& vpc_;
  std::map<std::string, std::unique_ptr<host::HttpServer>> servers_;  // By instance id.
};

}  // namespace minato::local
