#include "local/metadata_servers.h"

#include "linux_net/netns.h"

namespace minato::local {
namespace {

constexpr const char* kAddress = "169.254.169.254";
constexpr std::uint16_t kPort = 80;

host::HttpResponse answer(imds::Service& service, const host::HttpRequest& request) {
  imds::Response response = service.handle({request.method, request.target, request.headers});
  host::HttpResponse out{.status = response.status, .headers = {}, .body = std::move(response.body)};
  for (auto& [name, value] : response.headers) out.headers.emplace_back(name, std::move(value));
  return out;
}

}  // namespace

void MetadataServers::add(const cloud::Instance& instance, imds::Service& service) {
  auto listening = listen(instance.id);
  if (!listening) {
    log_.write(env::Level::kWarning, "metadata", listening.error().message);
    return;
  }
  host::HttpServer::Options options;
  options.admits = [own = instance.private_ip](const std::string& peer) {
    return peer == own || peer == kAddress || peer.starts_with("127.");
  };
  servers_[instance.id] = std::make_unique<host::HttpServer>(
      loop_, std::move(*listening), [&service](const host::HttpRequest& request) { return answer(service, request); },
      std::move(options));
}

Result<host::Fd> MetadataServers::listen(const std::string& instance_id) const {
  ASSIGN_OR_RETURN(const linux_net::VpcNode node, vpc_.find_instance(instance_id));
  ASSIGN_OR_RETURN(const auto inside, linux_net::NetnsGuard::enter(node.netns_path));
  return host::listen_tcp(kAddress, kPort);
}

}  // namespace minato::local
