#include "kube_http/endpoint.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <cstdlib>
#include <filesystem>

#include "apiserver/yaml.h"
#include "base/strings.h"
#include "host/files.h"
#include "kube/base64.h"
#include "kube_http/token_program.h"

namespace minato::kube_http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFile = 1 << 20;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

bool is_true(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

// One file, taken apart: lists of {name, <what>: {…}}.
struct Kubeconfig {
  std::string path;
  json::object root;

  // Errors: NotFound. `list` "clusters", `what` "cluster".
  Result<json::object> entry(std::string_view list, std::string_view what, const std::string& name) const {
    const json::value* entries = root.if_contains(list);
    if (entries != nullptr && entries->is_array()) {
      for (const json::value& each : entries->get_array()) {
        if (!each.is_object() || text_of(each.get_object(), "name") != name) continue;
        const json::value* found = each.get_object().if_contains(what);
        return found != nullptr && found->is_object() ? found->get_object() : json::object();
      }
    }
    return fail(Reason::kNotFound, fmt::format("{}: no {} named \"{}\" in {}", path, what, name, list));
  }

  // What stands in `name`-data (base64), else the file that `name` names; "" without either.
  Result<std::string> data_or_file(const json::object& object, const std::string& name) const {
    if (const std::string data = text_of(object, name + "-data"); !data.empty()) {
      auto decoded = kube::base64_decode(data);
      if (!decoded) return wrap(path + ": " + name + "-data", std::move(decoded).error());
      return decoded;
    }
    const std::string file = text_of(object, name);
    if (file.empty()) return std::string();
    return host::read_file(beside(file), kMaxFile);
  }

  std::string beside(const std::string& file) const {
    return (std::filesystem::path(path).parent_path() / file).string();
  }
};

Result<Kubeconfig> open_kubeconfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path, kMaxFile));
  auto value = apiserver::parse_yaml(text);
  if (!value) return wrap(path, std::move(value).error());
  if (!value->is_object()) return fail(Reason::kInvalid, path + ": a kubeconfig is a mapping");
  return Kubeconfig{path, value->get_object()};
}

Status read_cluster(const Kubeconfig& file, const json::object& cluster, Endpoint& out) {
  out.server = text_of(cluster, "server");
  while (out.server.ends_with('/')) out.server.pop_back();
  if (!out.server.starts_with("https://")) {
    return fail(Reason::kInvalid, fmt::format("{}: server \"{}\" must begin with https://", file.path, out.server));
  }
  if (is_true(cluster, "insecure-skip-tls-verify")) {
    return fail(Reason::kInvalid, file.path + ": insecure-skip-tls-verify is not supported; name the "
                                              "certificate-authority instead");
  }
  out.tls_server_name = text_of(cluster, "tls-server-name");
  ASSIGN_OR_RETURN(out.authority_pem, file.data_or_file(cluster, "certificate-authority"));
  return {};
}

Status read_program(const Kubeconfig& file, const json::object& exec, TokenProgram& out) {
  out.api_version = text_of(exec, "apiVersion");
  if (out.api_version != "client.authentication.k8s.io/v1" && out.api_version != "client.authentication.k8s.io/v1beta1") {
    return fail(Reason::kInvalid, fmt::format("{}: exec has apiVersion \"{}\"; v1 and v1beta1 of "
                                              "client.authentication.k8s.io are supported",
                                              file.path, out.api_version));
  }
  const std::string command = text_of(exec, "command");
  if (command.empty()) return fail(Reason::kInvalid, file.path + ": exec has no command");
  // A name alone is looked for in PATH, a path is relative to the file.
  out.argv.push_back(command.find('/') == std::string::npos ? command : file.beside(command));
  if (const json::value* args = exec.if_contains("args"); args != nullptr && args->is_array()) {
    for (const json::value& each : args->get_array()) {
      if (each.is_string()) out.argv.emplace_back(each.get_string());
    }
  }
  if (const json::value* variables = exec.if_contains("env"); variables != nullptr && variables->is_array()) {
    for (const json::value& each : variables->get_array()) {
      if (!each.is_object()) continue;
      out.environment.emplace_back(text_of(each.get_object(), "name"), text_of(each.get_object(), "value"));
    }
  }
  return {};
}

