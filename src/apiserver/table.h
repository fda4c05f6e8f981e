// Tables: what kubectl prints. The server decides the columns of a kind and the text of each cell.
// Pure.
// Rules: k8s.io/kubernetes pkg/printers/internalversion/printers.go; meta.k8s.io/v1 Table.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "kube/object.h"

namespace minato::apiserver {

struct Column {
  std::string_view name;
  std::string_view type = "string";  // "string", "integer"
  int priority = 0;                  // 1: only with -o wide.
  std::string_view format = {}, description = {};
};

// The cells of one row, in the order of the columns.
class Cells {
 public:
  explicit Cells(std::string& out) : out_(out) {}
  void text(std::string_view value);
  void number(std::int64_t value);
  void json(std::string_view value);  // As it stands.

 private:
  void separate();
  std::string& out_;
  bool first_ = true;
};

inline std::string or_none(std::string text) { return text.empty() ? "<none>" : std::move(text); }

struct Printer {
  std::span<const Column> columns;
  std::function<void(const kube::Object& object, WallTime now, Cells& cells)> print;
};

// Of the kind, or names and ages for kinds without a printer of their own.
Printer printer_of(const kube::Kind& kind);

// By group of kinds; an entry without `print` means "not one of mine".
Printer core_printer(const kube::Kind& kind);
Printer workload_printer(const kube::Kind& kind);
Printer policy_printer(const kube::Kind& kind);
Printer stored_printer(const kube::Kind& kind);
Printer custom_printer(const kube::Kind& kind);

// How much of the object each row carries (query parameter includeObject).
enum class IncludeObject { kNone, kMetadata, kObject };

void append_columns(std::string& out, const Printer& printer);  // "columnDefinitions":[…]
void append_row(std::string& out, const Printer& printer, const kube::Object& object,
                IncludeObject include, WallTime now);
void append_partial_metadata(std::string& out, const kube::Object& object);

// What printers share.
std::string age_of(WallTime since, WallTime now);  // "<unknown>" when not set.
std::string labels_text(const std::map<std::string, std::string>& labels);  // "<none>" when empty.

}  // namespace minato::apiserver
