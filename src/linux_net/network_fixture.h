// For tests: a network and mount namespace of the test's own, and real traffic in it. All sockets
// are the test's; a connection needs no second thread, since the kernel completes the handshake of
// a listening socket by itself.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "env/env.h"
#include "host/files.h"
#include "linux_net/netns.h"

namespace minato::linux_net {

class CollectingLog final : public env::Log {
 public:
  void write(env::Level, std::string_view, std::string_view message) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

inline bool has_line(const std::string& script, const std::string& line) {
  return ("\n" + script).find("\n" + line + "\n") != std::string::npos;
}

// Where a test acts: a namespace file, or "" for the fixture's own namespace (the router).
using Place = std::string;

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = enter(); !why.empty()) GTEST_SKIP() << why;
  }

  enum class Transport { kTcp = SOCK_STREAM, kUdp = SOCK_DGRAM };

  static host::Fd open_socket(const Place& place, Transport transport) {
    std::optional<NetnsGuard> guard;
    if (!place.empty()) guard.emplace(std::move(NetnsGuard::enter(place)).value());
    return host::Fd(::socket(AF_INET, static_cast<int>(transport) | SOCK_CLOEXEC, 0));
  }
  static sockaddr_in socket_address(const std::string& ip, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    return address;
  }
  static constexpr int kBacklog = 128;
  static host::Fd serve(const Place& place, int port, Transport transport = Transport::kTcp) {
    host::Fd socket = open_socket(place, transport);
    const sockaddr_in address = socket_address("0.0.0.0", port);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    if (transport == Transport::kTcp) {
      EXPECT_EQ(::listen(socket.get(), kBacklog), 0);
    }
    return socket;
  }
  // "" when connected, else "refused", "lost" (no answer in time), or another error. In time for
  // lost first packets: the kernel takes up to a second to believe that a new cable is there.
  static std::string connect(const Place& place, const std::string& ip, int port,
                             host::Fd* connection = nullptr) {
    return connect_within(timeval{.tv_sec = 20, .tv_usec = 0}, place, ip, port, connection);
  }
  // For whoever expects that there is no answer.
  static std::string connect_briefly(const Place& place, const std::string& ip, int port) {
    return connect_within(timeval{.tv_sec = 0, .tv_usec = 300'000}, place, ip, port, nullptr);
  }
  // For whoever counts lost first packets.
  static std::string connect_within(timeval timeout, const Place& place, const std::string& ip,
                                    int port, host::Fd* connection) {
    host::Fd socket = open_socket(place, Transport::kTcp);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    const sockaddr_in address = socket_address(ip, port);
    const int result =
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    if (connection != nullptr) *connection = std::move(socket);
    if (result == 0) return "";
    if (error == ECONNREFUSED) return "refused";
    if (error == EINPROGRESS || error == EAGAIN) return "lost";
    return std::string("errno ") + std::to_string(error);
  }
  // The client's address of the oldest connection that waits at a server; "" when none does.
  static std::string accept_from(const host::Fd& server, int timeout_ms = 5000) {
    pollfd wait{.fd = server.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, timeout_ms) != 1) return "";
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const host::Fd accepted(::accept(server.get(), reinterpret_cast<sockaddr*>(&peer), &size));
    return to_text(peer);
  }
  static void send_datagram(const host::Fd& socket, const std::string& ip, int port) {
    const sockaddr_in address = socket_address(ip, port);
    (void)::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address),
                   sizeof address);
  }
  static std::string receive_from(const host::Fd& server, int timeout_ms = 5000) {
    pollfd wait{.fd = server.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, timeout_ms) != 1) return "";
    char byte = 0;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::recvfrom(server.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &size) < 0)
      return "";
    return to_text(peer);
  }

  std::string dir_ = "/run/minato-test";  // On a tmpfs of the test's own mount namespace.
  CollectingLog log_;

 private:
  static std::string to_text(const sockaddr_in& address) {
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return text;
  }
  // Why it could not, or "".
  static std::string enter() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (user != 0) {
      if (::unshare(CLONE_NEWUSER) != 0) return "user namespaces are not allowed here";
      (void)host::write_kernel_file("/proc/self/setgroups", "deny");
      (void)host::write_kernel_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      (void)host::write_kernel_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return "namespaces are not allowed here";
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) {
      return "mounts are not allowed here";
    }
    return "";
  }
};

}  // namespace minato::linux_net
