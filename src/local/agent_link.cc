#include "local/agent_link.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

namespace minato::local {
namespace json = boost::json;
namespace {

using ExchangePtr = std::shared_ptr<control::Exchange>;

Result<agent::Kind> kind_of(const std::string& text) {
  for (const agent::Kind kind : agent::kKinds) {
    if (to_string(kind) == text) return kind;
  }
  return fail(Reason::kBadRequest, fmt::format("there is no notice of kind \"{}\"", text));
}

Result<agent::Notice> notice_of(const control::Request& request) {
  agent::Notice out;
  ASSIGN_OR_RETURN(out.kind, kind_of(request.text("kind")));
  out.text = request.text("text");
  if (const std::string time = request.text("time"); !time.empty()) {
    ASSIGN_OR_RETURN(out.time, parse_rfc3339(time));
  }
  return out;
}

template <class Act>
void answer(cluster::Cluster& cluster, const control::Request& request, const ExchangePtr& exchange, Act act) {
  agent::Sink* sink = cluster.agent_sink(request.text("instance"));
  if (sink == nullptr) {
    return exchange->finish(fail(Reason::kNotFound, fmt::format("no instance {} is known", request.text("instance"))));
  }
  exchange->finish(act(*sink));
}

}  // namespace

void add_agent_verbs(control::Server& server, cluster::Cluster& cluster) {
  server.handle("notice", [&cluster](const control::Request& request, ExchangePtr exchange) {
    answer(cluster, request, exchange, [&](agent::Sink& sink) -> Status {
      ASSIGN_OR_RETURN(const agent::Notice notice, notice_of(request));
      return sink.notice(notice);
    });
  });
  server.handle("cancelled", [&cluster](const control::Request& request, ExchangePtr exchange) {
    answer(cluster, request, exchange, [&](agent::Sink& sink) -> Status {
      ASSIGN_OR_RETURN(const agent::Kind kind, kind_of(request.text("kind")));
      sink.cancelled(kind);
      return {};
    });
  });
  server.handle("troubled", [&cluster](const control::Request& request, ExchangePtr exchange) {
    answer(cluster, request, exchange, [&](agent::Sink& sink) -> Status {
      sink.troubled(request.text("text"));
      return {};
    });
  });
  server.handle("recovered", [&cluster](const control::Request& request, ExchangePtr exchange) {
    answer(cluster, request, exchange, [&](agent::Sink& sink) -> Status {
      sink.recovered();
      return {};
    });
  });
}

Status AgentLink::tell(const char* verb, json::object arguments) {
  arguments["instance"] = instance_id_;
  fmt::print("{} {}\n", verb, json::serialize(arguments));
  std::fflush(stdout);
  return client_.call({verb, std::move(arguments)}, [](const json::value&) { return true; });
}

Status AgentLink::notice(const agent::Notice& notice) {
  json::object arguments{{"kind", to_string(notice.kind)}, {"text", notice.text}};
  if (notice.time) arguments["time"] = format_rfc3339(*notice.time, TimePrecision::kMicroseconds);
  return tell("notice", std::move(arguments));
}

void AgentLink::cancelled(agent::Kind kind) { (void)tell("cancelled", {{"kind", to_string(kind)}}); }
void AgentLink::troubled(const std::string& message) { (void)tell("troubled", {{"text", message}}); }
void AgentLink::recovered() { (void)tell("recovered", {}); }

}  // namespace minato::local
