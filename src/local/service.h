// The verbs of the control socket over a LocalWorld: what `minato status`, `logs`, `events`,
// `deploy`, `rollback` and `cloud` ask for.
//
// Loop thread only; refers to the world, which outlives it.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "cluster/view.h"
#include "control/server.h"
#include "local/local_world.h"

namespace minato::local {

class Service {
 public:
  Service(host::Loop& loop, LocalWorld& world, control::Server& server);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

 private:
  using ExchangePtr = std::shared_ptr<control::Exchange>;

  void status(const ExchangePtr& exchange);
  void events(const control::Request& request, const ExchangePtr& exchange);
  void deploy(const control::Request& request, const ExchangePtr& exchange);
  void roll_out(const control::Request& request, const ExchangePtr& exchange);
  void rollback(const control::Request& request, const ExchangePtr& exchange);
  void kill_instance(const control::Request& request, const ExchangePtr& exchange);
  void kill_container(const control::Request& request, const ExchangePtr& exchange);
  Result<WorldConfig> changed_config(const control::Request& request) const;

  host::Loop& loop_;
  LocalWorld& world_;
  std::set<ExchangePtr> event_followers_;
};

}  // namespace minato::local
