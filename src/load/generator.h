// Open-loop load: requests leave at a constant rate whatever the answers do, and each one's latency
// counts from when it was due, so that a stall is not hidden by the requests it held up (coordinated
// omission). Every request that was due ends in exactly one of the counts.
//
// HTTP/1.1 with keep-alive over TLS or plain TCP. Never more than max_connections are open; a
// request that finds none free waits, and its waiting counts. One thread, the loop's, carries some
// thousand requests a second; `threads` above 1 spreads them over threads of their own, and only
// callbacks come on the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drill/timeline.h"
#include "host/loop.h"
#include "load/histogram.h"

namespace minato::load {

struct Options {
  std::string host;     // Host header and SNI.
  std::string address;  // Where to connect: "127.0.0.1".
  std::uint16_t port = 443;
  bool tls = true;
  std::string ca_file;  // Trusted authority; "" for the system's.
  std::string path = "/";
  double rate = 100;  // Requests per second.
  Duration duration = 10s;
  Duration timeout = 10s;
  Duration slow_after = Duration::max();  // Of the timeline: a later answer is slow.
  std::size_t max_connections = 1000;
  std::size_t threads = 1;  // 0: as many as the rate needs.
  MonoTime start_at{};      // 0: at start(). Shards begin together.
  // Connections that are opened at once, before the first request is due: else the handshakes of a
  // high rate's first moments would hold its requests up.
  std::size_t open_ahead = 0;
};

using Failure = drill::Cause;

struct Report {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::map<Failure, std::uint64_t> failures;
  std::map<int, std::uint64_t> statuses;
  Histogram latency;  // Of all that were answered.
  // How late requests left for reasons of our own: this process had no time. Where the figures are
  // the service's, nearly all left within a few milliseconds.
  Histogram lateness;
  std::uint64_t waited = 0;  // For a connection: all were busy.
  drill::Timeline timeline;  // By when requests were due.
  Duration elapsed{};
  MonoTime first_failure{};
  MonoTime last_failure{};
  std::string example;  // What the first failure said.
  std::uint64_t failed() const;
  // More than one request of a hundred left late, or connections were too few: then latencies tell
  // of the generator.
  bool is_generator_slow() const;
  void add(const Report& other);  // Of another shard.
};

class Generator {
 public:
  // Errors: Invalid (options), NotFound (CA file).
  static Result<std::unique_ptr<Generator>> make(host::Loop& loop, Options options);
  virtual ~Generator() = default;

  // `done` when the last request has ended. `progress` ten times a second.
  virtual void start(std::function<void(const Report&)> progress,
                     std::function<void(const Report&)> done) = 0;
  // From now on; what is in flight goes on.
  virtual void change(double rate, const std::string& path) = 0;
  // Sends no more; what is in flight still ends.
  virtual void stop() = 0;
  virtual const Report& report() const = 0;  // As of the last progress.
};

}  // namespace minato::load
