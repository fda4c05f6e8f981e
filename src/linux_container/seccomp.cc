#include "linux_container/seccomp.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace minato::linux_container {
namespace json = boost::json;
namespace {

struct Rule {
  std::string_view capability;  // Allowed with it; "" for never.
  std::initializer_list<std::string_view> calls;
};

const Rule kRules[] = {
    {"",
     {"add_key", "keyctl", "request_key", "get_kernel_syms", "query_module", "create_module",
      "nfsservctl", "uselib", "_sysctl", "sysfs", "userfaultfd", "vm86", "vm86old", "ustat",
      "move_pages", "io_uring_setup", "io_uring_enter", "io_uring_register"}},
    {"CAP_SYS_ADMIN",
     {"bpf",         "fanotify_init",   "fsconfig",  "fsmount",       "fsopen",
      "fspick",      "lookup_dcookie",  "mount",     "mount_setattr", "move_mount",
      "open_tree",   "perf_event_open", "quotactl",  "quotactl_fd",   "setdomainname",
      "sethostname", "setns",           "umount",    "umount2",       "unshare",
      "swapon",      "swapoff",         "pivot_root"}},
    {"CAP_SYS_MODULE", {"delete_module", "init_module", "finit_module"}},
    {"CAP_SYS_BOOT", {"reboot", "kexec_load", "kexec_file_load"}},
    {"CAP_SYS_PACCT", {"acct"}},
    {"CAP_SYS_RAWIO", {"iopl", "ioperm"}},
    {"CAP_SYS_TIME", {"settimeofday", "stime", "clock_settime", "clock_settime64"}},
    {"CAP_SYS_PTRACE", {"kcmp", "process_madvise", "pidfd_getfd"}},
    {"CAP_DAC_READ_SEARCH", {"open_by_handle_at"}},
    {"CAP_SYS_TTY_CONFIG", {"vhangup"}},
    {"CAP_SYS_NICE", {"get_mempolicy", "mbind", "set_mempolicy"}},
    {"CAP_SYSLOG", {"syslog"}},
};

bool has(const std::vector<std::string>& capabilities, std::string_view name) {
  return std::ranges::find(capabilities, name) != capabilities.end();
}

json::object refuse(json::array calls, int error) {
  return {{"names", std::move(calls)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", error}};
}

// clone(2) may make threads and processes but no namespaces. The flags of clone3(2) are behind a
// pointer that a filter cannot read: ENOSYS makes C libraries fall back to clone(2).
void add_clone_rules(json::array& rules) {
  for (const std::uint64_t flag : {0x00020000ULL, 0x02000000ULL, 0x04000000ULL, 0x08000000ULL,
                                   0x10000000ULL, 0x20000000ULL, 0x40000000ULL}) {
    json::object rule = refuse({"clone"}, EPERM);
    rule["args"] = json::array{json::object{
        {"index", 0}, {"value", flag}, {"valueTwo", flag}, {"op", "SCMP_CMP_MASKED_EQ"}}};
    rules.push_back(std::move(rule));
  }
  rules.push_back(refuse({"clone3"}, ENOSYS));
}

}  // namespace

json::object default_seccomp_profile(const std::vector<std::string>& capabilities) {
  json::array refused;
  for (const Rule& rule : kRules) {
    if (!rule.capability.empty() && has(capabilities, rule.capability)) continue;
    for (const std::string_view call : rule.calls) refused.emplace_back(call);
  }
  json::array rules;
  rules.push_back(refuse(std::move(refused), EPERM));
  if (!has(capabilities, "CAP_SYS_ADMIN")) add_clone_rules(rules);
  // Other ABIs of the machine are filtered too, or they would be a way around.
  json::array architectures;
#if defined(__x86_64__)
  architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
  architectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#endif
  return {{"defaultAction", "SCMP_ACT_ALLOW"},
          {"architectures", std::move(architectures)},
          {"syscalls", std::move(rules)}};
}

}  // namespace minato::linux_container
