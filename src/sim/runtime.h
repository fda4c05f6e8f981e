// container::Runtime of a modelled machine. A view: the machine and its Pods live in the Datacenter
// and outlast it. When the machine is gone, calls are never answered, as with a dead Node.
#pragma once

#include <memory>
#include <string>

#include "sim/datacenter.h"

namespace minato::sim {

class SimRuntime final : public container::Runtime {
 public:
  SimRuntime(Datacenter& datacenter, std::string node);
  ~SimRuntime() override;

  void set_sink(Sink sink) override;
  void list(container::Done<Inventory> done) override;
  void pull_image(const std::string& reference, container::PullPolicy policy,
                  container::Done<container::Image> done) override;
  void run_sandbox(container::SandboxConfig config, container::Done<container::Sandbox> done) override;
  void remove_sandbox(const std::string& pod_uid, container::DoneStatus done) override;
  void start_container(const std::string& pod_uid, container::ContainerConfig config,
                       container::Done<container::Container> done) override;
  void update_files(const std::string& pod_uid, container::Mount volume,
                    container::DoneStatus done) override;
  void stop_container(const container::ContainerRef& ref, Duration grace,
                      container::DoneStatus done) override;
  void remove_container(const container::ContainerRef& ref, container::DoneStatus done) override;
  void exec(const container::ContainerRef& ref, std::vector<std::string> command, Duration timeout,
            container::Done<container::ExecResult> done) override;
  void http_get(container::HttpRequest request, Duration timeout,
                container::Done<container::HttpResponse> done) override;
  void tcp_connect(const std::string& host, std::uint16_t port, Duration timeout,
                   container::DoneStatus done) override;
  void check_health(container::HealthCheck request, Duration timeout,
                    container::Done<container::HealthAnswer> done) override;
  bool will_tell_change(const std::string& pod_uid, std::function<void()> changed) override;
  void stats(container::Done<container::NodeStats> done) override;
  std::unique_ptr<LogStream> read_log(const container::ContainerRef& ref,
                                      container::LogOptions options,
                                      std::function<void(std::string_view)> chunk,
                                      container::DoneStatus done) override;

 private:
  // Runs `work` on the machine after `delay`; not at all when either of us is gone by then.
  void later(Duration delay, std::move_only_function<void(SimMachine&)> work);
  // A probe that stands in the same queue as requests do. Answered with whether the program is
  // ready; errors: Timeout, Unavailable when nobody listens.
  void ask(const std::string& host, std::uint16_t port, Duration timeout,
           container::Done<bool> done);
  Program* find(SimMachine& machine, const container::ContainerRef& ref);
  Result<container::Container> start_program(SimMachine& machine, const std::string& pod_uid,
                                             const container::ContainerConfig& config);

  Datacenter& datacenter_;
  std::string node_;
  std::string machine_id_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::sim
