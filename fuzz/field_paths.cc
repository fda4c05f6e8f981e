// Paths and sets of fields: JSONPath of custom kinds, FieldsV1 of managed fields, over a document.
#include "fuzz/input.h"
#include "kube/field_set.h"
#include "kube/json.h"
#include "kube/json_path.h"
#include "kube/types/apps.h"

namespace minato {

void fuzz_one(std::string_view input) {
  fuzz::Parts parts(input);
  const std::string_view text = parts.next();
  auto document = kube::parse_json(parts.next());
  if (const auto path = kube::JsonPath::parse(text); path && document) {
    (void)path->find(*document);
    if (path->is_simple()) path->set(*document, 1);
  }
  const auto fields = kube::FieldSet::parse(text);
  if (!fields) return;
  (void)fields->paths();
  const std::string written = fields->to_fields_v1();
  CHECK(kube::FieldSet::parse(written)->to_fields_v1() == written, "{}", written);
  if (document)
    kube::remove_fields(kube::Typing(kube::type_of<kube::Deployment>()), *document, *fields);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
