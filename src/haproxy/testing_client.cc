#include "haproxy/testing_client.h"

#include <curl/curl.h>

#include <memory>

namespace minato::haproxy {
namespace {

constexpr auto kPause = std::chrono::milliseconds(2);

std::size_t append(char* data, std::size_t size, std::size_t count, void* target) {
  static_cast<std::string*>(target)->append(data, size * count);
  return size * count;
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Handle make_handle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  return Handle(ready == CURLE_OK ? curl_easy_init() : nullptr, &curl_easy_cleanup);
}

Answer perform(CURL* curl, const Request& request) {
  Answer answer;
  curl_slist* headers = nullptr;
  for (const std::string& header : request.headers) {
    headers = curl_slist_append(headers, header.c_str());
  }
  curl_slist* resolve =
      request.resolve.empty() ? nullptr : curl_slist_append(nullptr, request.resolve.c_str());
  char error[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.headers);
  if (curl_easy_perform(curl) == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  } else {
    answer.error = error;
  }
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  curl_slist_free_all(headers);
  curl_slist_free_all(resolve);
  return answer;
}

}  // namespace

Answer fetch(const Request& request) { return perform(make_handle().get(), request); }

Load::Load(Request request) {
  for (int i = 0; i < 4; ++i) {
    threads_.emplace_back([this, request, i] { work(request, i % 2 == 0); });
  }
}

std::map<long, int> Load::finish() {
  stop_ = true;
  threads_.clear();
  return counts_;
}

void Load::work(const Request& request, bool keep_alive) {
  const Handle curl = make_handle();
  curl_easy_setopt(curl.get(), CURLOPT_FORBID_REUSE, keep_alive ? 0L : 1L);
  while (!stop_) {
    const Answer answer = perform(curl.get(), request);
    {
      const std::scoped_lock lock(mutex_);
      counts_[answer.status]++;
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace minato::haproxy
