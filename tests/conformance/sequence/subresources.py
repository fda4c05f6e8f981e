"""status, scale, eviction, binding, token and their edges."""
from .step import APPLY, MERGE, STRATEGIC, Step, changed, core, get, group, patch, plain, pod, post, put, workload


def scale(name, **members):
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name, "namespace": "side"}, **members}


def scales():
    yield post("to be scaled", group("apps/v1", "deployments"), workload("Deployment", "scaled"))
    one = group("apps/v1", "deployments", "scaled/scale")
    yield get("scale", one, save="scale")
    yield put("scale to 3", one, scale("scaled", spec={"replicas": 3}))
    yield put("scale to -1", one, scale("scaled", spec={"replicas": -1}))
    yield put("scale of a wrong version", one, changed(scale("scaled", spec={"replicas": 3}), {"metadata.resourceVersion": "1"}))
    yield put("scale of another name", one, scale("other", spec={"replicas": 3}))
    yield put("scale that is a Deployment", one, workload("Deployment", "scaled"))
    yield patch("scale by a merge patch", one, {"spec": {"replicas": 4}}, MERGE)
    yield patch("scale by a strategic patch", one, {"spec": {"replicas": 5}}, STRATEGIC)
    yield put("scale, dry", one + "?dryRun=All", scale("scaled", spec={"replicas": 9}))
    yield get("scale afterwards", one)
    yield get("scale of what is missing", group("apps/v1", "deployments", "missing/scale"))
    yield get("scale of what has none", core("configmaps", "first/scale"))
    for resource, path in (("ReplicaSet", group("apps/v1", "replicasets", "web/scale")), ("StatefulSet", group("apps/v1", "statefulsets", "web/scale")), ("ReplicationController", core("replicationcontrollers", "old/scale"))):
        yield get("scale of a " + resource, path)
        yield patch("scale a " + resource, path, {"spec": {"replicas": 2}}, MERGE)


