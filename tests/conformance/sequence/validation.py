"""Fields nobody knows, fields twice, names of all kinds."""
from .step import YAML, changed, configmap, core, group, plain, pod, post, put, service, workload

MODES = ("", "Strict", "Warn", "Ignore", "Else")
NAMES = ["Upper", "with space", "under_score", "-dash", "dash-", "dot.", ".dot", "a..b", "a" * 253, "a" * 254, "ü", "a/b", "a%b", ".", "..", "1", "1.2", "a.b-c.d"]
KINDS = [(core("configmaps"), configmap), (core("services"), service), (core("pods"), pod),
         (group("apps/v1", "deployments"), lambda name: changed(workload("Deployment", "x"), {"metadata.name": name})),
         (group("rbac.authorization.k8s.io/v1", "roles"), lambda name: plain("rbac.authorization.k8s.io/v1", "Role", name, rules=[]))]
METADATA = [{"labels": {"a b": "c"}}, {"labels": {"a": "b c"}}, {"labels": {"a/b/c": "d"}}, {"labels": {"": "d"}}, {"labels": {"a": "x" * 64}}, {"labels": {"A.com/x": "1"}},
            {"annotations": {"a b": "c"}}, {"annotations": {"UPPER": "c"}}, {"annotations": {"a": "x" * 262145}}, {"finalizers": ["nothing"]}, {"finalizers": ["a b"]},
            {"finalizers": ["orphan", "foregroundDeletion"]}, {"ownerReferences": [{}]}, {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u"}]},
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "ab"]},
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "u"}]}, {"labels": [1]}, {"labels": {"a": 1}}, {"labels": {"a": None}},
            {"annotations": {"a": True}}, {"name": 5}, {"namespace": "Upper"}, {"deletionTimestamp": "2001-01-01T00:00:00Z"}, {"creationTimestamp": "yesterday"},
            {"generateName": "x" * 300, "name": ""}, {"generateName": "Bad_", "name": ""}, {"selfLink": "/x"}, {"managedFields": [{"manager": "x", "operation": "Else"}]}]


def steps():
    for mode in MODES:
        query = "?dryRun=All" + (f"&fieldValidation={mode}" if mode else "")
        yield post(f"unknown field, {mode}", core("configmaps") + query, {**configmap("fields"), "nothing": 1})
        yield post(f"unknown fields deep down, {mode}", core("pods") + query, changed(pod("fields"), {"spec.containers[0].nothing": 1, "spec.more": {"a": 1}}))
        yield post(f"a field twice, {mode}", core("configmaps") + query, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1"},"data":{"b":"2"}}')
        yield post(f"a field twice in YAML, {mode}", core("configmaps") + query, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata: {a: b}\ndata: {c: d}\n", type=YAML)
        yield post(f"case of a field, {mode}", core("configmaps") + query, {**configmap("fields"), "Data": {"a": "b"}})
        yield put(f"update with an unknown field, {mode}", core("configmaps", "managed") + query, {**configmap("managed"), "nothing": 1})
    for collection, make in KINDS:
        for name in NAMES:
            yield post(f"name {name[:20]} of {make('a')['kind']}", collection + "?dryRun=All", make(name))
    for metadata in METADATA:
        body = configmap("meta")
        body["metadata"].update(metadata)
        yield post("metadata " + str(metadata)[:60], core("configmaps") + "?dryRun=All", body)
    for name in ("Upper", "a.b", "x" * 64, "default", "kube-system"):
        yield post("Namespace " + name[:20], "/api/v1/namespaces?dryRun=All", plain("v1", "Namespace", name))
