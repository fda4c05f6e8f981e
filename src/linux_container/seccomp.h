// The system calls that containers may not make unless a capability says so.
//
// Docker's and containerd's default profile lists some 350 calls that are allowed; this is its
// complement: what that profile forbids on Linux today, refused with EPERM, everything else
// allowed. It is two kilobytes instead of twenty, which matters when it is compiled for every
// start. Source: github.com/moby/profiles seccomp/default.json.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace minato::linux_container {

boost::json::object default_seccomp_profile(const std::vector<std::string>& capabilities);

}  // namespace minato::linux_container
