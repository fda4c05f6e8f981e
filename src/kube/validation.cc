#include "kube/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/strings.h"

namespace minato::kube {
namespace {

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;
constexpr std::size_t kPortNameLength = 15;
constexpr std::size_t kTotalAnnotationBytes = 256 * 1024;

bool is_lower(char c) { return 'a' <= c && c <= 'z'; }
bool is_digit(char c) { return '0' <= c && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || ('A' <= c && c <= 'Z'); }
bool is_lower_or_digit(char c) { return is_lower(c) || is_digit(c); }
bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

// Non-empty, `end` at both ends and `middle` everywhere.
template <class End, class Middle>
bool has_form(std::string_view text, End end, Middle middle) {
  return !text.empty() && end(text.front()) && end(text.back()) &&
         std::ranges::all_of(text, middle);
}

bool is_label_form(std::string_view text) {
  return has_form(text, is_lower_or_digit, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_name_form(std::string_view text) {
  return has_form(text, is_letter_or_digit, [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

std::string FieldPath::to_string() const {
  const std::string before = parent_ == nullptr ? "" : parent_->to_string();
  switch (step_) {
    case kChild: return before.empty() ? std::string(name_) : fmt::format("{}.{}", before, name_);
    case kIndex: return fmt::format("{}[{}]", before, index_);
    case kKey: return fmt::format("{}[{}]", before, name_);
  }
  return before;
}

void FieldErrors::add(const FieldPath& path, std::string message) {
  causes_.push_back({path.to_string(), std::move(message)});
}

void FieldErrors::required(const FieldPath& path, std::string_view detail) {
  add(path, detail.empty() ? "Required value" : fmt::format("Required value: {}", detail));
}

void FieldErrors::invalid(const FieldPath& path, std::string_view value, std::string_view detail) {
  add(path, fmt::format("Invalid value: \"{}\": {}", value, detail));
}

void FieldErrors::invalid(const FieldPath& path, std::int64_t value, std::string_view detail) {
  add(path, fmt::format("Invalid value: {}: {}", value, detail));
}

void FieldErrors::forbidden(const FieldPath& path, std::string_view detail) {
  add(path, fmt::format("Forbidden: {}", detail));
}

void FieldErrors::duplicate(const FieldPath& path, std::string_view value) {
  add(path, fmt::format("Duplicate value: \"{}\"", value));
}

void FieldErrors::not_supported(const FieldPath& path, std::string_view value,
                                std::span<const std::string_view> supported) {
  std::vector<std::string> quoted;
  for (const std::string_view each : supported) quoted.push_back(fmt::format("\"{}\"", each));
  add(path, fmt::format("Unsupported value: \"{}\": supported values: {}", value,
                        join(quoted, ", ")));
}

void FieldErrors::too_long(const FieldPath& path, std::size_t limit) {
  add(path, fmt::format("Too long: may not be more than {} bytes", limit));
}

void FieldErrors::non_negative(const FieldPath& path, std::int64_t value) {
  if (value < 0) invalid(path, value, "must be greater than or equal to 0");
}

void FieldErrors::in_range(const FieldPath& path, std::int64_t value, std::int64_t low,
                           std::int64_t high) {
  if (value >= low && value <= high) return;
  invalid(path, value, fmt::format("must be between {} and {}, inclusive", low, high));
}

void FieldErrors::one_of(const FieldPath& path, std::string_view value,
                         std::span<const std::string_view> supported) {
  if (value.empty()) {
    required(path);
  } else if (std::ranges::find(supported, value) == supported.end()) {
    not_supported(path, value, supported);
  }
}

void FieldErrors::grammar(const FieldPath& path, std::string_view value, std::string_view problem) {
  if (!problem.empty()) invalid(path, value, problem);
}

Error FieldErrors::to_error(const Kind& kind, std::string_view name) const {
  CHECK(!causes_.empty());
  std::vector<std::string> lines;
  for (const Cause& cause : causes_) {
    std::string line = fmt::format("{}: {}", cause.field, cause.message);
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
  }
  const std::string qualified =
      kind.group.empty() ? std::string(kind.kind) : fmt::format("{}.{}", kind.kind, kind.group);
  const std::string all = lines.size() == 1 ? lines[0] : fmt::format("[{}]", join(lines, ", "));
  return Error{Reason::kInvalid, fmt::format("{} \"{}\" is invalid: {}", qualified, name, all),
               causes_};
}

std::string_view check_dns1123_label(std::string_view text) {
  if (text.size() > kLabelLength) return "must be no more than 63 characters";
  if (is_label_form(text)) return {};
  return "must be a lowercase RFC 1123 label: lower case letters, digits and '-', with a letter or "
         "digit at both ends (for example 'my-name')";
}

std::string_view check_dns1123_subdomain(std::string_view text) {
  if (text.size() > kSubdomainLength) return "must be no more than 253 characters";
  std::string_view rest = text;
  bool well_formed = true;
  while (well_formed) {
    const std::size_t dot = rest.find('.');
    well_formed = is_label_form(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (well_formed) return {};
  return "must be a lowercase RFC 1123 subdomain: lower case letters, digits, '-' and '.', with a "
         "letter or digit at both ends of every part (for example 'example.com')";
}

std::string_view check_dns1035_label(std::string_view text) {
  if (text.size() > kLabelLength) return "must be no more than 63 characters";
  if (is_label_form(text) && is_lower(text.front())) return {};
  return "must be a DNS-1035 label: lower case letters, digits and '-', starting with a letter and "
         "ending with a letter or digit (for example 'my-name')";
}

std::string_view check_qualified_name(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::string_view name = text;
  if (slash != std::string_view::npos) {
    if (const auto problem = check_dns1123_subdomain(text.substr(0, slash)); !problem.empty()) {
      return "prefix part must be a lowercase RFC 1123 subdomain (for example 'example.com')";
    }
    name = text.substr(slash + 1);
  }
  if (name.size() > kLabelLength) return "name part must be no more than 63 characters";
  if (is_name_form(name)) return {};
  return "name part must consist of letters, digits, '-', '_' and '.', with a letter or digit at "
         "both ends (for example 'my.name')";
}

std::string_view check_label_value(std::string_view text) {
  if (text.size() > kLabelLength) return "must be no more than 63 bytes";
  if (text.empty() || is_name_form(text)) return {};
  return "must be empty or consist of letters, digits, '-', '_' and '.', with a letter or digit at "
         "both ends (for example 'my_value')";
}

std::string_view check_port_name(std::string_view text) {
  if (text.size() > kPortNameLength) return "must be no more than 15 characters";
  if (!is_label_form(text)) {
    return "must contain only lower case letters, digits and '-', with a letter or digit at both "
           "ends";
  }
  if (text.find("--") != std::string_view::npos) return "must not contain consecutive hyphens";
  if (std::ranges::none_of(text, is_lower)) return "must contain at least one letter (a-z)";
  return {};
}

std::string_view check_env_name(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return 0x20 <= c && c < 0x7F; });
  if (printable && text.find('=') == std::string_view::npos) return {};
  return "must consist only of printable ASCII characters other than '='";
}

std::string_view check_config_key(std::string_view text) {
  if (text.size() > kSubdomainLength) return "must be no more than 253 characters";
  if (text == ".") return "must not be '.'";
  if (text.starts_with("..")) return "must not start with '..'";
  const bool well_formed = !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (well_formed) return {};
  return "must consist of letters, digits, '-', '_' and '.' (for example 'key.name')";
}

std::string_view check_ipv4(std::string_view text) {
  constexpr std::string_view kProblem = "must be a valid IPv4 address";
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() != 4) return kProblem;
  for (const std::string& part : parts) {
    const bool digits = !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit);
    if (!digits || (part.size() > 1 && part.front() == '0') || std::stoi(part) > 255) {
      return kProblem;
    }
  }
  return {};
}

std::size_t text_bytes(const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kString: return static_cast<const std::string*>(value)->size();
    case Shape::kBytes: return static_cast<const Bytes*>(value)->data.size() * 4 / 3;  // Base64.
    case Shape::kRawJson: return static_cast<const RawJson*>(value)->text.size();
    case Shape::kOptional:
      return type.get(value) == nullptr ? 0 : text_bytes(type.element(), type.get(value));
    case Shape::kList: {
      std::size_t sum = 0;
      for (std::size_t i = 0; i < type.size(value); ++i) {
        sum += text_bytes(type.element(), type.at(value, i));
      }
      return sum;
    }
    case Shape::kMap: {
      std::pair<const TypeInfo&, std::size_t> context{type.element(), 0};
      type.for_each(value, &context, [](void* raw, const std::string& key, const void* element) {
        auto& [element_type, sum] = *static_cast<std::pair<const TypeInfo&, std::size_t>*>(raw);
        sum += key.size() + text_bytes(element_type, element);
      });
      return context.second;
    }
    case Shape::kStruct: {
      std::size_t sum = 0;
      for (const FieldInfo& field : type.fields) {
        sum += text_bytes(field.type(), member_of(field, value));
      }
      const UnknownFields& unknown = type.unknown(const_cast<void*>(value));
      return unknown ? sum + boost::json::serialize(*unknown).size() : sum;
    }
    default: return 0;
  }
}

void validate_labels(const std::map<std::string, std::string>& labels, const FieldPath& path,
                     FieldErrors& errors) {
  for (const auto& [key, value] : labels) {
    errors.grammar(path, key, check_qualified_name(key));
    errors.grammar(path, value, check_label_value(value));
  }
}

void validate_label_selector(const LabelSelector& selector, const FieldPath& path,
                             FieldErrors& errors) {
  const FieldPath labels = path.child("matchLabels"), expressions = path.child("matchExpressions");
  validate_labels(selector.match_labels, labels, errors);
  for (std::size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const LabelSelectorRequirement& requirement = selector.match_expressions[i];
    const FieldPath at = expressions.index(i);
    const FieldPath key = at.child("key"), op = at.child("operator"), values = at.child("values");
    errors.grammar(key, requirement.key, check_qualified_name(requirement.key));
    if (requirement.operator_ == "In" || requirement.operator_ == "NotIn") {
      if (requirement.values.empty()) {
        errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (requirement.operator_ == "Exists" || requirement.operator_ == "DoesNotExist") {
      if (!requirement.values.empty()) {
        errors.forbidden(values,
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      errors.invalid(op, requirement.operator_, "not a valid selector operator");
    }
    for (const std::string& value : requirement.values) {
      errors.grammar(values, value, check_label_value(value));
    }
  }
}

namespace {

void validate_owners(const ObjectMeta& metadata, const FieldPath& path, FieldErrors& errors) {
  bool has_controller = false;
  for (std::size_t i = 0; i < metadata.owner_references.size(); ++i) {
    const OwnerReference& owner = metadata.owner_references[i];
    const FieldPath at = path.index(i);
    const FieldPath api_version = at.child("apiVersion"), kind = at.child("kind"),
                    name = at.child("name"), uid = at.child("uid");
    if (owner.api_version.empty()) errors.invalid(api_version, "", "version must not be empty");
    if (owner.kind.empty()) errors.invalid(kind, "", "must not be empty");
    if (owner.name.empty()) errors.invalid(name, "", "must not be empty");
    if (owner.uid.empty()) errors.invalid(uid, "", "must not be empty");
    if (owner.api_version == "v1" && owner.kind == "Event")
      errors.invalid(path, owner.name, "an Event is disallowed from being an owner");
    if (!owner.controller.value_or(false)) continue;
    if (has_controller) {
      errors.invalid(path, owner.name, "only one reference can have Controller set to true");
    }
    has_controller = true;
  }
}

void validate_finalizers(const Kind& kind, const ObjectMeta& metadata, const FieldPath& path, FieldErrors& errors) {
  // Custom kinds and their definitions are free in this.
  const bool is_core = !kind.custom && kind.group != "apiextensions.k8s.io";
  bool orphan = false, foreground = false;
  for (std::size_t i = 0; i < metadata.finalizers.size(); ++i) {
    const std::string& finalizer = metadata.finalizers[i];
    errors.grammar(path, finalizer, check_qualified_name(finalizer));
    constexpr std::string_view kStandard[] = {"kubernetes", "orphan", "foregroundDeletion"};
    const bool is_known = !is_core || finalizer.find('/') != std::string::npos ||
                          std::ranges::find(kStandard, finalizer) != std::end(kStandard);
    if (!is_known) {
      errors.invalid(path.index(i), finalizer,
                     "must be one of Kubernetes' own or have a prefix (for example 'example.com/name')");
    }
    orphan |= finalizer == "orphan";
    foreground |= finalizer == "foregroundDeletion";
  }
  if (orphan && foreground) {
    errors.invalid(path, join(metadata.finalizers, ","),
                   "finalizers orphan and foregroundDeletion cannot be set at the same time");
  }
}

}  // namespace

void validate_metadata(const Kind& kind, const ObjectMeta& metadata, NameRule name_rule,
                       FieldErrors& errors) {
  const FieldPath path("metadata");
  const FieldPath name = path.child("name"), space = path.child("namespace"),
                  annotations = path.child("annotations"), labels = path.child("labels"),
                  owners = path.child("ownerReferences"), finalizers = path.child("finalizers");
  if (metadata.name.empty()) {
    errors.required(name, "name or generateName is required");
  } else {
    errors.grammar(name, metadata.name, name_rule(metadata.name));
  }
  if (!metadata.generate_name.empty()) {
    // A name is made of it by adding to it: one that ends with '-' is a good beginning.
    const FieldPath prefix = path.child("generateName");
    std::string begun = metadata.generate_name;
    if (begun.size() > 1 && begun.ends_with('-')) begun.back() = 'a';
    errors.grammar(prefix, metadata.generate_name, name_rule(begun));
  }
  if (kind.scope == Scope::kNamespaced) {
    if (metadata.namespace_.empty()) {
      errors.required(space);
    } else {
      errors.grammar(space, metadata.namespace_, check_dns1123_label(metadata.namespace_));
    }
  } else if (!metadata.namespace_.empty()) {
    errors.forbidden(space, "not allowed on this type");
  }
  errors.non_negative(path.child("generation"), metadata.generation);
  validate_labels(metadata.labels, labels, errors);
  std::size_t annotation_bytes = 0;
  for (const auto& [key, value] : metadata.annotations) {
    errors.grammar(annotations, key, check_qualified_name(to_lower(key)));
    annotation_bytes += key.size() + value.size();
  }
  if (annotation_bytes > kTotalAnnotationBytes) errors.too_long(annotations, kTotalAnnotationBytes);
  validate_owners(metadata, owners, errors);
  validate_finalizers(kind, metadata, finalizers, errors);
}

}  // namespace minato::kube
