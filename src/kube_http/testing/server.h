// For tests: the project's own API server over TLS on a free port of the loopback, in a thread of its
// own, since the client under test blocks the one that it is called on.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "apiserver/server.h"
#include "env/virtual_time.h"
#include "host/http.h"
#include "host/loop.h"
#include "kube_http/client.h"
#include "net/https_server.h"
#include "net/tls_context.h"
#include "registry/in_process_client.h"
#include "tls/authority.h"

namespace minato::kube_http {

inline constexpr std::string_view kTestToken = "token-of-the-test";

class TestServer {
 public:
  TestServer() : thread_([this] { serve(); }) { ready_.get_future().wait(); }
  ~TestServer() {
    loop_->post_from_thread([this] { loop_->stop(); });
    thread_.join();
    std::filesystem::remove_all(directory_);
  }

  Endpoint endpoint() const {
    return {.server = "https://127.0.0.1:" + std::to_string(port_), .authority_pem = authority_pem_, .token = std::string(kTestToken)};
  }
  const std::string& directory() const { return directory_; }

  // Something done in the server's own turn, to its end.
  template <class Work>
  void run(Work work) {
    std::promise<void> done;
    loop_->post_from_thread([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  registry::Registry& registry() { return *registry_; }
  // What answers instead of the API, until taken back with {}. In run() only.
  void answer_by(apiserver::HttpHandler handler) { instead_ = std::move(handler); }
  // Every connection is cut; the next are taken as before.
  void cut_connections() {
    run([this] {
      https_.reset();
      listen();
    });
  }
  std::vector<std::string> requests() {
    std::vector<std::string> out;
    run([&] { out = requests_; });
    return out;
  }

 private:
  void serve() {
    char pattern[] = "/tmp/minato-kube-http-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    loop_ = std::make_unique<host::Loop>();
    const env::Env env{*loop_, *loop_, log_, env::Rng(1)};
    registry_ = *registry::Registry::make(env, store_);
    if (!registry_->bootstrap()) std::abort();
    authenticator_.add_token(std::string(kTestToken), {"admin", "", {std::string(apiserver::kMasters)}});
    authenticator_.add_token("token-of-nobody", {"nobody", "", {}});
    server_ = std::make_unique<apiserver::ApiServer>(env, *registry_, authenticator_, authorizer_, apiserver::ServerOptions{});
    make_certificates();
    listen();
    ready_.set_value();
    loop_->run();
    https_.reset();
    server_.reset();
  }
  void make_certificates() {
    auto authority = tls::Authority::open_or_create(directory_ + "/authority", "test", loop_->wall());
    const auto certificate = authority->issue({.domain = "localhost"}, loop_->wall());
    authority_pem_ = authority->certificate_pem();
    tls_ = *net::make_tls_context({certificate->chain_pem, certificate->key_pem, authority_pem_});
  }
  void listen() {
    auto listening = host::listen_tcp("127.0.0.1", port_);
    if (!listening) std::abort();
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listening->get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    https_ = std::make_unique<net::HttpsServer>(
        *loop_, std::move(*listening), tls_,
        [this](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
          requests_.push_back(request.method + " " + request.target);
          if (instead_) return instead_(std::move(request), std::move(exchange));
          server_->handle(std::move(request), std::move(exchange));
        },
        net::HttpsServer::Options{});
  }

  std::string directory_;
  std::uint16_t port_ = 0;
  std::string authority_pem_;
  std::promise<void> ready_;
  std::unique_ptr<host::Loop> loop_;
  env::NullLog log_;
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  apiserver::Authenticator authenticator_;
  apiserver::BaseAuthorizer authorizer_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::unique_ptr<net::HttpsServer> https_;
  apiserver::HttpHandler instead_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// The client's side: a loop that is turned as long as something is awaited.
struct ClientSide {
  explicit ClientSide(Endpoint endpoint, HttpClient::Options options = {})
      : client(env::Env{loop, loop, log, env::Rng(2)}, std::make_shared<Credentials>(std::move(endpoint)), std::move(options)) {}

  // False: it did not come to be within half a minute.
  bool until(const std::function<bool()>& is_so) {
    const auto guard = boost::asio::make_work_guard(loop.io());
    const MonoTime end = loop.monotonic() + 30s;
    while (!is_so()) {
      loop.io().restart();
      if (loop.monotonic() > end || loop.io().run_one_for(end - loop.monotonic()) == 0) return is_so();
    }
    return true;
  }

  host::Loop loop;
  env::NullLog log;
  HttpClient client;
};

}  // namespace minato::kube_http
