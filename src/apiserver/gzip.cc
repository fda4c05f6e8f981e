#include "apiserver/gzip.h"

#include <zlib.h>

#include "base/check.h"
#include "base/strings.h"

namespace minato::apiserver {
namespace {

constexpr int kFastest = 1;
constexpr int kGzipWindow = 15 + 16;  // The largest window, in gzip's framing.
constexpr std::size_t kPiece = 64 << 10;

class Gzip {
 public:
  Gzip() {
    const int made = deflateInit2(&state_, kFastest, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
    CHECK(made == Z_OK, "zlib has memory");
  }
  ~Gzip() { deflateEnd(&state_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // kFlush: what was given can be read from what came out.
  enum class More { kComes, kFlush, kEnds };
  std::string compress(std::string_view text, More more) {
    std::string out;
    // zlib reads what its interface does not call constant.
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    state_.avail_in = static_cast<uInt>(text.size());
    do {
      const std::size_t before = out.size();
      out.resize(before + kPiece);
      state_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      state_.avail_out = kPiece;
      deflate(&state_, more == More::kEnds ? Z_FINISH
                       : more == More::kFlush ? Z_SYNC_FLUSH
                                              : Z_NO_FLUSH);
      out.resize(before + kPiece - state_.avail_out);
    } while (state_.avail_out == 0);
    return out;
  }

 private:
  z_stream state_{};
};

void announce(HttpAnswer& answer) {
  answer.headers.emplace_back("Content-Encoding", "gzip");
  answer.headers.emplace_back("Vary", "Accept-Encoding");
}

class GzipStream final : public Stream {
 public:
  explicit GzipStream(std::shared_ptr<Stream> inner) : inner_(std::move(inner)) {}
  void write(std::string_view bytes) override {
    std::string out = gzip_.compress(bytes, Gzip::More::kComes);
    // Kept by zlib in full: the writer would wait forever for the client to take it.
    if (out.empty()) out = gzip_.compress({}, Gzip::More::kFlush);
    inner_->write(out);
  }
  std::size_t pending_bytes() const override { return inner_->pending_bytes(); }
  void on_drained(std::function<void()> callback) override {
    inner_->on_drained(std::move(callback));
  }
  void end() override {
    inner_->write(gzip_.compress({}, Gzip::More::kEnds));
    inner_->end();
  }
  void abort() override { inner_->abort(); }
  void on_close(std::function<void()> callback) override { inner_->on_close(std::move(callback)); }

 private:
  std::shared_ptr<Stream> inner_;
  Gzip gzip_;
};

class GzipExchange final : public Exchange {
 public:
  explicit GzipExchange(ExchangePtr inner) : inner_(std::move(inner)) {}
  void answer(HttpAnswer answer) override {
    if (answer.body.size() > kSmallestGzip) {
      answer.body = Gzip().compress(answer.body, Gzip::More::kEnds);
      announce(answer);
    }
    inner_->answer(std::move(answer));
  }
  std::shared_ptr<Stream> stream(HttpAnswer head) override {
    announce(head);
    return std::make_shared<GzipStream>(inner_->stream(std::move(head)));
  }
  std::shared_ptr<Duplex> upgrade(Headers headers) override {
    return inner_->upgrade(std::move(headers));
  }

 private:
  ExchangePtr inner_;
};

}  // namespace

bool accepts_gzip(const HttpRequest& request) {
  for (const std::string& part : split(request.header("Accept-Encoding"), ',')) {
    const std::vector<std::string> words = split(part, ';');
    if (to_lower(trim(words[0])) != "gzip") continue;
    return words.size() < 2 || !trim(words[1]).starts_with("q=0") || trim(words[1]).starts_with("q=0.");
  }
  return false;
}

ExchangePtr gzip_answers(ExchangePtr inner) {
  return std::make_shared<GzipExchange>(std::move(inner));
}

}  // namespace minato::apiserver
