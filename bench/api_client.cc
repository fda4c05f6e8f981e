#include "api_client.h"

#include <fmt/format.h>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "base/check.h"

namespace minato::bench {

namespace asio = boost::asio;
using asio::ip::tcp;

Client::Client(const Target& target)
    : target_(target), context_(asio::ssl::context::tls_client), stream_(io_, context_) {
  stream_.next_layer().connect({asio::ip::make_address("127.0.0.1"), target.port});
  stream_.next_layer().set_option(tcp::no_delay(true));
  stream_.handshake(asio::ssl::stream_base::client);
}

void Client::send(std::string_view method, std::string_view path, std::string_view body,
                  std::string_view more_headers) {
  const std::string text = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nAccept: application/json\r\n"
      "Content-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
      method, path, target_.token, body.size(), more_headers, body);
  asio::write(stream_, asio::buffer(text));
}

std::string Client::read_head() {
  const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(buffer_), "\r\n\r\n");
  std::string out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

void Client::fill(std::size_t size) {
  if (buffer_.size() >= size) return;
  asio::read(stream_, asio::dynamic_buffer(buffer_), asio::transfer_at_least(size - buffer_.size()));
}

std::size_t Client::read_chunks() {
  std::size_t total = 0;
  for (;;) {
    const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(buffer_), "\r\n");
    const std::size_t chunk = std::stoul(buffer_.substr(0, size), nullptr, 16);
    fill(size + chunk + 2);
    buffer_.erase(0, size + chunk + 2);
    if (chunk == 0) return total;
    total += chunk;
  }
}

Answer Client::ask(std::string_view method, std::string_view path, std::string_view body,
                   std::string_view more_headers) {
  constexpr std::string_view kLength = "Content-Length: ";
  send(method, path, body, more_headers);
  const std::string head = read_head();
  Answer out{std::stoi(head.substr(head.find(' ') + 1, 3))};
  const std::size_t at = head.find(kLength);
  if (at == std::string::npos) {
    out.bytes = read_chunks();
    return out;
  }
  out.bytes = std::stoul(head.substr(at + kLength.size()));
  fill(out.bytes);
  CHECK(out.status < 500, "{} {}: {}{}", method, path, head, buffer_.substr(0, out.bytes));
  buffer_.erase(0, out.bytes);
  return out;
}

void Client::open(std::string_view path) {
  send("GET", path, {}, {});
  CHECK(read_head().starts_with("HTTP/1.1 200"), "a watch");
}

std::string pod(std::string_view name) {
  constexpr std::string_view kContainer =
      R"({{"name":"{}","image":"registry.local/web:1.2.3","ports":[{{"name":"http-{}","containerPort":8080}}],)"
      R"("env":[{{"name":"MODE","value":"production"}},{{"name":"POD","valueFrom":{{"fieldRef":{{"fieldPath":"metadata.name"}}}}}}],)"
      R"("resources":{{"requests":{{"cpu":"250m","memory":"256Mi"}},"limits":{{"memory":"256Mi"}}}},)"
      R"("readinessProbe":{{"httpGet":{{"path":"/healthz","port":8080}},"periodSeconds":5,"failureThreshold":3}},)"
      R"("lifecycle":{{"preStop":{{"exec":{{"command":["sleep","10"]}}}}}}}})";
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}","labels":{{"app":"web","tier":"front"}},)"
      R"("annotations":{{"example.com/built-by":"ci"}}}},"spec":{{"containers":[{},{}],)"
      R"("tolerations":[{{"key":"group","operator":"Equal","value":"scaling","effect":"NoSchedule"}}],)"
      R"("terminationGracePeriodSeconds":30,"nodeSelector":{{"group":"scaling"}}}}}})",
      name, fmt::format(fmt::runtime(kContainer), "web", "a"),
      fmt::format(fmt::runtime(kContainer), "log-agent", "b"));
}

}  // namespace minato::bench
