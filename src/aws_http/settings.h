// Where AWS is and who we are there, by the variables that every AWS SDK reads.
//
// Values. Region: AWS_REGION, else AWS_DEFAULT_REGION. Endpoints: AWS_ENDPOINT_URL_<SERVICE>, else
// AWS_ENDPOINT_URL, else the regional endpoint of the service. Errors: Invalid, with the variable.
// Rule: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "aws_http/actions.h"
#include "base/result.h"

namespace minato::aws_http {

// A variable of the environment; "" where it is not set.
using Variables = std::function<std::string(std::string_view name)>;
std::string process_variable(std::string_view name);

class Settings {
 public:
  static Result<Settings> read(const Variables& variables);

  const std::string& region() const { return region_; }
  // "https://autoscaling.ap-northeast-1.amazonaws.com"
  const std::string& endpoint(Service service) const { return endpoints_.at(service); }

 private:
  std::string region_;
  std::map<Service, std::string> endpoints_;
};

}  // namespace minato::aws_http
