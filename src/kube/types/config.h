// core/v1: Namespace, ConfigMap, Secret, ServiceAccount, Event.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"
#include "kube/types/volume.h"

namespace minato::kube {

struct NamespaceSpec {
  std::vector<std::string> finalizers;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NamespaceSpec*);

struct NamespaceCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NamespaceCondition*);

struct NamespaceStatus {
  std::string phase;
  std::vector<NamespaceCondition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NamespaceStatus*);

struct Namespace final : ObjectOf<Namespace> {
  DECLARE_SPECIAL_MEMBERS(Namespace);
  static const Kind& static_kind();
  NamespaceSpec spec;
  NamespaceStatus status;
};
const TypeInfo& reflect(const Namespace*);

struct ConfigMap final : ObjectOf<ConfigMap> {
  DECLARE_SPECIAL_MEMBERS(ConfigMap);
  static const Kind& static_kind();
  std::optional<bool> immutable;
  std::map<std::string, std::string> data;
  std::map<std::string, Bytes> binary_data;
};
const TypeInfo& reflect(const ConfigMap*);

struct Secret final : ObjectOf<Secret> {
  DECLARE_SPECIAL_MEMBERS(Secret);
  static const Kind& static_kind();
  std::optional<bool> immutable;
  std::map<std::string, Bytes> data;
  std::map<std::string, std::string> string_data;
  std::string type;
};
const TypeInfo& reflect(const Secret*);

struct EventSource {
  std::string component;
  std::string host;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EventSource*);

struct EventSeries {
  std::int32_t count = 0;
  MicroTime last_observed_time;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EventSeries*);

struct Event final : ObjectOf<Event> {
  DECLARE_SPECIAL_MEMBERS(Event);
  static const Kind& static_kind();
  ObjectReference involved_object;
  std::string reason;
  std::string message;
  EventSource source;
  Time first_timestamp;
  Time last_timestamp;
  std::int32_t count = 0;
  std::string type;
  MicroTime event_time;
  Box<EventSeries> series;
  std::string action;
  Box<ObjectReference> related;
  std::string reporting_component;
  std::string reporting_instance;
};
const TypeInfo& reflect(const Event*);

struct ServiceAccount final : ObjectOf<ServiceAccount> {
  DECLARE_SPECIAL_MEMBERS(ServiceAccount);
  static const Kind& static_kind();
  std::vector<ObjectReference> secrets;
  std::vector<LocalObjectReference> image_pull_secrets;
  std::optional<bool> automount_service_account_token;
};
const TypeInfo& reflect(const ServiceAccount*);

}  // namespace minato::kube
