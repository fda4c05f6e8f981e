#include "load/generator.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <deque>
#include <map>
#include <variant>

#include "load/shards.h"

namespace minato::load {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr Duration kTick = 1ms;
constexpr Duration kReuseWithin = 20s;
constexpr Duration kProgress = 100ms;
constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::string_view kBalancerServer = "awselb";  // What an ALB answers by itself says so.

Failure classify(const error_code& error) {
  if (error == beast::error::timeout) return Failure::kTimeout;
  if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
      error == boost::system::errc::address_not_available ||
      error == boost::system::errc::too_many_files_open_in_system) {
    return Failure::kGenerator;
  }
  if (error == asio::error::connection_refused) return Failure::kRefused;
  if (error.category() == asio::error::get_ssl_category()) return Failure::kTls;
  if (error == asio::error::connection_reset || error == asio::error::eof ||
      error == asio::error::broken_pipe || error == http::error::end_of_stream ||
      error == http::error::partial_message || error == asio::ssl::error::stream_truncated) {
    return Failure::kReset;
  }
  return Failure::kOther;
}

class AsioGenerator;

// One connection; carries one request at a time, then goes back to the pool.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(AsioGenerator& owner, asio::ssl::context* tls, std::uint64_t id);
  std::uint64_t id() const { return id_; }
  void send(MonoTime due);
  void open_ahead();  // Without a request; its owner hears of it.
  bool is_open() const { return open_; }
  void close();

 private:
  void connect();
  void handshake();
  void ready();
  void write();
  void read();
  void answered();
  void failed(const error_code& error);
  beast::tcp_stream& tcp();
  template <class Function>
  void with_stream(Function function) {
    std::visit(function, stream_);
  }

  AsioGenerator& owner_;
  std::uint64_t id_;
  std::variant<beast::tcp_stream, beast::ssl_stream<beast::tcp_stream>> stream_;
  bool open_ = false;
  bool is_ahead_ = false;
  MonoTime due_{};
  std::shared_ptr<const std::string> request_;  // Being written.
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
};

class AsioGenerator final : public Generator {
 public:
  AsioGenerator(host::Loop& loop, Options options, std::unique_ptr<asio::ssl::context> tls)
      : loop_(loop),
        options_(std::move(options)),
        tls_(std::move(tls)),
        endpoint_(asio::ip::make_address(options_.address), options_.port),
        alive_(std::make_shared<bool>(true)) {
    compose();
  }
  ~AsioGenerator() override {
    alive_.reset();
    for (const auto& [id, connection] : all_) connection->close();
  }

  void start(std::function<void(const Report&)> progress,
             std::function<void(const Report&)> done) override {
    progress_ = std::move(progress);
    done_ = std::move(done);
    started_ = options_.start_at == MonoTime{} ? loop_.monotonic() : options_.start_at;
    report_.timeline.begin(started_, options_.slow_after);
    paced_from_ = started_;
    ends_ = started_ + options_.duration;
    next_progress_ = started_ + kProgress;
    for (std::size_t i = 0; i < std::min(options_.open_ahead, options_.max_connections); ++i) add()->open_ahead();
    tick();
  }
  void change(double rate, const std::string& path) override {
    paced_from_ = std::max(started_, loop_.monotonic());
    paced_ = 0;
    options_.rate = rate;
    options_.path = path;
    compose();
  }
  void stop() override { ends_ = loop_.monotonic(); }
  const Report& report() const override { return report_; }

  void answered(Connection& connection, MonoTime due, int status, Failure cause) {
    const Duration latency = loop_.monotonic() - due;
    report_.latency.add(latency);
    ++report_.statuses[status];
    if (status < 400) {
      ++report_.ok;
      report_.timeline.ok(due, latency);
    } else {
      note_failure(due, cause, fmt::format("HTTP status {}", status));
    }
    ended(connection);
  }
  void broke(Connection& connection, MonoTime due, const error_code& error) {
    note_failure(due, classify(error), error.message());
    ended(connection);
  }

  // One that was opened ahead, or could not be: requests will say why.
  void opened(Connection& connection) {
    put_back(connection);
    dispatch();
  }

  const Options& options() const { return options_; }
  const asio::ip::tcp::endpoint& endpoint() const { return endpoint_; }
  std::shared_ptr<const std::string> request() const { return request_; }
  asio::io_context& io() { return loop_.io(); }
  std::weak_ptr<bool> alive() const { return alive_; }

