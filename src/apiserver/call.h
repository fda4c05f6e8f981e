// One request on its way through the server. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/discovery.h"
#include "apiserver/http.h"
#include "apiserver/media.h"
#include "apiserver/status.h"
#include "kube/client.h"
#include "registry/registry.h"

namespace minato::apiserver {

struct Call {
  HttpRequest request;
  Url url;
  RequestInfo info;
  User user;
  ServedPtr served;  // Set for requests about resources.
  ExchangePtr exchange;
  std::vector<std::string> warnings;  // Become Warning headers.

  const kube::Kind& kind() const { return *served->stored; }
  kube::ObjectKey key() const {
    return {served->namespaced ? info.namespace_ : std::string(), info.name};
  }
  Subject subject() const;
  void answer(HttpAnswer answer) const;
  void fail(const Error& error) const { answer(failure(error, subject())); }
  // One object in the form that the client wants.
  void answer_object(const kube::ObjectPtr& object, const store::Store& store, WallTime now,
                     int status = 200) const;
};
using CallPtr = std::shared_ptr<Call>;

// The selectors of a list, watch or deletecollection. Errors: BadRequest.
Result<kube::ListOptions> list_options(const Call& call);
// Errors: BadRequest.
Result<std::vector<std::pair<std::string, std::string>>> parse_field_selector(
    std::string_view text, std::vector<std::pair<std::string, std::string>>& excluded);

// dryRun=All. Errors: Invalid (any other value).
Result<registry::Persist> persist_of(const Call& call);

// As clients of this kind see it: a custom object in their version, others as they are.
kube::ObjectPtr shown_as(const kube::Kind& kind, const kube::ObjectPtr& object);

std::string encode_table(const kube::Kind& kind, const std::vector<kube::ObjectPtr>& objects,
                         std::string_view list_metadata, IncludeObject include, WallTime now);
// `store`: where the text may be made already.
std::string encode_object(const kube::ObjectPtr& object, const store::Store& store,
                          const Accepted& accepted, WallTime now);

}  // namespace minato::apiserver
