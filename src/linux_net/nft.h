// nftables by libnftables inside this process: a table of ours brought from what it holds to what it
// shall hold, as one transaction. Blocking, a few milliseconds; calling thread's network namespace.
//
// Maps and sets are not flushed and their elements change one by one: a packet that comes between
// the removal of an element and its return would not find it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::linux_net {

// Collects the objects and rules of one table and prints them in the order that nftables needs:
// declarations, then removal of what is stale, then contents. Same input, same text.
class NftScript {
 public:
  explicit NftScript(std::string table) : table_(std::move(table)) {}  // "ip minato"

  void verdict_map(const std::string& name, std::string_view key);
  void set(const std::string& name, std::string_view body);
  void chain(const std::string& name, std::string_view hook = {});  // Emptied.
  void rule(const std::string& chain, std::string_view text);
  void element(std::string_view map, std::string_view key, std::string_view verdict);
  void element(std::string_view set, std::string_view key);

  // "chain x", "map y", "set z" and "element y { … }".
  std::set<std::string> objects() const;
  // The script that makes the table hold exactly this, given which objects are in it now.
  std::string finish(const std::set<std::string>& existing) const;

 private:
  void declare(std::string_view kind, const std::string& name, const std::string& body);
  std::string in_table(const std::string& object) const;

  std::string table_;
  std::set<std::string> declared_, elements_;
  std::string declarations_, flush_, contents_;
};

// Runs a script and gives back what it printed.
Result<std::string> run_nft(const std::string& script);

// What NftScript::objects() calls the contents of a table of the family ip; empty when there is no
// such table. Elements of sets that fill by themselves are not among them.
Result<std::set<std::string>> list_nft_objects(std::string_view table);

}  // namespace minato::linux_net
