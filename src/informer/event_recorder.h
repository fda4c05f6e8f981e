// Writes core/v1 Events about objects, merging repeats into one Event with a count.
//
// Rules: k8s.io/client-go tools/record/events_cache.go (same source, object, type, reason and
// message within 10 minutes counts up; per-object spam limit of a burst of 25, then one per 5 min).
// Loop thread only. Recording never fails the caller: what cannot be written is logged.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "env/env.h"
#include "kube/client.h"

namespace minato::informer {

class EventRecorder {
 public:
  // `component` appears as the Event's source, e.g. "kubelet"; `host` may be empty.
  EventRecorder(env::Env env, kube::Client& client, std::string component, std::string host = {});

  void normal(const kube::Object& about, std::string_view reason, std::string_view message) {
    record(about, "Normal", reason, message, {});
  }
  void warning(const kube::Object& about, std::string_view reason, std::string_view message) {
    record(about, "Warning", reason, message, {});
  }
  // With the part concerned, e.g. "spec.containers{web}".
  void record(const kube::Object& about, std::string_view type, std::string_view reason,
              std::string_view message, std::string_view field_path);

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  struct Seen {
    kube::ObjectKey event;
    MonoTime last{};
  };
  struct Bucket {
    double tokens = 0;
    MonoTime refilled{};
  };
  bool allowed(const std::string& uid);
  bool count_up(const Seen& seen);
  void write_new(const kube::Object& about, const Key& key, std::string_view field_path);
  void forget_old();

  env::Env env_;
  kube::Client& client_;
  std::string component_;
  std::string host_;
  std::map<Key, Seen> seen_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace minato::informer
