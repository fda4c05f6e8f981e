#include "registry/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/custom_kind.h"
#include "kube/types/config.h"
#include "registry/admission.h"
#include "registry/definitions.h"
#include "registry/errors.h"
#include "registry/filter.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Kind;
using kube::Object;
using kube::ObjectKey;
using kube::ObjectMeta;
using kube::ObjectPtr;
using kube::Service;
using kube::Subresource;

namespace {

// Upstream's names.SimpleNameGenerator: a label's 63 characters less the random ones.
constexpr std::size_t kSuffixLength = 5;
constexpr std::size_t kMaxGeneratedPrefix = 63 - kSuffixLength;
constexpr int kNameAttempts = 8;                     // KEP-4420.
constexpr std::size_t kMaxObjectBytes = 1'572'864;  // etcd's default limit of a request, 1.5 MiB.

Status check_size(const Object& object, std::size_t known_bytes = 0) {
  const std::size_t bytes =
      known_bytes != 0 ? known_bytes : kube::text_bytes(object.kind().type(), object.self());
  if (bytes <= kMaxObjectBytes) return {};
  return fail(Reason::kBadRequest,
              fmt::format("{} \"{}\" is too large: {} bytes, at most {}",
                          object.kind().group_resource(), object.metadata.name, bytes,
                          kMaxObjectBytes));
}

const Service* as_service(const Object* object) {
  if (object == nullptr || !(object->kind() == Service::static_kind())) return nullptr;
  return static_cast<const Service*>(object);
}

// In the store a custom object is of its definition's kind.
void to_stored(Object& object) {
  if (object.kind().custom) mutable_as<kube::CustomObject>(object).set_kind(object.kind().in_store());
}

// Nothing holds it back any more: what an update of a terminating object checks.
bool may_be_erased(const Object& object) {
  const ObjectMeta& metadata = object.metadata;
  if (!is_set(metadata.deletion_timestamp) || !metadata.finalizers.empty()) return false;
  if (metadata.deletion_grace_period_seconds.value_or(0) > 0) return false;
  return object.kind() != kube::Namespace::static_kind() ||
         kube::as<kube::Namespace>(object).spec.finalizers.empty();
}

template <class T>
void keep(T& value, const T& stored, bool unset, const FieldPath& path, FieldErrors& errors) {
  if (!unset && !(value == stored)) errors.invalid(path, "", "field is immutable");
  value = stored;
}

// What of metadata only the server writes; left out it stays, changed it is refused.
void keep_system_metadata(const ObjectMeta& stored, ObjectMeta& metadata, FieldErrors& errors) {
  const FieldPath path("metadata");
  keep(metadata.creation_timestamp, stored.creation_timestamp,
       !is_set(metadata.creation_timestamp), path.child("creationTimestamp"), errors);
  keep(metadata.deletion_timestamp, stored.deletion_timestamp,
       !is_set(metadata.deletion_timestamp), path.child("deletionTimestamp"), errors);
  keep(metadata.deletion_grace_period_seconds, stored.deletion_grace_period_seconds,
       !metadata.deletion_grace_period_seconds, path.child("deletionGracePeriodSeconds"), errors);
  metadata.uid = stored.uid;
  metadata.generation = stored.generation;
  metadata.resource_version = stored.resource_version;
  metadata.self_link.clear();
  if (!is_set(stored.deletion_timestamp)) return;
  for (const std::string& finalizer : metadata.finalizers) {
    if (std::ranges::find(stored.finalizers, finalizer) != stored.finalizers.end()) continue;
    errors.forbidden(path.child("finalizers"),
                     fmt::format("no new finalizers can be added if the object is being deleted, "
                                 "found new finalizers []string{{\"{}\"}}", finalizer));
  }
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::make(env::Env env, store::Store& store,
                                                 const RegistryOptions& options) {
  ASSIGN_OR_RETURN(ServiceAllocator allocator,
                   ServiceAllocator::make(options.service_cidr, options.node_ports));
  for (const auto& [key, object] : store.all(Service::static_kind())) {
    allocator.commit(nullptr, as_service(object.get()));
  }
  return std::unique_ptr<Registry>(
      new Registry(std::move(env), store, std::move(allocator), options.api_access));
}

Registry::Registry(env::Env env, store::Store& store, ServiceAllocator allocator,
                   ApiAccess api_access)
    : env_(std::move(env)),
      store_(store),
      allocator_(std::move(allocator)),
      api_access_(api_access) {}

Registry::~Registry() = default;

kube::Time Registry::now() const { return env_.clock.wall(); }

Result<const Strategy*> Registry::strategy_for(const Kind& kind) const {
  if (const Strategy* strategy = find_strategy(kind)) return strategy;
  return fail(Reason::kMethodNotAllowed,
              fmt::format("the server does not allow this method on {}", kind.group_resource()));
}

Result<ObjectPtr> Registry::get(const Kind& kind, const ObjectKey& key) const {
  ObjectPtr found = store_.get(kind, key);
  if (!found) return not_found(kind, key.name);
  return found;
}

Result<kube::ObjectList> Registry::list(const Kind& kind,
                                        const kube::ListOptions& options) const {
  ASSIGN_OR_RETURN(const Strategy* strategy, strategy_for(kind));
  ASSIGN_OR_RETURN(const Filter filter, Filter::make(kind, *strategy, options));
  kube::ObjectList out;
  out.resource_version = store_.resource_version();
  const store::Objects& all = store_.all(kind);
  const auto begin = options.namespace_.empty() ? all.begin()
                                                : all.lower_bound({options.namespace_, ""});
  for (auto it = begin; it != all.end(); ++it) {
    if (!options.namespace_.empty() && it->first.namespace_ != options.namespace_) break;
    if (filter.matches(*it->second)) out.items.push_back(it->second);
  }
  return out;
}

Status Registry::check_options(const Kind& kind, const kube::ListOptions& options) const {
  ASSIGN_OR_RETURN(const Strategy* strategy, strategy_for(kind));
  const auto filter = Filter::make(kind, *strategy, options);
  if (!filter) return std::unexpected(filter.error());
  return {};
}

Result<std::unique_ptr<kube::Watch>> Registry::watch(const Kind& kind,
                                                     const kube::ListOptions& options,
                                                     std::uint64_t from_version,
                                                     kube::WatchSink sink) {
  ASSIGN_OR_RETURN(const Strategy* strategy, strategy_for(kind));
  ASSIGN_OR_RETURN(Filter filter, Filter::make(kind, *strategy, options));
  if (filter.matches_everything()) {
    return store_.watch(kind, from_version, [sink = std::move(sink)](const store::Event& event) {
      sink({event.type, event.object, event.resource_version});
    });
  }
  return store_.watch(kind, from_version,
                      [sink = std::move(sink), filter = std::move(filter)](
                          const store::Event& event) {
                        if (const auto seen = filtered(filter, event)) sink(*seen);
                      });
}

Status Registry::check_namespace(const Kind& kind, const ObjectMeta& metadata) const {
  if (kind.scope == kube::Scope::kCluster || metadata.namespace_.empty()) return {};
  const ObjectPtr found = store_.get(kube::Namespace::static_kind(), {"", metadata.namespace_});
  if (!found) return not_found(kube::Namespace::static_kind(), metadata.namespace_);
  if (!is_set(found->metadata.deletion_timestamp)) return {};
  return forbidden(kind, metadata.name,
                   fmt::format("unable to create new content in namespace {} because it is being "
                               "terminated", metadata.namespace_));
}

Status Registry::check_definition(const Kind& kind) const {
  if (!kind.custom) return {};
  const ObjectPtr found =
      store_.get(kube::CustomResourceDefinition::static_kind(), {"", kind.group_resource()});
  if (!found) {
    return fail(Reason::kNotFound, "the server could not find the requested resource");
  }
  if (!has_condition(kube::as<kube::CustomResourceDefinition>(*found), kube::kCrdTerminating))
    return {};
  return fail(Reason::kMethodNotAllowed,
              "create not allowed while custom resource definition is terminating");
}

Status Registry::admit(Object& object) {
  if (object.kind() == kube::CustomResourceDefinition::static_kind()) {
    complete_definition(mutable_as<kube::CustomResourceDefinition>(object), store_, now());
    return {};
  }
  if (object.kind() != kube::Pod::static_kind()) return {};
  auto& pod = mutable_as<kube::Pod>(object);
  RETURN_IF_ERROR(check_runtime_class(pod));
  admit_service_account(pod);
  if (api_access_ == ApiAccess::kForPods) RETURN_IF_ERROR(admit_api_access(pod, store_, env_.rng));
  admit_default_tolerations(pod);
  return admit_priority(pod, store_);
}

void fill_defaults(Object& object) {
  const Strategy* strategy = find_strategy(object.kind());
  if (strategy != nullptr && strategy->set_defaults) strategy->set_defaults(object);
}

Result<ObjectPtr> Registry::create(std::unique_ptr<Object> object, Persist persist,
                                   std::size_t known_bytes) {
  const Kind& kind = object->kind();
  ASSIGN_OR_RETURN(const Strategy* strategy, strategy_for(kind));
  ObjectMeta& metadata = object->metadata;
  if (!metadata.resource_version.empty()) {
    return fail(Reason::kBadRequest, "resourceVersion should not be set on objects to be created");
  }
  RETURN_IF_ERROR(check_namespace(kind, metadata));
  RETURN_IF_ERROR(check_definition(kind));
  if (metadata.name.empty() && !metadata.generate_name.empty()) {
    const std::string prefix = metadata.generate_name.substr(0, kMaxGeneratedPrefix);
    int attempts = 0;
    do {
      metadata.name = prefix + env_.rng.suffix(kSuffixLength);
    } while (store_.get(kind, object->key()) && ++attempts < kNameAttempts);
  }
  metadata.uid = env_.rng.uuid();
  metadata.creation_timestamp = now();
  metadata.deletion_timestamp = {};
  metadata.deletion_grace_period_seconds.reset();
  metadata.generation = strategy->changes_generation ? 1 : 0;
  metadata.self_link.clear();
  if (strategy->copy_status && strategy->first_status == FirstStatus::kReset) {
    strategy->copy_status(*kind.make(), *object);
  }
  if (strategy->set_defaults) strategy->set_defaults(*object);
  if (strategy->prepare_create) strategy->prepare_create(*object);
  RETURN_IF_ERROR(admit(*object));
  return create_prepared(*strategy, std::move(object), persist, known_bytes);
}

Result<ObjectPtr> Registry::create_prepared(const Strategy& strategy,
                                            std::unique_ptr<Object> object, Persist persist,
                                            std::size_t known_bytes) {
  const Kind& kind = object->kind();
  FieldErrors errors;
  kube::validate_metadata(kind, object->metadata, strategy.name_rule, errors);
  if (strategy.validate) strategy.validate(*object, errors);
  if (strategy.validate_create) strategy.validate_create(*object, errors);
  if (!errors.empty()) return std::unexpected(errors.to_error(kind, object->metadata.name));
  RETURN_IF_ERROR(check_size(*object, known_bytes));
  if (store_.get(kind, object->key())) return already_exists(kind, object->metadata.name);
  const bool is_service = kind == Service::static_kind();
  if (is_service) {
    allocator_.complete(mutable_as<Service>(*object), nullptr, errors);
    if (!errors.empty()) return std::unexpected(errors.to_error(kind, object->metadata.name));
  }
  if (persist == Persist::kDryRun) return ObjectPtr(std::move(object));
  to_stored(*object);
  ASSIGN_OR_RETURN(ObjectPtr created, store_.create(std::move(object)));
  if (is_service) allocator_.commit(nullptr, as_service(created.get()));
  return created;
}

Result<ObjectPtr> Registry::update(std::unique_ptr<Object> object, Subresource subresource,
                                   Persist persist) {
  const Kind& kind = object->kind();
  ASSIGN_OR_RETURN(const Strategy* strategy, strategy_for(kind));
  const std::string& name = object->metadata.name;
  const ObjectPtr current = store_.get(kind, object->key());
  if (!current) return not_found(kind, name);
  const std::string& version = object->metadata.resource_version;
  if (version.empty() && strategy->empty_version == EmptyVersion::kRefused) {
    FieldErrors errors;
    const FieldPath path("metadata.resourceVersion");
    errors.invalid(path, 0, "must be specified for an update");
    return std::unexpected(errors.to_error(kind, name));
  }
  if (!object->metadata.uid.empty() && object->metadata.uid != current->metadata.uid) {
    return conflict(kind.group_resource(), name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object "
                                "meta: {}", object->metadata.uid, current->metadata.uid));
  }
  if (!version.empty() && version != current->metadata.resource_version) {
    return modified(kind, name);
  }
  return replace(*strategy, current, std::move(object), subresource, persist);
}

Result<ObjectPtr> Registry::replace(const Strategy& strategy, const ObjectPtr& current,
                                    std::unique_ptr<Object> object, Subresource subresource,
                                    Persist persist) {
  switch (subresource) {
    case Subresource::kNone: return replace_object(strategy, current, std::move(object), persist);
    case Subresource::kStatus: return replace_status(strategy, current, *object, persist);
    case Subresource::kFinalize: return replace_finalizers(current, *object, persist);
    case Subresource::kEphemeralContainers:
      return replace_ephemeral_containers(strategy, current, *object, persist);
  }
  return fail(Reason::kNotFound, "the server could not find the requested resource");
}

Result<ObjectPtr> Registry::replace_object(const Strategy& strategy, const ObjectPtr& current,
                                           std::unique_ptr<Object> object, Persist persist) {
  const Kind& kind = object->kind();
  FieldErrors errors;
  keep_system_metadata(current->metadata, object->metadata, errors);
  if (strategy.copy_status) strategy.copy_status(*current, *object);
  if (strategy.set_defaults) strategy.set_defaults(*object);
  if (strategy.prepare_update) strategy.prepare_update(*current, *object);
  const bool is_service = kind == Service::static_kind();
  if (is_service) {
    allocator_.complete(mutable_as<Service>(*object), as_service(current.get()), errors);
  }
  if (kind == kube::CustomResourceDefinition::static_kind()) {
    complete_definition(mutable_as<kube::CustomResourceDefinition>(*object), store_, now());
  }
  if (strategy.equal(*current, *object) && errors.empty()) return current;
  if (strategy.changes_generation && strategy.changes_generation(*current, *object)) {
    ++object->metadata.generation;
  }
  kube::validate_metadata(kind, object->metadata, strategy.name_rule, errors);
  if (strategy.validate) strategy.validate(*object, errors);
  if (strategy.validate_update) strategy.validate_update(*current, *object, errors);
  if (!errors.empty()) return std::unexpected(errors.to_error(kind, object->metadata.name));
  RETURN_IF_ERROR(check_size(*object));
  ASSIGN_OR_RETURN(ObjectPtr written, write(current, std::move(object), persist));
  return written;
}

Result<ObjectPtr> Registry::replace_status(const Strategy& strategy, const ObjectPtr& current,
                                           const Object& object, Persist persist) {
  const Kind& kind = object.kind();
  if (!strategy.copy_status) {
    return fail(Reason::kNotFound, fmt::format("{} have no status subresource",
                                               kind.group_resource()));
  }
  auto updated = current->clone();
  strategy.copy_status(object, *updated);
  if (!object.metadata.managed_fields.empty())
    updated->metadata.managed_fields = object.metadata.managed_fields;
  if (strategy.prepare_status) strategy.prepare_status(*current, *updated);
  if (strategy.equal(*current, *updated)) return current;
  FieldErrors errors;
  if (strategy.validate_status) strategy.validate_status(*current, *updated, errors);
  if (!errors.empty()) return std::unexpected(errors.to_error(kind, current->metadata.name));
  return write(current, std::move(updated), persist);
}

Result<ObjectPtr> Registry::replace_finalizers(const ObjectPtr& current, const Object& object,
                                               Persist persist) {
  if (current->kind() != kube::Namespace::static_kind()) {
    return fail(Reason::kNotFound, fmt::format("{} have no finalize subresource",
                                               current->kind().group_resource()));
  }
  auto updated = current->clone();
  mutable_as<kube::Namespace>(*updated).spec.finalizers =
      kube::as<kube::Namespace>(object).spec.finalizers;
  return write(current, std::move(updated), persist);
}

Result<ObjectPtr> Registry::write(const ObjectPtr& current, std::unique_ptr<Object> object,
                                  Persist persist) {
  if (persist == Persist::kDryRun) return ObjectPtr(std::move(object));
  to_stored(*object);
  if (may_be_erased(*object)) return erase(current, std::move(object));
  ASSIGN_OR_RETURN(ObjectPtr written, store_.update(current, std::move(object)));
  allocator_.commit(as_service(current.get()), as_service(written.get()));
  return written;
}

Result<ObjectPtr> Registry::erase(const ObjectPtr& current, std::unique_ptr<Object> last) {
  ASSIGN_OR_RETURN(ObjectPtr erased, store_.remove(current, std::move(last)));
  allocator_.commit(as_service(current.get()), nullptr);
  return erased;
}

}  // namespace minato::registry
