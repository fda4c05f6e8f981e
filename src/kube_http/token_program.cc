#include "kube_http/token_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/value.hpp>
#include <cerrno>
#include <chrono>

#include "host/process.h"
#include "kube/json.h"

namespace minato::kube_http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxOutput = 1 << 20;

// Until the writer closes its end, or the time is over.
Result<std::string> read_all(int fd) {
  const auto end = std::chrono::steady_clock::now() + kProgramTimeout;
  std::string out;
  char buffer[4096];
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready == 0) return fail(Reason::kUnauthorized, fmt::format("gave no token within {}", format_duration(kProgramTimeout)));
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(size));
    if (out.size() > kMaxOutput) return fail(Reason::kInvalid, "prints more than a token");
  }
}

std::vector<std::string> environment_with(const TokenProgram& program) {
  std::vector<std::string> out;
  const auto is_replaced = [&](std::string_view entry) {
    for (const auto& [name, value] : program.environment) {
      if (entry.starts_with(name + "=")) return true;
    }
    return entry.starts_with("KUBERNETES_EXEC_INFO=");
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_replaced(*entry)) out.emplace_back(*entry);
  }
  for (const auto& [name, value] : program.environment) out.push_back(name + "=" + value);
  out.push_back(fmt::format(
      R"(KUBERNETES_EXEC_INFO={{"kind":"ExecCredential","apiVersion":"{}","spec":{{"interactive":false}}}})",
      program.api_version));
  return out;
}

std::string text_at(const json::value& value, std::string_view pointer) {
  boost::system::error_code error;
  const json::value* found = value.find_pointer(pointer, error);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

Result<ProgramToken> read_exec_credential(std::string_view text) {
  ASSIGN_OR_RETURN(const json::value value, kube::parse_json(text));
  ProgramToken out{.token = text_at(value, "/status/token")};
  if (out.token.empty()) return fail(Reason::kInvalid, "its ExecCredential has no status.token");
  if (const std::string end = text_at(value, "/status/expirationTimestamp"); !end.empty()) {
    ASSIGN_OR_RETURN(out.expires, parse_rfc3339(end));
  }
  return out;
}

Result<ProgramToken> run_token_program(const TokenProgram& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  const host::Fd reading(ends[0]);
  host::Fd writing(ends[1]);
  const std::string name = "the program " + program.argv.front() + " that gives tokens";
  auto pid = host::spawn({.argv = program.argv,
                          .environment = environment_with(program),
                          .descriptors = {{writing.get(), 1}, {STDERR_FILENO, 2}}});
  if (!pid) return wrap(name, std::move(pid).error());
  writing.reset();
  const Result<std::string> text = read_all(reading.get());
  if (!text) ::kill(*pid, SIGKILL);
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return wrap(name, text.error());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Reason::kUnauthorized, fmt::format("{} ended with status {}; what it says is on stderr", name,
                                                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
  }
  auto token = read_exec_credential(*text);
  if (!token) return wrap(name, std::move(token).error());
  return token;
}

}  // namespace minato::kube_http
