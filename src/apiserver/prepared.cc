#include "apiserver/prepared.h"

#include "apiserver/views.h"
#include "kube/field_set.h"
#include "kube/validation.h"
#include "registry/registry.h"

namespace minato::apiserver {
namespace {

// Larger ones wait until it is known that their sender may write at all.
constexpr std::size_t kMaxPreparedBytes = 64 << 10;

Result<ReadObject> read_new(const HttpRequest& request, const kube::Kind& kind) {
  ASSIGN_OR_RETURN(ReadObject out, read_with_findings(request, kind));
  if (!out.findings.empty()) return out;
  registry::fill_defaults(*out.object);
  out.fields_v1 = kube::fields_v1_of(*out.object);
  out.bytes = kube::text_bytes(kind.type(), out.object->self()) + out.fields_v1.size();
  return out;
}

}  // namespace

void prepare(HttpRequest& request) {
  const auto out = std::make_shared<Prepared>();
  request.prepared = out;
  out->is_well_formed = parse_url(request.target, out->url);
  if (!out->is_well_formed) return;
  out->info = read_request_info(request.method, out->url);
  const RequestInfo& info = out->info;
  const bool is_new = info.verb == "create" && info.subresource.empty();
  if (!is_new || request.body.empty() || request.body.size() > kMaxPreparedBytes) return;
  if (find_view(info.group, info.version, info.resource) != nullptr) return;
  out->kind = kube::find_resource(info.group, info.version, info.resource);
  if (out->kind != nullptr) out->body = read_new(request, *out->kind);
}

}  // namespace minato::apiserver