 private:
  void compose() {
    request_ = std::make_shared<const std::string>(fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: minato-load\r\n\r\n", options_.path, options_.host));
  }
  MonoTime due_of(std::uint64_t request) const {
    return paced_from_ + Duration{static_cast<std::int64_t>(static_cast<double>(request) / options_.rate * 1e9)};
  }
  void tick() {
    const MonoTime now = loop_.monotonic();
    for (MonoTime due = due_of(paced_); due <= now && due < ends_; due = due_of(++paced_)) {
      ++report_.sent;
      report_.timeline.sent(due);
      waiting_.push_back(due);
    }
    drop_stale(now);
    dispatch();
    if (now >= next_progress_ && progress_) {
      report_.elapsed = now - started_;
      progress_(report_);
      next_progress_ = now + kProgress;
    }
    if (finish_if_over()) return;
    timer_ = loop_.after(kTick, [this] { tick(); });
  }
  // As browsers do: a load balancer closes what is idle for its timeout, and a request that crosses
  // with that would count as failed. The last in use is taken first, so the oldest are in front.
  void drop_stale(MonoTime now) {
    const auto fresh = std::ranges::find_if(idle_, [&](const Idle& idle) { return now - idle.since < kReuseWithin; });
    for (const Idle& stale : std::ranges::subrange(idle_.begin(), fresh)) {
      stale.connection->close();
      forget(*stale.connection);
    }
    idle_.erase(idle_.begin(), fresh);
  }
  void forget(const Connection& connection) { all_.erase(connection.id()); }
  std::shared_ptr<Connection> add() {
    auto out = std::make_shared<Connection>(*this, tls_.get(), ++last_id_);
    all_.emplace(last_id_, out);
    return out;
  }
  void put_back(Connection& connection) {
    if (connection.is_open()) {
      idle_.push_back({connection.shared_from_this(), loop_.monotonic()});
    } else {
      forget(connection);
    }
  }
  void dispatch() {
    while (!waiting_.empty()) {
      std::shared_ptr<Connection> connection;
      if (!idle_.empty()) {
        connection = idle_.back().connection;
        idle_.pop_back();
      } else if (all_.size() < options_.max_connections) {
        connection = add();
      } else {
        if (held_up_ < waiting_.size()) report_.waited += waiting_.size() - held_up_;
        held_up_ = waiting_.size();
        return;
      }
      const MonoTime due = waiting_.front();
      waiting_.pop_front();
      // Who waited for a connection was not late for lack of our time.
      if (held_up_ > 0) {
        --held_up_;
      } else {
        report_.lateness.add(loop_.monotonic() - due);
      }
      ++in_flight_;
      connection->send(due);
    }
  }
  void ended(Connection& connection) {
    --in_flight_;
    put_back(connection);
    dispatch();
  }
  bool finish_if_over() {
    if (due_of(paced_) < ends_ || !waiting_.empty() || in_flight_ > 0) return false;
    report_.elapsed = loop_.monotonic() - started_;
    const auto done = std::exchange(done_, nullptr);
    if (done) done(report_);
    return true;
  }
  void note_failure(MonoTime due, Failure failure, const std::string& message) {
    ++report_.failures[failure];
    report_.timeline.failed(due, failure);
    report_.last_failure = loop_.monotonic();
    if (report_.first_failure == MonoTime{}) {
      report_.first_failure = report_.last_failure;
      report_.example = message;
    }
  }

  host::Loop& loop_;
  Options options_;
  std::unique_ptr<asio::ssl::context> tls_;
  asio::ip::tcp::endpoint endpoint_;
  std::shared_ptr<const std::string> request_;
  std::shared_ptr<bool> alive_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> all_;
  std::uint64_t last_id_ = 0;
  struct Idle {
    std::shared_ptr<Connection> connection;
    MonoTime since{};
  };
  std::vector<Idle> idle_;
  std::deque<MonoTime> waiting_;
  std::size_t in_flight_ = 0;
  std::size_t held_up_ = 0;   // At the head of those waiting: for lack of a connection.
  MonoTime paced_from_{};     // The present rate holds since then …
  std::uint64_t paced_ = 0;   // … and so many were due in it.
  MonoTime ends_{};
  MonoTime started_{};
  MonoTime next_progress_{};
  Report report_;
  env::TimerHandle timer_;
  std::function<void(const Report&)> progress_;
  std::function<void(const Report&)> done_;
};

Connection::Connection(AsioGenerator& owner, asio::ssl::context* tls, std::uint64_t id)
    : owner_(owner), id_(id), stream_(std::in_place_type<beast::tcp_stream>, owner.io()) {
  if (tls != nullptr) {
    auto& secure = stream_.emplace<beast::ssl_stream<beast::tcp_stream>>(owner.io(), *tls);
    // The macro of this name casts in the old style.
    ::SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(owner.options().host.c_str()));
    secure.set_verify_callback(asio::ssl::host_name_verification(owner.options().host));
  }
}

