// The cluster's own services on EKS that are no EKS add-ons: Helm charts, pinned, with every value
// that differs from the chart's own in a file, inflated by `kubectl kustomize --enable-helm`.
//
// All of them live on the master group, so that neither a scale-down nor a spot wave takes them
// along; the termination handler runs where there is something to terminate. Pure.
#pragma once

#include <string>

#include "render/files.h"
#include "spec/spec.h"

namespace minato::render {

inline constexpr std::string_view kAutoscalerAccount = "cluster-autoscaler";
inline constexpr std::string_view kExternalSecretsAccount = "external-secrets";
inline constexpr std::string_view kExternalSecretsNamespace = "external-secrets";

// The autoscaler's version is the cluster's minor; "" where none is known for it.
std::string autoscaler_version(const std::string& cluster_version);
bool uses_external_secrets(const spec::Spec& spec);

void add_addon_files(const spec::Spec& spec, const std::string& directory, Files& files);

}  // namespace minato::render
