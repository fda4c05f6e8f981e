// HTTP from tests over libcurl: single requests, requests in the background, and a bounded load
// that counts answers. Verifies certificates against a given authority.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace minato::haproxy {

struct Answer {
  long status = 0;      // 0: none; see error.
  std::string error;
  std::string headers;
  std::string body;
};

struct Request {
  std::string url;
  std::string ca_file;
  std::string resolve;  // "host:port:address".
  std::vector<std::string> headers = {};
};

Answer fetch(const Request& request);
inline std::future<Answer> fetch_async(Request request) {
  return std::async(std::launch::async, [request = std::move(request)] { return fetch(request); });
}

// Four clients, half of them keeping connections, until destroyed or finish() is called.
class Load {
 public:
  explicit Load(Request request);
  ~Load() { finish(); }
  // How often each status came; 0 counts requests without an answer.
  std::map<long, int> finish();

 private:
  void work(const Request& request, bool keep_alive);
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::map<long, int> counts_;
  std::vector<std::jthread> threads_;
};

}  // namespace minato::haproxy
