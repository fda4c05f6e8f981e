#include "net/tls_context.h"

#include <openssl/ssl.h>

namespace minato::net {
namespace ssl = boost::asio::ssl;
namespace {

// "http/1.1" when the client offers it; no overlap is no error, as most servers see it.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_tls_context(const TlsOptions& options) {
  auto out = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  const auto failed = [&error](const char* what) {
    return fail(Reason::kInvalid, std::string(what) + ": " + error.message());
  };
  out->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                       ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                   error);
  if (error) return failed("TLS versions");
  out->use_certificate_chain(boost::asio::buffer(options.chain_pem), error);
  if (error) return failed("the server's certificate");
  out->use_private_key(boost::asio::buffer(options.key_pem), ssl::context::pem, error);
  if (error) return failed("the server's key");
  SSL_CTX_set_alpn_select_cb(out->native_handle(), &choose_protocol, nullptr);
  SSL_CTX_set_mode(out->native_handle(), SSL_MODE_RELEASE_BUFFERS);  // Idle watchers stay small.
  // Sessions are bound to what they were made for; without this, resuming with a certificate fails.
  static constexpr unsigned char kSessionContext[] = "minato";
  SSL_CTX_set_session_id_context(out->native_handle(), kSessionContext, sizeof kSessionContext - 1);
  if (options.client_authority_pem.empty()) return out;
  out->add_certificate_authority(boost::asio::buffer(options.client_authority_pem), error);
  if (error) return failed("the clients' authority");
  out->set_verify_mode(ssl::verify_peer, error);
  if (error) return failed("verification of clients");
  return out;
}

}  // namespace minato::net
