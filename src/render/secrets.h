// How secrets reach the Pods on EKS. Values are never here: only where they are kept. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "render/files.h"
#include "spec/spec.h"

namespace minato::render {

// Where one secret is kept on AWS.
struct RemoteSecret {
  std::string variable;  // Of the container.
  enum class Store { kSsm, kSecretsManager } store = Store::kSsm;
  std::string name;      // Parameter path, secret name or ARN.
  std::string property;  // Member of a JSON secret; "" for all of it.
  std::string key;       // Of the file, for comments: "secrets.DATABASE_URL".
};
// What the file takes from this machine (file:, env:, generated:) is kept under /<service>/<NAME>
// in the Parameter Store.
std::vector<RemoteSecret> remote_secrets(const spec::Spec& spec);

// The Secret whose members become variables; written in the cluster, so its name is fixed.
std::string secret_name(const spec::Spec& spec);

// One of the ways in which values reach Pods on EKS, for people who choose between them.
struct SecretWay {
  std::string_view key;  // Of eks.secrets.
  std::string_view how;
  std::string_view merits;
  std::string_view drawbacks;
};
std::span<const SecretWay> secret_ways();

// Files of the overlay and, in `resources`, their names.
void add_secret_files(const spec::Spec& spec, const std::string& directory, Files& files,
                      std::vector<std::string>& resources);

}  // namespace minato::render
