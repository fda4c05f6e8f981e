#include "apiserver/call.h"

#include <fmt/format.h>

#include "kube/custom_kind.h"
#include "kube/json.h"

namespace minato::apiserver {

Subject Call::subject() const {
  Subject out{info.name, info.group, info.resource, "", ""};
  if (served != nullptr) out.kind = served->kind;
  return out;
}

void Call::answer(HttpAnswer answer) const {
  for (const std::string& warning : warnings) {
    std::string quoted;
    kube::append_json_string(quoted, warning);
    answer.headers.emplace_back("Warning", "299 - " + quoted);
  }
  exchange->answer(std::move(answer));
}

void Call::answer_object(const kube::ObjectPtr& object, const store::Store& store, WallTime now,
                         int status) const {
  // Changes are answered with the object whatever else is accepted; only reads are refused before.
  const Accepted accepted = negotiate(request, url).value_or(Accepted{});
  std::string body = encode_object(shown_as(kind(), object), store, accepted, now);
  body += '\n';
  answer({.status = status, .body = std::move(body)});
}

Result<std::vector<std::pair<std::string, std::string>>> parse_field_selector(
    std::string_view text, std::vector<std::pair<std::string, std::string>>& excluded) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string name, value;
  std::string* part = &name;
  bool equal = true, has_operator = false;
  const auto finish = [&]() -> Status {
    if (name.empty() && !has_operator) return {};
    if (!has_operator) {
      return minato::fail(Reason::kBadRequest,
                          fmt::format("invalid selector: '{}'; can't understand '{}'", text, name));
    }
    (equal ? out : excluded).emplace_back(std::exchange(name, {}), std::exchange(value, {}));
    part = &name;
    has_operator = false;
    return {};
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      if (++i == text.size())
        return minato::fail(Reason::kBadRequest, "invalid selector: it ends with '\\'");
      *part += text[i];
    } else if (c == ',') {
      RETURN_IF_ERROR(finish());
    } else if (part == &name &&
               (c == '=' || (c == '!' && i + 1 < text.size() && text[i + 1] == '='))) {
      equal = c == '=';
      if (!equal || (i + 1 < text.size() && text[i + 1] == '=')) ++i;
      has_operator = true;
      part = &value;
    } else {
      *part += c;
    }
  }
  RETURN_IF_ERROR(finish());
  return out;
}

Result<kube::ListOptions> list_options(const Call& call) {
  kube::ListOptions out;
  if (call.served->namespaced) out.namespace_ = call.info.namespace_;
  auto labels = kube::Selector::parse(call.url.parameter("labelSelector"));
  if (!labels) {
    return minato::fail(Reason::kBadRequest,
                        "unable to parse labelSelector: " + labels.error().message);
  }
  out.labels = std::move(*labels);
  ASSIGN_OR_RETURN(out.fields,
                   parse_field_selector(call.url.parameter("fieldSelector"), out.excluded_fields));
  return out;
}

Result<registry::Persist> persist_of(const Call& call) {
  for (const std::string& value : call.url.all("dryRun")) {
    if (value == "All") return registry::Persist::kDryRun;
    if (!value.empty()) {
      return minato::fail(
          Reason::kInvalid,
          fmt::format("dryRun: Unsupported value: \"{}\": supported values: \"All\"", value));
    }
  }
  return registry::Persist::kYes;
}

kube::ObjectPtr shown_as(const kube::Kind& kind, const kube::ObjectPtr& object) {
  return kind.custom ? kube::in_version(*object, kind) : object;
}

std::string encode_table(const kube::Kind& kind, const std::vector<kube::ObjectPtr>& objects,
                         std::string_view list_metadata, IncludeObject include, WallTime now) {
  const Printer printer = printer_of(kind);
  std::string out = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)";
  out += list_metadata;
  out += ',';
  append_columns(out, printer);
  out += ",\"rows\":[";
  for (const kube::ObjectPtr& object : objects) {
    if (out.back() != '[') out += ',';
    append_row(out, printer, *object, include, now);
  }
  out += "]}";
  return out;
}

std::string encode_object(const kube::ObjectPtr& object, const store::Store& store,
                          const Accepted& accepted, WallTime now) {
  std::string out;
  switch (accepted.view) {
    case View::kObject: return *store.text_of(object);
    case View::kPartialMetadata: append_partial_metadata(out, *object); return out;
    case View::kTable:
      return encode_table(
          object->kind(), {object},
          fmt::format(R"({{"resourceVersion":"{}"}})", object->metadata.resource_version),
          accepted.include, now);
  }
  return out;
}

}  // namespace minato::apiserver
