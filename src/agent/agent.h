// The spot agent of one Node: asks the metadata service of its own instance whether the instance is
// about to end, and tells a Sink. The DaemonSet role; it needs nothing of the control plane to see
// a notice.
//
// Every kind is asked for by itself: one that fails delays no other. A failure backs off to at most
// backoff_max, since a notice that is seen late costs the most; the third in a row is a warning. It
// never ends by itself. An answer that does not come within answer_timeout is a failure.
//
// A notice is told once, again when its time changes, and again at the next poll while the Sink
// refuses it. It counts as withdrawn after `absences` answers in a row without it: one stray 404
// must not put a dying instance back into service. A notice withdrawn while no agent ran is not
// noticed.
//
// Where the metadata service tells of changes by itself (a modelled one), polls that would find
// nothing new are left out; the next is at the time at which it would have been anyway.
//
// Owned by the composition; metadata and Sink outlive it. Loop thread only.
// Rules: aws-node-termination-handler polls every 2 s, AWS advises 5 s; 404 is "none".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/notice.h"
#include "cloud/instance_metadata.h"
#include "env/env.h"

namespace minato::agent {

class Sink {
 public:
  virtual ~Sink() = default;
  // An error: told again.
  virtual Status notice(const Notice& notice) = 0;
  virtual void cancelled(Kind kind) = 0;
  // The metadata service fails again and again; and no longer.
  virtual void troubled(const std::string& message) = 0;
  virtual void recovered() = 0;
};

class Agent {
 public:
  struct Options {
    Duration poll_interval = 2s;
    Duration answer_timeout = 2s;
    Duration backoff_max = 10s;
    int failures_to_warn = 3;
    int absences = 3;
  };
  Agent(env::Env env, cloud::InstanceMetadata& metadata, Sink& sink, Options options);
  Agent(env::Env env, cloud::InstanceMetadata& metadata, Sink& sink)
      : Agent(std::move(env), metadata, sink, Options{}) {}

  // Asks at once, then every interval.
  void start();
  // What stands at present; null: none.
  const Notice* notice(Kind kind) const;

 private:
  struct Monitor {
    std::uint64_t request = 0;  // Awaited; 0: none. Late answers to earlier ones do not count.
    int failures = 0;
    int absent = 0;
    bool is_accepted = false;  // By the Sink.
    std::optional<Notice> notice;
    MonoTime answered{};
    env::TimerHandle timer;
  };
  void poll(Kind kind);
  void answered(Kind kind, std::uint64_t request,
                const Result<std::optional<std::string>>& answer);
  Status take(Kind kind, Monitor& monitor, const std::optional<std::string>& document);
  void present(Monitor& monitor, const Notice& notice);
  void absent(Kind kind, Monitor& monitor);
  bool rests(Kind kind, Monitor& monitor);
  void failed(Monitor& monitor, const Error& error);
  void succeeded(Monitor& monitor);

  env::Env env_;
  cloud::InstanceMetadata& metadata_;
  Sink& sink_;
  Options options_;
  std::map<Kind, Monitor> monitors_;
  std::uint64_t next_request_ = 1;
  bool is_troubled_ = false;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::agent
