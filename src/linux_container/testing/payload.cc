// What the tests run in containers: one static program that does what its first argument says.
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

volatile sig_atomic_t terminating = 0;

int sleep_for_ever() {
  std::puts("ready");
  while (terminating == 0) ::pause();
  std::puts("terminating");
  return 0;
}

int serve_http(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
  ::listen(listener, 16);
  while (true) {
    const int client = ::accept(listener, nullptr, nullptr);
    char request[4096];
    if (::read(client, request, sizeof request) > 0) {
      const bool large = std::strncmp(request, "GET /large", 10) == 0;
      const std::string body = large ? std::string(100'000, 'x') : "hello";
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      std::size_t sent = 0;
      while (sent < answer.size()) {
        const ssize_t n = ::write(client, answer.data() + sent, answer.size() - sent);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
    }
    ::close(client);
  }
}

int print_lines(long count) {
  for (long i = 0; i < count; ++i) std::printf("line %ld of a container that has much to say\n", i);
  return 0;
}

int eat_memory(std::size_t bytes) {
  std::vector<char*> blocks;
  for (std::size_t eaten = 0; eaten < bytes; eaten += 1 << 20) {
    blocks.push_back(static_cast<char*>(std::malloc(1 << 20)));
    std::memset(blocks.back(), 1, 1 << 20);
  }
  return 0;
}

int show_file(const char* path) {
  FILE* file = std::fopen(path, "r");
  if (file == nullptr) return 1;
  char buffer[4096];
  std::size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, file)) > 0) std::fwrite(buffer, 1, n, stdout);
  std::fclose(file);
  return 0;
}

// What stands on its input, on its output, and whether that is a terminal.
int echo() {
  bool is_first = true;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(0, buffer, sizeof buffer)) > 0) {
    // Now, not at the start: the size is set before the input, but perhaps after the start.
    winsize size{};
    if (is_first && ::ioctl(0, TIOCGWINSZ, &size) == 0) {
      std::printf("%dx%d\n", size.ws_col, size.ws_row);
      std::fflush(stdout);
    }
    is_first = false;
    if (::write(1, buffer, static_cast<std::size_t>(n)) != n) return 1;
  }
  std::fputs("over\n", stderr);
  return 7;
}

int write_file(const char* path, const char* text) {
  FILE* file = std::fopen(path, "w");
  if (file == nullptr) {
    std::perror(path);
    return 1;
  }
  std::fputs(text, file);
  return std::fclose(file) == 0 ? 0 : 1;
}

int show_identity() {
  char host[256] = "";
  char directory[4096] = "";
  ::gethostname(host, sizeof host);
  if (::getcwd(directory, sizeof directory) == nullptr) return 1;
  std::printf("uid=%u gid=%u host=%s cwd=%s pid=%d\n", ::getuid(), ::getgid(), host, directory,
              ::getpid());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::setvbuf(stdout, nullptr, _IOLBF, 4096);
  const std::string mode = argc > 1 ? argv[1] : "exit";
  const char* first = argc > 2 ? argv[2] : "0";
  const char* second = argc > 3 ? argv[3] : "";
  if (mode == "exit") return std::atoi(first);
  if (mode == "env") return std::puts(std::getenv(first) ? std::getenv(first) : "(unset)") < 0;
  if (mode == "lines") return print_lines(std::atol(first));
  if (mode == "eat") return eat_memory(std::strtoul(first, nullptr, 10) << 20);
  if (mode == "cat") return show_file(first);
  if (mode == "write") return write_file(first, second);
  if (mode == "id") return show_identity();
  if (mode == "http") return serve_http(std::atoi(first));
  if (mode == "echo") return echo();
  if (mode == "trap") __builtin_trap();
  if (mode == "die") return write_file("/dev/termination-log", first), 4;
  if (mode == "sleep") {
    ::signal(SIGTERM, [](int) { terminating = 1; });
    return sleep_for_ever();
  }
  if (mode == "stubborn") {
    ::signal(SIGTERM, SIG_IGN);
    return sleep_for_ever();
  }
  if (mode == "flood") {
    while (true) std::puts("a line that never ends to come, again and again and again and again");
  }
  return 99;
}
