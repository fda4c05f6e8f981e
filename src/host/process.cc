#include "host/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <cerrno>
#include <cstdlib>

#include "base/strings.h"

namespace minato::host {
namespace {

constexpr std::size_t kOutputLimit = 1 << 20;

bool is_executable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

// First descriptor number that no child mapping uses: temporaries are moved above it.
int first_free_number(const SpawnOptions& options) {
  int highest = 2;
  for (const auto& [ours, number] : options.descriptors) highest = std::max(highest, number);
  return highest + 1;
}

struct ChildPlan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::string program;
};

[[noreturn]] void child_main(const SpawnOptions& options, const ChildPlan& plan, int report_fd) {
  const auto give_up = [&](int error) {
    [[maybe_unused]] const ssize_t n = ::write(report_fd, &error, sizeof error);
    ::_exit(127);
  };
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (options.new_session) ::setsid();

  // Every source is first moved above all target numbers, so that no dup2 overwrites one.
  const int base = first_free_number(options);
  report_fd = ::fcntl(report_fd, F_DUPFD_CLOEXEC, base);
  bool given[3] = {false, false, false};
  int sources[64];
  std::size_t count = 0;
  for (const auto& [ours, number] : options.descriptors) {
    sources[count++] = ::fcntl(ours, F_DUPFD_CLOEXEC, base);
    if (number < 3) given[number] = true;
  }
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int number = 0; number < 3; ++number) {
    if (!given[number]) ::dup2(null, number);
  }
  count = 0;
  for (const auto& [ours, number] : options.descriptors) {
    if (::dup2(sources[count++], number) < 0) give_up(errno);
  }
  ::syscall(SYS_close_range, static_cast<unsigned>(base), ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  // Between the given ones too: a listening socket in a child would go on taking connections that
  // nobody answers.
  for (int number = 3; number < base; ++number) {
    const bool is_given = std::ranges::any_of(
        options.descriptors, [&](const auto& pair) { return pair.second == number; });
    if (!is_given) ::fcntl(number, F_SETFD, FD_CLOEXEC);
  }
  if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) {
    give_up(errno);
  }
  if (options.before_exec) {
    if (const int error = options.before_exec(); error != 0) give_up(error);
  }
  ::execve(plan.program.c_str(), plan.argv.data(), plan.environment.data());
  give_up(errno);
  ::_exit(127);
}

Result<ChildPlan> make_plan(const SpawnOptions& options) {
  ChildPlan plan;
  ASSIGN_OR_RETURN(plan.program, find_program(options.argv.at(0)));
  for (const std::string& arg : options.argv) plan.argv.push_back(const_cast<char*>(arg.c_str()));
  plan.argv.push_back(nullptr);
  if (options.environment.empty()) {
    for (char** entry = environ; *entry != nullptr; ++entry) plan.environment.push_back(*entry);
  }
  for (const std::string& entry : options.environment) {
    plan.environment.push_back(const_cast<char*>(entry.c_str()));
  }
  plan.environment.push_back(nullptr);
  return plan;
}

ExitStatus to_exit_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return {.code = 128 + WTERMSIG(wait_status), .signal = WTERMSIG(wait_status)};
  }
  return {.code = WEXITSTATUS(wait_status), .signal = 0};
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (is_executable(name)) return name;
    return fail(Reason::kNotFound, fmt::format("program {} is missing or not executable", name));
  }
  const char* path = std::getenv("PATH");
  // The sbin directories too: ordinary users on Debian do not have them in PATH.
  const std::string search = std::string(path ? path : "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
  for (const std::string& directory : split(search, ':')) {
    const std::string candidate = directory + "/" + name;
    if (!directory.empty() && is_executable(candidate)) return candidate;
  }
  return fail(Reason::kNotFound, fmt::format("program '{}' is not installed", name));
}

Result<pid_t> spawn(const SpawnOptions& options) {
  if (options.descriptors.size() > 64) return fail(Reason::kInvalid, "more than 64 descriptors");
  ASSIGN_OR_RETURN(const ChildPlan plan, make_plan(options));
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  Fd reader(report[0]), writer(report[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("starting " + plan.program, errno);
  if (pid == 0) child_main(options, plan, writer.get());
  writer.reset();
  int error = 0;
  // The pipe closes on a successful exec; a number in it is the child's errno.
  if (::read(reader.get(), &error, sizeof error) == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return fail_errno("starting " + plan.program, error);
  }
  return pid;
}

namespace {

class PidfdWatch final : public ProcessWatch {
 public:
  PidfdWatch(Loop& loop, pid_t pid, int pidfd, std::function<void(ExitStatus)> on_exit)
      : state_(std::make_shared<State>(loop, pid, pidfd, std::move(on_exit))) {
    wait(state_);
  }
  ~PidfdWatch() override {
    state_->on_exit = nullptr;
    boost::system::error_code ignored;
    state_->descriptor.close(ignored);
  }

 private:
  struct State {
    State(Loop& loop, pid_t process, int pidfd, std::function<void(ExitStatus)> callback)
        : descriptor(loop.io(), pidfd), pid(process), on_exit(std::move(callback)) {}
    boost::asio::posix::stream_descriptor descriptor;
    pid_t pid;
    std::function<void(ExitStatus)> on_exit;
  };
  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [state](const boost::system::error_code& error) {
                                   if (error || !state->on_exit) return;
                                   // A wait may end although nothing has happened.
                                   if (!has_ended(*state)) return wait(state);
                                   finish(*state);
                                 });
  }
  static bool has_ended(State& state) {
    pollfd end{state.descriptor.native_handle(), POLLIN, 0};
    return ::poll(&end, 1, 0) == 1;
  }
  static void finish(State& state) {
    int wait_status = 0;
    ExitStatus exit{.code = -1};
    if (::waitpid(state.pid, &wait_status, WNOHANG) == state.pid) exit = to_exit_status(wait_status);
    const auto callback = std::exchange(state.on_exit, nullptr);
    callback(exit);
  }
  std::shared_ptr<State> state_;
};

}  // namespace

