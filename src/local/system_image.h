// The image of the cluster's own services, made from the running minato: the program, the libraries
// that it loads, and dnsmasq. Nothing is downloaded, and the Pods' version is always ours.
//
// Blocking, about a second the first time; a layout of the same content is used again.
#pragma once

#include <string>

#include "base/result.h"

namespace minato::local {

// Writes an OCI layout below `directory` unless it is there; gives its reference ("oci:…:TAG").
// Errors: NotFound (dnsmasq is not installed), those of files.
Result<std::string> make_system_image(const std::string& directory);

}  // namespace minato::local
