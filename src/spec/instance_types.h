// Whether the instance types of a file are known, before anything is made of it.
//
// Pure. Errors: Invalid with one cause per type, each with the key and how to have the type.
#pragma once

#include "base/result.h"
#include "cloud/catalogue_file.h"
#include "spec/spec.h"

namespace minato::spec {

// What there is to say of a type that the catalogue does not have.
std::string unknown_type(const std::string& type, const Spec& spec);

Status check_instance_types(const Spec& spec, const cloud::Catalogue& catalogue);

}  // namespace minato::spec
