// `minato control`: the process inside the holder that runs a local world. Restarted when it dies;
// whatever runs is adopted then.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "commands.h"
#include "host/files.h"
#include "local/local_world.h"
#include "local/service.h"
#include "stderr_log.h"
#include "world.h"

namespace minato::app {
namespace {

struct ControlArguments {
  std::string state_dir;
  int https_fd = -1;
  int http_fd = -1;
  int api_fd = -1;
};

Status run_world(const ControlArguments& arguments, host::Loop& loop, env::Log& log) {
  ASSIGN_OR_RETURN(local::WorldConfig config, local::load_world_config(arguments.state_dir));
  const World world = world_named(config.name);
  const std::string socket = config.run_dir + "/control.sock";
  ASSIGN_OR_RETURN(auto server, control::Server::listen(loop, socket));
  ASSIGN_OR_RETURN(auto local, local::LocalWorld::open(loop, log, std::move(config),
                                                       {arguments.https_fd, arguments.http_fd, arguments.api_fd}));
  local::Service service(loop, *local, *server);
  RETURN_IF_ERROR(local->start());
  (void)::unlink(start_error_file(world).c_str());
  boost::asio::signal_set signals(loop.io(), SIGTERM, SIGINT);
  signals.async_wait([&loop](const boost::system::error_code& error, int) {
    if (!error) loop.stop();
  });
  loop.run();
  return {};
}

}  // namespace

int run_control(int argc, char** argv) {
  ControlArguments arguments;
  CLI::App app("minato control");
  app.add_option("--state-dir", arguments.state_dir)->required();
  app.add_option("--https-fd", arguments.https_fd)->required();
  app.add_option("--http-fd", arguments.http_fd)->required();
  app.add_option("--api-fd", arguments.api_fd);
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  host::Loop loop;
  StderrLog log(loop);
  const Status status = run_world(arguments, loop, log);
  if (status) return kDone;
  log.write(env::Level::kError, "control", status.error().message);
  // `minato up` waits for this file or for the service, whichever comes first.
  const auto config = local::load_world_config(arguments.state_dir);
  if (config) {
    (void)host::write_file_atomic(start_error_file(world_named(config->name)), status.error().message);
  }
  return kFailed;
}

}  // namespace minato::app
