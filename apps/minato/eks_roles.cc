#include "eks_roles.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <random>

#include "aws_http/auto_scaling.h"
#include "aws_http/curl_transport.h"
#include "aws_http/load_balancing.h"
#include "blueprint/system.h"
#include "eks/controller.h"
#include "eks/node_agent.h"
#include "host/http.h"
#include "json_log.h"
#include "kube/names.h"
#include "kube/types/config.h"
#include "kube_http/client.h"
#include "local/http_metadata.h"

namespace minato::app {
namespace {

constexpr Duration kLookForCloud = 500ms;  // Between two looks whether it has been described.

struct ClusterOptions {
  std::string kubeconfig;  // "": this is a Pod of the cluster.
  std::string context;
  std::uint16_t health_port = blueprint::kHealthPort;
};

struct ControllerOptions {
  ClusterOptions access;
  std::string cluster;
  std::string target_group;
  std::string profile = "realistic";
};

struct AgentOptions {
  ClusterOptions access;
  std::string directory;
  std::string node;
  int poll_ms = 2000;
  int hook_seconds = 60;
};

// What every role has: a loop that a signal ends, a log, and the port that tells how it is.
class Process {
 public:
  Process() : log_(loop_), seed_(std::random_device{}()), signals_(loop_.io(), SIGTERM, SIGINT) {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) loop_.stop();
    });
  }
  host::Loop& loop() { return loop_; }
  env::Env env() { return {loop_, loop_, log_, env::Rng(seed_)}; }
  // A role that cannot begin says why and ends; the kubelet starts it again.
  void give_up(const Error& error) {
    log_.write(env::Level::kError, "minato", error.message);
    exit_code_ = kFailed;
    loop_.stop();
  }
  std::string identity() const {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return fmt::format("{}_{:08x}", name, seed_);
  }

  // Until a signal comes. `add_metrics` is asked at each scrape; ready is what began.
  int run(std::uint16_t port, const bool& is_ready, std::function<void(eks::MetricsText&)> add_metrics) {
    auto listening = host::listen_tcp("0.0.0.0", port);
    if (!listening) return fail_with(listening.error(), {});
    const host::HttpServer server(loop_, std::move(*listening), [&](const host::HttpRequest& request) {
      return answer(request, is_ready, add_metrics);
    });
    loop_.run();
    return exit_code_;
  }

 private:
  static host::HttpResponse answer(const host::HttpRequest& request, bool is_ready,
                                   const std::function<void(eks::MetricsText&)>& add_metrics) {
    if (request.target == "/healthz") return {.status = 200, .headers = {}, .body = "ok\n"};
    if (request.target == "/readyz") {
      return is_ready ? host::HttpResponse{.status = 200, .headers = {}, .body = "ok\n"}
                      : host::HttpResponse{.status = 503, .headers = {}, .body = "begins\n"};
    }
    if (request.target != "/metrics") return {.status = 404, .headers = {}, .body = "not found\n"};
    eks::MetricsText text;
    add_metrics(text);
    return {.status = 200, .headers = {{"Content-Type", std::string(eks::kMetricsContentType)}}, .body = text.text()};
  }

  host::Loop loop_;
  JsonLog log_;
  std::uint32_t seed_;
  boost::asio::signal_set signals_;
  int exit_code_ = kDone;
};

Result<kube_http::Endpoint> endpoint_of(const ClusterOptions& options) {
  return options.kubeconfig.empty() ? kube_http::in_cluster() : kube_http::from_kubeconfig(options.kubeconfig, options.context);
}

void add_client_metrics(const kube_http::HttpClient& client, eks::MetricsText& out) {
  const kube_http::HttpClient::Statistics now = client.statistics();
  out.counter("minato_api_calls_total", "Calls of the Kubernetes API but for watches.", static_cast<double>(now.calls));
  out.counter("minato_api_failed_calls_total", "Calls that were not answered, or by a fault of the server.",
              static_cast<double>(now.failed_calls));
  out.counter("minato_api_waited_seconds_total", "How long the loop stood still for calls.", to_seconds(now.waited));
  out.counter("minato_watch_events_total", "Events of all watches.", static_cast<double>(now.watch_events));
  out.counter("minato_watch_connections_total", "Connections that watches were opened on.", static_cast<double>(now.watch_connections));
  out.counter("minato_watch_lists_total", "Lists because history was lost.", static_cast<double>(now.watch_lists));
  out.counter("minato_watch_failures_total", "Watches that failed.", static_cast<double>(now.watch_failures));
  out.gauge("minato_watches_behind", "Watches whose last attempt failed.", static_cast<double>(now.watches_behind));
}

