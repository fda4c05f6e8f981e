// What `minato controller` is on EKS: autoscaler, removals and descheduler of the local world, over the
// API of a real cluster and the real cloud, in the one process of several that leads.
//
// EKS's own controllers, scheduler and kubelets do everything else. The composition knows seams only;
// who makes it says what stands behind them.
//
// Ownership: Env, clients and cloud outlive the Controller. Loop thread only. start() lists everything
// it reads and blocks for that; its errors are the API's (Forbidden names the missing permission).
#pragma once

#include <memory>

#include "autoscaler/autoscaler.h"
#include "cluster/profile.h"
#include "descheduler/descheduler.h"
#include "eks/metrics_text.h"
#include "election/elector.h"
#include "removal/remover.h"

namespace minato::eks {

inline constexpr std::string_view kControllerLease = "minato-controller";  // In kube-system.

class Controller {
 public:
  struct Options {
    std::string cluster;   // Its groups carry the tag k8s.io/cluster-autoscaler/<cluster>.
    std::string identity;  // Of this process, in the Lease.
    cluster::Profile profile = cluster::kRealistic;
  };
  struct Seams {
    kube::Client& client;        // Its writes are to ask may_write().
    kube::Client& lease_client;  // Its do not.
    cloud::AutoScaling& auto_scaling;
    cloud::LoadBalancing& load_balancing;
  };
  static Result<std::unique_ptr<Controller>> make(env::Env env, Seams seams, Options options);

  Status start();
  // Gives the lead back: for the end of the process.
  void stop();
  bool leads() const { return elector_.leads(); }
  Status may_write() const { return elector_.may_write(); }
  void add_metrics(MetricsText& out) const;

  autoscaler::Autoscaler& autoscaler() { return *autoscaler_; }
  removal::Remover& remover() { return *remover_; }

 private:
  Controller(env::Env env, Seams seams, const Options& options);

  env::Env env_;
  Seams seams_;
  informer::Informers informers_;
  std::unique_ptr<removal::Remover> remover_;
  std::unique_ptr<autoscaler::Autoscaler> autoscaler_;
  std::unique_ptr<descheduler::Descheduler> descheduler_;
  election::Elector elector_;
};

}  // namespace minato::eks
