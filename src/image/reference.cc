#include "image/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/strings.h"

namespace minato::image {
namespace {

constexpr std::size_t kNameLimit = 255;
constexpr std::size_t kTagLimit = 128;
constexpr std::string_view kLayoutPrefix = "oci:";
constexpr std::string_view kArchivePrefix = "docker-archive:";
constexpr std::string_view kRegistryPrefix = "docker://";

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Reason::kInvalid, fmt::format("image \"{}\": {}", text.substr(0, 300), why));
}

// path-component := [a-z0-9]+ ( ('.' | '_' | '__' | '-'+) [a-z0-9]+ )*
bool is_path_component(std::string_view text) {
  std::size_t at = 0;
  while (true) {
    const std::size_t word = at;
    while (at < text.size() && is_lower_or_digit(text[at])) ++at;
    if (at == word) return false;
    if (at == text.size()) return true;
    const std::size_t separator = at;
    while (at < text.size() && !is_lower_or_digit(text[at])) ++at;
    const std::string_view between = text.substr(separator, at - separator);
    const bool dashes = between.find_first_not_of('-') == std::string_view::npos;
    if (between != "." && between != "_" && between != "__" && !dashes) return false;
  }
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kTagLimit) return false;
  if (!is_alphanumeric(text[0]) && text[0] != '_') return false;
  return std::ranges::all_of(
      text, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_host_name(std::string_view host) {
  const auto labels = split(host, '.');
  return std::ranges::all_of(labels, [](const std::string& label) {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
  });
}

bool is_port(std::string_view text) {
  const auto number = parse_int(text);
  return number && *number > 0 && *number <= 65535;
}

struct HostPort {
  std::string_view host;
  std::string_view port;
};

HostPort split_port(std::string_view registry) {
  if (registry.starts_with('[')) {
    const std::size_t end = registry.find(']');
    if (end == std::string_view::npos) return {registry, ""};
    const std::string_view rest = registry.substr(end + 1);
    return {registry.substr(0, end + 1), rest.starts_with(':') ? rest.substr(1) : ""};
  }
  const std::size_t colon = registry.find(':');
  if (colon == std::string_view::npos) return {registry, ""};
  return {registry.substr(0, colon), registry.substr(colon + 1)};
}

bool is_registry(std::string_view text) {
  const HostPort parts = split_port(text);
  const std::size_t joined = parts.host.size() + (parts.port.empty() ? 0 : parts.port.size() + 1);
  if (joined != text.size()) return false;
  if (!parts.port.empty() && !is_port(parts.port)) return false;
  if (!parts.host.starts_with('[')) return is_host_name(parts.host);
  if (!parts.host.ends_with(']')) return false;
  const std::string_view inside = parts.host.substr(1, parts.host.size() - 2);
  return inside.size() >= 2 && inside.find_first_not_of("0123456789abcdefABCDEF:.") ==
                                   std::string_view::npos;
}

// A registry is told from a first path component by looking like a host name (Docker's rule).
bool looks_like_registry(std::string_view first) {
  return first.find_first_of(".:[") != std::string_view::npos || first == "localhost" ||
         std::ranges::any_of(first, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<Reference> parse_registry(std::string_view text, std::string_view whole) {
  Reference reference;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(text.substr(at + 1));
    if (!digest) return bad(whole, digest.error().message);
    reference.digest = *digest;
    text = text.substr(0, at);
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = text.substr(colon + 1);
    if (!is_tag(reference.tag)) {
      return bad(whole, "the tag must be 1 to 128 letters, digits, '_', '.' or '-'");
    }
    text = text.substr(0, colon);
  } else if (!reference.digest) {
    reference.tag = "latest";
  }
  const std::size_t first_slash = text.find('/');
  if (first_slash != std::string_view::npos && looks_like_registry(text.substr(0, first_slash))) {
    reference.registry = text.substr(0, first_slash);
    reference.name = text.substr(first_slash + 1);
  } else {
    reference.registry = "docker.io";
    reference.name = text;
  }
  if (reference.registry == "index.docker.io") reference.registry = "docker.io";
  if (!is_registry(reference.registry)) {
    return bad(whole, fmt::format("\"{}\" is not a registry's host name", reference.registry));
  }
  for (const std::string& part : split(reference.name, '/')) {
    if (is_path_component(part)) continue;
    return bad(whole, fmt::format("the name \"{}\" must be lower-case letters and digits, "
                                  "separated by '/', '.', '_' or '-', as in \"shop/web:1.2\"",
                                  reference.name));
  }
  if (reference.registry == "docker.io" && reference.name.find('/') == std::string::npos) {
    reference.name.insert(0, "library/");
  }
  if (reference.registry.size() + 1 + reference.name.size() > kNameLimit) {
    return bad(whole, "the name is longer than 255 characters");
  }
  return reference;
}

// A layout's tag holds no '/', so the last ':' separates it unless it is part of a directory's
// name. An archive's tag may itself be "name/with:tag", so there the first ':' separates.
Result<Reference> parse_file(Reference::Kind kind, std::string_view rest, std::string_view whole) {
  Reference reference;
  reference.kind = kind;
  std::size_t colon = rest.rfind(':');
  if (kind == Reference::Kind::kLayout) {
    const std::size_t slash = rest.rfind('/');
    if (slash != std::string_view::npos && colon != std::string_view::npos && colon < slash) {
      colon = std::string_view::npos;
    }
  } else {
    colon = rest.find(':');
  }
  if (colon != std::string_view::npos) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    const bool valid = is_tag(reference.tag) ||
                       (kind == Reference::Kind::kArchive && parse_registry(reference.tag, whole));
    if (!valid) return bad(whole, fmt::format("\"{}\" is not a tag", reference.tag));
  }
  if (rest.empty()) return bad(whole, "the path is missing, as in \"oci:images/web:1\"");
  if (rest.find('\0') != std::string_view::npos) return bad(whole, "the path holds a NUL byte");
  reference.path = rest;
  return reference;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  if (text.empty()) return bad(text, "no image is named");
  if (text.starts_with(kLayoutPrefix)) {
    return parse_file(Kind::kLayout, text.substr(kLayoutPrefix.size()), text);
  }
  if (text.starts_with(kArchivePrefix)) {
    return parse_file(Kind::kArchive, text.substr(kArchivePrefix.size()), text);
  }
  if (text.starts_with(kRegistryPrefix)) {
    return parse_registry(text.substr(kRegistryPrefix.size()), text);
  }
  if (text.find("://") != std::string_view::npos) {
    return bad(text, "unknown kind; use oci:DIR:TAG, docker-archive:FILE, docker://NAME or a name");
  }
  return parse_registry(text, text);
}

std::string Reference::text() const {
  if (kind != Kind::kRegistry) {
    const std::string_view prefix = kind == Kind::kLayout ? kLayoutPrefix : kArchivePrefix;
    return tag.empty() ? fmt::format("{}{}", prefix, path)
                       : fmt::format("{}{}:{}", prefix, path, tag);
  }
  std::string out = fmt::format("{}/{}", registry, name);
  if (!tag.empty()) out += ":" + tag;
  if (digest) out += "@" + digest->text();
  return out;
}

Result<std::string> resolve_relative(std::string_view text, const std::string& base_directory) {
  ASSIGN_OR_RETURN(Reference reference, Reference::parse(text));
  if (reference.kind == Reference::Kind::kRegistry) return std::string(text);
  const std::filesystem::path path(reference.path);
  if (path.is_absolute()) return std::string(text);
  reference.path = (std::filesystem::path(base_directory) / path).lexically_normal().string();
  return reference.text();
}

bool is_loopback_registry(std::string_view registry) {
  const std::string_view host = split_port(registry).host;
  if (host == "localhost" || host == "[::1]") return true;
  const auto parts = split(host, '.');
  return parts.size() == 4 && parts[0] == "127" &&
         std::ranges::all_of(parts, [](const std::string& part) {
           const auto number = parse_int(part);
           return number && *number >= 0 && *number <= 255;
         });
}

}  // namespace minato::image
