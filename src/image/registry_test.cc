// The registry client: against a small fake with faults, and against Debian's docker-registry.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/strings.h"
#include "host/process.h"
#include "image/http.h"
#include "image/layout_writer.h"
#include "image/store.h"
#include "image/test_support.h"

namespace minato::image {
namespace {

namespace fs = std::filesystem;
using container::PullPolicy;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::slurp;
using testing::spill;
using testing::TempDirectory;

host::Fd listen_on_loopback(std::uint16_t& port) {
  host::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof address);
  socklen_t size = sizeof generic;
  if (::bind(fd.get(), &generic, size) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), &generic, &size) != 0) {
    std::abort();
  }
  std::memcpy(&address, &generic, sizeof address);
  port = ntohs(address.sin_port);
  return fd;
}

struct FakeRequest {
  std::string path;
  std::string head;  // Lower case.
};
struct FakeResponse {
  int status = 200;
  std::string body;
  std::string headers;         // "Name: value\r\n…"
  std::size_t cut_after = std::string::npos;  // Closes after so many bytes of the body.
};

// One request per connection, one after the other.
class FakeServer {
 public:
  using Handler = std::function<FakeResponse(const FakeRequest&)>;
  explicit FakeServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = listen_on_loopback(port_);
    thread_ = std::jthread([this] { serve(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() { ::shutdown(listener_.get(), SHUT_RDWR); }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  int count(std::string_view path) {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count_if(
        seen_, [&](const FakeRequest& r) { return r.path.find(path) != std::string::npos; }));
  }
  std::string heads() {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& request : seen_) out += request.path + "\n" + request.head + "\n";
    return out;
  }

 private:
  void serve() {
    while (true) {
      const host::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      std::string head;
      char buffer[4096];
      while (head.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
        if (n <= 0) break;
        head.append(buffer, static_cast<std::size_t>(n));
      }
      const auto words = split(head.substr(0, head.find("\r\n")), ' ');
      if (words.size() < 2) continue;
      const FakeRequest request{.path = words[1], .head = to_lower(head)};
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(request);
      }
      answer(fd.get(), handler_(request));
    }
  }
  static void answer(int fd, const FakeResponse& response) {
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " X\r\n" + response.headers +
                       "Connection: close\r\nContent-Length: " +
                       std::to_string(response.body.size()) + "\r\n\r\n";
    text += response.body.substr(0, response.cut_after);
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }

  Handler handler_;
  std::uint16_t port_ = 0;
  host::Fd listener_;
  std::mutex mutex_;
  std::vector<FakeRequest> seen_;
  std::jthread thread_;
};

class FakeRegistryTest : public ::testing::Test {
 protected:
  FakeRegistryTest() {
    LayoutImage image;
    image.layers = {{{.path = "app", .content = std::string(50'000, 'x') + "end"}}};
    digest_ = write_layout(temp_ / "layout", "1", image)->text();
    options_.retry = {.attempts = 3, .first_backoff = 1ms, .longest_backoff = 2ms};
    options_.auth_files = {temp_ / "auth.json"};
  }
  // What an honest registry answers, from the layout.
  FakeResponse honest(const FakeRequest& request) const {
    if (request.path == "/v2/") return {};
    std::string name = request.path.substr(request.path.rfind('/') + 1);
    if (name == "1") name = digest_;
    const std::string path = temp_ / "layout/blobs/sha256/" + name.substr(name.find(':') + 1);
    if (!fs::is_regular_file(path)) {
      return {.status = 404,
              .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"no \u001b[31m"}]})"};
    }
    return {.body = slurp(path)};
  }
  static bool is_layer(const FakeRequest& request, const FakeResponse& response) {
    return request.path.find("/blobs/") != std::string::npos &&
           response.body.starts_with("\x1f\x8b");
  }
  void write_login(const std::string& registry, const std::string& login) {
    spill(temp_ / "auth.json",
          "{\"auths\":{\"" + registry + "\":{\"auth\":\"" + base64_encode(login) + "\"}}}");
  }
  Result<StoredImage> pull(const std::string& name, std::stop_token stop = {}) {
    ASSIGN_OR_RETURN(const ImageStore store, ImageStore::open(temp_ / "store", options_));
    return store.pull(name, PullPolicy::kAlways, stop);
  }
  TempDirectory temp_;
  Options options_;
  std::string digest_;
};

TEST_F(FakeRegistryTest, CutTransfersAndServerErrorsAreTriedAgain) {
  int manifests = 0, layers = 0;
  FakeServer server([&](const FakeRequest& request) {
    FakeResponse response = honest(request);
    if (request.path.find("/manifests/") != std::string::npos && ++manifests == 1) {
      return FakeResponse{.status = 503};
    }
    if (is_layer(request, response) && ++layers <= 2) response.cut_after = 20;
    return response;
  });
  const auto image = pull(server.authority() + "/web:1");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->image.digest, digest_);
  EXPECT_EQ(layers, 3);
}

