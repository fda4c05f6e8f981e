// The two messages of grpc.health.v1.Health/Check as they travel: protobuf inside gRPC's frame.
//
//   message HealthCheckRequest { string service = 1; }
//   message HealthCheckResponse { ServingStatus status = 1; }   // An enumeration.
//
// Pure. What arrives comes from a container, which may send anything: every length is checked.
// Rules: github.com/grpc/grpc doc/health-checking.md, doc/PROTOCOL-HTTP2.md
// (Length-Prefixed-Message); protobuf.dev/programming-guides/encoding.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::linux_container {

// With its frame.
std::string encode_health_request(std::string_view service);

// The status out of exactly one framed message; fields that are not known are passed over, of a
// field that comes twice the last counts. Errors: Invalid.
Result<int> decode_health_response(std::string_view framed);

// grpc-message: percent-encoded UTF-8; what is not well-formed stays as it is.
std::string decode_percent(std::string_view text);

}  // namespace minato::linux_container
