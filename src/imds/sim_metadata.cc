#include "imds/sim_metadata.h"

#include <fmt/format.h>

namespace minato::imds {
namespace {

constexpr std::string_view kTtlSeconds = "21600";

}  // namespace

void SimMetadata::get(const std::string& path,
                      std::move_only_function<void(Result<std::optional<std::string>>)> done) {
  env_.executor.post([this, alive = std::weak_ptr(alive_), path, done = std::move(done)]() mutable {
    if (alive.lock()) done(fetch(path));
  });
}

Result<std::optional<std::string>> SimMetadata::fetch(const std::string& path) {
  if (fault) RETURN_IF_ERROR(fault());
  if (token_.empty()) renew_token();
  Response response = request(path);
  if (response.status == 401) {
    renew_token();
    response = request(path);
  }
  if (response.status == 200) return std::optional(std::move(response.body));
  if (response.status == 404) return std::optional<std::string>();
  return fail(Reason::kUnavailable,
              fmt::format("instance metadata {}: status {}", path, response.status));
}

Response SimMetadata::request(const std::string& path) {
  return service_.handle(
      {"GET", "/latest/" + path, {{std::string(kTokenHeader), token_}}});
}

void SimMetadata::renew_token() {
  const Response response =
      service_.handle({"PUT", std::string(kTokenPath),
                       {{std::string(kTokenTtlHeader), std::string(kTtlSeconds)}}});
  token_ = response.status == 200 ? response.body : std::string();
}

}  // namespace minato::imds
