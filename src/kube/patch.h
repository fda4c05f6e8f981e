// The three patch formats of the API, on JSON values.
//
// Pure functions; thread-safe. Input is untrusted. Errors: BadRequest (the patch is malformed),
// Invalid (well formed but does not apply: a failed test, a missing path).
// Rules: RFC 6902, RFC 7386 and k8s.io/apimachinery pkg/util/strategicpatch.
#pragma once

#include <boost/json/value.hpp>

#include "kube/reflect.h"

namespace minato::kube {

// RFC 6902: a list of operations, all or none.
Result<boost::json::value> apply_json_patch(boost::json::value document,
                                            const boost::json::value& patch);

// RFC 7386: objects merge, null removes, everything else replaces.
boost::json::value apply_merge_patch(boost::json::value document, const boost::json::value& patch);

// As a merge patch, but lists whose elements have a merge key merge element by element. Which lists
// do, and by which key, is in the tables of `type`. Directives: $patch, $retainKeys,
// $deleteFromPrimitiveList/…, $setElementOrder/….
Result<boost::json::value> apply_strategic_merge_patch(boost::json::value document,
                                                       const boost::json::value& patch,
                                                       const TypeInfo& type);

}  // namespace minato::kube
