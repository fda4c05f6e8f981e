#include <gtest/gtest.h>

#include "kube/field_set.h"
#include "kube/json.h"

namespace minato::kube {
namespace {

// The long way: over JSON and a set.
std::string by_way_of_json(const Object& object) {
  FieldSet set = fields_of(Typing(object.kind()), to_json_value(object));
  set.children_.erase("f:status");
  return set.to_fields_v1();
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
    EXPECT_EQ(fields_v1_of(**object), by_way_of_json(**object)) << text;
  }
}

}  // namespace
}  // namespace minato::kube