// The cloud seams on AWS, described before anyone decides by them.
class Aws {
 public:
  static Result<std::unique_ptr<Aws>> make(host::Loop& loop, const env::Env& env, const ControllerOptions& options) {
    ASSIGN_OR_RETURN(aws_http::Settings settings, aws_http::Settings::read(aws_http::process_variable));
    return std::unique_ptr<Aws>(new Aws(loop, env, options, std::move(settings)));
  }
  void start() {
    auto_scaling.start([](const Status&) {});  // A failure is logged, and tried again, by the adapter.
    load_balancing.start([](const Status&) {});
  }
  bool is_described() const { return auto_scaling.last_success() && load_balancing.last_success(); }

 private:
  Aws(host::Loop& loop, const env::Env& env, const ControllerOptions& options, aws_http::Settings settings)
      : metadata_(loop),
        transport_(loop),
        credentials_(env.fork("credentials"), transport_, settings,
                     {.variables = aws_http::process_variable,
                      .read_file = [](const std::string& path) { return host::read_file(path); },
                      .metadata = &metadata_}),
        client_(env.fork("aws"), transport_, credentials_, settings),
        auto_scaling(env.fork("auto-scaling"), client_,
                     {.groups = {}, .tags = {{"k8s.io/cluster-autoscaler/" + options.cluster, "owned"}}}),
        load_balancing(env.fork("load-balancing"), client_, auto_scaling, {.target_group = options.target_group}) {}

  local::HttpMetadata metadata_;
  aws_http::CurlTransport transport_;
  aws_http::CredentialChain credentials_;
  aws_http::Client client_;

 public:
  aws_http::AutoScaling auto_scaling;
  aws_http::LoadBalancing load_balancing;
};

int run_controller(const ControllerOptions& options) {
  Process process;
  const env::Env env = process.env();
  auto endpoint = endpoint_of(options.access);
  if (!endpoint) return fail_with(endpoint.error(), {});
  auto aws = Aws::make(process.loop(), env, options);
  if (!aws) return fail_with(aws.error(), {});
  const auto credentials = std::make_shared<kube_http::Credentials>(std::move(*endpoint));
  std::unique_ptr<eks::Controller> controller;
  kube_http::HttpClient::Options acting;
  acting.may_write = [&controller] { return controller->may_write(); };
  acting.scopes = {{&kube::ConfigMap::static_kind(), {.namespace_ = std::string(kube::kNamespaceSystem)}}};
  kube_http::HttpClient client(env.fork("acting"), credentials, std::move(acting));
  kube_http::HttpClient lease_client(env.fork("lease"), credentials);
  auto made = eks::Controller::make(env.fork("controller"), {client, lease_client, (*aws)->auto_scaling, (*aws)->load_balancing},
                                    {.cluster = options.cluster,
                                     .identity = process.identity(),
                                     .profile = options.profile == "fast" ? cluster::kFast : cluster::kRealistic});
  if (!made) return fail_with(made.error(), {});
  controller = std::move(*made);
  bool is_ready = false;
  env::TimerHandle looking;
  // What nobody has described would look like a cloud without groups, and targets.
  const std::function<void()> begin = [&] {
    if (!(*aws)->is_described()) {
      looking = env.executor.after(kLookForCloud, begin);
      return;
    }
    if (const Status started = controller->start(); !started) return process.give_up(started.error());
    is_ready = true;
  };
  (*aws)->start();
  begin();
  const int exit_code = process.run(options.access.health_port, is_ready, [&](eks::MetricsText& out) {
    controller->add_metrics(out);
    add_client_metrics(client, out);
  });
  if (is_ready) controller->stop();
  return exit_code;
}

