// Open-loop load: requests leave at a constant rate whatever the answers do, and each one's latency
// counts from when it was due, so that a stall is not hidden by the requests it held up (coordinated
// omission). Every request that was due ends in exactly one of the counts.
//
// HTTP/1.1 with keep-alive over TLS or plain TCP, on the loop. Never more than max_connections are
// open; a request that finds none free waits, and its waiting counts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

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
  std::size_t max_connections = 1000;
};

enum class Failure { kRefused, kReset, kTimeout, kTls, kHttp4xx, kHttp5xx, kOther };
std::string_view to_string(Failure failure);

struct Report {
  std::uint64_t sent = 0;
  std::uint64_t ok = 0;
  std::map<Failure, std::uint64_t> failures;
  std::map<int, std::uint64_t> statuses;
  Histogram latency;  // Of all that were answered.
  Duration elapsed{};
  MonoTime first_failure{};
  MonoTime last_failure{};
  std::string example;  // What the first failure said.
  std::uint64_t failed() const;
};

class Generator {
 public:
  // Errors: Invalid (options), NotFound (CA file).
  static Result<std::unique_ptr<Generator>> make(host::Loop& loop, Options options);
  virtual ~Generator() = default;

  // `done` when the last request has ended. `progress` about once a second.
  virtual void start(std::function<void(const Report&)> progress,
                     std::function<void(const Report&)> done) = 0;
  // Sends no more; what is in flight still ends.
  virtual void stop() = 0;
};

}  // namespace minato::load
