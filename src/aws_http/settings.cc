#include "aws_http/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace minato::aws_http {
namespace {

constexpr std::string_view kEverywhere = "AWS_ENDPOINT_URL";

bool is_region(std::string_view text) {
  return !text.empty() && text.size() < 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Rule: partitions.json of the SDKs, dnsSuffix.
std::string_view dns_suffix(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

Result<std::string> as_origin(std::string_view variable, std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const std::size_t scheme = url.find("://");
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  if (!is_http || url.size() == scheme + 3 ||
      url.find_first_of("/?#@", scheme + 3) != std::string::npos) {
    return fail(Reason::kInvalid,
                fmt::format("{} is \"{}\"; expected http(s)://host[:port]", variable, url));
  }
  return url;
}

Result<std::string> endpoint_of(const ServiceInfo& service, const std::string& region,
                                const Variables& variables) {
  for (const std::string_view name : {service.endpoint_variable, kEverywhere}) {
    if (std::string url = variables(name); !url.empty()) return as_origin(name, std::move(url));
  }
  return fmt::format("https://{}.{}.{}", service.signing_name, region, dns_suffix(region));
}

}  // namespace

std::string process_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? "" : value;
}

Result<Settings> Settings::read(const Variables& variables) {
  Settings out;
  out.region_ = variables("AWS_REGION");
  if (out.region_.empty()) out.region_ = variables("AWS_DEFAULT_REGION");
  if (!is_region(out.region_)) {
    return fail(Reason::kInvalid, fmt::format("AWS_REGION is \"{}\"; expected a region such as "
                                              "ap-northeast-1", out.region_));
  }
  for (const Service service : {Service::kAutoScaling, Service::kEc2,
                                Service::kElasticLoadBalancingV2, Service::kSts}) {
    ASSIGN_OR_RETURN(out.endpoints_[service], endpoint_of(info(service), out.region_, variables));
  }
  return out;
}

}  // namespace minato::aws_http
