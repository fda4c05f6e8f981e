// What validation of any kind is made of: field paths, collected errors, and the grammars of names,
// labels and annotations.
//
// Messages are shaped as upstream's so that people and programs recognise them. Values;
// thread-safe.
// Rules: k8s.io/apimachinery pkg/util/validation and pkg/api/validation.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"

namespace minato::kube {

// A path such as "spec.containers[0].name", built only when an error needs it. Refers to its
// parent, which must outlive it: `const FieldPath ports = container.child("ports");`
class FieldPath {
 public:
  explicit FieldPath(std::string_view name) : name_(name) {}
  FieldPath child(std::string_view name) const& { return FieldPath(this, name, kChild, 0); }
  FieldPath index(std::size_t index) const& { return FieldPath(this, {}, kIndex, index); }
  FieldPath key(std::string_view key) const& { return FieldPath(this, key, kKey, 0); }
  FieldPath child(std::string_view) const&& = delete;
  FieldPath index(std::size_t) const&& = delete;
  FieldPath key(std::string_view) const&& = delete;
  std::string to_string() const;

 private:
  enum Step : std::uint8_t { kChild, kIndex, kKey };
  FieldPath(const FieldPath* parent, std::string_view name, Step step, std::size_t index)
      : parent_(parent), name_(name), step_(step), index_(index) {}
  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  Step step_ = kChild;
  std::size_t index_ = 0;
};

// Collects what is wrong with one object; all of it, not just the first.
class FieldErrors {
 public:
  void required(const FieldPath& path, std::string_view detail = {});
  void invalid(const FieldPath& path, std::string_view value, std::string_view detail);
  void invalid(const FieldPath& path, std::int64_t value, std::string_view detail);
  void forbidden(const FieldPath& path, std::string_view detail);
  void duplicate(const FieldPath& path, std::string_view value);
  void not_supported(const FieldPath& path, std::string_view value,
                     std::span<const std::string_view> supported);
  void too_long(const FieldPath& path, std::size_t limit);
  void add(const FieldPath& path, std::string message);  // As it stands.

  // The usual checks.
  void non_negative(const FieldPath& path, std::int64_t value);
  void in_range(const FieldPath& path, std::int64_t value, std::int64_t low, std::int64_t high);
  void port(const FieldPath& path, std::int64_t value) { in_range(path, value, 1, 65535); }
  // "" is refused as required.
  void one_of(const FieldPath& path, std::string_view value,
              std::span<const std::string_view> supported);
  // `problem` is "" or says what is wrong: the result of the grammars below.
  void grammar(const FieldPath& path, std::string_view value, std::string_view problem);

  bool empty() const { return causes_.empty(); }
  const std::vector<Cause>& causes() const { return causes_; }
  // Invalid: `Deployment.apps "web" is invalid: …`. Requires: not empty.
  Error to_error(const Kind& kind, std::string_view name) const;

 private:
  std::vector<Cause> causes_;
};

// Grammars. "" when `text` is right, otherwise what it must be.
std::string_view check_dns1123_label(std::string_view text);
std::string_view check_dns1123_subdomain(std::string_view text);
std::string_view check_dns1035_label(std::string_view text);
std::string_view check_qualified_name(std::string_view text);
std::string_view check_label_value(std::string_view text);
std::string_view check_port_name(std::string_view text);
std::string_view check_env_name(std::string_view text);
std::string_view check_config_key(std::string_view text);
std::string_view check_ipv4(std::string_view text);

// Bytes of all texts in `value`: what an object weighs, near enough, without writing it out.
std::size_t text_bytes(const TypeInfo& type, const void* value);

void validate_labels(const std::map<std::string, std::string>& labels, const FieldPath& path,
                     FieldErrors& errors);
void validate_label_selector(const LabelSelector& selector, const FieldPath& path,
                             FieldErrors& errors);
using NameRule = std::string_view (*)(std::string_view name);
// What holds for the metadata of every object.
void validate_metadata(const Kind& kind, const ObjectMeta& metadata, NameRule name_rule,
                       FieldErrors& errors);

}  // namespace minato::kube
