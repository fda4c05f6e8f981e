"""The JSON, merge and strategic merge patches."""
from .step import APPLY, JSON, JSON_PATCH, MERGE, STRATEGIC, configmap, core, get, group, patch, post, workload

CONTAINERS = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "app:2"}]}}}}
MAIN = "/spec/template/spec/containers/0"

# (name, type, body)
OF_DEPLOYMENT = [
    ("image", STRATEGIC, CONTAINERS),
    ("another container", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}),
    ("ports merge", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 80}]}]}}}}),
    ("more ports", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 81, "name": "b"}]}]}}}}),
    ("environment merges", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]}}}}),
    ("one variable goes", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "A", "$patch": "delete"}]}]}}}}),
    ("order of containers", STRATEGIC, {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "side"}, {"name": "main"}]}}}}),
    ("a container goes", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}),
    ("replace all containers", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "only", "image": "only:1"}, {"$patch": "replace"}]}}}}),
    ("replace a map", STRATEGIC, {"metadata": {"labels": {"$patch": "replace", "new": "label"}}}),
    ("retain keys", STRATEGIC, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    ("null takes away", STRATEGIC, {"metadata": {"labels": {"new": None}}}),
    ("finalizers merge", STRATEGIC, {"metadata": {"finalizers": ["example.com/a"]}}),
    ("finalizers go", STRATEGIC, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}),
    ("no merge key", STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}),
    ("unknown directive", STRATEGIC, {"metadata": {"labels": {"$patch": "nonsense"}}}),
    ("a list instead of a map", STRATEGIC, {"spec": [1]}),
    ("tolerations replace", STRATEGIC, {"spec": {"template": {"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}}}),
    ("volumes by name", STRATEGIC, {"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}}}),
    ("a volume changes its source", STRATEGIC, {"spec": {"template": {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "m"}, "emptyDir": None}]}}}}),
    ("replicas", MERGE, {"spec": {"replicas": 3}}),
    ("a list is replaced", MERGE, {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "app:3"}]}}}}),
    ("null", MERGE, {"spec": {"template": {"spec": {"volumes": None}}}}),
    ("invalid afterwards", MERGE, {"spec": {"replicas": -1}}),
    ("selector is immutable", MERGE, {"spec": {"selector": {"matchLabels": {"other": "one"}}}}),
    ("wrong type", MERGE, {"spec": {"replicas": "three"}}),
    ("not an object", MERGE, [1]),
    ("not JSON", MERGE, "{"),
    ("unknown field", MERGE, {"spec": {"nothing": 1}}),
    ("status is another's", MERGE, {"status": {"replicas": 5}}),
    ("another name", MERGE, {"metadata": {"name": "other"}}),
    ("another kind", MERGE, {"kind": "ReplicaSet"}),
    ("another uid", MERGE, {"metadata": {"uid": "other"}}),
    ("an old version", MERGE, {"metadata": {"resourceVersion": "1"}}),
    ("nothing", MERGE, {}),
    ("add", JSON_PATCH, [{"op": "add", "path": "/metadata/annotations", "value": {"a": "1"}}]),
    ("test and replace", JSON_PATCH, [{"op": "test", "path": "/spec/replicas", "value": 3}, {"op": "replace", "path": "/spec/replicas", "value": 2}]),
    ("test that fails", JSON_PATCH, [{"op": "test", "path": "/spec/replicas", "value": 9}]),
    ("remove", JSON_PATCH, [{"op": "remove", "path": "/metadata/annotations/a"}]),
    ("remove what is missing", JSON_PATCH, [{"op": "remove", "path": "/metadata/annotations/b"}]),
    ("replace what is missing", JSON_PATCH, [{"op": "replace", "path": "/spec/nothing/more", "value": 1}]),
    ("copy", JSON_PATCH, [{"op": "copy", "from": "/metadata/name", "path": "/metadata/labels/copied"}]),
    ("move", JSON_PATCH, [{"op": "move", "from": "/metadata/labels/copied", "path": "/metadata/labels/moved"}]),
    ("append", JSON_PATCH, [{"op": "add", "path": MAIN + "/env", "value": []}, {"op": "add", "path": MAIN + "/env/-", "value": {"name": "C", "value": "3"}}]),
    ("insert", JSON_PATCH, [{"op": "add", "path": MAIN + "/env/0", "value": {"name": "B", "value": "2"}}]),
    ("escaped path", JSON_PATCH, [{"op": "add", "path": "/metadata/labels/example.com~1x", "value": "1"}]),
    ("out of bounds", JSON_PATCH, [{"op": "add", "path": MAIN + "/env/9", "value": {"name": "D"}}]),
    ("unknown operation", JSON_PATCH, [{"op": "double", "path": "/spec/replicas"}]),
    ("no path", JSON_PATCH, [{"op": "add", "value": 1}]),
    ("not a list", JSON_PATCH, {"op": "add"}),
    ("not JSON for JSON patch", JSON_PATCH, "["),
    ("no operations", JSON_PATCH, []),
    ("plain JSON", JSON, {"spec": {"replicas": 1}}),
    ("no known type", "application/nonsense", {}),
]


def steps():
    one = group("apps/v1", "deployments", "patched")
    yield post("to be patched", group("apps/v1", "deployments"), workload("Deployment", "patched"))
    for name, type, body in OF_DEPLOYMENT:
        yield patch("patch: " + name, one, body, type)
    yield get("after all patches", one)
    yield patch("dry run of a patch", one + "?dryRun=All", {"spec": {"replicas": 7}}, MERGE)
    yield patch("patch of what is missing", group("apps/v1", "deployments", "missing"), {}, MERGE)
    yield patch("patch with a manager", one + "?fieldManager=me", {"spec": {"replicas": 8}}, MERGE)
    yield patch("force is for apply", one + "?force=true", {"spec": {"replicas": 9}}, MERGE)
    for mode in ("Strict", "Warn", "Ignore", "Else"):
        yield patch("patch, unknown field, " + mode, one + "?fieldValidation=" + mode, {"spec": {"nothing": 1}}, MERGE)
    for mode in ("Strict", "Warn", "Ignore"):
        yield patch("strategic patch, unknown field, " + mode, one + "?fieldValidation=" + mode, {"spec": {"template": {"spec": {"nothing": 1}}}}, STRATEGIC)
    service = core("services", "web")
    yield patch("ports of a Service", service, {"spec": {"ports": [{"name": "http", "port": 80}, {"name": "more", "port": 81}]}}, STRATEGIC)
    yield patch("a port of a Service goes", service, {"spec": {"ports": [{"port": 81, "$patch": "delete"}]}}, STRATEGIC)
    yield patch("cluster IP is kept", service, {"spec": {"clusterIP": "10.100.9.9"}}, MERGE)
    yield patch("Secret in plain text", core("secrets", "first"), {"stringData": {"more": "text"}}, MERGE)
    yield post("for a patch of nothing", core("configmaps"), configmap("still"))
    yield patch("apply without a manager", core("configmaps", "still"), {"apiVersion": "v1", "kind": "ConfigMap"}, APPLY)
