// Answers in gzip, for clients that ask for it: bodies of more than 128 KiB, and lists that are
// written piece by piece, which are as large. Watches and logs are left alone: whoever reads them
// waits for each line.
//
// Wraps an Exchange; what passes through is compressed as it passes, at the fastest level, so
// nothing waits for the end. Loop thread only.
// Rules: k8s.io/apiserver pkg/endpoints/handlers/responsewriters/writers.go.
#pragma once

#include "apiserver/http.h"

namespace minato::apiserver {

inline constexpr std::size_t kSmallestGzip = 128 << 10;

// Whether Accept-Encoding names gzip and does not refuse it (q=0).
bool accepts_gzip(const HttpRequest& request);
ExchangePtr gzip_answers(ExchangePtr inner);

}  // namespace minato::apiserver
