#include "api_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "apiserver/prepared.h"
#include "apiserver/server.h"
#include "base/check.h"
#include "host/files.h"
#include "host/http.h"
#include "net/https_server.h"
#include "net/tls_context.h"
#include "store/sqlite_journal.h"
#include "tls/authority.h"

namespace minato::bench {
namespace {

class Silent final : public env::Log {
  void write(env::Level, std::string_view, std::string_view) override {}
};

std::uint16_t port_of(const host::Fd& listening) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Written elsewhere first: whoever finds it finds all of it.
void tell_port(const std::string& directory, std::uint16_t port) {
  std::ofstream(directory + "/port.new") << port;
  std::filesystem::rename(directory + "/port.new", directory + "/port");
}

}  // namespace

int serve_api(const std::string& directory) {
  host::Loop loop;
  Silent log;
  const env::Env env{loop, loop, log, env::Rng(1)};
  auto journal = store::SqliteJournal::open(directory + "/state.db");
  CHECK(journal, "a database");
  auto store = store::Store::open(std::move(*journal));
  CHECK(store, "a store");
  auto registry = registry::Registry::make(env, **store);
  CHECK(registry && (*registry)->bootstrap(), "a registry");
  auto authority = tls::Authority::open_or_create(directory + "/authority", "bench", loop.wall());
  CHECK(authority, "an authority");
  const auto certificate = authority->issue({.domain = "localhost"}, loop.wall());
  CHECK(certificate, "a certificate");
  auto tls = net::make_tls_context({certificate->chain_pem, certificate->key_pem, ""});
  CHECK(tls, "a TLS context");
  apiserver::Authenticator authenticator;
  authenticator.add_token(kToken, {"bench", "", {std::string(apiserver::kMasters)}});
  const apiserver::BaseAuthorizer authorizer;
  apiserver::ApiServer server(env, **registry, authenticator, authorizer, {});
  auto listening = host::listen_tcp("127.0.0.1", 0);
  CHECK(listening, "a port");
  const std::uint16_t port = port_of(*listening);
  net::HttpsServer::Options options;
  options.prepare = &apiserver::prepare;
  options.before_send = [&store] { return (*store)->flush(); };
  net::HttpsServer https(
      loop, std::move(*listening), *tls,
      [&server](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
        server.handle(std::move(request), std::move(exchange));
      },
      std::move(options));
  boost::asio::signal_set signals(loop.io(), SIGTERM);
  signals.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
  tell_port(directory, port);
  loop.run();
  return 0;
}

}  // namespace minato::bench
