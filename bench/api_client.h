// A client of the API for benchmarks: HTTP/1.1 over TLS, one request at a time, on a thread that
// waits. Fails loudly: a benchmark of something that does not work says nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace minato::bench {

struct Target {
  std::uint16_t port = 0;  // On 127.0.0.1.
  std::string token;
};

struct Answer {
  int status = 0;
  std::size_t bytes = 0;  // Of the body.
};

class Client {
 public:
  explicit Client(const Target& target);
  Answer ask(std::string_view method, std::string_view path, std::string_view body = {},
             std::string_view more_headers = {});
  // Only asks: the answer is a watch, which read_some() gives as it comes.
  void open(std::string_view path);
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
  Stream& stream() { return stream_; }
  boost::asio::io_context& io() { return io_; }

 private:
  void send(std::string_view method, std::string_view path, std::string_view body,
            std::string_view more_headers);
  std::string read_head();
  void fill(std::size_t size);
  std::size_t read_chunks();

  Target target_;
  boost::asio::io_context io_;
  boost::asio::ssl::context context_;
  Stream stream_;
  std::string buffer_;
};

// About 1.3 KB: two containers with probes, hooks and limits.
std::string pod(std::string_view name);

}  // namespace minato::bench
