// A Pod as the scheduler sees it. Everything that Pods of one controller share is parsed once into
// a PodTemplate, so that the scheduler works per template where upstream works per Pod.
//
// Two Pods have the same PodTemplate exactly when no rule of the scheduler can tell them apart.
// PodTemplate and PodInfo are immutable and shared; TemplateTable is owned by one scheduler (or
// other reader of a Snapshot) and is used on the loop thread. Nothing here fails.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/selector.h"
#include "kube/types/pod.h"
#include "scheduling/node_terms.h"
#include "scheduling/pod_terms.h"
#include "scheduling/resources.h"

namespace minato::scheduling {

struct PodTemplate {
  std::string namespace_;
  kube::Labels labels;
  std::int32_t priority = 0;
  bool preempts = true;  // preemptionPolicy is not Never.
  Resources requests;
  std::int64_t scoring_milli_cpu = 0;
  std::int64_t scoring_memory_bytes = 0;
  std::vector<HostPort> host_ports;
  std::vector<kube::Toleration> tolerations;
  RequiredNodes required_nodes;
  std::vector<PreferredNodes> preferred_nodes;
  SpreadConstraints spread;
  PodTerms terms;
  // Parts of the identity, for counters whose Nodes depend on them.
  std::string node_choice_identity;
  std::string tolerations_identity;
};
using PodTemplatePtr = std::shared_ptr<const PodTemplate>;

struct PodInfo {
  std::shared_ptr<const kube::Pod> pod;
  PodTemplatePtr pod_template;
  bool terminating = false;

  const std::string& uid() const { return pod->metadata.uid; }
  std::int32_t priority() const { return pod_template->priority; }
};
using PodInfoPtr = std::shared_ptr<const PodInfo>;

class TemplateTable {
 public:
  PodInfoPtr parse(std::shared_ptr<const kube::Pod> pod,
                   const std::optional<kube::Selector>& default_selector = {});
  std::size_t size() const { return templates_.size(); }

 private:
  void forget_unused();

  std::map<std::string, PodTemplatePtr> templates_;  // Looked up; never iterated to act.
  std::size_t sweep_at_ = 1024;
  std::string key_;  // Reused between calls.
};

}  // namespace minato::scheduling
