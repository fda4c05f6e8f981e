// events.k8s.io/v1: Event as newer clients write it; stored as core/v1.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (events.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/config.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct EventV1 final : ObjectOf<EventV1> {
  DECLARE_SPECIAL_MEMBERS(EventV1);
  static const Kind& static_kind();
  MicroTime event_time;
  Box<EventSeries> series;
  std::string reporting_controller;
  std::string reporting_instance;
  std::string action;
  std::string reason;
  ObjectReference regarding;
  Box<ObjectReference> related;
  std::string note;
  std::string type;
  EventSource deprecated_source;
  Time deprecated_first_timestamp;
  Time deprecated_last_timestamp;
  std::int32_t deprecated_count = 0;
};
const TypeInfo& reflect(const EventV1*);

}  // namespace minato::kube
