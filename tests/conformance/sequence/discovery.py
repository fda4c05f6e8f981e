"""What is there, and paths and methods that are not."""
from .step import Step, core, get, namespace, post, put

UNKNOWN = ["/apis/nothing.example.com", "/apis/apps/v9", "/api/v2", "/api/v1/nothings", core("nothings"), core("pods", "web/nothing"),
           "/apis/apps/v1/namespaces/side/pods", "/nothing", "/api/v1/namespaces/side", core("configmaps", "missing")]


def steps():
    for path in ("/healthz", "/livez", "/readyz"):
        yield get("health", path)
        yield get("health of nobody", path, user="")
    yield from namespace("side")
    for path in UNKNOWN:
        yield get("unknown path", path)
    for resource in ("apps/v1", "autoscaling/v1", "autoscaling/v2", "policy/v1", "coordination.k8s.io/v1"):
        yield get("resources of " + resource, "/apis/" + resource)
    for group in ("apps", "autoscaling", "policy", "batch", "discovery.k8s.io"):
        yield get("group " + group, "/apis/" + group)
    yield get("core versions", "/api")
    yield Step("wrong method", "DELETE", "/api/v1")
    yield Step("wrong method", "POST", core("configmaps", "name"), {"kind": "ConfigMap", "apiVersion": "v1"})
    yield Step("wrong method", "PUT", core("configmaps"), {"kind": "ConfigMap", "apiVersion": "v1"})
    yield Step("wrong method", "PATCH", core("configmaps"), {}, type="application/merge-patch+json")
    yield Step("create in all namespaces", "POST", "/api/v1/configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}})
    yield Step("odd method", "PROPFIND", core("configmaps"))
    yield get("a user who may nothing", core("configmaps"), user="ann")
    yield get("a user who may nothing", core("secrets", "one"), user="ann")
    yield post("a user who may nothing", core("pods"), {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}, user="ann")
    yield put("a user who may nothing", core("pods", "a/status"), {}, user="ann")
    yield get("a user who may nothing", "/metrics", user="ann")
    yield get("nobody", core("configmaps"), user="")
    yield get("a wrong token", core("configmaps"), user="wrong")
    yield get("answer type nobody makes", core("configmaps"), accept="text/csv")
    yield get("table of another version", core("configmaps"), accept="application/json;as=Table;v=v9;g=meta.k8s.io")
    for review in ("selfsubjectreviews", "tokenreviews"):
        kind = {"selfsubjectreviews": "SelfSubjectReview", "tokenreviews": "TokenReview"}[review]
        spec = {"spec": {"token": "nonsense"}} if kind == "TokenReview" else {}
        yield post(kind, "/apis/authentication.k8s.io/v1/" + review, {"apiVersion": "authentication.k8s.io/v1", "kind": kind, **spec}, user="admin")
    access = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "side"}}
    for user in ("admin", "ann"):
        yield post("SelfSubjectAccessReview", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                   {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": access}, user=user)
    yield post("SubjectAccessReview", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
               {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {**access, "user": "bob"}})
    yield post("review of nothing", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
               {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {}})
