// `minato import ecs`: an Amazon ECS task definition, and what runs it, as minato.yaml.
//
// Reads the JSON that `aws ecs describe-task-definition`, `describe-services` and `aws elbv2
// describe-target-groups` print (or the object inside), offline. Nothing is dropped silently: each
// field that says something appears in the report as kept, changed (how) or lost (why).
// The service's JSON may also have "ScalableTargets" and "ScalingPolicies", as `aws
// application-autoscaling describe-…` prints them; the target group's "Attributes".
//
// Pure. Input is untrusted. Errors: Invalid, naming the field, where no service can be made of it.
// Rule: Amazon ECS API Reference, TaskDefinition, ContainerDefinition, Service.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cloud/catalogue_file.h"

namespace minato::ecs {

enum class Fate { kKept, kChanged, kLost };
std::string_view to_string(Fate fate);

struct Entry {
  Fate fate = Fate::kKept;
  std::string field;  // "containerDefinitions[web].stopTimeout"
  std::string note;   // Where it went; how it changed; why it is lost and what to do.
};

struct Import {
  std::string yaml;
  std::vector<Entry> report;  // In the order of the input.
};

struct Input {
  boost::json::value task;
  boost::json::value service;       // Null: not given.
  boost::json::value target_group;  // Null: not given.
};

// The catalogue says how many Pods Nodes hold.
Result<Import> import_service(const Input& input, const cloud::Catalogue& catalogue);

}  // namespace minato::ecs
