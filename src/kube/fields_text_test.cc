#include <gtest/gtest.h>

#include "kube/field_set.h"
#include "kube/json.h"

namespace minato::kube {
namespace {

void leave_out_containers(FieldSet& set) {
  if (!set.children_.empty()) set.member_ = false;
  for (auto& [name, child] : set.children_) leave_out_containers(child);
}

// The long way: over JSON and a set.
std::string by_way_of_json(const Object& object) {
  FieldSet set = fields_of(Typing(object.kind()), to_json_value(object));
  set.children_.erase("f:status");
  leave_out_containers(set);
  return set.to_fields_v1();
}

std::string without_containers(const std::string& fields_v1) {
  FieldSet set = *FieldSet::parse(fields_v1);
  leave_out_containers(set);
  return set.to_fields_v1();
}

// What an object of zeros has too is not made by a creation: its structs, and lists without omitempty.
TEST(FieldsTextTest, NamesTheContainersThatCameWithIt) {
  const auto object = object_from_json(std::string_view(
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","labels":{"a":"b"}},
          "spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{},"spec":{"securityContext":{},
          "containers":[{"name":"m","resources":{"limits":{"cpu":"1"}},"ports":[{"containerPort":80}]}]}}}})"));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(fields_v1_of(**object),
            R"x({"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:selector":{},"f:template":{"f:spec":{)x"
            R"x("f:containers":{"k:{\"name\":\"m\"}":{".":{},"f:name":{},"f:ports":{".":{},)x"
            R"x("k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},)x"
            R"x("f:resources":{".":{},"f:limits":{".":{},"f:cpu":{}}}}},"f:securityContext":{}}}}})x");
}

TEST(FieldsTextTest, IsWhatTheSetOfFieldsSays) {
  for (const std::string_view text : {
           R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})",
           R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"b":"1","a":"2"},
               "annotations":{"x/y":"z"},"finalizers":["f/a","f/b","f/a"]},"data":{"k":"v"},"binaryData":{"b":"aGk="}})",
           R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","uid":"u","generation":3,"custom":{"a":[1],"b":{}},
               "ownerReferences":[{"apiVersion":"v1","kind":"X","name":"x","uid":"1"}]},
               "spec":{"containers":[{"name":"b","image":"i","ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"},
               {"containerPort":80,"name":"again"}],
               "env":[{"name":"Z","value":""},{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],
               "command":["a","b"],"resources":{"limits":{"cpu":"1"},"requests":{}},"unheard":{"of":[{"x":1}],"z":null},
               "readinessProbe":{"httpGet":{"path":"/","port":"http"}},"volumeMounts":[{"name":"v","mountPath":"/v"}]},{"name":"a"}],
               "nodeSelector":{"a":"b"},"tolerations":[{"key":"k"}],"volumes":[{"name":"v","emptyDir":{}}],
               "affinity":{"podAntiAffinity":{}},"securityContext":{},"terminationGracePeriodSeconds":0,
               "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]},
               "status":{"phase":"Running"},"top":{"level":1}})",
           R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80},{"port":443,"protocol":"TCP"}],
               "clusterIPs":["10.0.0.1"],"selector":{"a":"b"}}})",
           R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},
               "strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"m"}]}}}})",
           R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r"},"rules":[{"verbs":["get"]}]})",
       }) {
    const auto object = object_from_json(text);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(without_containers(fields_v1_of(**object)), by_way_of_json(**object)) << text;
  }
}

}  // namespace
}  // namespace minato::kube
