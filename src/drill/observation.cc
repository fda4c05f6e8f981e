#include "drill/observation.h"

#include <fmt/format.h>

#include <array>

namespace minato::drill {
namespace {

constexpr auto kSubjects = std::to_array<std::pair<Subject, std::string_view>>(
    {{Subject::kPod, "pod"},
     {Subject::kNode, "node"},
     {Subject::kInstance, "instance"},
     {Subject::kTarget, "target"},
     {Subject::kRole, "role"},
     {Subject::kRollout, "rollout"},
     {Subject::kControl, "control"}});

}  // namespace

std::string_view to_string(Subject subject) {
  return kSubjects[static_cast<std::size_t>(subject)].second;
}

Result<Subject> subject_named(std::string_view name) {
  for (const auto& [subject, text] : kSubjects) {
    if (text == name) return subject;
  }
  return fail(Reason::kInvalid, fmt::format("'{}' is nothing that is observed", name));
}

bool Observation::says_the_same(const Observation& other) const {
  Observation here = *this;
  here.at = other.at;
  return here == other;
}

}  // namespace minato::drill
