// Objects of custom kinds: what their definition's schema makes of them.
// Rules: k8s.io/apiextensions-apiserver pkg/registry/customresource.
#include "kube/custom_kind.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::CustomObject;
using kube::Object;
namespace json = boost::json;

namespace {

constexpr std::string_view kStatus = "status";

CustomObject& custom(Object& object) { return static_cast<CustomObject&>(object); }
const CustomObject& custom(const Object& object) { return static_cast<const CustomObject&>(object); }

void copy_status(const Object& from, Object& to) {
  json::object body = custom(to).body();
  if (const json::value* status = custom(from).body().if_contains(kStatus)) {
    body[kStatus] = *status;
  } else {
    body.erase(kStatus);
  }
  custom(to).set_body(std::move(body));
}

void shape(Object& object) { kube::shape(custom(object)); }

void shape_status(const Object&, Object& after) { shape(after); }

bool body_changed(const Object& before, const Object& after) {
  return custom(before).body() != custom(after).body();
}

bool spec_changed(const Object& before, const Object& after) {
  json::object left = custom(before).body(), right = custom(after).body();
  left.erase(kStatus);
  right.erase(kStatus);
  return left != right;
}

void validate_change(const json::object* before, const Object& after, kube::FieldErrors& errors) {
  const auto& schema = after.kind().custom->schema;
  if (schema) kube::validate_object(*schema, custom(after).body(), before, errors);
}

void validate_update(const Object& before, const Object& after, kube::FieldErrors& errors) {
  validate_change(&custom(before).body(), after, errors);
}

void validate_create(const Object& object, kube::FieldErrors& errors) {
  validate_change(nullptr, object, errors);
}

// Upstream refuses an update without the version that it is based on.
Strategy make_custom() {
  Strategy out;
  out.equal = [](const Object& a, const Object& b) { return kube::equal(custom(a), custom(b)); };
  out.empty_version = EmptyVersion::kRefused;
  out.set_defaults = &shape;
  out.validate_create = &validate_create;
  out.validate_update = &validate_update;
  out.changes_generation = &body_changed;
  return out;
}

Strategy make_custom_with_status() {
  Strategy out = make_custom();
  out.copy_status = &copy_status;
  out.changes_generation = &spec_changed;
  out.prepare_status = &shape_status;
  out.validate_status = &validate_update;
  return out;
}

}  // namespace

const Strategy& custom_strategy(const kube::Kind& kind) {
  static const Strategy plain = make_custom(), with_status = make_custom_with_status();
  return kind.has_status ? with_status : plain;
}

}  // namespace minato::registry
