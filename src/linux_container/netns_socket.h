// A TCP socket made in a network namespace during a moment in which the calling thread is there;
// from then on it is an ordinary socket on the loop. Loop thread only. Errors: those of setns(2),
// Invalid for what is no address, Unavailable when nobody answers there.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace minato::linux_container {

// `netns_path` "": the present namespace.
Status open_socket(boost::asio::ip::tcp::socket& socket, const boost::asio::ip::tcp& protocol,
                   const std::string& netns_path);

// Opens and connects. `done` comes from the loop, also when the socket has been closed meanwhile;
// it keeps the socket alive. `host` is an IP address.
void connect_socket(boost::asio::ip::tcp::socket& socket, const std::string& host,
                    std::uint16_t port, const std::string& netns_path,
                    std::move_only_function<void(Status)> done);

// "10.0.0.1:80", "[fd00::1]:80".
std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace minato::linux_container
