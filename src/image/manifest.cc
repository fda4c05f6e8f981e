#include "image/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "image/json.h"

namespace minato::image {
namespace {

namespace json = boost::json;

bool is_config_type(std::string_view type) {
  return type == "application/vnd.oci.image.config.v1+json" ||
         type == "application/vnd.docker.container.image.v1+json";
}

bool is_layer_type(std::string_view type) {
  constexpr std::string_view kTypes[] = {
      "application/vnd.oci.image.layer.v1.tar",      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.docker.image.rootfs.diff.tar.zstd"};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

Result<Platform> parse_platform(const json::object& object) {
  Platform platform;
  ASSIGN_OR_RETURN(platform.os, string_member(object, "os"));
  ASSIGN_OR_RETURN(platform.architecture, string_member(object, "architecture"));
  ASSIGN_OR_RETURN(platform.variant, string_member(object, "variant"));
  return platform;
}

Result<Descriptor> parse_descriptor(const json::object& object) {
  Descriptor out;
  ASSIGN_OR_RETURN(out.media_type, string_member(object, "mediaType"));
  ASSIGN_OR_RETURN(const std::string digest, string_member(object, "digest"));
  ASSIGN_OR_RETURN(out.digest, Digest::parse(digest));
  ASSIGN_OR_RETURN(out.size, size_member(object, "size"));
  if (out.size < 0) return fail(Reason::kInvalid, digest + " is listed without a size");
  ASSIGN_OR_RETURN(const json::object* platform, object_member(object, "platform"));
  if (platform != nullptr) {
    ASSIGN_OR_RETURN(out.platform, parse_platform(*platform));
  }
  ASSIGN_OR_RETURN(const json::object* annotations, object_member(object, "annotations"));
  if (annotations != nullptr) {
    ASSIGN_OR_RETURN(out.tag, string_member(*annotations, kTagAnnotation));
  }
  return out;
}

Result<std::vector<Descriptor>> parse_descriptors(const json::array& array) {
  std::vector<Descriptor> out;
  for (const json::value& value : array) {
    ASSIGN_OR_RETURN(const json::object* object, as_object(value, "a descriptor"));
    ASSIGN_OR_RETURN(Descriptor descriptor, parse_descriptor(*object));
    out.push_back(std::move(descriptor));
  }
  return out;
}

Result<Manifest> read_manifest(const json::object& config, const json::array& layers,
                               std::string_view text, const Limits& limits) {
  Manifest out{.digest = Digest::of(text), .text = std::string(text), .config = {}, .layers = {}};
  ASSIGN_OR_RETURN(out.config, parse_descriptor(config));
  if (!is_config_type(out.config.media_type)) {
    return fail(Reason::kUnsupportedMediaType,
                fmt::format("this is not a container image: its configuration is of type \"{}\"",
                            out.config.media_type));
  }
  if (out.config.size > limits.manifest_bytes) {
    return fail(Reason::kInvalid, fmt::format("the image configuration has {} bytes; the limit is "
                                              "{}",
                                              out.config.size, limits.manifest_bytes));
  }
  ASSIGN_OR_RETURN(out.layers, parse_descriptors(layers));
  if (static_cast<std::int64_t>(out.layers.size()) > limits.layers) {
    return fail(Reason::kInvalid, fmt::format("the image has {} layers; the limit is {}",
                                              out.layers.size(), limits.layers));
  }
  for (const Descriptor& layer : out.layers) {
    if (!is_layer_type(layer.media_type)) {
      return fail(Reason::kUnsupportedMediaType,
                  fmt::format("layer {} is of type \"{}\", which cannot be unpacked",
                              layer.digest->text(), layer.media_type));
    }
    if (layer.size > limits.layer_bytes) {
      return fail(Reason::kInvalid, fmt::format("layer {} has {} bytes; the limit is {}",
                                                layer.digest->text(), layer.size,
                                                limits.layer_bytes));
    }
  }
  return out;
}

}  // namespace

std::string Platform::text() const {
  std::string out = os + "/" + architecture;
  if (!variant.empty()) out += "/" + variant;
  return out;
}

Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text, const Limits& limits) {
  ASSIGN_OR_RETURN(const json::object document, parse_object(text, "the manifest"));
  ASSIGN_OR_RETURN(const std::int64_t version, size_member(document, "schemaVersion"));
  if (version == 1) {
    return fail(Reason::kUnsupportedMediaType,
                "the image is in Docker's old schema 1; push it again with a current tool");
  }
  ASSIGN_OR_RETURN(const json::array* manifests, array_member(document, "manifests"));
  ASSIGN_OR_RETURN(const json::array* layers, array_member(document, "layers"));
  ASSIGN_OR_RETURN(const json::object* config, object_member(document, "config"));
  if (manifests != nullptr && (layers != nullptr || config != nullptr)) {
    return fail(Reason::kInvalid, "the manifest is ambiguous: it is an index as well");
  }
  if (manifests != nullptr) {
    ASSIGN_OR_RETURN(std::vector<Descriptor> descriptors, parse_descriptors(*manifests));
    return Index{std::move(descriptors)};
  }
  if (layers == nullptr || config == nullptr) {
    return fail(Reason::kInvalid, "the manifest names no configuration or no layers");
  }
  ASSIGN_OR_RETURN(Manifest manifest, read_manifest(*config, *layers, text, limits));
  return manifest;
}

Result<Config> parse_config(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object document, parse_object(text, "the image configuration"));
  Config out;
  ASSIGN_OR_RETURN(out.platform, parse_platform(document));
  ASSIGN_OR_RETURN(const json::object* rootfs, object_member(document, "rootfs"));
  if (rootfs == nullptr) return fail(Reason::kInvalid, "the image configuration has no rootfs");
  ASSIGN_OR_RETURN(const std::vector<std::string> diff_ids, strings_member(*rootfs, "diff_ids"));
  for (const std::string& diff_id : diff_ids) {
    ASSIGN_OR_RETURN(Digest digest, Digest::parse(diff_id));
    out.diff_ids.push_back(std::move(digest));
  }
  ASSIGN_OR_RETURN(const json::object* config, object_member(document, "config"));
  if (config == nullptr) return out;
  ASSIGN_OR_RETURN(out.image.entrypoint, strings_member(*config, "Entrypoint"));
  ASSIGN_OR_RETURN(out.image.cmd, strings_member(*config, "Cmd"));
  ASSIGN_OR_RETURN(out.image.env, strings_member(*config, "Env"));
  ASSIGN_OR_RETURN(out.image.user, string_member(*config, "User"));
  ASSIGN_OR_RETURN(out.image.working_dir, string_member(*config, "WorkingDir"));
  ASSIGN_OR_RETURN(out.image.stop_signal, string_member(*config, "StopSignal"));
  ASSIGN_OR_RETURN(const json::object* ports, object_member(*config, "ExposedPorts"));
  if (ports != nullptr) {
    for (const auto& port : *ports) out.image.exposed_ports.emplace_back(port.key());
  }
  ASSIGN_OR_RETURN(const json::object* labels, object_member(*config, "Labels"));
  if (labels != nullptr) {
    for (const auto& label : *labels) {
      const std::string name(label.key());
      ASSIGN_OR_RETURN(out.image.labels[name], string_member(*labels, name));
    }
  }
  return out;
}

Result<Descriptor> choose_platform(const Index& index, std::string_view architecture) {
  const Descriptor* chosen = nullptr;
  std::vector<std::string> available;
  for (const Descriptor& entry : index.manifests) {
    if (!entry.platform) {
      if (index.manifests.size() == 1) return entry;
      continue;
    }
    // Attestations are listed as "unknown/unknown".
    if (entry.platform->os == "unknown") continue;
    available.push_back(entry.platform->text());
    if (entry.platform->os != "linux" || entry.platform->architecture != architecture) continue;
    // Without a variant is the baseline, which runs everywhere.
    const bool baseline = entry.platform->variant.empty();
    if (chosen == nullptr || (baseline && !chosen->platform->variant.empty())) chosen = &entry;
  }
  if (chosen != nullptr) return *chosen;
  return fail(Reason::kNotFound,
              fmt::format("there is no image for linux/{}; available: {}", architecture,
                          available.empty() ? "none" : join(available, ", ")));
}

Status check_consistent(const Manifest& manifest, const Config& config,
                        std::string_view architecture) {
  if (manifest.layers.size() != config.diff_ids.size()) {
    return fail(Reason::kInvalid,
                fmt::format("the manifest has {} layers but the configuration has {}",
                            manifest.layers.size(), config.diff_ids.size()));
  }
  if (manifest.layers.empty()) return fail(Reason::kInvalid, "the image has no layers");
  const Platform& platform = config.platform;
  if (platform.os.empty() && platform.architecture.empty()) return {};
  if (platform.os == "linux" && platform.architecture == architecture) return {};
  return fail(Reason::kInvalid, fmt::format("the image is for {}, this machine is linux/{}; build "
                                            "it for this platform",
                                            platform.text(), architecture));
}

}  // namespace minato::image
