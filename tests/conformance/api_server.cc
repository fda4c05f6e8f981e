// The Kubernetes API alone, for tests with real clients: a registry in memory behind apiserver and
// net, without Nodes or a world, and of the controllers only those that deletions wait for. Writes a
// kubeconfig and serves until it is ended.
//
//   conformance_server DIRECTORY [--api-only]     DIRECTORY/kubeconfig appears when it serves
//
// --api-only leaves out the controllers that are not part of kube-apiserver either.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "apiserver/rbac.h"
#include "apiserver/server.h"
#include "controllers/definition/definition_controller.h"
#include "controllers/garbagecollector/garbage_collector.h"
#include "controllers/namespace/namespace_controller.h"
#include "host/files.h"
#include "host/http.h"
#include "kube/base64.h"
#include "net/https_server.h"
#include "net/tls_context.h"
#include "registry/in_process_client.h"
#include "tls/authority.h"

namespace {

using namespace minato;

class StderrLog final : public env::Log {
 public:
  void write(env::Level, std::string_view component, std::string_view message) override {
    fmt::print(stderr, "{}: {}\n", component, message);
  }
};

// What finishes deletions of namespaces, of definitions and of dependents.
struct Cleaners {
  Cleaners(const env::Env& env, registry::Registry& registry)
      : client(registry),
        informers(client),
        namespaces(env, client, informers),
        definitions(env, client, informers),
        collector(env, client, informers) {}
  Status start(bool is_api_only) {
    RETURN_IF_ERROR(informers.start());
    definitions.start();
    if (is_api_only) return {};
    namespaces.start();
    collector.start();
    return {};
  }
  registry::InProcessClient client;
  informer::Informers informers;
  controllers::NamespaceController namespaces;
  controllers::DefinitionController definitions;
  controllers::GarbageCollector collector;
};

std::uint16_t port_of(const host::Fd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::string kubeconfig(std::uint16_t port, const std::string& authority_pem, const char* token) {
  return fmt::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
      "clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{}\", "
      "certificate-authority-data: {}}}}}]\n"
      "users: [{{name: test, user: {{token: {}}}}}]\n"
      "contexts: [{{name: test, context: {{cluster: test, user: test, namespace: default}}}}]\n",
      port, kube::base64_encode(authority_pem), token);
}

Status serve(const std::string& directory, bool is_api_only) {
  host::Loop loop;
  StderrLog log;
  const env::Env env{loop, loop, log,
                     env::Rng(static_cast<std::uint64_t>(loop.wall().time_since_epoch().count()))};
  store::Store store;
  ASSIGN_OR_RETURN(const auto registry, registry::Registry::make(env, store));
  RETURN_IF_ERROR(registry->bootstrap());
  Cleaners cleaners(env, *registry);
  RETURN_IF_ERROR(cleaners.start(is_api_only));
  ASSIGN_OR_RETURN(
      tls::Authority authority,
      tls::Authority::open_or_create(directory + "/authority", "conformance", loop.wall()));
  ASSIGN_OR_RETURN(const tls::Certificate certificate,
                   authority.issue({.domain = "localhost"}, loop.wall()));
  ASSIGN_OR_RETURN(auto tls, net::make_tls_context({certificate.chain_pem, certificate.key_pem,
                                                    authority.certificate_pem()}));
  apiserver::Authenticator authenticator;
  authenticator.add_token("admin-token-of-the-test",
                          {"admin", "", {std::string(apiserver::kMasters)}});
  authenticator.add_token("user-token-of-the-test", {"ann", "", {}});
  RETURN_IF_ERROR(apiserver::bootstrap_roles(*registry));
  const apiserver::RoleAuthorizer authorizer(*registry);
  ASSIGN_OR_RETURN(auto key, apiserver::SigningKey::generate());
  apiserver::ServiceAccountTokens tokens(env, *registry, std::move(key));
  authenticator.set_verifier([&tokens](std::string_view token) { return tokens.verify(token); });
  apiserver::ServerOptions options;
  options.tokens = &tokens;
  apiserver::ApiServer server(env, *registry, authenticator, authorizer, options);
  ASSIGN_OR_RETURN(host::Fd listening, host::listen_tcp("127.0.0.1", 0));
  const std::uint16_t port = port_of(listening);
  net::HttpsServer https(
      loop, std::move(listening), std::move(tls),
      [&server](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
        server.handle(std::move(request), std::move(exchange));
      },
      {});
  RETURN_IF_ERROR(host::write_file_atomic(
      directory + "/kubeconfig-user",
      kubeconfig(port, authority.certificate_pem(), "user-token-of-the-test"), 0600));
  RETURN_IF_ERROR(host::write_file_atomic(
      directory + "/kubeconfig",
      kubeconfig(port, authority.certificate_pem(), "admin-token-of-the-test"), 0600));
  boost::asio::signal_set signals(loop.io(), SIGTERM, SIGINT);
  signals.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
  loop.run();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_api_only = argc == 3 && std::string_view(argv[2]) == "--api-only";
  if (argc != 2 && !is_api_only) {
    fmt::print(stderr, "usage: conformance_server DIRECTORY [--api-only]\n");
    return 2;
  }
  const minato::Status status = serve(argv[1], is_api_only);
  if (!status) fmt::print(stderr, "conformance_server: {}\n", status.error().message);
  return status ? 0 : 1;
}
