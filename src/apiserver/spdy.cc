#include "apiserver/spdy.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace minato::apiserver {
namespace {

constexpr std::size_t kFrameHead = 8;
constexpr std::uint32_t kStreamMask = 0x7FFFFFFF;
constexpr std::uint16_t kVersion = 3;
constexpr std::uint8_t kFin = 1;
enum Type : std::uint16_t {
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kPing = 6,
  kHeaders = 8,
};
constexpr std::uint32_t kRefused = 3, kCancel = 5;

// The dictionary that both sides compress headers with: words with their lengths, then a tail.
constexpr std::string_view kDictionaryWords[] = {
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset",
    "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "authorization",
    "cache-control", "connection", "content-base", "content-encoding", "content-language",
    "content-length", "content-location", "content-md5", "content-range", "content-type",
    "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "last-modified", "location",
    "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range", "referer",
    "retry-after", "server", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
    "vary", "via", "warning", "www-authenticate", "method", "get", "status", "200 OK",
    "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"};
constexpr std::string_view kDictionaryTail =
    "1001012012022052063003023033043053063074024054064074084094104114124134144154164175025045"
    "05203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401"
    " Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 S"
    "ervice UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, We"
    "d, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xm"
    "l,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdc"
    "hcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  return out;
}

std::string number(std::uint32_t value, int size = 4) {
  std::string out;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xFF);
  }
  return out;
}

std::string control_frame(std::uint16_t type, std::string_view body) {
  return number(0x8000U | kVersion, 2) + number(type, 2) +
         number(static_cast<std::uint32_t>(body.size())) + std::string(body);
}

const std::string& dictionary() {
  static const std::string text = [] {
    std::string out;
    for (const std::string_view word : kDictionaryWords) {
      out += number(static_cast<std::uint32_t>(word.size())) + std::string(word);
    }
    return out.append(kDictionaryTail);
  }();
  return text;
}

const Bytef* bytes_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

Result<SpdySession::HeaderMap> parse_headers(std::string_view text) {
  const auto broken = [] { return fail(Reason::kBadRequest, "SPDY: headers are broken"); };
  SpdySession::HeaderMap out;
  if (text.size() < 4) return broken();
  const std::uint32_t count = number_at(text, 0, 4);
  std::size_t at = 4;
  const auto take = [&](std::string& into) {
    if (text.size() - at < 4) return false;
    const std::uint32_t size = number_at(text, at, 4);
    at += 4;
    if (text.size() - at < size) return false;
    into = text.substr(at, size);
    at += size;
    return true;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string name, value;
    if (!take(name) || !take(value)) return broken();
    out[to_lower(name)] = std::move(value);
  }
  return out;
}

}  // namespace

// One compression context in each direction for the whole connection.
class SpdySession::Headers {
 public:
  Headers() {
    CHECK(inflateInit(&in_) == Z_OK, "inflateInit");
    CHECK(deflateInit(&out_, Z_BEST_SPEED) == Z_OK, "deflateInit");
    const std::string& words = dictionary();
    deflateSetDictionary(&out_, bytes_of(words), static_cast<uInt>(words.size()));
  }
  ~Headers() {
    inflateEnd(&in_);
    deflateEnd(&out_);
  }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;

  Result<HeaderMap> decode(std::string_view packed) {
    std::string text;
    char buffer[4096];
    in_.next_in = const_cast<Bytef*>(bytes_of(packed));
    in_.avail_in = static_cast<uInt>(packed.size());
    while (true) {
      in_.next_out = reinterpret_cast<Bytef*>(buffer);
      in_.avail_out = sizeof buffer;
      int code = inflate(&in_, Z_SYNC_FLUSH);
      if (code == Z_NEED_DICT) {
        const std::string& words = dictionary();
        code = inflateSetDictionary(&in_, bytes_of(words), static_cast<uInt>(words.size()));
        if (code == Z_OK) continue;
      }
      if (code != Z_OK && code != Z_BUF_ERROR)
        return fail(Reason::kBadRequest, "SPDY: headers cannot be unpacked");
      text.append(buffer, sizeof buffer - in_.avail_out);
      if (text.size() > kMaxHeaderBytes)
        return fail(Reason::kBadRequest, "SPDY: headers are too large");
      if (in_.avail_out > 0) break;
    }
    return parse_headers(text);
  }

  // No headers at all, as every answer here.
  std::string encode_none() {
    std::string text = number(0);
    Bytef buffer[256];
    out_.next_in = const_cast<Bytef*>(bytes_of(text));
    out_.avail_in = static_cast<uInt>(text.size());
    out_.next_out = buffer;
    out_.avail_out = sizeof buffer;
    deflate(&out_, Z_SYNC_FLUSH);
    return {reinterpret_cast<const char*>(buffer), sizeof buffer - out_.avail_out};
  }

 private:
  z_stream in_{}, out_{};
};

SpdySession::SpdySession(Events events)
    : events_(std::move(events)), headers_(std::make_unique<Headers>()) {}