TEST_F(FakeRegistryTest, TriesAreBounded) {
  FakeServer server([&](const FakeRequest& request) {
    return request.path == "/v2/" ? FakeResponse{} : FakeResponse{.status = 500};
  });
  const auto image = pull(server.authority() + "/web:1");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().reason, Reason::kUnavailable);
  EXPECT_EQ(server.count("/manifests/"), 3);
}

TEST_F(FakeRegistryTest, NobodyListeningIsUnavailable) {
  std::uint16_t port = 0;
  listen_on_loopback(port).reset();
  const std::string name = "127.0.0.1:" + std::to_string(port) + "/web";
  EXPECT_TRUE(failed_with(pull(name), Reason::kUnavailable));
}

TEST_F(FakeRegistryTest, WrongContentIsRefusedAndNotTriedAgain) {
  for (const bool of_layer : {true, false}) {
    FakeServer server([&](const FakeRequest& request) {
      FakeResponse response = honest(request);
      const bool manifest = request.path.find("/manifests/") != std::string::npos;
      if (of_layer ? is_layer(request, response) : manifest) response.body.back() ^= 1;
      return response;
    });
    const auto image = pull(server.authority() + "/web@" + digest_);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().reason, Reason::kInvalid);
    EXPECT_THAT(image.error().message, HasSubstr("damaged or forged"));
    EXPECT_EQ(server.count("/manifests/"), 1);
  }
}

TEST_F(FakeRegistryTest, EndlessBodiesAreCutOff) {
  options_.limits.manifest_bytes = 10'000;
  FakeServer server([&](const FakeRequest& request) {
    if (request.path == "/v2/") return FakeResponse{};
    return FakeResponse{.body = std::string(20'000, ' ')};
  });
  EXPECT_TRUE(failed_with(pull(server.authority() + "/web:1"), Reason::kInvalid));
}

TEST_F(FakeRegistryTest, NotFoundIsSaidInPrintableWords) {
  FakeServer server([&](const FakeRequest& request) { return honest(request); });
  const auto image = pull(server.authority() + "/web:none");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().reason, Reason::kNotFound);
  EXPECT_THAT(image.error().message, HasSubstr("MANIFEST_UNKNOWN"));
  EXPECT_THAT(image.error().message, Not(HasSubstr("\x1b")));
}

TEST_F(FakeRegistryTest, TokensAreFetchedWithTheStoredLogin) {
  const std::string basic = base64_encode("robot:hunter2");
  std::string realm;
  FakeServer server([&](const FakeRequest& request) -> FakeResponse {
    if (request.path.starts_with("/token")) {
      if (request.head.find(to_lower("authorization: basic " + basic)) == std::string::npos) {
        return {.status = 401};
      }
      return {.body = "{\"token\":\"t0ken\"}"};
    }
    if (request.head.find("authorization: bearer t0ken") != std::string::npos) {
      return honest(request);
    }
    return {.status = 401,
            .headers = "WWW-Authenticate: Bearer realm=\"" + realm +
                       "\",service=\"reg\",scope=\"repository:web:pull\"\r\n"};
  });
  realm = "http://" + server.authority() + "/token";
  const auto denied = pull(server.authority() + "/web:1");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().reason, Reason::kUnauthorized);
  write_login(server.authority(), "robot:hunter2");
  const auto image = pull(server.authority() + "/web:1");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(server.count("/token?service=reg&scope=repository%3Aweb%3Apull"), 2)
      << "one token serves the whole pull";
}

