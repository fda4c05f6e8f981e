// ClusterIPs and NodePorts of Services. Holds no state of its own worth keeping: it is filled from
// the Services in the store at start, so the store alone is durable.
//
// Addresses chosen by us come from the upper band of a range first, which leaves the lower band to
// people who pick by hand (KEP-3070, KEP-3668); a cursor moves on so that a freed address is not
// handed out again at once. Deterministic. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "kube/types/service.h"
#include "kube/validation.h"

namespace minato::registry {

struct PortRange {
  std::int32_t first = 30000;
  std::int32_t last = 32767;
};

// Numbers first..last, each free or held.
class NumberPool {
 public:
  // `reserved` numbers at the start are handed out only when asked for or when all others are held.
  NumberPool(std::uint32_t first, std::uint32_t last, std::uint32_t reserved);
  bool contains(std::uint32_t number) const { return first_ <= number && number <= last_; }
  bool is_held(std::uint32_t number) const { return held_.contains(number); }
  void hold(std::uint32_t number) { ++held_[number]; }
  void release(std::uint32_t number);
  // A free one that is not in `except`; 0 when there is none. It is not held yet.
  std::uint32_t find_free(const std::set<std::uint32_t>& except = {});

 private:
  std::uint32_t find_between(std::uint32_t first, std::uint32_t last, std::uint32_t& cursor,
                             const std::set<std::uint32_t>& except) const;

  std::uint32_t first_;
  std::uint32_t last_;
  std::uint32_t upper_first_;
  std::uint32_t upper_cursor_;
  std::uint32_t lower_cursor_;
  // Counted: two ports of one Service share a NodePort when their protocols differ.
  std::map<std::uint32_t, int> held_;
};

class ServiceAllocator {
 public:
  // Errors: Invalid (not an IPv4 range of at least 8 addresses, not a port range).
  static Result<ServiceAllocator> make(const std::string& cidr, PortRange ports);

  // Fills in what `service` needs and does not have. `before` is its stored state, or null. What
  // it asks for and cannot get becomes an error; the allocator itself is left as it was.
  void complete(kube::Service& service, const kube::Service* before, kube::FieldErrors& errors);
  // The stored state changed: hold what `after` uses, release what only `before` used.
  void commit(const kube::Service* before, const kube::Service* after);

 private:
  ServiceAllocator(NumberPool addresses, NumberPool ports)
      : addresses_(std::move(addresses)), ports_(std::move(ports)) {}
  void complete_address(kube::Service& service, const kube::Service* before,
                        kube::FieldErrors& errors);
  void complete_ports(kube::Service& service, const kube::Service* before,
                      kube::FieldErrors& errors);

  NumberPool addresses_;
  NumberPool ports_;
};

}  // namespace minato::registry
