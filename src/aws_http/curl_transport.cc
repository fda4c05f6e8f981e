#include "aws_http/curl_transport.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <mutex>

#include "base/check.h"
#include "base/strings.h"

namespace minato::aws_http {
namespace {

using boost::asio::posix::stream_descriptor;

constexpr std::size_t kMaxBodyBytes = 16 << 20;
constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr long kMaxConnections = 16;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

struct Transfer {
  HttpRequest request;
  HttpTransport::Callback done;
  Easy easy{curl_easy_init(), &curl_easy_cleanup};
  Headers headers{nullptr, &curl_slist_free_all};
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view line = trim(std::string_view(bytes, count));
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // An interim one came before.
  transfer.header_bytes += count;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.too_large = true;
    return 0;
  }
  if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
  }
  return count;
}

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.response.body.size() + count > kMaxBodyBytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(bytes, count);
  return count;
}

void prepare(Transfer& transfer, Duration timeout, const std::string& ca_file) {
  CURL* easy = transfer.easy.get();
  const HttpRequest& request = transfer.request;
  for (const auto& [name, value] : request.headers) {
    transfer.headers.reset(
        curl_slist_append(transfer.headers.release(), fmt::format("{}: {}", name, value).c_str()));
  }
  curl_easy_setopt(easy, CURLOPT_URL, (request.origin + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "minato");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout / std::chrono::milliseconds(1)));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
  if (request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  } else if (request.method != "GET") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
}

Result<HttpResponse> outcome(Transfer& transfer, CURLcode code) {
  if (transfer.too_large) {
    return fail(Reason::kInvalid, fmt::format("{}: the answer is too large", transfer.request.origin));
  }
  if (code != CURLE_OK) {
    return fail(code == CURLE_OPERATION_TIMEDOUT ? Reason::kTimeout : Reason::kUnavailable,
                fmt::format("{}: {}", transfer.request.origin, curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

}  // namespace

// Sockets are curl's; the loop waits on duplicates, so that neither side closes the other's.
struct CurlTransport::State {
  struct Watch {
    explicit Watch(boost::asio::io_context& io, int fd) : descriptor(io, fd) {}
    stream_descriptor descriptor;
    int what = CURL_POLL_NONE;
    bool reading = false;
    bool writing = false;
  };

  State(host::Loop& the_loop, std::string the_ca_file)
      : loop(the_loop), ca_file(std::move(the_ca_file)) {
    CHECK(multi != nullptr, "curl_multi_init failed");
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMaxConnections);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (const auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<State*>(self)->watch(fd, what);
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* self) {
    auto* state = static_cast<State*>(self);
    state->timer = {};
    if (milliseconds < 0) return 0;
    state->timer = state->loop.after(std::chrono::milliseconds(milliseconds),
                                     [state] { state->act(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }

  void watch(curl_socket_t fd, int what) {
    if (what == CURL_POLL_REMOVE) {
      watches.erase(fd);
      return;
    }
    auto& known = watches[fd];
    if (!known) known = std::make_shared<Watch>(loop.io(), ::dup(fd));
    known->what = what;
    wait(fd, known);
  }

  // Each direction that curl wants is waited for once, and again after each event.
  void wait(curl_socket_t fd, const std::shared_ptr<Watch>& watched) {
    const auto arm = [&](stream_descriptor::wait_type kind, int mask, bool Watch::*flag) {
      if ((watched->what & mask) == 0 || (*watched).*flag) return;
      (*watched).*flag = true;
      watched->descriptor.async_wait(
          kind, [this, fd, flag, mask, weak = std::weak_ptr(watched)](const auto& error) {
            const auto still = weak.lock();
            if (error || !still) return;
            (*still).*flag = false;
            if ((still->what & mask) == 0) return;
            act(fd, mask == CURL_POLL_IN ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
            const auto known = watches.find(fd);
            if (known != watches.end() && known->second == still) wait(fd, still);
          });
    };
    arm(stream_descriptor::wait_read, CURL_POLL_IN, &Watch::reading);
    arm(stream_descriptor::wait_write, CURL_POLL_OUT, &Watch::writing);
  }

  void act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi, fd, events, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
    }
  }

  // The callback may send again, or end the transport: it gets a turn of its own.
  void finish(CURL* easy, CURLcode code) {
    auto found = transfers.extract(easy);
    curl_multi_remove_handle(multi, easy);
    Transfer& transfer = *found.mapped();
    loop.post([alive = std::weak_ptr(alive), result = outcome(transfer, code),
               done = std::move(transfer.done)]() mutable {
      if (alive.lock()) done(std::move(result));
    });
  }

  host::Loop& loop;
  std::string ca_file;
  CURLM* multi = curl_multi_init();
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;  // Order does not matter.
  std::map<curl_socket_t, std::shared_ptr<Watch>> watches;
  env::TimerHandle timer;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

CurlTransport::CurlTransport(host::Loop& loop, std::string ca_file) {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  state_ = std::make_unique<State>(loop, std::move(ca_file));
}

CurlTransport::~CurlTransport() = default;

void CurlTransport::send(HttpRequest request, Duration timeout, Callback done) {
  auto transfer = std::make_unique<Transfer>();
  CHECK(transfer->easy != nullptr, "curl_easy_init failed");
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  prepare(*transfer, timeout, state_->ca_file);
  CURL* easy = transfer->easy.get();
  state_->transfers.emplace(easy, std::move(transfer));
  curl_multi_add_handle(state_->multi, easy);
}

}  // namespace minato::aws_http
