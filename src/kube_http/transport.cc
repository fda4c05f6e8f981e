#include "kube_http/transport.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <mutex>

#include "base/check.h"
#include "base/strings.h"

namespace minato::kube_http {
namespace {

constexpr int kPollMilliseconds = 1000;  // How late a transfer's own timers may be noticed.
// A peer that is gone is noticed after kProbeIdle + kProbes × kProbeInterval.
constexpr int kProbeIdle = 15, kProbeInterval = 5, kProbes = 3;

long milliseconds(Duration duration) { return static_cast<long>(duration / std::chrono::milliseconds(1)); }

int probe_peer(void*, curl_socket_t socket, curlsocktype) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kProbeIdle, sizeof kProbeIdle);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeInterval, sizeof kProbeInterval);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
  return CURL_SOCKOPT_OK;
}

curl_blob blob_of(const std::string& text) {
  return {.data = const_cast<char*>(text.data()), .len = text.size(), .flags = CURL_BLOB_NOCOPY};
}

// "https://host:port" as curl's CONNECT_TO wants it: "::host:port".
std::string connect_to(std::string_view server) {
  std::string_view authority = server.substr(std::string_view("https://").size());
  authority = authority.substr(0, authority.find('/'));
  const bool has_port = authority.rfind(':') != std::string_view::npos && !authority.ends_with(']');
  return fmt::format("::{}{}", authority, has_port ? "" : ":443");
}

std::optional<Duration> retry_after(std::string_view value) {
  const auto seconds = parse_int(value);
  if (!seconds || *seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min<std::int64_t>(*seconds, 3600));
}

}  // namespace

struct Transport::Handles {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  Handles() { CHECK(multi != nullptr && easy != nullptr, "libcurl has no memory"); }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
};

struct Transport::Transfer {
  CURL* easy = nullptr;
  std::string url;
  const Sink* sink = nullptr;
  Answer answer;
  Status sink_status;
  char error[CURL_ERROR_SIZE] = {};
  curl_slist* headers = nullptr;
  curl_slist* connect = nullptr;
  curl_blob authority{}, certificate{}, key{};

  Transfer() = default;
  ~Transfer() {
    curl_slist_free_all(headers);
    curl_slist_free_all(connect);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void add_header(const std::string& line) { headers = curl_slist_append(headers, line.c_str()); }
  int status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view piece(bytes, count);
    if (*transfer.sink && transfer.status() / 100 == 2) {
      transfer.sink_status = (*transfer.sink)(piece);
      return transfer.sink_status ? count : 0;
    }
    transfer.answer.body += piece;
    if (transfer.answer.body.size() <= kMaxAnswerBytes) return count;
    transfer.sink_status = fail(Reason::kInvalid, fmt::format("the answer is larger than {} bytes", kMaxAnswerBytes));
    return 0;
  }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
    const std::string_view line = trim(std::string_view(bytes, count));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && to_lower(line.substr(0, colon)) == "retry-after") {
      static_cast<Transfer*>(self)->answer.retry_after = retry_after(trim(line.substr(colon + 1)));
    }
    return count;
  }
};

Transport::Transport(const env::Clock& clock, std::shared_ptr<Credentials> credentials)
    : clock_(clock), credentials_(std::move(credentials)) {
  static std::once_flag once;
  std::call_once(once, [] { CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  handles_ = std::make_unique<Handles>();
}

Transport::~Transport() = default;

Result<Answer> Transport::send(const Call& call, const Sink& sink, std::stop_token stop) {
  ASSIGN_OR_RETURN(std::string token, credentials_->token(clock_.monotonic(), clock_.wall()));
  ASSIGN_OR_RETURN(Answer answer, perform(call, token, sink, stop));
  if (answer.status != 401) return answer;
  credentials_->refuse();
  ASSIGN_OR_RETURN(const std::string another, credentials_->token(clock_.monotonic(), clock_.wall()));
  if (another == token) return answer;
  return perform(call, another, sink, stop);
}

void Transport::prepare(const Call& call, Transfer& transfer) {
  const Endpoint& endpoint = credentials_->endpoint();
  CURL* easy = transfer.easy;
  curl_easy_reset(easy);  // Connections stay with the multi handle.
  transfer.url = endpoint.server + call.target;
  curl_easy_setopt(easy, CURLOPT_URL, transfer.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  // A watch holds its connection: over HTTP/2 one that stalls would stall all others with it.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "minato");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, probe_peer);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(kConnectTimeout));
  if (call.timeout > Duration::zero()) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(call.timeout));
  } else {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, milliseconds(kQuiet) / 1000);
  }
  if (!endpoint.authority_pem.empty()) {
    transfer.authority = blob_of(endpoint.authority_pem);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &transfer.authority);
  }
  if (!endpoint.client_certificate_pem.empty()) {
    transfer.certificate = blob_of(endpoint.client_certificate_pem);
    transfer.key = blob_of(endpoint.client_key_pem);
    curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &transfer.certificate);
    curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &transfer.key);
  }
  if (!call.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.c_str());
  }
}

Status Transport::run(Transfer& transfer, std::stop_token stop) {
  CURLM* multi = handles_->multi;
  curl_multi_add_handle(multi, transfer.easy);
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
  int running = 1;
  while (running > 0 && !stop.stop_requested()) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) break;
    if (running > 0) curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
  CURLcode code = CURLE_FAILED_INIT;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  curl_multi_remove_handle(multi, transfer.easy);
  if (!transfer.sink_status) return transfer.sink_status;
  if (running > 0) return fail(Reason::kAborted, "stopped");
  if (code == CURLE_OK) return {};
  const char* detail = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
  return fail(code == CURLE_OPERATION_TIMEDOUT ? Reason::kTimeout : Reason::kUnavailable,
              fmt::format("{}: {}", credentials_->endpoint().server, detail));
}

Result<Answer> Transport::perform(const Call& call, const std::string& token, const Sink& sink, std::stop_token stop) {
  Transfer transfer;
  transfer.easy = handles_->easy;
  transfer.sink = &sink;
  transfer.add_header("Accept: application/json");
  transfer.add_header("Expect:");
  if (!call.body.empty()) transfer.add_header("Content-Type: " + call.content_type);
  if (!token.empty()) transfer.add_header("Authorization: Bearer " + token);
  prepare(call, transfer);
  const Endpoint& endpoint = credentials_->endpoint();
  if (!endpoint.tls_server_name.empty()) {
    // The name goes into the URL, so that curl asks for it and verifies it; the connection goes on
    // to where the server is.
    transfer.url = fmt::format("https://{}{}", endpoint.tls_server_name, call.target);
    transfer.connect = curl_slist_append(nullptr, connect_to(endpoint.server).c_str());
    curl_easy_setopt(transfer.easy, CURLOPT_URL, transfer.url.c_str());
    curl_easy_setopt(transfer.easy, CURLOPT_CONNECT_TO, transfer.connect);
  }
  RETURN_IF_ERROR(run(transfer, std::move(stop)));
  transfer.answer.status = transfer.status();
  return std::move(transfer.answer);
}

}  // namespace minato::kube_http