Result<std::unique_ptr<ProcessWatch>> watch_process(Loop& loop, pid_t pid,
                                                    std::function<void(ExitStatus)> on_exit) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return fail_errno(fmt::format("watching process {}", pid), errno);
  return std::make_unique<PidfdWatch>(loop, pid, pidfd, std::move(on_exit));
}

namespace {

Status feed(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing to a command", errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<CommandResult> run_command(const std::vector<std::string>& argv,
                                  const std::string& standard_input) {
  int out[2], in[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  Fd out_reader(out[0]), out_writer(out[1]);
  if (::pipe2(in, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  Fd in_reader(in[0]), in_writer(in[1]);
  SpawnOptions options;
  options.argv = argv;
  options.descriptors = {{in_reader.get(), 0}, {out_writer.get(), 1}, {out_writer.get(), 2}};
  ASSIGN_OR_RETURN(const pid_t pid, spawn(options));
  out_writer.reset();
  in_reader.reset();
  // Inputs here are below the pipe's capacity, so writing all before reading cannot deadlock.
  const Status fed = standard_input.size() > 60'000
                         ? fail(Reason::kInvalid, "standard input too large")
                         : feed(in_writer.get(), standard_input);
  in_writer.reset();
  CommandResult result;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(out_reader.get(), buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0 && result.output.size() < kOutputLimit) {
      result.output.append(buffer, static_cast<std::size_t>(n));
    }
  }
  int wait_status = 0;
  while (::waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  result.status = to_exit_status(wait_status);
  if (!fed && result.status.code == 0) return std::unexpected(fed.error());
  return result;
}

namespace {

// One asynchronous command: reads its output until the process has ended, or kills it in time.
class AsyncCommand : public std::enable_shared_from_this<AsyncCommand> {
 public:
  using DoneFunction = std::move_only_function<void(Result<CommandResult>)>;
  AsyncCommand(Loop& loop, Fd output, pid_t pid, DoneFunction done)
      : pid_(pid), pipe_(loop.io(), output.release()), done_(std::move(done)) {}

  void start(Loop& loop, Duration timeout) {
    auto watch = watch_process(loop, pid_, [self = shared_from_this()](ExitStatus status) {
      self->exited(status);
    });
    if (!watch) {
      finish(std::unexpected(watch.error()));
      return;
    }
    watch_ = std::move(watch).value();
    timer_ = loop.after(timeout, [self = shared_from_this()] { self->expire(); });
    read();
  }

 private:
  void read() {
    pipe_.async_read_some(
        boost::asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t n) {
          if (error || !self->done_) return;
          const std::size_t room = kOutputLimit - self->result_.output.size();
          self->result_.output.append(self->buffer_, std::min(n, room));
          self->read();
        });
  }
  void exited(ExitStatus status) {
    result_.status = status;
    drain();
    if (timed_out_) {
      finish(fail(Reason::kTimeout, "command timed out"));
    } else {
      finish(std::move(result_));
    }
  }
  // What the process wrote last may still be in the pipe; a grandchild may hold it open.
  void drain() {
    boost::system::error_code error;
    pipe_.non_blocking(true, error);
    while (!error && result_.output.size() < kOutputLimit) {
      const std::size_t n = pipe_.read_some(boost::asio::buffer(buffer_), error);
      result_.output.append(buffer_, n);
    }
  }
  void expire() {
    timed_out_ = true;
    ::kill(pid_, SIGKILL);
  }
  void finish(Result<CommandResult> result) {
    auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    boost::system::error_code ignored;
    pipe_.close(ignored);
    if (done) done(std::move(result));
  }

  pid_t pid_;
  boost::asio::posix::stream_descriptor pipe_;
  DoneFunction done_;
  CommandResult result_;
  std::unique_ptr<ProcessWatch> watch_;
  env::TimerHandle timer_;
  bool timed_out_ = false;
  char buffer_[4096];
};

}  // namespace

void run_command_async(Loop& loop, SpawnOptions options, Duration timeout,
                       std::move_only_function<void(Result<CommandResult>)> done) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) {
    loop.post([done = std::move(done), error = errno]() mutable { done(fail_errno("pipe", error)); });
    return;
  }
  Fd reader(out[0]), writer(out[1]);
  options.descriptors.emplace_back(writer.get(), 1);
  options.descriptors.emplace_back(writer.get(), 2);
  auto pid = spawn(options);
  if (!pid) {
    loop.post([done = std::move(done), error = pid.error()]() mutable {
      done(std::unexpected(std::move(error)));
    });
    return;
  }
  auto command = std::make_shared<AsyncCommand>(loop, std::move(reader), *pid, std::move(done));
  loop.post([command, &loop, timeout] { command->start(loop, timeout); });
}

}  // namespace minato::host
