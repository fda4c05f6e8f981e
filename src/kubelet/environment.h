// A container's environment and the expansion of $(VAR). Pure: what it reads is handed in.
//
// Rules: k8s.io/kubernetes pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables: envFrom first,
// then env in order, Service variables below both), pkg/kubelet/envvars, pkg/fieldpath,
// third_party/forked/golang/expansion. Failures are Invalid or NotFound with the text that becomes
// the message of CreateContainerConfigError.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kube/types/config.h"
#include "kube/types/pod.h"
#include "kube/types/service.h"
#include "kube/types/token.h"
#include "kubelet/options.h"

namespace minato::kubelet {

// Issues a token of a ServiceAccount: the request with its status filled in.
using TokenIssuer = std::function<Result<kube::TokenRequest>(const kube::ObjectKey& account,
                                                             kube::TokenRequest request)>;

// Where values come from; null from a function means that there is no such object.
struct ConfigSources {
  std::function<std::shared_ptr<const kube::ConfigMap>(const kube::ObjectKey&)> config_map;
  std::function<std::shared_ptr<const kube::Secret>(const kube::ObjectKey&)> secret;
  // Of one namespace, ordered by name; for service links.
  std::function<std::vector<std::shared_ptr<const kube::Service>>(const std::string&)> services;
  TokenIssuer issue_token;  // Empty: this cluster has no tokens for Pods.
};

class PodTokens;

// What the downward API may say about a Pod on this Node.
struct PodFacts {
  const kube::Pod& pod;
  std::string pod_ip;
  std::string host_ip;
  Capacity allocatable;  // Stands for limits that are not set.
  PodTokens* tokens = nullptr;  // Of this Pod. Null: it has none.
};

using Environment = std::vector<std::pair<std::string, std::string>>;

Result<Environment> build_environment(const PodFacts& facts, const kube::Container& container,
                                      const ConfigSources& sources);

// $(NAME) becomes its value, $$ becomes $, unknown names stay as they are.
std::string expand(std::string_view text, const Environment& environment);

// The downward API's two kinds of values, which volumes use as well.
Result<std::string> field_value(const PodFacts& facts, const std::string& path);
Result<std::string> resource_value(const PodFacts& facts, const kube::ResourceFieldSelector& field,
                                   const std::string& default_container);

}  // namespace minato::kubelet
