// Custom kinds: the columns that their definition asks for.
// Rules: k8s.io/apiextensions-apiserver pkg/registry/customresource/tableconvertor.
#include <boost/json/serialize.hpp>
#include <cmath>

#include "apiserver/table.h"
#include "kube/custom_kind.h"
#include "kube/json.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

// Keeps what the columns' texts are views of.
struct Columns {
  explicit Columns(std::shared_ptr<const kube::CustomVersion> of) : version(std::move(of)) {
    all.push_back({"Name"});
    for (const kube::CustomVersion::Column& column : version->columns) {
      // What was a date is its age here, which is text.
      all.push_back({column.name, column.type, column.priority, column.format, column.description});
    }
  }
  std::shared_ptr<const kube::CustomVersion> version;
  std::vector<Column> all;
};

std::string plain(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// Nothing where the value is not of the column's type.
void print_cell(const kube::CustomVersion::Column& column, const json::value& document,
                WallTime now, Cells& cells) {
  const std::vector<const json::value*> found = column.path.find(document);
  if (found.empty() || found.front()->is_null()) return cells.json("null");
  const json::value& value = *found.front();
  if (column.type == "integer") {
    if (!value.is_number()) return cells.json("null");
    return cells.number(static_cast<std::int64_t>(value.to_number<double>()));
  }
  if (column.type == "number") return cells.json(value.is_number() ? json::serialize(value) : "null");
  if (column.type == "boolean") return cells.json(value.is_bool() ? json::serialize(value) : "null");
  if (column.type == "date") {
    const auto time = value.is_string() ? parse_rfc3339(value.get_string())
                                        : Result<WallTime>(fail(Reason::kInvalid, ""));
    return cells.text(time ? age_of(*time, now) : "<invalid>");
  }
  std::string text;
  for (const json::value* each : found) text += (text.empty() ? "" : " ") + plain(*each);
  cells.text(text);
}

}  // namespace

Printer custom_printer(const kube::Kind& kind) {
  if (!kind.custom) return {};
  const auto columns = std::make_shared<const Columns>(kind.custom);
  return {columns->all, [columns](const kube::Object& object, WallTime now, Cells& cells) {
            const json::value document = kube::to_json_value(object);
            cells.text(object.metadata.name);
            for (const auto& column : columns->version->columns)
              print_cell(column, document, now, cells);
          }};
}

}  // namespace minato::apiserver
