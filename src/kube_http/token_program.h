// Runs the program of a kubeconfig's user that gives tokens. Private to kube_http. Blocking.
#pragma once

#include "kube_http/endpoint.h"

namespace minato::kube_http {

struct ProgramToken {
  std::string token;
  WallTime expires{};  // Unset: it says no end.
};

// Errors: see endpoint.h.
Result<ProgramToken> run_token_program(const TokenProgram& program);
// What it prints, an ExecCredential.
Result<ProgramToken> read_exec_credential(std::string_view text);

}  // namespace minato::kube_http
