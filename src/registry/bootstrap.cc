// What every cluster has from the start.
#include "kube/names.h"
#include "kube/types/config.h"
#include "kube/types/scheduling.h"
#include "registry/registry.h"

namespace minato::registry {
namespace {

Status ignore_existing(const Result<kube::ObjectPtr>& created) {
  if (created || created.error().reason == Reason::kAlreadyExists) return {};
  return std::unexpected(created.error());
}

}  // namespace

Status Registry::bootstrap() {
  for (const std::string_view name : {kube::kNamespaceDefault, kube::kNamespaceSystem,
                                      kube::kNamespaceNodeLease, kNamespacePublic}) {
    auto object = std::make_unique<kube::Namespace>();
    object->metadata.name = name;
    RETURN_IF_ERROR(ignore_existing(create(std::move(object))));
  }
  const std::pair<std::string_view, std::int32_t> classes[] = {
      {"system-cluster-critical", 2'000'000'000}, {"system-node-critical", 2'000'001'000}};
  for (const auto& [name, value] : classes) {
    auto object = std::make_unique<kube::PriorityClass>();
    object->metadata.name = name;
    object->value = value;
    RETURN_IF_ERROR(ignore_existing(create(std::move(object))));
  }
  return {};
}

}  // namespace minato::registry
