// discovery.k8s.io/v1: EndpointSlice.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (discovery.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct EndpointConditions {
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EndpointConditions*);

struct ForZone {
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ForZone*);

struct EndpointHints {
  std::vector<ForZone> for_zones;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EndpointHints*);

struct Endpoint {
  std::vector<std::string> addresses;
  EndpointConditions conditions;
  std::optional<std::string> hostname;
  Box<ObjectReference> target_ref;
  std::map<std::string, std::string> deprecated_topology;
  std::optional<std::string> node_name;
  std::optional<std::string> zone;
  Box<EndpointHints> hints;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Endpoint*);

struct EndpointPort {
  std::optional<std::string> name;
  std::optional<std::string> protocol;
  std::optional<std::int32_t> port;
  std::optional<std::string> app_protocol;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EndpointPort*);

struct EndpointSlice final : ObjectOf<EndpointSlice> {
  DECLARE_SPECIAL_MEMBERS(EndpointSlice);
  static const Kind& static_kind();
  std::string address_type;
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
};
const TypeInfo& reflect(const EndpointSlice*);

}  // namespace minato::kube
