#include "local/system_image.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <vector>

#include "base/strings.h"
#include "host/files.h"
#include "host/process.h"
#include "image/layout_writer.h"

namespace minato::local {
namespace {

constexpr const char* kProgramPath = "usr/bin/minato";
constexpr const char* kStripped = "/stripped";
constexpr const char* kDnsmasqPath = "usr/sbin/dnsmasq";
constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";  // Of Debian and its kin.

// The loader and libraries of a program, as the loader itself would find them:
// "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", "	/lib64/ld-linux-x86-64.so.2 (0x…)".
Result<std::set<std::string>> libraries_of(const std::string& program) {
  ASSIGN_OR_RETURN(const host::CommandResult listing, host::run_command({"ldd", program}));
  if (listing.status.code != 0) {
    return fail(Reason::kInternalError, fmt::format("ldd {}: {}", program, trim(listing.output)));
  }
  std::set<std::string> out;
  for (const std::string_view line : split(listing.output, '\n')) {
    if (line.find("not found") != std::string_view::npos) {
      return fail(Reason::kNotFound, fmt::format("a library of {} is missing: {}", program, trim(line)));
    }
    const std::size_t begin = line.find('/');
    const std::size_t end = line.find(" (");
    if (begin != std::string_view::npos && end != std::string_view::npos && begin < end) {
      out.emplace(line.substr(begin, end - begin));
    }
  }
  return out;
}

image::LayerFile file_of(const std::string& path, const std::string& source, std::uint32_t mode) {
  image::LayerFile out;
  out.path = path;
  out.source_path = source;
  out.mode = mode;
  return out;
}

image::LayerFile program_file(const std::string& path, const std::string& source) {
  return file_of(path, source, 0755);
}

struct Programs {
  std::string self;
  std::string dnsmasq;
};
Result<Programs> find_programs() {
  Programs out;
  char self[4096] = {};
  if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return fail_errno("reading /proc/self/exe", errno);
  out.self = self;
  ASSIGN_OR_RETURN(out.dnsmasq, host::find_program("dnsmasq"));
  return out;
}

// What tells one content from another without reading it: the programs' identities on disk.
Result<std::string> fingerprint(const std::vector<std::string>& programs) {
  std::string out;
  for (const std::string& program : programs) {
    struct stat info {};
    if (::stat(program.c_str(), &info) != 0) return fail_errno("reading " + program, errno);
    out += fmt::format("-{:x}-{:x}-{:x}", info.st_ino, info.st_size, info.st_mtim.tv_sec);
  }
  return out;
}

// Symbols for debuggers are nine tenths of the program and of no use in a Pod.
std::string without_symbols(const std::string& program, const std::string& directory) {
  const std::string stripped = directory + kStripped;
  const auto done = host::run_command({"strip", "-s", "-o", stripped, program});
  return done && done->status.code == 0 ? stripped : program;
}

// Leaves the program without symbols in `scratch`, which the writer of the image reads it from.
Result<image::LayoutImage> compose(const Programs& programs, const std::string& scratch) {
  std::set<std::string> libraries;
  for (const std::string& program : {programs.self, programs.dnsmasq}) {
    ASSIGN_OR_RETURN(const auto found, libraries_of(program));
    libraries.insert(found.begin(), found.end());
  }
  image::LayoutImage out;
  auto& files = out.layers.emplace_back();
  for (const std::string& library : libraries) files.push_back(program_file(library.substr(1), library));
  files.push_back(program_file(kDnsmasqPath, programs.dnsmasq));
  if (::access(kAuthorities, R_OK) == 0) files.push_back(file_of(kAuthorities + 1, kAuthorities, 0644));
  image::LayerFile passwd;
  passwd.path = "etc/passwd";
  passwd.content = "root:x:0:0:root:/:/bin/false\n";
  files.push_back(std::move(passwd));
  image::LayerFile group;
  group.path = "etc/group";
  group.content = "root:x:0:\n";
  files.push_back(std::move(group));
  out.layers.emplace_back().push_back(program_file(kProgramPath, without_symbols(programs.self, scratch)));
  out.config.entrypoint = {std::string("/") + kProgramPath};
  return out;
}

}  // namespace

Result<std::string> make_system_image(const std::string& directory) {
  ASSIGN_OR_RETURN(const Programs programs, find_programs());
  ASSIGN_OR_RETURN(const std::string print, fingerprint({programs.self, programs.dnsmasq}));
  const std::string layout = directory + "/minato" + print;
  const std::string reference = fmt::format("oci:{}:{}", layout, kSystemImageTag);
  if (::access((layout + "/index.json").c_str(), F_OK) == 0) return reference;
  // Those of programs that are no more go first.
  RETURN_IF_ERROR(host::remove_tree(directory));
  RETURN_IF_ERROR(host::make_directories(directory, 0700));
  ASSIGN_OR_RETURN(image::LayoutImage image, compose(programs, directory));
  image.compression = image::Compression::kNone;
  const auto written = image::write_layout(layout, std::string(kSystemImageTag), image);
  if (!written) return wrap("making the image of the cluster's own services", written.error());
  return reference;
}

Result<image::Digest> export_system_image(const std::string& layout) {
  ASSIGN_OR_RETURN(const Programs programs, find_programs());
  RETURN_IF_ERROR(host::make_directories(layout, 0755));
  ASSIGN_OR_RETURN(const image::LayoutImage image, compose(programs, layout));
  auto digest = image::write_layout(layout, std::string(kSystemImageTag), image);
  ::unlink((layout + kStripped).c_str());
  return digest;
}

}  // namespace minato::local
