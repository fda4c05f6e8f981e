// core/v1: Endpoints, PodTemplate.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct EndpointAddress {
  std::string ip;
  std::string hostname;
  std::optional<std::string> node_name;
  Box<ObjectReference> target_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EndpointAddress*);

// core/v1 EndpointPort; discovery.k8s.io has another struct of that name.
struct CoreEndpointPort {
  std::string name;
  std::int32_t port = 0;
  std::string protocol;
  std::optional<std::string> app_protocol;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CoreEndpointPort*);

struct EndpointSubset {
  std::vector<EndpointAddress> addresses;
  std::vector<EndpointAddress> not_ready_addresses;
  std::vector<CoreEndpointPort> ports;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EndpointSubset*);

struct Endpoints final : ObjectOf<Endpoints> {
  DECLARE_SPECIAL_MEMBERS(Endpoints);
  static const Kind& static_kind();
  std::vector<EndpointSubset> subsets;
};
const TypeInfo& reflect(const Endpoints*);

struct PodTemplate final : ObjectOf<PodTemplate> {
  DECLARE_SPECIAL_MEMBERS(PodTemplate);
  static const Kind& static_kind();
  PodTemplateSpec template_;
};
const TypeInfo& reflect(const PodTemplate*);

}  // namespace minato::kube
