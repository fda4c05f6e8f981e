// A request as it comes from the wire: the parser with limits as the server has, then its target.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "apiserver/http.h"
#include "fuzz/input.h"

namespace minato {

void fuzz_one(std::string_view input) {
  namespace http = boost::beast::http;
  http::request_parser<http::string_body> parser;
  parser.header_limit(16 << 10);
  parser.body_limit(1 << 20);
  parser.eager(true);
  boost::system::error_code error;
  while (!input.empty() && !parser.is_done()) {
    const std::size_t used = parser.put(boost::asio::buffer(input.data(), input.size()), error);
    if (error || used == 0) return;
    input.remove_prefix(used);
  }
  const auto target = parser.get().target();
  apiserver::Url url;
  if (!apiserver::parse_url({target.data(), target.size()}, url)) return;
  for (const std::string& segment : url.segments) {
    CHECK(!segment.empty() && segment != ".." && segment.find('/') == std::string::npos, "{}", segment);
  }
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
