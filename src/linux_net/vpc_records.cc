#include "linux_net/vpc_records.h"

#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/strings.h"
#include "host/files.h"

namespace minato::linux_net {
namespace {

constexpr std::string_view kPendingSuffix = ".pending";
constexpr std::string_view kTemporarySuffix = ".tmp";

Status unlink_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("removing " + path, errno);
}

struct Entry {
  std::string name;
  bool pending = false;
  std::vector<std::string> fields;
};

Result<std::vector<Entry>> read_entries(const std::string& directory, std::size_t field_count) {
  std::vector<Entry> entries;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory, error)) {
    Entry entry{.name = file.path().filename().string()};
    if (entry.name.ends_with(kTemporarySuffix)) continue;  // We died while writing it.
    if (entry.name.ends_with(kPendingSuffix)) {
      entry.pending = true;
      entry.name.resize(entry.name.size() - kPendingSuffix.size());
    }
    ASSIGN_OR_RETURN(const std::string text, host::read_file(file.path().string()));
    entry.fields = split(trim(text), ' ');
    if (entry.fields.size() != field_count) {
      return fail(Reason::kInvalid,
                  fmt::format("{} is not a record of ours", file.path().string()));
    }
    entries.push_back(std::move(entry));
  }
  if (error)
    return fail(Reason::kInternalError, fmt::format("listing {}: {}", directory, error.message()));
  // Both are there when we died between completing a record and removing its pending form: the
  // complete one holds.
  std::ranges::sort(entries, {},
                    [](const Entry& entry) { return std::pair(entry.name, entry.pending); });
  const auto repeated = std::ranges::unique(entries, {}, &Entry::name);
  entries.erase(repeated.begin(), repeated.end());
  return entries;
}

Result<NodeRecord> parse_node(const Entry& entry) {
  NodeRecord record{.name = entry.name, .instance_id = entry.fields[0], .zone = entry.fields[1]};
  ASSIGN_OR_RETURN(record.address, Ipv4::parse(entry.fields[2]));
  ASSIGN_OR_RETURN(const std::int64_t index, parse_int(entry.fields[3]));
  record.pod_prefix = static_cast<std::uint32_t>(index);
  record.link = entry.fields[4] == "up" ? LinkState::kUp : LinkState::kDown;
  return record;
}

}  // namespace

Status check_file_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  if (!name.empty() && name.size() <= 200 && name[0] != '.' && std::ranges::all_of(name, allowed) &&
      !name.ends_with(kPendingSuffix) && !name.ends_with(kTemporarySuffix)) {
    return {};
  }
  return fail(Reason::kInvalid, fmt::format("\"{}\" cannot be the name of a file", name));
}

Result<VpcRecords> VpcRecords::open(const std::string& directory) {
  for (const char* part : {"nodes", "pods", "cut-zones"}) {
    RETURN_IF_ERROR(host::make_directories(fmt::format("{}/{}", directory, part), 0700));
  }
  return VpcRecords(directory);
}

Status VpcRecords::write(const std::string& path, const std::string& text, Stage stage) {
  const std::string pending = fmt::format("{}{}", path, kPendingSuffix);
  if (stage == Stage::kPending) return host::write_file_atomic(pending, text, 0600);
  RETURN_IF_ERROR(host::write_file_atomic(path, text, 0600));
  return unlink_file(pending);
}

Status VpcRecords::put(const NodeRecord& record, Stage stage) {
  return write(
      fmt::format("{}/nodes/{}", directory_, record.name),
      fmt::format("{} {} {} {} {}\n", record.instance_id, record.zone, record.address.to_string(),
                  record.pod_prefix, record.link == LinkState::kUp ? "up" : "down"),
      stage);
}

Status VpcRecords::put(const PodRecord& record, Stage stage) {
  return write(fmt::format("{}/pods/{}", directory_, record.uid),
               fmt::format("{} {}\n", record.node, record.address.to_string()), stage);
}

Status VpcRecords::remove_node(const std::string& name) {
  const std::string path = fmt::format("{}/nodes/{}", directory_, name);
  RETURN_IF_ERROR(unlink_file(fmt::format("{}{}", path, kPendingSuffix)));
  return unlink_file(path);
}

Status VpcRecords::remove_pod(const std::string& uid) {
  const std::string path = fmt::format("{}/pods/{}", directory_, uid);
  RETURN_IF_ERROR(unlink_file(fmt::format("{}{}", path, kPendingSuffix)));
  return unlink_file(path);
}

Status VpcRecords::set_zone_cut(const std::string& zone, LinkState state) {
  const std::string path = fmt::format("{}/cut-zones/{}", directory_, zone);
  if (state == LinkState::kUp) return unlink_file(path);
  return host::write_file_atomic(path, "down\n", 0600);
}

Result<VpcRecords::Contents> VpcRecords::load() const {
  Contents contents;
  ASSIGN_OR_RETURN(const auto nodes, read_entries(directory_ + "/nodes", 5));
  for (const Entry& entry : nodes) {
    ASSIGN_OR_RETURN(NodeRecord record, parse_node(entry));
    (entry.pending ? contents.pending_nodes : contents.nodes).push_back(std::move(record));
  }
  ASSIGN_OR_RETURN(const auto pods, read_entries(directory_ + "/pods", 2));
  for (const Entry& entry : pods) {
    PodRecord record{.uid = entry.name, .node = entry.fields[0]};
    ASSIGN_OR_RETURN(record.address, Ipv4::parse(entry.fields[1]));
    (entry.pending ? contents.pending_pods : contents.pods).push_back(std::move(record));
  }
  ASSIGN_OR_RETURN(const auto zones, read_entries(directory_ + "/cut-zones", 1));
  for (const Entry& entry : zones) contents.cut_zones.push_back(entry.name);
  return contents;
}

}  // namespace minato::linux_net
