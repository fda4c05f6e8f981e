#include "render/identity.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "base/strings.h"

namespace minato::render {
namespace {

constexpr std::size_t kAccountDigits = 12;

bool is_account(std::string_view text) {
  return text.size() == kAccountDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "arn:aws:iam::123456789012:role/x" → "123456789012".
std::string account_in_arn(const std::string& arn) {
  constexpr std::size_t kAccountField = 4;
  const std::vector<std::string> fields = split(arn, ':');
  return fields.size() > kAccountField && is_account(fields[kAccountField]) ? fields[kAccountField]
                                                                            : "";
}

// "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1" → "123456789012".
std::string account_in_image(std::string_view image) {
  if (image.starts_with("docker://")) image.remove_prefix(std::string_view("docker://").size());
  const std::string_view host = image.substr(0, image.find('.'));
  return is_account(host) && image.substr(host.size()).starts_with(".dkr.ecr.") ? std::string(host)
                                                                                : "";
}

}  // namespace

std::string_view partition_of(const spec::Spec& spec) {
  if (spec.region.starts_with("cn-")) return "aws-cn";
  if (spec.region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

std::string account_of(const spec::Spec& spec) {
  if (!spec.eks.account.empty()) return spec.eks.account;
  std::set<std::string> named{
      account_in_image(spec.eks.image.empty() ? spec.image : spec.eks.image),
      account_in_arn(spec.eks.certificate)};
  for (const std::string& arn : spec.eks.admins) named.insert(account_in_arn(arn));
  for (const std::string& arn : spec.eks.policies) named.insert(account_in_arn(arn));
  named.erase("");
  return named.size() == 1 ? *named.begin() : "";
}

std::string role_arn(const spec::Spec& spec, std::string_view key) {
  return fmt::format("arn:{}:iam::{}:role/{}-{}", partition_of(spec), account_of(spec),
                     spec.service, key);
}

}  // namespace minato::render