SpdySession::~SpdySession() = default;

Status SpdySession::receive(std::string_view bytes) {
  buffer_ += bytes;
  std::size_t read = 0;
  while (buffer_.size() - read >= kFrameHead) {
    const std::string_view rest = std::string_view(buffer_).substr(read);
    const std::size_t size = number_at(rest, 5, 3);
    if (size > kMaxFrameBytes) return fail(Reason::kBadRequest, "SPDY: a frame is too large");
    if (rest.size() < kFrameHead + size) break;
    read += kFrameHead + size;
    // A copy: what it leads to may come back here.
    const std::string frame(rest.substr(0, kFrameHead + size));
    const std::string_view body = std::string_view(frame).substr(kFrameHead);
    const auto flags = static_cast<std::uint8_t>(frame[4]);
    if ((frame[0] & 0x80) != 0) {
      if ((number_at(frame, 0, 2) & 0x7FFF) != kVersion)
        return fail(Reason::kBadRequest, "SPDY: only version 3 is spoken here");
      RETURN_IF_ERROR(control(static_cast<std::uint16_t>(number_at(frame, 2, 2)), flags, body));
    } else {
      RETURN_IF_ERROR(data(number_at(frame, 0, 4) & kStreamMask, flags, body));
    }
  }
  buffer_.erase(0, read);
  return {};
}

Status SpdySession::control(std::uint16_t type, std::uint8_t flags, std::string_view body) {
  const auto too_short = [&](std::size_t least) { return body.size() < least; };
  if (type == kSynStream) return open(flags, body);
  if (type == kPing) {
    if (too_short(4)) return fail(Reason::kBadRequest, "SPDY: a frame is too short");
    events_.send(control_frame(kPing, body.substr(0, 4)));
  } else if (type == kRstStream) {
    if (too_short(8)) return fail(Reason::kBadRequest, "SPDY: a frame is too short");
    const StreamId stream = number_at(body, 0, 4) & kStreamMask;
    if (streams_.erase(stream) > 0) events_.reset(stream);
  } else if (type == kHeaders) {
    if (too_short(4)) return fail(Reason::kBadRequest, "SPDY: a frame is too short");
    // They say nothing that is needed, but the compression goes on with them.
    RETURN_IF_ERROR(headers_->decode(body.substr(4)));
    if ((flags & kFin) != 0) end_input(number_at(body, 0, 4) & kStreamMask);
  }
  return {};  // SETTINGS, GOAWAY and WINDOW_UPDATE change nothing here.
}

Status SpdySession::open(std::uint8_t flags, std::string_view body) {
  if (body.size() < 10) return fail(Reason::kBadRequest, "SPDY: a frame is too short");
  const StreamId stream = number_at(body, 0, 4) & kStreamMask;
  ASSIGN_OR_RETURN(const HeaderMap headers, headers_->decode(body.substr(10)));
  if (stream % 2 == 0 || stream <= newest_)
    return fail(Reason::kBadRequest, "SPDY: stream numbers must be odd and grow");
  newest_ = stream;
  if (streams_.size() >= kMaxStreams) {
    events_.send(control_frame(kRstStream, number(stream) + number(kRefused)));
    return {};
  }
  streams_[stream] = {};
  events_.send(control_frame(kSynReply, number(stream) + headers_->encode_none()));
  events_.opened(stream, headers);
  if ((flags & kFin) != 0) end_input(stream);
  return {};
}

Status SpdySession::data(StreamId stream, std::uint8_t flags, std::string_view body) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.input_ended) return {};  // It was reset meanwhile.
  if (!body.empty()) events_.data(stream, body);
  if ((flags & kFin) != 0) end_input(stream);
  return {};
}

void SpdySession::end_input(StreamId stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || std::exchange(it->second.input_ended, true)) return;
  events_.input_ended(stream);
  forget_if_over(stream);
}

void SpdySession::forget_if_over(StreamId stream) {
  const auto it = streams_.find(stream);
  if (it != streams_.end() && it->second.input_ended && it->second.output_ended)
    streams_.erase(it);
}

void SpdySession::write(StreamId stream, std::string_view bytes) {
  constexpr std::size_t kChunk = 64 << 10;
  const auto it = streams_.find(stream);
  if (it == streams_.end() || it->second.output_ended) return;
  for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
    const std::string_view part = bytes.substr(at, kChunk);
    events_.send(number(stream) + number(static_cast<std::uint32_t>(part.size())) +
                 std::string(part));
  }
}

void SpdySession::finish(StreamId stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end() || std::exchange(it->second.output_ended, true)) return;
  events_.send(number(stream) + number(std::uint32_t{kFin} << 24));
  forget_if_over(stream);
}

void SpdySession::reset(StreamId stream) {
  if (streams_.erase(stream) == 0) return;
  events_.send(control_frame(kRstStream, number(stream) + number(kCancel)));
}

}  // namespace minato::apiserver
