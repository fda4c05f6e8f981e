// The roles that run inside a cluster, as Pods of an image made from this very program.
//
// `controller` and `metrics-server` hold a place: their loops run in the control process exactly
// while such a Pod is Ready, so where they are placed matters as it does on EKS.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>

#include "blueprint/system.h"
#include "commands.h"
#include "eks_roles.h"
#include "host/http.h"
#include "linux_net/dns.h"
#include "local/agent_link.h"
#include "local/http_metadata.h"
#include "stderr_log.h"

namespace minato::app {
namespace {

void stop_on_signal(host::Loop& loop, boost::asio::signal_set& signals) {
  signals.async_wait([&loop](const boost::system::error_code& error, int) {
    if (!error) loop.stop();
  });
}

int hold_place(const std::string& role, std::uint16_t port) {
  host::Loop loop;
  auto listening = host::listen_tcp("0.0.0.0", port);
  if (!listening) return fail_with(listening.error(), {});
  host::HttpServer server(loop, std::move(*listening), [](const host::HttpRequest& request) {
    const bool known = request.target == "/healthz" || request.target == "/readyz";
    return host::HttpResponse{.status = known ? 200 : 404, .headers = {}, .body = known ? "ok\n" : "not found\n"};
  });
  boost::asio::signal_set signals(loop.io(), SIGTERM, SIGINT);
  stop_on_signal(loop, signals);
  fmt::print("{} is in place; health on port {}\n", role, port);
  std::fflush(stdout);
  loop.run();
  return kDone;
}

int hold_room() {
  host::Loop loop;
  boost::asio::signal_set signals(loop.io(), SIGTERM, SIGINT);
  stop_on_signal(loop, signals);
  loop.run();
  return kDone;
}

int serve_dns(const std::string& hosts, const std::string& listen) {
  const std::vector<std::string> command = linux_net::dns_command(hosts, listen);
  std::vector<char*> argv;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return fail_with(fail_errno("starting dnsmasq", errno).error(), {});
}

// Polls the metadata of the instance that it runs on.
int watch_instance(const std::string& directory, Duration poll) {
  host::Loop loop;
  StderrLog log(loop);
  local::HttpMetadata metadata(loop);
  std::unique_ptr<local::AgentLink> link;
  std::unique_ptr<agent::Agent> agent;
  env::TimerHandle retry;
  // Which instance this is, it tells itself; until then nothing can be told of it.
  std::function<void()> begin = [&] {
    metadata.get("meta-data/instance-id", [&](const auto& id) {
      if (!id || !*id) {
        log.write(env::Level::kWarning, "agent", id ? "the metadata tell no instance id" : id.error().message);
        retry = loop.after(poll, [&] { begin(); });
        return;
      }
      log.write(env::Level::kInfo, "agent", "watching " + **id);
      link = std::make_unique<local::AgentLink>(directory, **id);
      agent::Agent::Options options;
      options.poll_interval = poll;
      agent = std::make_unique<agent::Agent>(env::Env{loop, loop, log, env::Rng(0)}, metadata, *link, options);
      agent->start();
    });
  };
  begin();
  boost::asio::signal_set signals(loop.io(), SIGTERM, SIGINT);
  stop_on_signal(loop, signals);
  loop.run();
  return kDone;
}

}  // namespace

void add_roles(CLI::App& app, int& exit_code) {
  const std::string group = "Roles inside a cluster";
  add_controller(app, group, [](std::uint16_t port) { return hold_place(std::string(blueprint::kRoleController), port); }, exit_code);
  auto port = std::make_shared<std::uint16_t>(blueprint::kHealthPort);
  CLI::App* metrics = app.add_subcommand(std::string(blueprint::kRoleMetrics), "Holds the role's place in the local world");
  metrics->group(group);
  metrics->add_option("--health-port", *port, "Port of /healthz")->capture_default_str();
  metrics->callback([port, &exit_code] { exit_code = hold_place(std::string(blueprint::kRoleMetrics), *port); });
  auto hosts = std::make_shared<std::string>();
  auto listen = std::make_shared<std::string>("0.0.0.0");
  CLI::App* dns = app.add_subcommand(std::string(blueprint::kRoleDns), "Answers for the names of Services");
  dns->group(group);
  dns->add_option("--hosts", *hosts, "Directory of the records")->required();
  dns->add_option("--listen", *listen, "Address")->capture_default_str();
  dns->callback([hosts, listen, &exit_code] { exit_code = serve_dns(*hosts, *listen); });
  add_agent(app, group, watch_instance, exit_code);
  CLI::App* pause = app.add_subcommand("pause", "Does nothing, to hold room for others");
  pause->group(group);
  pause->callback([&exit_code] { exit_code = hold_room(); });
}

}  // namespace minato::app
