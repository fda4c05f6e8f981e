#include "apiserver/table.h"

#include <fmt/format.h>

#include "kube/json.h"

namespace minato::apiserver {
namespace {

constexpr Column kDefaultColumns[] = {{"Name"}, {"Age"}};

void print_default(const kube::Object& object, WallTime now, Cells& cells) {
  cells.text(object.metadata.name);
  cells.text(age_of(object.metadata.creation_timestamp, now));
}

}  // namespace

void Cells::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void Cells::text(std::string_view value) {
  separate();
  kube::append_json_string(out_, value);
}

void Cells::json(std::string_view value) {
  separate();
  out_ += value;
}

void Cells::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
}

Printer printer_of(const kube::Kind& kind) {
  for (const auto find : {&core_printer, &workload_printer, &policy_printer, &stored_printer, &custom_printer}) {
    if (const Printer found = find(kind); found.print) return found;
  }
  return {kDefaultColumns, &print_default};
}

void append_columns(std::string& out, const Printer& printer) {
  out += "\"columnDefinitions\":[";
  bool first = true;
  for (const Column& column : printer.columns) {
    // kubectl finds the column to sort and to label by through the format "name".
    out += first ? "{\"name\":" : ",{\"name\":";
    kube::append_json_string(out, column.name);
    out += ",\"type\":";
    kube::append_json_string(out, column.type);
    out += ",\"format\":";
    kube::append_json_string(out, column.name == "Name" ? "name" : column.format);
    out += ",\"description\":";
    kube::append_json_string(out, column.description);
    out += fmt::format(",\"priority\":{}}}", column.priority);
    first = false;
  }
  out += ']';
}

void append_partial_metadata(std::string& out, const kube::Object& object) {
  out += R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)";
  kube::append_json(out, kube::type_of<kube::ObjectMeta>(), &object.metadata);
  out += '}';
}

void append_row(std::string& out, const Printer& printer, const kube::Object& object,
                IncludeObject include, WallTime now) {
  out += "{\"cells\":[";
  Cells cells(out);
  printer.print(object, now, cells);
  out += ']';
  if (include == IncludeObject::kMetadata) {
    out += ",\"object\":";
    append_partial_metadata(out, object);
  } else if (include == IncludeObject::kObject) {
    out += ",\"object\":";
    out += kube::to_json(object);
  }
  out += '}';
}

std::string age_of(WallTime since, WallTime now) {
  return is_set(since) ? format_age(now - since) : "<unknown>";
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", key, value);
  }
  return out.empty() ? "<none>" : out;
}

}  // namespace minato::apiserver
