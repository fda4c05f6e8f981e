#include "linux_container/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace minato::linux_container {

std::string container_key(const std::string& name, std::uint32_t attempt) {
  return fmt::format("{}-{}", name, attempt);
}

Status check_path_component(std::string_view what, std::string_view name) {
  constexpr std::size_t kLongest = 253;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!name.empty() && name.size() <= kLongest && name.front() != '.' &&
      std::ranges::all_of(name, allowed)) {
    return {};
  }
  return fail(Reason::kInvalid,
              fmt::format("{} \"{}\" must be 1 to {} of letters, digits, '-', '_' and '.'", what,
                          name, kLongest));
}

std::string pod_log_dir(const std::string& logs_dir, const std::string& pod_namespace,
                        const std::string& pod_name, const std::string& pod_uid) {
  return fmt::format("{}/{}_{}_{}", logs_dir, pod_namespace, pod_name, pod_uid);
}

std::string find_pod_log_dir(const std::string& logs_dir, const std::string& pod_uid) {
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(logs_dir, error)) {
    if (item.path().filename().string().ends_with("_" + pod_uid)) return item.path().string();
  }
  return {};
}

std::string log_file(const std::string& pod_log_dir, const std::string& container,
                     std::uint32_t attempt) {
  return fmt::format("{}/{}/{}.log", pod_log_dir, container, attempt);
}

std::string rotated_log_file(const std::string& log_file, int age) {
  return age == 0 ? log_file : fmt::format("{}.{}", log_file, age);
}

}  // namespace minato::linux_container
