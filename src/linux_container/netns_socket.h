// A TCP socket made in a network namespace during a moment in which the calling thread is there;
// from then on it is an ordinary socket on the loop. Loop thread only. Errors: those of setns(2).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "base/result.h"

namespace minato::linux_container {

// `netns_path` "": the present namespace.
Status open_socket(boost::asio::ip::tcp::socket& socket, const boost::asio::ip::tcp& protocol,
                   const std::string& netns_path);

}  // namespace minato::linux_container
