// The image of the cluster's own services, made from the running minato: the program, the libraries
// that it loads, the authorities that this machine trusts, and dnsmasq. Nothing is downloaded, and
// the Pods' version is always ours. The same image is what EKS runs controller and agent from.
//
// Blocking, about a second the first time.
#pragma once

#include <string>

#include "base/result.h"
#include "image/digest.h"

namespace minato::local {

// Writes an OCI layout below `directory`, which holds nothing else, unless one of the same content
// is there; gives its reference ("oci:…:TAG").
// Errors: NotFound (dnsmasq is not installed), those of files.
Result<std::string> make_system_image(const std::string& directory);

inline constexpr std::string_view kSystemImageTag = "minato";
// Writes it as the layout `layout`, compressed, for a registry. Errors: as above.
Result<image::Digest> export_system_image(const std::string& layout);

}  // namespace minato::local
