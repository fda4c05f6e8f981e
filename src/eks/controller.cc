#include "eks/controller.h"

#include <fmt/format.h>

#include "cluster/scaling.h"
#include "kube/names.h"

namespace minato::eks {

Controller::Controller(env::Env env, Seams seams, const Options& options)
    : env_(std::move(env)),
      seams_(seams),
      informers_(seams.client),
      elector_(env_.fork("election"), seams.lease_client,
               {.lease = {std::string(kube::kNamespaceSystem), std::string(kControllerLease)}, .identity = options.identity},
               [this](bool leads) {
                 remover_->set_active(leads);
                 autoscaler_->set_active(leads);
                 descheduler_->set_active(leads);
               }) {}

Result<std::unique_ptr<Controller>> Controller::make(env::Env env, Seams seams, Options options) {
  std::unique_ptr<Controller> out(new Controller(std::move(env), seams, options));
  out->remover_ = std::make_unique<removal::Remover>(out->env_.fork("removal"), seams.client, out->informers_, seams.auto_scaling,
                                                     seams.load_balancing, cluster::removal_options(options.profile));
  autoscaler::Options scaling = cluster::autoscaler_options(options.profile);
  scaling.discovery = {fmt::format("asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{}", options.cluster)};
  ASSIGN_OR_RETURN(out->autoscaler_,
                   autoscaler::Autoscaler::make(out->env_.fork("autoscaler"), seams.client, out->informers_, seams.auto_scaling,
                                                *out->remover_, std::move(scaling)));
  out->descheduler_ = std::make_unique<descheduler::Descheduler>(out->env_.fork("descheduler"), seams.client, out->informers_,
                                                                 cluster::descheduler_options(options.profile));
  return out;
}

Status Controller::start() {
  RETURN_IF_ERROR(informers_.start());
  remover_->start();
  autoscaler_->start();
  descheduler_->start();
  elector_.start();
  return {};
}

void Controller::stop() { elector_.release(); }

void Controller::add_metrics(MetricsText& out) const {
  out.gauge("minato_leader", "Whether this process leads.", leads() ? 1 : 0);
  out.counter("minato_autoscaler_scans_total", "Looks of the autoscaler at the cluster.", static_cast<double>(autoscaler_->scans()));
  for (const cloud::AutoScalingGroup& group : seams_.auto_scaling.describe_auto_scaling_groups()) {
    out.gauge("minato_group_desired_capacity", "Instances that a group is to have.", group.desired_capacity, {{"group", group.name}});
  }
  std::map<std::string_view, int> by_phase;
  for (const removal::Progress& progress : remover_->progress()) ++by_phase[removal::to_string(progress.phase)];
  for (const auto& [phase, count] : by_phase) {
    out.gauge("minato_removals", "Nodes that are taken out of service, or were within ten minutes.", count, {{"phase", std::string(phase)}});
  }
}

}  // namespace minato::eks
