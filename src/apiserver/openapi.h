// OpenAPI from the type tables, and for custom kinds from their definitions: v3 per group and
// version, and v2 for everything at once. Enough for clients' validation, three-way merges (patch
// strategies and merge keys) and `kubectl explain`; built-in kinds have no descriptions. Made once
// per document and kept until the kinds change. Loop thread only.
// Rules: k8s.io/kube-openapi; docs "Kubernetes OpenAPI extensions".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "apiserver/discovery.h"

namespace minato::apiserver {

class OpenApi {
 public:
  // `catalogue` outlives this.
  explicit OpenApi(const Catalogue& catalogue) : catalogue_(catalogue) {}

  // /openapi/v3: which documents there are, each with a hash that changes with it.
  std::string index();
  // "api/v1", "apis/apps/v1"; "" when there is none of this name.
  const std::string& v3(std::string_view document);
  const std::string& v2();

 private:
  void refresh();
  std::string make_v3(std::string_view document) const;

  const Catalogue& catalogue_;
  std::uint64_t made_of_ = 0;
  std::map<std::string, std::string, std::less<>> v3_;
  std::string v2_;
};

}  // namespace minato::apiserver
