// What a TLS server needs: its certificate, and whose clients' certificates it believes. TLS 1.2
// and 1.3 with OpenSSL's defaults; HTTP/1.1 is the only protocol offered, so clients that would
// rather speak h2 fall back. Errors: Invalid (PEM that cannot be read, a key that does not fit).
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"

namespace minato::net {

struct TlsOptions {
  std::string chain_pem;
  std::string key_pem;
  // Clients may show a certificate that this authority signed for clients; another one ends the
  // handshake. "": none is asked for.
  std::string client_authority_pem;
};

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const TlsOptions& options);

}  // namespace minato::net
