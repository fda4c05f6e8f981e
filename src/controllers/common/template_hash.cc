#include "controllers/common/template_hash.h"

#include <fmt/format.h>

#include "kube/json.h"
#include "kube/names.h"

namespace minato::controllers {
namespace {

constexpr std::uint32_t kFnvOffset = 2166136261u;
constexpr std::uint32_t kFnvPrime = 16777619u;
constexpr std::string_view kSafeAlphabet = "bcdfghjklmnpqrstvwxz2456789";

}  // namespace

std::string template_hash(const kube::PodTemplateSpec& template_,
                          std::optional<std::int32_t> collision_count) {
  std::string text = kube::to_json_text(template_);
  if (collision_count) text += fmt::format("#{}", *collision_count);
  std::uint32_t hash = kFnvOffset;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  std::string out;
  for (const char digit : fmt::format("{}", hash)) {
    out += kSafeAlphabet[static_cast<unsigned char>(digit) % kSafeAlphabet.size()];
  }
  return out;
}

bool same_template(const kube::PodTemplateSpec& a, const kube::PodTemplateSpec& b) {
  kube::PodTemplateSpec left = a;
  kube::PodTemplateSpec right = b;
  left.metadata.labels.erase(std::string(kube::kLabelPodTemplateHash));
  right.metadata.labels.erase(std::string(kube::kLabelPodTemplateHash));
  return kube::equal(left, right);
}

}  // namespace minato::controllers
