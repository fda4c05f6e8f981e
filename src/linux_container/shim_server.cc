#include "linux_container/shim_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <cerrno>

namespace minato::linux_container {
namespace json = boost::json;
namespace {

json::value request_id(const json::object& request) {
  const json::value* id = request.if_contains("id");
  return id ? *id : json::value();
}

std::string event_frame(const container::Container& container) {
  return to_frame({{"event", to_json(container)}});
}

bool is_own_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

ShimServer::ShimServer(PollLoop& loop, const ShimConfig& config, host::Fd listener)
    : loop_(loop),
      listener_(std::move(listener)),
      supervisor_(loop, config, [this](const container::Container& container) {
        const std::string frame = event_frame(container);
        std::vector<std::uint64_t> ids;  // Sending may drop a client.
        for (const auto& [id, client] : clients_) ids.push_back(id);
        for (const std::uint64_t id : ids) send(id, frame);
      }) {
  supervisor_.load();
  loop_.watch(listener_.get(), POLLIN, [this](short) { accept_client(); });
}

void ShimServer::accept_client() {
  host::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd || !is_own_user(fd.get())) return;
  if (clients_.size() >= kMaxClients) drop(clients_.begin()->first);  // The oldest is the stalest.
  const std::uint64_t id = next_client_++;
  loop_.watch(fd.get(), POLLIN, [this, id](short revents) { serve(id, revents); });
  clients_[id].fd = std::move(fd);
  // It may have been waiting since before a change that was told to others only.
  for (const container::Container& container : supervisor_.containers()) {
    send(id, event_frame(container));
  }
}

void ShimServer::serve(std::uint64_t client, short revents) {
  if ((revents & POLLOUT) != 0) flush(client);
  if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_requests(client);
}

void ShimServer::read_requests(std::uint64_t client) {
  const auto it = clients_.find(client);
  if (it == clients_.end()) return;
  char buffer[16 << 10];
  const ssize_t n = ::read(it->second.fd.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop(client);
  it->second.reader.append({buffer, static_cast<std::size_t>(n)});
  while (clients_.contains(client)) {
    auto request = clients_.at(client).reader.next();
    if (!request) return drop(client);
    if (!*request) return;
    handle(client, **request);
  }
}

void ShimServer::handle(std::uint64_t client, const json::object& request) {
  const json::value id = request_id(request);
  const std::string op = text_member(request, "op");
  if (op == "start") return start(client, request);
  if (op == "exec") return exec(client, request);
  if (op == "session") return session(client, request);
  if (op == "attach") return attach(client, request);
  if (op == "endSession") {
    supervisor_.end_session(text_member(request, "socket"));
    return answer(client, id, Status{});
  }
  if (op == "stop") {
    return answer(client, id,
                  supervisor_.stop(text_member(request, "key"),
                                   static_cast<int>(number_member(request, "signal")),
                                   Duration{number_member(request, "grace")}));
  }
  if (op == "remove") return answer(client, id, supervisor_.remove(text_member(request, "key")));
  answer(client, id, fail(Reason::kBadRequest, "unknown operation \"" + op + "\""));
}

void ShimServer::start(std::uint64_t client, const json::object& request) {
  const json::value id = request_id(request);
  auto parsed = start_request_from_json(request);
  if (!parsed) return answer(client, id, std::unexpected(parsed.error()));
  supervisor_.start(std::move(parsed).value(),
                    [this, client, id](Result<container::Container> result) {
                      if (!result) return answer(client, id, std::unexpected(result.error()));
                      answer(client, id, json::object{{"container", to_json(*result)}});
                    });
}

void ShimServer::exec(std::uint64_t client, const json::object& request) {
  const json::value id = request_id(request);
  supervisor_.exec(text_member(request, "key"), text_list_member(request, "command"),
                   Duration{number_member(request, "timeout")},
                   [this, client, id](Result<container::ExecResult> result) {
                     if (!result) return answer(client, id, std::unexpected(result.error()));
                     answer(client, id, to_json(*result));
                   });
}

void ShimServer::session(std::uint64_t client, const json::object& request) {
  const json::value id = request_id(request);
  supervisor_.open_session({.key = text_member(request, "key"),
                            .command = text_list_member(request, "command"),
                            .socket = text_member(request, "socket"),
                            .owner = client,
                            .terminal = number_member(request, "terminal") != 0,
                            .input = number_member(request, "input") != 0},
                           [this, client, id](Result<container::ExecResult> result) {
                             if (!result) return answer(client, id, std::unexpected(result.error()));
                             answer(client, id, to_json(*result));
                           });
}

void ShimServer::attach(std::uint64_t client, const json::object& request) {
  const json::value id = request_id(request);
  supervisor_.attach({.key = text_member(request, "key"),
                      .socket = text_member(request, "socket"),
                      .owner = client,
                      .input = number_member(request, "input") != 0},
                     [this, client, id](Result<container::ExecResult> result) {
                       if (!result) return answer(client, id, std::unexpected(result.error()));
                       answer(client, id, to_json(*result));
                     });
}

void ShimServer::answer(std::uint64_t client, const json::value& id, json::object body) {
  body["id"] = id;
  send(client, to_frame(body));
}

void ShimServer::answer(std::uint64_t client, const json::value& id, const Status& status) {
  json::object body;
  if (!status) body["error"] = to_json(status.error());
  answer(client, id, std::move(body));
}

void ShimServer::send(std::uint64_t client, const std::string& frame) {
  const auto it = clients_.find(client);
  if (it == clients_.end()) return;
  it->second.backlog += frame;
  flush(client);
}

void ShimServer::flush(std::uint64_t client) {
  const auto it = clients_.find(client);
  if (it == clients_.end()) return;
  auto& [fd, reader, backlog] = it->second;
  while (!backlog.empty()) {
    const ssize_t n = ::write(fd.get(), backlog.data(), backlog.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return drop(client);
    backlog.erase(0, static_cast<std::size_t>(n));
  }
  if (backlog.size() > kMaxBacklogBytes) return drop(client);
  loop_.set_events(fd.get(), backlog.empty() ? POLLIN : POLLIN | POLLOUT);
}

void ShimServer::drop(std::uint64_t client) {
  const auto node = clients_.extract(client);
  if (node.empty()) return;
  loop_.unwatch(node.mapped().fd.get());
  supervisor_.end_sessions_of(client);
}

}  // namespace minato::linux_container
