// Which of several ways to grow is taken.
//
// Pure but for ties, which the Rng decides. A priority configuration that makes no sense leaves
// every option and is told of.
// Rules: cluster-autoscaler expander/{factory,waste,mostpods,leastnodes,priority,price}. The price
// expander, which upstream does not have on AWS, compares what the new Nodes cost with what their
// Pods would at list price per core and GiB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autoscaler/options.h"
#include "env/env.h"
#include "scheduling/resources.h"

namespace minato::autoscaler {

struct ExpanderOption {
  std::string group;
  std::int32_t nodes = 0;
  std::size_t pods = 0;
  scheduling::Resources requested;  // Of those Pods.
  scheduling::Resources capacity;   // Of one Node.
  std::int64_t price = 0;           // Of all Nodes, an hour, in millionths of a dollar.
};

struct ExpanderWarning {
  std::string reason;
  std::string message;
};

struct ExpanderInput {
  std::vector<ExpanderOption> options;
  std::optional<std::string> priorities;
};

// Indexes of the options that one expander finds best; all of them when it cannot tell.
std::vector<std::size_t> best_options(Expander expander, const ExpanderInput& input,
                                      const std::vector<std::size_t>& among,
                                      std::vector<ExpanderWarning>& warnings);
// The one, by all of `chain`. Requires: there is an option.
std::size_t choose_option(const std::vector<Expander>& chain, const ExpanderInput& input,
                          env::Rng& rng, std::vector<ExpanderWarning>& warnings);

// Share of the new Nodes that stays unused, CPU and memory added.
double wasted(const ExpanderOption& option);

// "10:\n  - .*large.*": regular expressions on group names by priority. Errors: Invalid.
Result<std::map<std::int32_t, std::vector<std::string>>> parse_priorities(std::string_view text);

}  // namespace minato::autoscaler
