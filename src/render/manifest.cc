#include "render/manifest.h"

#include <fmt/format.h>

#include "kube/json.h"

namespace minato::render {
namespace json = boost::json;

Status check_remote(const std::string& text, const std::string& key, std::string_view fix) {
  for (const std::string_view local : {"oci:", "docker-archive:"}) {
    if (!text.starts_with(local)) continue;
    return fail(
        Reason::kInvalid,
        fmt::format("'{}' ({}) is on this machine, where EKS cannot pull it; {}, for example "
                    "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1",
                    key, text, fix));
  }
  return {};
}

Result<Image> parse_image(const std::string& key, std::string text, std::string_view fix) {
  RETURN_IF_ERROR(check_remote(text, key, fix));
  if (text.starts_with("docker://")) text.erase(0, std::string_view("docker://").size());
  Image out;
  if (const std::size_t at = text.find('@'); at != std::string::npos) {
    out.digest = text.substr(at + 1);
    text.resize(at);
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.find(':', slash == std::string::npos ? 0 : slash);
  if (colon != std::string::npos) {
    out.tag = text.substr(colon + 1);
    text.resize(colon);
  }
  out.name = text;
  if (out.tag.empty() && out.digest.empty()) {
    return fail(
        Reason::kInvalid,
        fmt::format("'{}' ({}) names no version; add a tag or, better, a digest", key, text));
  }
  return out;
}

std::string dashed(std::string_view kind) {
  std::string out;
  for (const char c : kind) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty()) out += '-';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string object_yaml(const kube::Object& object, const Comments& comments) {
  json::value value = kube::to_json_value(object);
  json::object& members = value.as_object();
  members.erase("status");
  if (const json::value* inner = members.if_contains("spec");
      inner != nullptr && inner->as_object().empty()) {
    members.erase("spec");
  }
  return to_yaml(value, comments);
}

std::string kustomization(const std::vector<std::string>& resources) {
  return to_yaml(json::object{{"apiVersion", "kustomize.config.k8s.io/v1beta1"},
                              {"kind", "Kustomization"},
                              {"resources", json::array(resources.begin(), resources.end())}});
}

std::string pinned_image(std::string_view name, const Image& image, const std::string& key) {
  json::object pin{{"name", name}, {"newName", image.name}};
  if (!image.digest.empty())
    pin["digest"] = image.digest;
  else
    pin["newTag"] = image.tag;
  return to_yaml(json::object{{"images", json::array{std::move(pin)}}}, {{"images", key}});
}

}  // namespace minato::render
