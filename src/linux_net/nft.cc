#include "linux_net/nft.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>

#include "base/strings.h"

namespace minato::linux_net {
namespace {

// "element service-ips { 10.100.0.10 . tcp . 80 : goto x }"; `content` is key and verdict.
std::string element_name(std::string_view container, std::string_view content) {
  return fmt::format("element {} {{ {} }}", container, content);
}

// The elements in a block, "… elements = { a : goto x, b : drop } …".
void add_elements(std::string_view container, std::string_view block, std::set<std::string>& objects) {
  constexpr std::string_view kBegin = "elements = {";
  const std::size_t begin = block.find(kBegin);
  if (begin == std::string_view::npos || block.substr(0, begin).contains("flags dynamic")) return;
  block.remove_prefix(begin + kBegin.size());
  for (const std::string& element : split(block.substr(0, block.find('}')), ',')) {
    objects.insert(element_name(container, trim(element)));
  }
}

std::set<std::string> objects_of(std::string_view listing) {
  std::set<std::string> objects;
  while (!listing.empty()) {
    const std::string_view line = listing.substr(0, listing.find('\n'));
    listing.remove_prefix(std::min(line.size() + 1, listing.size()));
    const auto words = split(trim(line), ' ');
    if (words.size() != 3 || words[2] != "{") continue;
    if (words[0] != "chain" && words[0] != "map" && words[0] != "set") continue;
    objects.insert(words[0] + " " + words[1]);
    if (words[0] != "chain") add_elements(words[1], listing.substr(0, listing.find("\n\t}")), objects);
  }
  return objects;
}

}  // namespace

void NftScript::verdict_map(const std::string& name, std::string_view key) {
  declare("map", name, fmt::format("{{ type {} : verdict; }}", key));
}

void NftScript::set(const std::string& name, std::string_view body) {
  declare("set", name, fmt::format("{{ {} }}", body));
}

void NftScript::chain(const std::string& name, std::string_view hook) {
  declare("chain", name, hook.empty() ? std::string() : fmt::format("{{ {} }}", hook));
  flush_ += fmt::format("flush chain {} {}\n", table_, name);
}

void NftScript::rule(const std::string& chain, std::string_view text) {
  contents_ += fmt::format("add rule {} {} {}\n", table_, chain, text);
}

void NftScript::element(std::string_view map, std::string_view key, std::string_view verdict) {
  elements_.insert(element_name(map, fmt::format("{} : {}", key, verdict)));
}

void NftScript::element(std::string_view set, std::string_view key) {
  elements_.insert(element_name(set, key));
}

std::set<std::string> NftScript::objects() const {
  std::set<std::string> all = declared_;
  all.insert(elements_.begin(), elements_.end());
  return all;
}

std::string NftScript::finish(const std::set<std::string>& existing) const {
  std::string stale_flush, stale_delete, added;
  for (const std::string& object : existing) {
    if (declared_.contains(object) || elements_.contains(object)) continue;
    // A chain that another one or a map still leads to cannot be deleted: all are emptied first.
    if (object.starts_with("element ")) {
      stale_flush += "delete " + in_table(object);
    } else {
      if (object.starts_with("chain ")) stale_flush += "flush " + in_table(object);
      stale_delete += "delete " + in_table(object);
    }
  }
  for (const std::string& element : elements_) {
    if (!existing.contains(element)) added += "add " + in_table(element);
  }
  return fmt::format("add table {}\n", table_) + declarations_ + flush_ + stale_flush +
         stale_delete + contents_ + added;
}

void NftScript::declare(std::string_view kind, const std::string& name, const std::string& body) {
  declared_.insert(fmt::format("{} {}", kind, name));
  declarations_ += fmt::format("add {} {} {}{}{}\n", kind, table_, name, body.empty() ? "" : " ", body);
}

// "chain x" as "chain ip minato x", a line.
std::string NftScript::in_table(const std::string& object) const {
  const std::size_t space = object.find(' ');
  return fmt::format("{} {} {}\n", object.substr(0, space), table_, object.substr(space + 1));
}

Result<std::string> run_nft(const std::string& script) {
  const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                  nft_ctx_free);
  if (!context) return fail(Reason::kInternalError, "libnftables gave no context");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  if (nft_run_cmd_from_buffer(context.get(), script.c_str()) != 0) {
    const std::string_view error = nft_ctx_get_error_buffer(context.get());
    return fail(Reason::kInternalError,
                fmt::format("nftables: {}", trim(error.substr(0, error.find('\n')))));
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

Result<std::set<std::string>> list_nft_objects(std::string_view table) {
  const auto tables = run_nft("list tables ip");
  RETURN_IF_ERROR(tables);
  std::set<std::string> objects;
  if (tables->find(fmt::format("table {}\n", table)) == std::string::npos) return objects;
  ASSIGN_OR_RETURN(const std::string listing, run_nft(fmt::format("list table {}", table)));
  return objects_of(listing);
}

}  // namespace minato::linux_net
