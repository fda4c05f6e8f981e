// OpenAPI from the type tables: v3 per group and version, and v2 for everything at once. Enough for
// clients' validation, three-way merges (patch strategies and merge keys) and `kubectl explain`;
// there are no descriptions. Pure; made once per document and kept.
// Rules: k8s.io/kube-openapi; docs "Kubernetes OpenAPI extensions".
#pragma once

#include <string>
#include <string_view>

namespace minato::apiserver {

// /openapi/v3: which documents there are.
std::string openapi_index();
// "api/v1", "apis/apps/v1"; "" when there is none of this name.
const std::string& openapi_v3(std::string_view document);
const std::string& openapi_v2();

}  // namespace minato::apiserver
