// Which group grows, by how much, and why no other one helps.
//
// Part of a decision: works on the Snapshot within the decision's fork, notes requests in Memory
// and writes into the Plan. One expansion per decision, as upstream: the next scan sees it coming.
// Rules: cluster-autoscaler core/scaleup/orchestrator, core/scaleup/resource,
// processors/status/eventing_scale_up_processor.go.
#pragma once

#include "autoscaler/estimator.h"
#include "env/env.h"

namespace minato::autoscaler {

// Of the whole cluster, Nodes on their way included.
struct Totals {
  std::int32_t nodes = 0;
  std::int64_t milli_cpu = 0;
  std::int64_t memory_bytes = 0;
};
Totals count_totals(const Observation& seen, const Groups& groups);

// How many of `wanted` new Nodes of that size the limits on cores and memory leave.
std::int32_t within_limits(const Totals& totals, const scheduling::Resources& node,
                           std::int32_t wanted, const ScaleUpOptions& options);

// Why the group cannot grow at all, whatever the Pods; empty: it can.
Reasons why_not_grow(const NodeGroup& group, const Totals& totals, const Options& options,
                     const Memory& memory, MonoTime now);
// Why a Pod cannot be on a new Node of the group as far as Node and Pod alone decide; empty: it can,
// whichever type and, in some zone, whenever one comes.
Reasons why_not_fit(const NodeGroup& group, const scheduling::PodTemplate& pod);

void plan_scale_up(const Observation& seen, const Groups& groups, const Pending& pending,
                   const Options& options, Memory& memory, env::Rng& rng, Plan& plan);
// A group that grows: noted, and said.
void plan_resize(const NodeGroup& group, std::int32_t to, const std::string& why,
                 const Observation& seen, Memory& memory, Plan& plan);

}  // namespace minato::autoscaler