def statuses():
    one = group("apps/v1", "deployments", "scaled")
    yield get("status", one + "/status")
    yield patch("status changes", one + "/status", {"status": {"replicas": 2, "observedGeneration": 1}}, MERGE)
    yield patch("status changes no spec", one + "/status", {"spec": {"replicas": 9}}, MERGE)
    yield patch("invalid status", one + "/status", {"status": {"replicas": -1}}, MERGE)
    yield patch("status with labels", one + "/status", {"metadata": {"labels": {"x": "y"}}}, MERGE)
    yield get("after status", one)
    yield patch("status of a Pod", core("pods", "web/status"), {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}, STRATEGIC)
    yield patch("conditions of a Pod merge", core("pods", "web/status"), {"status": {"conditions": [{"type": "Initialized", "status": "True"}]}}, STRATEGIC)
    yield patch("status of a Node", "/api/v1/nodes/node-1/status", {"status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}}}, MERGE)
    yield patch("status of a HorizontalPodAutoscaler", group("autoscaling/v2", "horizontalpodautoscalers", "web/status"), {"status": {"currentReplicas": 1, "desiredReplicas": 2}}, MERGE)
    yield get("the same in the old version", group("autoscaling/v1", "horizontalpodautoscalers", "web"))
    yield get("metrics in the old version", group("autoscaling/v1", "horizontalpodautoscalers", "behaved"))
    yield get("the old one in the new version", group("autoscaling/v2", "horizontalpodautoscalers", "old"))
    yield patch("status of a Service", core("services", "balanced/status"), {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}, MERGE)
    yield patch("status of a PodDisruptionBudget", group("policy/v1", "poddisruptionbudgets", "web/status"), {"status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1, "observedGeneration": 1}}, MERGE)
    yield get("status of what has none", core("configmaps", "first/status"))


def bindings():
    yield post("to be bound", core("pods"), pod("bound", labels={"app": "bound"}))
    target = {"kind": "Node", "name": "node-1"}
    binding = plain("v1", "Binding", "bound", target=target)
    yield post("a binding without a Node", core("pods", "bound/binding"), plain("v1", "Binding", "bound", target={"kind": "Node"}))
    yield post("a binding to something else", core("pods", "bound/binding"), plain("v1", "Binding", "bound", target={"kind": "Pod", "name": "x"}))
    yield post("bind", core("pods", "bound/binding"), binding)
    yield post("bind again", core("pods", "bound/binding"), binding)
    yield post("bind what is missing", core("pods", "missing/binding"), plain("v1", "Binding", "missing", target=target))
    yield post("a gated Pod", core("pods"), changed(pod("gated"), {"spec.schedulingGates": [{"name": "wait"}]}))
    yield post("bind a gated Pod", core("pods", "gated/binding"), plain("v1", "Binding", "gated", target=target))
    yield post("bind by the collection", core("bindings"), plain("v1", "Binding", "web", target=target))
    yield get("what is bound", core("pods", "bound"))


def evictions():
    def eviction(name, **members):
        return plain("policy/v1", "Eviction", name, **members)
    yield post("evict what a budget forbids", core("pods", "web/eviction"), eviction("web"))
    yield post("evict, dry", core("pods", "bound/eviction") + "?dryRun=All", eviction("bound"))
    yield post("evict with a wrong precondition", core("pods", "bound/eviction"), eviction("bound", deleteOptions={"preconditions": {"uid": "other"}}))
    yield post("evict another name", core("pods", "bound/eviction"), eviction("web"))
    yield post("evict what is missing", core("pods", "missing/eviction"), eviction("missing"))
    yield post("evict", core("pods", "bound/eviction"), eviction("bound"))
    yield post("evict again", core("pods", "bound/eviction"), eviction("bound"))
    yield get("what was evicted", core("pods", "bound"))
    yield post("evict in the old version", core("pods", "gated/eviction"), {**eviction("gated"), "apiVersion": "policy/v1beta1"})


def tokens():
    def request(**spec):
        return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    one = core("serviceaccounts", "robot/token")
    yield post("a token", one, request(expirationSeconds=3600))
    yield post("a token without a time", one, request())
    yield post("a token for too short", one, request(expirationSeconds=5))
    yield post("a token for too long", one, request(expirationSeconds=4294967297))
    yield post("a token bound to what is missing", one, request(boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "missing"}))
    yield post("a token bound to nonsense", one, request(boundObjectRef={"apiVersion": "v1", "kind": "Nonsense", "name": "x"}))
    yield post("a token of what is missing", core("serviceaccounts", "missing/token"), request())
    yield get("a token cannot be got", one)


def others():
    debug = {"name": "debug", "image": "debug:1"}
    yield patch("an ephemeral container", core("pods", "web/ephemeralcontainers"), {"spec": {"ephemeralContainers": [debug]}}, STRATEGIC)
    yield patch("ephemeral containers stay", core("pods", "web/ephemeralcontainers"), {"spec": {"ephemeralContainers": []}}, MERGE)
    yield patch("an ephemeral container with ports", core("pods", "web/ephemeralcontainers"), {"spec": {"ephemeralContainers": [{**debug, "name": "ports", "ports": [{"containerPort": 1}]}]}}, STRATEGIC)
    yield patch("ephemeral containers by the main way", core("pods", "web"), {"spec": {"ephemeralContainers": [{**debug, "name": "main-way"}]}}, STRATEGIC)
    yield get("log of what is on no Node", core("pods", "full/log"))
    yield get("log of what is missing", core("pods", "missing/log"))
    yield get("log of another container", core("pods", "web/log?container=nothing"))
    yield get("log with wrong numbers", core("pods", "web/log?tailLines=-1"))
    yield put("finalize a Namespace", "/api/v1/namespaces/side-2/finalize", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "side-2"}, "spec": {"finalizers": ["kubernetes", "example.com/mine"]}})
    yield Step("approve nothing", "PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/missing/approval", {})


def steps():
    for part in (scales, statuses, bindings, evictions, tokens, others):
        yield from part()
