// Kubernetes protobuf (application/vnd.kubernetes.protobuf), driven by the same field tables as
// JSON: "k8s\0", then runtime.Unknown{typeMeta, raw}, where raw is the versioned message.
//
// Pure functions; thread-safe. Input is untrusted: lengths are checked, depth is bounded, and what
// tables do not know is skipped. Errors are BadRequest (malformed) and NotFound (no such kind).
// Rules: protobuf.dev encoding; k8s.io/apimachinery pkg/runtime/serializer/protobuf and the
// special messages of its meta/v1, api/resource and util/intstr packages.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace minato::kube {

inline constexpr std::string_view kProtobufMediaType = "application/vnd.kubernetes.protobuf";

// What the envelope says and holds; views into the input.
struct ProtobufEnvelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view raw;
};
Result<ProtobufEnvelope> open_protobuf(std::string_view bytes);
// An envelope around `raw`.
std::string seal_protobuf(std::string_view api_version, std::string_view kind,
                          std::string_view raw);

Status from_protobuf(const TypeInfo& type, std::string_view raw, void* value);
void append_protobuf(std::string& out, const TypeInfo& type, const void* value);

// Messages inside one that no table describes: every one with this number, and the last one along a
// way of numbers ("" when there is none). Views into the input.
Result<std::vector<std::string_view>> find_messages(std::string_view raw, int number);
Result<std::string_view> find_message(std::string_view raw, std::initializer_list<int> way);

template <class T>
Result<T> from_protobuf_message(std::string_view raw) {
  T value;
  RETURN_IF_ERROR(from_protobuf(type_of<T>(), raw, &value));
  return value;
}

// The whole envelope of an object, as to_json() is the whole text.
std::string to_protobuf(const Object& object);

}  // namespace minato::kube