int run_agent(const AgentOptions& options) {
  Process process;
  const env::Env env = process.env();
  auto endpoint = endpoint_of(options.access);
  if (!endpoint) return fail_with(endpoint.error(), {});
  kube_http::HttpClient::Options own_node;
  own_node.scopes = {{&kube::Node::static_kind(), {.fields = {{"metadata.name", options.node}}}}};
  kube_http::HttpClient client(env.fork("client"), std::make_shared<kube_http::Credentials>(std::move(*endpoint)), std::move(own_node));
  local::HttpMetadata metadata(process.loop());
  eks::NodeAgent agent(env.fork("agent"), client, metadata,
                       {.node = options.node, .poll = std::chrono::milliseconds(options.poll_ms),
                        .hook_timeout = std::chrono::seconds(options.hook_seconds)});
  bool is_ready = false;
  process.loop().post([&] {
    if (const Status started = agent.start(); !started) return process.give_up(started.error());
    is_ready = true;
  });
  return process.run(options.access.health_port, is_ready, [&](eks::MetricsText& out) {
    agent.add_metrics(out);
    add_client_metrics(client, out);
  });
}

void add_cluster_options(CLI::App* command, ClusterOptions& options) {
  command->add_option("--kubeconfig", options.kubeconfig, "File that says where the API is; none: this is a Pod of the cluster");
  command->add_option("--context", options.context, "Of the kubeconfig, instead of its current one")->needs("--kubeconfig");
  command->add_option("--health-port", options.health_port, "Port of /healthz, /readyz and /metrics")->capture_default_str();
}

}  // namespace

void add_controller(CLI::App& app, const std::string& group, std::function<int(std::uint16_t port)> hold_place, int& exit_code) {
  auto options = std::make_shared<ControllerOptions>();
  CLI::App* command = app.add_subcommand(std::string(blueprint::kRoleController),
                                         "Makes a cluster of EKS as large as its Pods need, and takes Nodes out without losing requests");
  command->group(group);
  CLI::Option* cluster = command->add_option("--cluster", options->cluster, "Name of the cluster, as in the tags of its groups; none: hold the role's place in the local world");
  command->add_option("--target-group", options->target_group, "ARN or name of the load balancer's target group")->needs(cluster);
  command->add_option("--profile", options->profile, "Patience")->check(CLI::IsMember({"realistic", "fast"}))->capture_default_str();
  add_cluster_options(command, options->access);
  command->callback([options, hold_place = std::move(hold_place), &exit_code] {
    if (options->cluster.empty()) {
      exit_code = hold_place(options->access.health_port);
    } else if (options->target_group.empty()) {
      exit_code = kUsage;
      fail_with({Reason::kInvalid, "--cluster needs --target-group: removals take Nodes out of it"}, {});
    } else {
      exit_code = run_controller(*options);
    }
  });
}

void add_agent(CLI::App& app, const std::string& group,
               std::function<int(const std::string& directory, Duration poll)> watch_instance, int& exit_code) {
  auto options = std::make_shared<AgentOptions>();
  CLI::App* command = app.add_subcommand(std::string(blueprint::kRoleAgent), "Watches its instance for notices of its end");
  command->group(group);
  CLI::Option* directory = command->add_option("--directory", options->directory, "In the local world: where control's socket is");
  command->add_option("--node", options->node, "In a cluster of EKS: the Node that this runs on")->excludes(directory);
  command->add_option("--poll-ms", options->poll_ms, "Between two looks")->capture_default_str()->check(CLI::Range(100, 60000));
  command->add_option("--hook-seconds", options->hook_seconds, "For how long the group's life cycle hook holds an instance that is to end")
      ->check(CLI::Range(10, 7200))
      ->capture_default_str();
  add_cluster_options(command, options->access);
  command->callback([options, watch_instance = std::move(watch_instance), &exit_code] {
    if (!options->directory.empty()) {
      exit_code = watch_instance(options->directory, std::chrono::milliseconds(options->poll_ms));
    } else if (!options->node.empty()) {
      exit_code = run_agent(*options);
    } else {
      exit_code = kUsage;
      fail_with({Reason::kInvalid, "--node or --directory is needed"}, {});
    }
  });
}

}  // namespace minato::app
