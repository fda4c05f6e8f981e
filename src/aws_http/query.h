// The query protocol: a form in, XML out. Pure.
//
// Rules: AWS Query and EC2 protocols (Smithy, "awsQuery", "ec2Query"): lists are Name.member.1 or, for
// EC2, Name.1; answers <OpResponse><OpResult>…; errors <ErrorResponse><Error> or, for EC2,
// <Response><Errors><Error>.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws_http/actions.h"
#include "aws_http/http.h"
#include "aws_http/xml.h"

namespace minato::aws_http {

using Parameters = std::vector<std::pair<std::string, std::string>>;
// Appends `values` as the list `name`, e.g. "AutoScalingGroupNames.member".
void add_list(Parameters& parameters, std::string_view name, const std::vector<std::string>& values);

// "Action=…&Version=…&…"
std::string encode_form(Service service, std::string_view action, const Parameters& parameters);

struct ServiceError {
  std::string code;  // "ValidationError"; "" where the answer does not say.
  std::string message;
  std::string request_id;
};
// Of an answer with a bad status, whatever its body is.
ServiceError read_error(const HttpResponse& response);

// Whether another attempt may help, and what it costs the quota.
enum class Retry { kNo, kTransient, kThrottled };
Retry retry_of(int status, std::string_view code);
bool is_about_credentials(std::string_view code);  // They have ended, or were replaced.
bool is_about_time(std::string_view code);         // The clocks differ too much.

// "autoscaling SetDesiredCapacity: ValidationError: … (request …)", with the reason that the seams
// name for the code.
Error to_error(Service service, std::string_view action, int status, const ServiceError& error);

}  // namespace minato::aws_http
