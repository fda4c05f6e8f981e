#include "spec/confinement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "spec/reader.h"

namespace minato::spec {
namespace {

constexpr std::int64_t kHighestId = 0x7fffffff;  // As the API checks runAsUser and runAsGroup.

// Rule: Pod Security Standards, "Baseline", Capabilities.
constexpr auto kBaseline = std::to_array<std::string_view>(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
     "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"});

Result<std::int64_t> parse_id(std::string_view text) {
  const auto id = parse_int(text);
  if (!id || *id < 0 || *id > kHighestId) {
    return fail(Reason::kInvalid,
                fmt::format("'{}' is no number of a user; say it as 1000 or, with the group, "
                            "\"1000:1000\": a cluster knows no names of users",
                            text));
  }
  return *id;
}

Status read_user(std::string_view text, Confinement& out) {
  const std::size_t colon = text.find(':');
  ASSIGN_OR_RETURN(out.user, parse_id(text.substr(0, colon)));
  out.group.reset();
  if (colon != std::string_view::npos) {
    ASSIGN_OR_RETURN(out.group, parse_id(text.substr(colon + 1)));
  }
  return {};
}

bool is_capability(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

void read_capabilities(Reader& in, Confinement& out) {
  if (!in.has("capabilities")) return;
  std::vector<std::string> names;
  in.texts("capabilities", names);
  for (std::string& name : names) {
    if (name.starts_with("CAP_")) name.erase(0, 4);
    if (is_capability(name)) continue;
    in.problem("capabilities",
               fmt::format("'capabilities': '{}' is no capability; they are written as in "
                           "[NET_BIND_SERVICE], and [] takes all away",
                           name));
  }
  out.capabilities = std::move(names);
}

}  // namespace

std::vector<std::string> Confinement::dropped_capabilities() const {
  // A process that is not root has none to use, and may not gain any.
  if (capabilities || non_root) return {"ALL"};
  return {"MKNOD", "NET_RAW"};
}

std::string_view Confinement::security_level() const {
  const std::vector<std::string> left = capabilities.value_or(std::vector<std::string>{});
  const bool usual = std::ranges::all_of(
      left, [](const auto& name) { return std::ranges::find(kBaseline, name) != kBaseline.end(); });
  if (!usual) return "privileged";
  const bool only_ports =
      std::ranges::all_of(left, [](const auto& name) { return name == "NET_BIND_SERVICE"; });
  return non_root && only_ports ? "restricted" : "baseline";
}

void read_confinement(Reader& in, Confinement& confinement) {
  in.scalar("user", [&](const std::string& text) { return read_user(text, confinement); });
  const bool refuses_root = in.has("non_root");
  in.boolean("non_root", confinement.non_root);
  in.boolean("read_only_root", confinement.read_only_root);
  read_capabilities(in, confinement);
  if (!confinement.user) return;
  if (!refuses_root && in.has("user")) confinement.non_root = *confinement.user != 0;
  if (confinement.non_root && *confinement.user == 0)
    in.problem("non_root", "'non_root' refuses root, which 'user: 0' is");
}

}  // namespace minato::spec
