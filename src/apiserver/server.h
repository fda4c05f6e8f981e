// The Kubernetes API over HTTP: who asks, may they, and which part answers.
//
// A layer above the registry and below sockets: HttpHandler in, Exchange out (apiserver/http.h).
// What a client is told may not be committed yet; whoever sends the bytes flushes the store first
// (net::HttpServer has a hook for that).
//
// Ownership: what the constructor is given outlives the server; destroying it ends every watch.
// Loop thread only; nothing blocks. Errors are answered as metav1.Status.
// Rules: k8s.io/apiserver pkg/server, pkg/endpoints.
#pragma once

#include "apiserver/access.h"
#include "apiserver/lists.h"
#include "apiserver/metrics_api.h"
#include "apiserver/openapi.h"
#include "apiserver/remote.h"
#include "apiserver/reviews.h"
#include "apiserver/service_accounts.h"
#include "apiserver/subresources.h"
#include "apiserver/watches.h"
#include "apiserver/writes.h"

namespace minato::apiserver {

struct ServerOptions {
  std::string address = "127.0.0.1";  // As clients reach it; said in discovery.
  const metrics::Source* metrics = nullptr;
  PodLogs logs;  // May be empty.
  PodStreams streams;
  ServiceAccountTokens* tokens = nullptr;  // Null: none are issued.
  WatchLimits watch_limits;
  // "" when the server can do its work, else why not; for /readyz. May be empty.
  std::function<std::string()> not_ready;
};

class ApiServer {
 public:
  ApiServer(env::Env env, registry::Registry& registry, const Authenticator& authenticator,
            const Authorizer& authorizer, ServerOptions options);

  void handle(HttpRequest request, ExchangePtr exchange);
  const Watches& watches() const { return watches_; }

 private:
  Status identify(Call& call) const;
  Status impersonate(Call& call) const;
  void serve(const CallPtr& call);
  void serve_resource(const CallPtr& call);
  void serve_object(const CallPtr& call);
  void serve_subresource(const CallPtr& call);
  void serve_token(const CallPtr& call);
  void serve_path(const CallPtr& call);
  void serve_discovery(const CallPtr& call) const;
  void serve_openapi(const CallPtr& call);
  void serve_health(const CallPtr& call) const;

  ServerOptions options_;
  const Authenticator& authenticator_;
  const Authorizer& authorizer_;
  Catalogue catalogue_;
  OpenApi openapi_;
  Lists lists_;
  Watches watches_;
  Writes writes_;
  Subresources subresources_;
  Remote remote_;
  Reviews reviews_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Posted turns outlive this.
  // Follows the definitions of custom kinds, for the watches of those that go.
  std::unique_ptr<kube::Watch> definitions_;
};

}  // namespace minato::apiserver
