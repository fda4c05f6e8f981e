#include "secrets.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cstdlib>

#include "base/strings.h"
#include "host/files.h"

namespace minato::app {
namespace {

constexpr std::size_t kMaxSecretBytes = 512 << 10;
constexpr std::size_t kGeneratedBytes = 24;

Result<std::string> generate() {
  char bytes[kGeneratedBytes];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return fail_errno("getrandom", errno);
  return to_hex({bytes, sizeof bytes});
}

Result<std::string> read_source(const std::string& name, const spec::SecretSource& source,
                                const std::string& directory, const blueprint::SecretValues& known) {
  using From = spec::SecretSource::Kind;
  switch (source.kind) {
    case From::kEnvironment: {
      const char* value = std::getenv(source.name.c_str());
      if (value != nullptr) return std::string(value);
      return fail(Reason::kInvalid, fmt::format("the environment variable {} is not set", source.name));
    }
    case From::kFile: {
      const std::string path = source.name.starts_with('/') ? source.name : directory + "/" + source.name;
      ASSIGN_OR_RETURN(std::string content, host::read_file(path, kMaxSecretBytes));
      if (content.ends_with('\n')) content.pop_back();
      return content;
    }
    case From::kGenerated: {
      const auto found = known.find(name);
      if (found != known.end()) return found->second;
      return generate();
    }
    case From::kSsm:
    case From::kSecretsManager:
      return fail(Reason::kInvalid,
                  fmt::format("{} exists on AWS only; add an overlay for this machine that says "
                              "'secrets: {{ {}: env:{} }}' (or file:, or generated:) and give it "
                              "after the file: minato up FILE OVERLAY",
                              source.to_string(), name, name));
  }
  return std::string();
}

}  // namespace

Result<blueprint::SecretValues> resolve_secrets(const spec::Spec& spec, const std::string& directory,
                                                const blueprint::SecretValues& known) {
  blueprint::SecretValues out;
  for (const auto& [name, source] : spec.secrets) {
    auto value = read_source(name, source, directory, known);
    if (!value) return wrap(fmt::format("secret {}", name), value.error());
    out.emplace(name, std::move(*value));
  }
  return out;
}

}  // namespace minato::app
