// Values of the secrets that a file names, read on this machine by the command that was given the
// file: the control process never sees the caller's environment.
#pragma once

#include <string>

#include "blueprint/blueprint.h"
#include "spec/spec.h"

namespace minato::app {

// `known` are values that were generated before; they stay. Errors: Invalid, naming the secret and
// what to do; a value is never part of a message.
Result<blueprint::SecretValues> resolve_secrets(const spec::Spec& spec, const std::string& directory,
                                                const blueprint::SecretValues& known);

}  // namespace minato::app
