#include "local/api_endpoint.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "apiserver/prepared.h"
#include "base/strings.h"
#include "net/tls_context.h"
#include "tls/authority.h"

namespace minato::local {
namespace {

constexpr std::size_t kTokenBytes = 32;

Result<std::string> read_or_make_token(const std::string& path) {
  if (const auto present = host::read_file(path, 1'000);
      present && present->size() >= kTokenBytes) {
    return std::string(trim(*present));
  }
  char bytes[kTokenBytes];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return fail_errno("getrandom", errno);
  const std::string token = to_hex({bytes, sizeof bytes});
  RETURN_IF_ERROR(host::write_file_atomic(path, token + "\n", 0600));
  return token;
}

Result<apiserver::SigningKey> read_or_make_key(const std::string& path) {
  if (const auto present = host::read_file(path, 10'000))
    return apiserver::SigningKey::from_pem(*present);
  ASSIGN_OR_RETURN(apiserver::SigningKey key, apiserver::SigningKey::generate());
  ASSIGN_OR_RETURN(const std::string pem, key.to_pem());
  RETURN_IF_ERROR(host::write_file_atomic(path, pem, 0600));
  return key;
}

apiserver::PodLogs logs_of(cluster::Cluster& cluster) {
  return [&cluster](
             const kube::Pod& pod, const apiserver::LogRequest& request,
             std::function<void(std::string_view)> chunk,
             container::DoneStatus done) -> Result<std::unique_ptr<container::Runtime::LogStream>> {
    kubelet::Kubelet* kubelet = cluster.kubelet_of(pod.spec.node_name);
    container::Runtime* runtime = cluster.runtime_of(pod.spec.node_name);
    auto ref =
        kubelet != nullptr ? kubelet->container_ref(pod.key(), request.container) : std::nullopt;
    if (!ref || runtime == nullptr) {
      return fail(Reason::kBadRequest,
                  fmt::format("container \"{}\" in pod \"{}\" is waiting to start",
                              request.container, pod.metadata.name));
    }
    if (request.previous && ref->attempt == 0) {
      return fail(Reason::kBadRequest,
                  fmt::format("previous terminated container \"{}\" in pod \"{}\" not found",
                              request.container, pod.metadata.name));
    }
    if (request.previous) --ref->attempt;
    return runtime->read_log(*ref, request.options, std::move(chunk), std::move(done));
  };
}

// A container and the runtime of its Node.
struct Running {
  container::Runtime* runtime = nullptr;
  container::ContainerRef container;
};

Result<Running> find_running(cluster::Cluster& cluster, const kube::Pod& pod,
                             const std::string& container) {
  kubelet::Kubelet* kubelet = cluster.kubelet_of(pod.spec.node_name);
  container::Runtime* runtime = cluster.runtime_of(pod.spec.node_name);
  const auto ref = kubelet != nullptr ? kubelet->container_ref(pod.key(), container) : std::nullopt;
  if (!ref || runtime == nullptr) {
    return fail(Reason::kNotFound, fmt::format("container not found (\"{}\")", container));
  }
  return Running{runtime, *ref};
}

apiserver::PodStreams streams_of(cluster::Cluster& cluster) {
  using Opened = Result<std::unique_ptr<container::Streams>>;
  apiserver::PodStreams out;
  out.command = [&cluster](const kube::Pod& pod, const std::string& container,
                           container::CommandOptions options,
                           container::Streams::Events events) -> Opened {
    ASSIGN_OR_RETURN(const Running found, find_running(cluster, pod, container));
    return found.runtime->open_command(found.container, std::move(options), std::move(events));
  };
  out.attach = [&cluster](const kube::Pod& pod, const std::string& container,
                          container::AttachOptions options,
                          container::Streams::Events events) -> Opened {
    ASSIGN_OR_RETURN(const Running found, find_running(cluster, pod, container));
    return found.runtime->open_attach(found.container, options, std::move(events));
  };
  out.port = [&cluster](const kube::Pod& pod, std::uint16_t port,
                        container::Streams::Events events) -> Opened {
    container::Runtime* runtime = cluster.runtime_of(pod.spec.node_name);
    if (runtime == nullptr) {
      return fail(Reason::kNotFound, fmt::format("node {} is gone", pod.spec.node_name));
    }
    return runtime->open_port(pod.metadata.uid, port, std::move(events));
  };
  return out;
}

apiserver::ServerOptions server_options(cluster::Cluster& cluster,
                                        apiserver::ServiceAccountTokens& tokens) {
  apiserver::ServerOptions out;
  out.metrics = &cluster.metrics();
  out.logs = logs_of(cluster);
  out.streams = streams_of(cluster);
  out.tokens = &tokens;
  return out;
}

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls(const ApiEndpoint::Options& options,
                                                            WallTime now) {
  ASSIGN_OR_RETURN(
      tls::Authority authority,
      tls::Authority::open_or_create(options.state_dir + "/authority", options.host_name, now));
  tls::Request request;
  request.domain = "kubernetes";
  request.more_dns_names = {"kubernetes.default", "kubernetes.default.svc",
                            "kubernetes.default.svc.cluster.local", "localhost"};
  request.ip_addresses.insert(request.ip_addresses.end(), options.addresses.begin(),
                              options.addresses.end());
  ASSIGN_OR_RETURN(const tls::Certificate certificate, authority.issue(request, now));
  return net::make_tls_context(
      {certificate.chain_pem, certificate.key_pem, authority.certificate_pem()});
}

}  // namespace

ApiEndpoint::ApiEndpoint(const env::Env& env, cluster::Cluster& cluster, std::string admin_token,
                         apiserver::SigningKey key)
    : authorizer_(cluster.registry()),
      tokens_(env.fork("tokens"), cluster.registry(), std::move(key)),
      server_(env, cluster.registry(), authenticator_, authorizer_,
              server_options(cluster, tokens_)) {
  authenticator_.set_verifier([this](std::string_view token) { return tokens_.verify(token); });
  authenticator_.add_token(std::move(admin_token),
                           {"minato-admin", "", {std::string(apiserver::kMasters)}});
}

ApiEndpoint::~ApiEndpoint() = default;

Result<std::unique_ptr<ApiEndpoint>> ApiEndpoint::open(host::Loop& loop, env::Env env,
                                                       cluster::Cluster& cluster,
                                                       Listening listening,
                                                       const Options& options) {
  ASSIGN_OR_RETURN(auto tls, make_tls(options, loop.wall()));
  ASSIGN_OR_RETURN(std::string token, read_or_make_token(admin_token_file(options.state_dir)));
  ASSIGN_OR_RETURN(apiserver::SigningKey key,
                   read_or_make_key(options.state_dir + "/authority/service-accounts.key"));
  RETURN_IF_ERROR(apiserver::bootstrap_roles(cluster.registry()));
  std::unique_ptr<ApiEndpoint> out(
      new ApiEndpoint(env, cluster, std::move(token), std::move(key)));
  for (host::Fd* each : {&listening.host, &listening.vpc}) {
    net::HttpsServer::Options https;
    https.prepare = &apiserver::prepare;
    https.before_send = [&store = cluster.registry().store()] { return store.flush(); };
    out->https_.push_back(std::make_unique<net::HttpsServer>(
        loop, std::move(*each), tls,
        [server = &out->server_](apiserver::HttpRequest request, apiserver::ExchangePtr exchange) {
          server->handle(std::move(request), std::move(exchange));
        },
        std::move(https)));
  }
  return out;
}

}  // namespace minato::local
