// What the image tests share: temporary directories and hand-made tar archives that no honest tool
// writes.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "image/compression.h"
#include "image/digest.h"

namespace minato::image::testing {

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "image_test_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const std::string& path, std::string_view content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

// Writes ustar headers byte by byte, so that every lie can be told.
class TarBuilder {
 public:
  struct Options {
    char type = '0';
    std::string link = {};
    unsigned mode = 0644;
    std::string size_field = {};  // Instead of the true size.
    std::string uid_field = {};
  };

  TarBuilder& add(std::string_view name, std::string_view content, const Options& options) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
      header.replace(at, text.size(), text);
    };
    put(0, name.substr(0, 100));
    put(100, octal(options.mode, 7));
    put(108, options.uid_field.empty() ? octal(0, 7) : options.uid_field);
    put(116, octal(0, 7));
    put(124, options.size_field.empty() ? octal(content.size(), 11) : options.size_field);
    put(136, octal(0, 11));
    put(148, "        ");
    header[156] = options.type;
    put(157, std::string_view(options.link).substr(0, 100));
    put(257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, octal(sum, 6) + std::string("\0 ", 2));
    bytes_ += header;
    bytes_ += content;
    bytes_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }
  TarBuilder& file(std::string_view name, std::string_view content = "x", unsigned mode = 0644) {
    return add(name, content, {.mode = mode});
  }
  TarBuilder& directory(std::string_view name, unsigned mode = 0755) {
    return add(name, "", {.type = '5', .mode = mode});
  }
  TarBuilder& symlink(std::string_view name, std::string target) {
    return add(name, "", {.type = '2', .link = std::move(target)});
  }
  TarBuilder& hard_link(std::string_view name, std::string target) {
    return add(name, "", {.type = '1', .link = std::move(target)});
  }
  // A pax record for the entry that follows.
  TarBuilder& pax(std::string_view key, std::string_view value) {
    const std::string body = " " + std::string(key) + "=" + std::string(value) + "\n";
    std::size_t size = body.size() + 1;
    while (std::to_string(size).size() + body.size() != size) ++size;
    return add("pax", std::to_string(size) + body, {.type = 'x'});
  }
  TarBuilder& truncate(std::size_t bytes) {
    bytes_.resize(bytes);
    whole_ = false;
    return *this;
  }
  std::string bytes() const { return whole_ ? bytes_ + std::string(1024, '\0') : bytes_; }

 private:
  static std::string octal(std::size_t value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*zo", digits, value);
    return text;
  }
  std::string bytes_;
  bool whole_ = true;
};

inline std::string compress(std::string_view bytes, Compression compression) {
  std::string out;
  auto compressor = Compressor::open(compression, [&](std::string_view part) -> Status {
    out += part;
    return {};
  });
  if (!compressor || !compressor->append(bytes) || !compressor->finish()) std::abort();
  return out;
}

}  // namespace minato::image::testing