beast::tcp_stream& Connection::tcp() {
  if (auto* plain = std::get_if<beast::tcp_stream>(&stream_)) return *plain;
  return beast::get_lowest_layer(std::get<beast::ssl_stream<beast::tcp_stream>>(stream_));
}

void Connection::close() {
  open_ = false;
  error_code ignored;
  tcp().socket().close(ignored);
}

void Connection::send(MonoTime due) {
  due_ = due;
  tcp().expires_after(owner_.options().timeout);
  if (open_) {
    write();
  } else {
    connect();
  }
}

void Connection::open_ahead() {
  is_ahead_ = true;
  tcp().expires_after(owner_.options().timeout);
  connect();
}

void Connection::connect() {
  tcp().async_connect(owner_.endpoint(), [self = shared_from_this(), alive = owner_.alive()](
                                             const error_code& error) {
    if (!alive.lock()) return;
    if (error) return self->failed(error);
    error_code ignored;
    self->tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    self->handshake();
  });
}

void Connection::handshake() {
  auto* secure = std::get_if<beast::ssl_stream<beast::tcp_stream>>(&stream_);
  open_ = true;
  if (secure == nullptr) return ready();
  secure->async_handshake(
      asio::ssl::stream_base::client,
      [self = shared_from_this(), alive = owner_.alive()](const error_code& error) {
        if (!alive.lock()) return;
        if (error) return self->failed(error);
        self->ready();
      });
}

void Connection::ready() {
  if (!std::exchange(is_ahead_, false)) return write();
  tcp().expires_never();
  owner_.opened(*this);
}

void Connection::write() {
  request_ = owner_.request();
  with_stream([this](auto& stream) {
    asio::async_write(stream, asio::buffer(*request_),
                      [self = shared_from_this(), alive = owner_.alive()](const error_code& error,
                                                                          std::size_t) {
                        if (!alive.lock()) return;
                        if (error) return self->failed(error);
                        self->read();
                      });
  });
}

void Connection::read() {
  parser_.emplace();
  parser_->body_limit(kMaxBody);
  with_stream([this](auto& stream) {
    http::async_read(stream, buffer_, *parser_,
                     [self = shared_from_this(), alive = owner_.alive()](const error_code& error,
                                                                         std::size_t) {
                       if (!alive.lock()) return;
                       if (error) return self->failed(error);
                       self->answered();
                     });
  });
}

void Connection::answered() {
  const auto& answer = parser_->get();
  const auto status = static_cast<int>(answer.result_int());
  const bool by_balancer = answer[http::field::server].starts_with(kBalancerServer);
  if (!answer.keep_alive()) close();
  tcp().expires_never();
  owner_.answered(*this, due_, status, status < 500 ? Failure::kStatus4xx
                                       : by_balancer ? Failure::kBalancer5xx
                                                     : Failure::kTarget5xx);
}

void Connection::failed(const error_code& error) {
  close();
  if (std::exchange(is_ahead_, false)) return owner_.opened(*this);
  owner_.broke(*this, due_, error);
}

}  // namespace

namespace {

Result<std::unique_ptr<asio::ssl::context>> make_tls(const Options& options) {
  if (!options.tls) return nullptr;
  error_code error;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_verify_mode(asio::ssl::verify_peer);
  if (options.ca_file.empty()) {
    tls->set_default_verify_paths(error);
  } else {
    tls->load_verify_file(options.ca_file, error);
  }
  if (!error) return tls;
  return fail(Reason::kNotFound, fmt::format("trusted certificates {}: {}", options.ca_file, error.message()));
}

}  // namespace

Result<std::unique_ptr<Generator>> Generator::make(host::Loop& loop, Options options) {
  error_code error;
  asio::ip::make_address(options.address, error);
  if (error) return fail(Reason::kInvalid, fmt::format("'{}' is not an address", options.address));
  if (options.rate <= 0 || options.max_connections == 0) {
    return fail(Reason::kInvalid, "rate and connections must be more than 0");
  }
  ASSIGN_OR_RETURN(auto tls, make_tls(options));
  const std::size_t threads = options.threads == 0 ? threads_for(options.rate) : options.threads;
  if (threads > 1) {
    return make_sharded(loop, std::move(options), threads, [](host::Loop& own, const Options& share) {
      auto context = make_tls(share);
      return std::make_unique<AsioGenerator>(own, share, context ? std::move(*context) : nullptr);
    });
  }
  return std::make_unique<AsioGenerator>(loop, std::move(options), std::move(tls));
}

}  // namespace minato::load
