// Follows one kind of object on a server, in a thread of its own: watches from a version on, goes on
// where it was when a connection ends, and lists anew when the server's history no longer reaches
// back (410). Private to kube_http.
//
// Bookmarks keep the version new while nothing happens. A server that fails or answers nonsense is
// tried again after kFirstPause, then ever longer up to kLongestPause, with chance in it; one that
// falls silent is given up after kQuiet (transport.h). One thread each, since they only wait: a
// controller follows some eight kinds.
//
// `deliver` is called on that thread, in order. Destroying the Reflector stops the transfer under way
// and joins the thread. Objects that cannot be read are told of in `trouble` and left out.
// Rules: k8s.io/client-go tools/cache/reflector.go (back-off, random timeouts of 5 to 10 minutes).
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "kube/client.h"
#include "kube_http/transport.h"

namespace minato::kube_http {

// Of all watches of a client. Read on any thread.
struct WatchCounters {
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> lists{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::int64_t> behind{0};  // Watches whose last attempt failed.
};

struct Received {
  std::vector<kube::WatchEvent> events;
  std::optional<kube::ObjectList> list;  // Instead of all that was known.
  std::string trouble;                   // For the log; "" for none.
};

class Reflector {
 public:
  static constexpr Duration kFirstPause = 800ms;
  static constexpr Duration kLongestPause = 30s;
  static constexpr Duration kShortest = 1s;  // A watch that ends sooner is no reason to hurry.

  struct Options {
    const kube::Kind& kind;
    kube::ListOptions list;
    std::uint64_t from_version = 0;
    env::Rng rng;
    std::shared_ptr<WatchCounters> counters;
    std::function<void(Received)> deliver;
  };
  Reflector(const env::Clock& clock, std::shared_ptr<Credentials> credentials, Options options);

 private:
  enum class End { kOrdinary, kExpired, kFailed };
  void run(const std::stop_token& stop);
  End watch(const std::stop_token& stop);
  End list(const std::stop_token& stop);
  Status take(std::string_view piece, End& end);
  void take_line(std::string_view line, Received& out, End& end);
  void tell_trouble(const std::string& what);
  void note(End end);
  void pause(const std::stop_token& stop);

  const env::Clock& clock_;
  Transport transport_;
  Options options_;
  std::uint64_t version_;
  std::string partial_;  // Of a line.
  bool is_behind_ = false;
  Duration next_pause_ = kFirstPause;
  std::mutex mutex_;  // For the pause only.
  std::condition_variable_any waiting_;
  std::jthread thread_;  // Last: it uses all of the above.
};

// All pages of a list. Shared with the client, which asks on its own thread.
Result<kube::ObjectList> list_all(Transport& transport, const kube::Kind& kind, const kube::ListOptions& options,
                                  const std::function<void(const std::string&)>& trouble, std::stop_token stop = {});

}  // namespace minato::kube_http
