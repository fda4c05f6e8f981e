// Failures as metav1.Status, with the codes and details that clients branch on. Pure.
// Rules: k8s.io/apimachinery pkg/api/errors/errors.go, pkg/apis/meta/v1 (Status).
#pragma once

#include <string>
#include <string_view>

#include "apiserver/http.h"
#include "base/result.h"

namespace minato::apiserver {

// What the request was about, for Status.details. All may be empty.
struct Subject {
  std::string name;
  std::string group;
  std::string resource;  // "pods"
  std::string kind;      // "Pod"
  std::string uid;
};

int http_status(Reason reason);
// With the reason's code, or with another one and its name (406, 413, …).
HttpAnswer failure(const Error& error, const Subject& subject = {});
HttpAnswer failure(int code, std::string_view reason, std::string_view message);
// The Status object alone, as watches send it in ERROR events.
std::string failure_status(const Error& error, const Subject& subject = {});
// {"status":"Success"} with details, what a deletion that is complete answers.
HttpAnswer success(const Subject& subject);

}  // namespace minato::apiserver