Status read_user(const Kubeconfig& file, const json::object& user, Endpoint& out) {
  ASSIGN_OR_RETURN(out.client_certificate_pem, file.data_or_file(user, "client-certificate"));
  ASSIGN_OR_RETURN(out.client_key_pem, file.data_or_file(user, "client-key"));
  if (out.client_certificate_pem.empty() != out.client_key_pem.empty()) {
    return fail(Reason::kInvalid, file.path + ": client-certificate and client-key belong together");
  }
  out.token = text_of(user, "token");
  if (const std::string token_file = text_of(user, "tokenFile"); !token_file.empty()) {
    out.token_file = file.beside(token_file);
  }
  for (const std::string_view name : {"auth-provider", "username"}) {
    if (!user.contains(name)) continue;
    return fail(Reason::kInvalid, fmt::format("{}: {} is not supported; use a token, a certificate or exec", file.path, name));
  }
  const json::value* exec = user.if_contains("exec");
  return exec != nullptr && exec->is_object() ? read_program(file, exec->get_object(), out.program) : Status{};
}

}  // namespace

Result<Endpoint> in_cluster(const std::string& directory) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0') {
    return fail(Reason::kNotFound, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no Pod "
                                   "of a cluster; name a kubeconfig file with --kubeconfig");
  }
  const bool is_v6 = std::string_view(host).find(':') != std::string_view::npos;
  Endpoint out{.server = is_v6 ? fmt::format("https://[{}]:{}", host, port) : fmt::format("https://{}:{}", host, port)};
  ASSIGN_OR_RETURN(out.authority_pem, host::read_file(directory + "/ca.crt", kMaxFile));
  out.token_file = directory + "/token";
  if (auto token = host::read_file(out.token_file, kMaxFile); !token) return std::unexpected(std::move(token).error());
  if (const auto name = host::read_file(directory + "/namespace", kMaxFile)) out.namespace_ = trim(*name);
  return out;
}

Result<Endpoint> from_kubeconfig(const std::string& path, const std::string& context) {
  ASSIGN_OR_RETURN(const Kubeconfig file, open_kubeconfig(path));
  const std::string name = context.empty() ? text_of(file.root, "current-context") : context;
  if (name.empty()) return fail(Reason::kInvalid, path + ": it has no current-context, and none was named");
  ASSIGN_OR_RETURN(const json::object chosen, file.entry("contexts", "context", name));
  ASSIGN_OR_RETURN(const json::object cluster, file.entry("clusters", "cluster", text_of(chosen, "cluster")));
  Endpoint out;
  if (const std::string space = text_of(chosen, "namespace"); !space.empty()) out.namespace_ = space;
  RETURN_IF_ERROR(read_cluster(file, cluster, out));
  if (const std::string user = text_of(chosen, "user"); !user.empty()) {
    ASSIGN_OR_RETURN(const json::object found, file.entry("users", "user", user));
    RETURN_IF_ERROR(read_user(file, found, out));
  }
  return out;
}

Result<std::string> Credentials::token(MonoTime now, WallTime wall) {
  const std::lock_guard lock(mutex_);
  if (!endpoint_.program.argv.empty()) {
    const bool is_good = has_token_ && (!is_set(expires_) || wall < expires_ - kRunAgainBefore);
    if (is_good) return token_;
    ASSIGN_OR_RETURN(ProgramToken given, run_token_program(endpoint_.program));
    token_ = std::move(given.token);
    expires_ = given.expires;
  } else if (!endpoint_.token_file.empty()) {
    if (has_token_ && now - read_ < kTokenFileAge) return token_;
    auto text = host::read_file(endpoint_.token_file, kMaxFile);
    // One that was read before may still be good.
    if (!text && has_token_) return token_;
    if (!text) return std::unexpected(std::move(text).error());
    token_ = trim(*text);
    read_ = now;
  } else {
    return endpoint_.token;
  }
  has_token_ = true;
  return token_;
}

void Credentials::refuse() {
  const std::lock_guard lock(mutex_);
  has_token_ = false;
}

}  // namespace minato::kube_http
