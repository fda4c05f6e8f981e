// create, update, patch (with server-side apply), delete and deletecollection of objects and of
// their status. Everything that is written is answered as it was stored. Loop thread only. Rules:
// k8s.io/apiserver pkg/endpoints/handlers/{create,update,patch,delete}.go.
#pragma once

#include "apiserver/call.h"
#include "env/env.h"

namespace minato::apiserver {

class Writes {
 public:
  Writes(env::Env env, registry::Registry& registry, const Authorizer& authorizer)
      : env_(std::move(env)), registry_(registry), authorizer_(authorizer) {}

  void create(const CallPtr& call);
  void update(const CallPtr& call);
  void patch(const CallPtr& call);
  void remove(const CallPtr& call);
  void remove_collection(const CallPtr& call);

 private:
  struct Written {
    kube::ObjectPtr object;
    bool created = false;
  };
  Result<Written> do_create(Call& call);
  Result<Written> do_update(Call& call);
  Result<Written> do_patch(Call& call);
  Result<Written> do_apply(Call& call);
  // The end of every write of an object that is there.
  Result<Written> replace(Call& call, std::unique_ptr<kube::Object> object,
                          kube::Subresource subresource, registry::Persist persist);
  // `object` gets the field owners that it will have when it replaces what is stored.
  Status track(const Call& call, kube::Object& object, kube::Subresource subresource) const;
  Result<kube::ObjectPtr> do_remove(const Call& call);
  Result<std::int64_t> do_remove_collection(const Call& call);
  void answer(const Call& call, const Result<Written>& written) const;

  // A write of another verb may create; roles may not give what their writer does not have.
  Status may_create(const Call& call) const;
  Status check_grant(const Call& call, const kube::Object& object) const;

  env::Env env_;
  registry::Registry& registry_;
  const Authorizer& authorizer_;
};

struct Removal {
  kube::RemoveOptions options;
  registry::Persist persist = registry::Persist::kYes;
};
// DeleteOptions of body and query together. Errors: BadRequest, Invalid.
Result<Removal> read_removal(const Call& call);
Result<Removal> to_removal(const kube::DeleteOptions& options);

// What fieldValidation makes of findings (ReadObject): Strict fails, Warn (the default) adds warnings.
// Errors: BadRequest.
Status check_fields(Call& call, kube::Object& object, const std::vector<std::string>& findings);

// The subresource of a write to objects themselves. Nothing: not one that is written that way.
std::optional<kube::Subresource> written_subresource(const std::string& name);

}  // namespace minato::apiserver
