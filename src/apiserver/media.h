// Which form a client wants its answer in, and what it sent: Accept and Content-Type. Pure; input
// is untrusted.
// Rules: k8s.io/apiserver pkg/endpoints/handlers/negotiation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/http.h"
#include "apiserver/table.h"
#include "kube/object.h"

namespace minato::apiserver {

enum class View { kObject, kTable, kPartialMetadata };

struct Accepted {
  View view = View::kObject;
  IncludeObject include = IncludeObject::kMetadata;  // For tables.
  auto operator<=>(const Accepted&) const = default;
};

// One entry of an Accept header: "application/json;as=Table;v=v1;g=meta.k8s.io".
struct MediaType {
  std::string type;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string_view parameter(std::string_view name) const;
};
std::vector<MediaType> parse_accept(std::string_view header);

// Nothing: the client takes none of the forms that there are (406).
std::optional<Accepted> negotiate(const HttpRequest& request, const Url& url);
// "v2" or "v2beta1" when the client prefers aggregated discovery, else "".
std::string negotiate_discovery(const HttpRequest& request);

enum class BodyFormat { kJson, kYaml, kProtobuf };
// Errors: UnsupportedMediaType.
Result<BodyFormat> body_format(const HttpRequest& request);

// The object in a body, which must be of `kind`; apiVersion and kind may be left out.
// Errors: BadRequest, UnsupportedMediaType.
Result<std::unique_ptr<kube::Object>> read_object(const HttpRequest& request,
                                                  const kube::Kind& kind);
struct ReadObject {
  std::unique_ptr<kube::Object> object;
  // What fieldValidation is about: unknown_fields(), and `duplicate field "spec.foo"`.
  std::vector<std::string> findings;
  // Of a new object: it has its defaults, and this is what its maker owns of it. Else "".
  std::string fields_v1 = {};
  std::size_t bytes = 0;  // kube::text_bytes() of both of them; 0: nobody has counted.
};
// The same with what fieldValidation is about.
Result<ReadObject> read_with_findings(const HttpRequest& request, const kube::Kind& kind);
// A struct that is no object of the store (DeleteOptions, reviews). An empty body is an empty one.
Status read_message(const HttpRequest& request, const kube::TypeInfo& type, void* out);
template <class T>
Result<T> read_message(const HttpRequest& request) {
  T value;
  RETURN_IF_ERROR(read_message(request, kube::type_of<T>(), &value));
  return value;
}

// Paths of members that the type does not declare: `unknown field "spec.foo"`, at most 16.
std::vector<std::string> unknown_fields(const kube::Object& object);

}  // namespace minato::apiserver