TEST_F(FakeRegistryTest, TokenServiceWithoutTlsElsewhereGetsNothing) {
  FakeServer server([&](const FakeRequest&) -> FakeResponse {
    return {.status = 401,
            .headers = "WWW-Authenticate: Bearer realm=\"http://192.0.2.1/token\"\r\n"};
  });
  write_login(server.authority(), "u:hunter2");
  const auto image = pull(server.authority() + "/web:1");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().reason, Reason::kForbidden);
  EXPECT_THAT(image.error().message, HasSubstr("plain HTTP"));
}

TEST_F(FakeRegistryTest, RedirectsAreFollowedWithoutTheLogin) {
  FakeServer storage([&](const FakeRequest& request) { return honest(request); });
  FakeServer server([&](const FakeRequest& request) -> FakeResponse {
    if (request.head.find("authorization: basic") == std::string::npos) {
      return {.status = 401, .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"};
    }
    if (request.path.find("/blobs/") == std::string::npos) return honest(request);
    return {.status = 307,
            .headers = "Location: http://" + storage.authority() + request.path + "\r\n"};
  });
  write_login(server.authority(), "robot:hunter2");
  const auto image = pull(server.authority() + "/web:1");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(storage.count("/blobs/"), 2);
  EXPECT_THAT(storage.heads(), Not(HasSubstr("authorization")));
}

TEST_F(FakeRegistryTest, RedirectsToOtherHostsWithoutTlsAndInCirclesEnd) {
  FakeServer server([&](const FakeRequest& request) -> FakeResponse {
    if (request.path == "/v2/") return {};
    if (request.path.find("/away/") != std::string::npos) {
      return {.status = 302, .headers = "Location: http://192.0.2.1/x\r\n"};
    }
    return {.status = 302, .headers = "Location: " + request.path + "\r\n"};
  });
  EXPECT_TRUE(failed_with(pull(server.authority() + "/away/web:1"), Reason::kForbidden));
  EXPECT_THAT(pull(server.authority() + "/web:1").error().message, HasSubstr("redirects"));
}

TEST_F(FakeRegistryTest, StopEndsAPullBetweenTries) {
  std::stop_source source;
  options_.retry = {.attempts = 3, .first_backoff = 1h, .longest_backoff = 1h};
  FakeServer server([&](const FakeRequest& request) -> FakeResponse {
    if (request.path == "/v2/") return {};
    source.request_stop();
    return {.status = 503};
  });
  const auto image = pull(server.authority() + "/web:1", source.get_token());
  EXPECT_TRUE(failed_with(image, Reason::kAborted));
}

// ---- docker-registry --------------------------------------------------------------------------

// The hash of "correct-horse"; the registry takes bcrypt only.
constexpr std::string_view kPasswordLine =
    "minato:$2b$04$XmgXo0j8cT4OSr/Tv/zJ9OxRADSwnKbWDCgoiiZK7Z1NptSRUXMOy\n";

class RealRegistryTest : public ::testing::Test {
 protected:
  enum class Login { kNone, kPassword };
  enum class Tls { kOff, kOn };

  ~RealRegistryTest() override {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  bool programs_are_here() const {
    return host::find_program("docker-registry") && host::find_program("skopeo");
  }
  void start(Login login, Tls tls = Tls::kOff) {
    std::uint16_t port = 0;
    listen_on_loopback(port).reset();
    registry_ = "127.0.0.1:" + std::to_string(port);
    std::string config = "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: " +
                         (temp_ / "registry") + "\nhttp:\n  addr: " + registry_ + "\n";
    if (tls == Tls::kOn) {
      config += "  tls:\n    certificate: " + (temp_ / "cert.pem") + "\n    key: " +
                (temp_ / "key.pem") + "\n";
    }
    if (login == Login::kPassword) {
      spill(temp_ / "htpasswd", kPasswordLine);
      config += "auth:\n  htpasswd:\n    realm: test\n    path: " + (temp_ / "htpasswd") + "\n";
    }
    spill(temp_ / "config.yml", config);
    host::SpawnOptions spawn;
    spawn.argv = {host::find_program("docker-registry").value(), "serve", temp_ / "config.yml"};
    const auto pid = host::spawn(spawn);
    ASSERT_TRUE(pid) << pid.error().message;
    pid_ = *pid;
    HttpClient http({});
    // Up to ten seconds; there is no other sign than an answer.
    for (int i = 0; i < 1000; ++i) {
      if (http.send({.url = "http://" + registry_ + "/v2/",
                     .transport = Transport::kHttpsOrLoopbackHttp,
                     .body_limit_bytes = 4096})) {
        return;
      }
      ::usleep(10'000);
    }
    FAIL() << "docker-registry did not start";
  }
  void push(std::vector<std::string> more = {}) {
    LayoutImage image;
    image.layers = {{{.path = "app", .content = "hello", .mode = 0755}}};
    image.config.entrypoint = {"/app"};
    digest_ = write_layout(temp_ / "layout", "1", image)->text();
    std::vector<std::string> argv{"skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"};
    argv.insert(argv.end(), more.begin(), more.end());
    argv.insert(argv.end(),
                {"oci:" + (temp_ / "layout") + ":1", "docker://" + registry_ + "/team/web:1"});
    const auto pushed = host::run_command(argv);
    ASSERT_TRUE(pushed) << pushed.error().message;
    ASSERT_EQ(pushed->status.code, 0) << pushed->output;
  }
  Result<StoredImage> pull(const std::string& rest, const std::string& ca_file = "") {
    Options options;
    options.auth_files = {temp_ / "auth.json"};
    options.ca_file = ca_file;
    options.retry.attempts = 1;
    ASSIGN_OR_RETURN(const ImageStore store, ImageStore::open(temp_ / "store", options));
    return store.pull(registry_ + "/team/web" + rest, PullPolicy::kAlways);
  }

  TempDirectory temp_;
  pid_t pid_ = -1;
  std::string registry_;
  std::string digest_;
};

TEST_F(RealRegistryTest, PullsByTagAndDigestWhatSkopeoPushed) {
  if (!programs_are_here()) GTEST_SKIP() << "docker-registry or skopeo is not installed";
  start(Login::kNone);
  push();
  const auto by_tag = pull(":1");
  ASSERT_TRUE(by_tag) << by_tag.error().message;
  EXPECT_EQ(by_tag->image.digest, digest_);
  EXPECT_EQ(slurp(by_tag->layers.at(0) + "/app"), "hello");
  const auto by_digest = pull("@" + digest_);
  ASSERT_TRUE(by_digest) << by_digest.error().message;
  EXPECT_EQ(by_digest->layers, by_tag->layers);
  EXPECT_TRUE(failed_with(pull(":none"), Reason::kNotFound));
  EXPECT_TRUE(failed_with(pull("@sha256:" + std::string(64, 'a')), Reason::kNotFound));
}

TEST_F(RealRegistryTest, TlsIsVerifiedOnLoopbackToo) {
  if (!programs_are_here()) GTEST_SKIP() << "docker-registry or skopeo is not installed";
  const auto made = host::run_command(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-days", "2", "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
       temp_ / "key.pem", "-out", temp_ / "cert.pem"});
  if (!made || made->status.code != 0) GTEST_SKIP() << "openssl is not installed";
  start(Login::kNone, Tls::kOn);
  push();
  const auto image = pull(":1", temp_ / "cert.pem");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->image.digest, digest_);
  const auto unknown_authority = pull(":1");
  ASSERT_FALSE(unknown_authority);
  EXPECT_EQ(unknown_authority.error().reason, Reason::kUnavailable);
  EXPECT_THAT(unknown_authority.error().message, HasSubstr("certificate"));
}

TEST_F(RealRegistryTest, PasswordComesFromTheAuthFile) {
  if (!programs_are_here()) GTEST_SKIP() << "docker-registry or skopeo is not installed";
  start(Login::kPassword);
  const auto write_login = [&](const std::string& login) {
    spill(temp_ / "auth.json",
          "{\"auths\":{\"" + registry_ + "\":{\"auth\":\"" + base64_encode(login) + "\"}}}");
  };
  write_login("minato:correct-horse");
  push({"--authfile", temp_ / "auth.json"});
  EXPECT_TRUE(pull(":1"));
  write_login("minato:wrong");
  const auto wrong = pull(":1");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().reason, Reason::kUnauthorized);
  EXPECT_THAT(wrong.error().message, Not(HasSubstr("wrong")));
  fs::remove(temp_ / "auth.json");
  const auto nobody = pull(":1");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().reason, Reason::kUnauthorized);
  EXPECT_THAT(nobody.error().message, HasSubstr("docker login"));
}

}  // namespace
}  // namespace minato::image
