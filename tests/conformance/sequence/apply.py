"""Server-side apply: creation, owners, conflicts, force, taking away."""
from .step import APPLY, MERGE, core, get, group, patch, put


def deployment(image="app:1", replicas=None, **container):
    spec = {"selector": {"matchLabels": {"app": "applied"}},
            "template": {"metadata": {"labels": {"app": "applied"}}, "spec": {"containers": [{"name": "main", "image": image, **container}]}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "applied"}, "spec": spec}


def configmap(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data}


def of_deployment():
    one = group("apps/v1", "deployments", "applied")
    yield patch("apply makes it", one + "?fieldManager=a", deployment(replicas=2), APPLY)
    yield patch("apply the same", one + "?fieldManager=a", deployment(replicas=2), APPLY)
    yield patch("another agrees", one + "?fieldManager=b", deployment(replicas=2), APPLY)
    yield patch("another does not agree", one + "?fieldManager=b", deployment(image="app:2", replicas=3), APPLY)
    yield patch("by force", one + "?fieldManager=b&force=true", deployment(image="app:2", replicas=3), APPLY)
    yield patch("the first lets go", one + "?fieldManager=a", {**deployment(), "spec": {"selector": {"matchLabels": {"app": "applied"}}, "template": {"metadata": {"labels": {"app": "applied"}}}}}, APPLY)
    yield patch("a variable", one + "?fieldManager=b&force=true", deployment(image="app:2", replicas=3, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]), APPLY)
    yield patch("one variable less", one + "?fieldManager=b", deployment(image="app:2", replicas=3, env=[{"name": "B", "value": "2"}]), APPLY)
    yield patch("ports of two", one + "?fieldManager=c", {**deployment(), "spec": {"template": {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 80}]}]}}}}, APPLY)
    yield patch("the same key twice", one + "?fieldManager=d", {**deployment(), "spec": {"template": {"spec": {"containers": [{"name": "x", "image": "a"}, {"name": "x", "image": "b"}]}}}}, APPLY)
    yield patch("no key", one + "?fieldManager=d", {**deployment(), "spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}, APPLY)
    yield patch("replicas by a merge patch", one + "?fieldManager=hand", {"spec": {"replicas": 9}}, MERGE)
    yield patch("apply against a merge patch", one + "?fieldManager=b", deployment(image="app:2", replicas=3), APPLY)
    yield patch("invalid", one + "?fieldManager=b&force=true", deployment(replicas=-1), APPLY)
    yield patch("dry run", one + "?fieldManager=b&force=true&dryRun=All", deployment(image="app:5", replicas=5), APPLY)
    yield patch("status", one + "/status?fieldManager=s", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "applied"}, "status": {"replicas": 1, "observedGeneration": 1}}, APPLY)
    yield patch("scale", one + "/scale?fieldManager=scaler&force=true", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "applied"}, "spec": {"replicas": 4}}, APPLY)
    yield get("after apply", one)


def of_configmap():
    one = core("configmaps", "applied")
    yield patch("apply a ConfigMap", one + "?fieldManager=a", configmap(x="1", y="2"), APPLY)
    yield patch("one key less", one + "?fieldManager=a", configmap(x="1"), APPLY)
    yield patch("a key of another", one + "?fieldManager=b", configmap(z="3"), APPLY)
    yield patch("YAML", one + "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  x: \"2\"\n", APPLY)
    yield put("update takes over", one + "?fieldManager=c", configmap(x="7", z="3"))
    yield patch("conflict with an update", one + "?fieldManager=a", configmap(x="8"), APPLY)
    yield patch("conflicts of two", one + "?fieldManager=d", configmap(x="9", z="9"), APPLY)
    yield patch("managed fields go", one, {"metadata": {"managedFields": [{}]}}, MERGE)
    yield patch("apply where nobody is known to own", one + "?fieldManager=a", configmap(x="8"), APPLY)


def wrong():
    one = core("configmaps", "applied")
    yield patch("no manager", one, configmap(x="1"), APPLY)
    yield patch("no kind", one + "?fieldManager=a", {"metadata": {"name": "applied"}}, APPLY)
    yield patch("another kind", one + "?fieldManager=a", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "applied"}}, APPLY)
    yield patch("another name", one + "?fieldManager=a", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}}, APPLY)
    yield patch("no name", one + "?fieldManager=e", {"apiVersion": "v1", "kind": "ConfigMap", "data": {"e": "1"}}, APPLY)
    yield patch("with managed fields", one + "?fieldManager=a", {**configmap(), "metadata": {"name": "applied", "managedFields": [{"manager": "x"}]}}, APPLY)
    yield patch("an old version", one + "?fieldManager=a", {**configmap(), "metadata": {"name": "applied", "resourceVersion": "1"}}, APPLY)
    yield patch("not YAML", one + "?fieldManager=a", "a: [", APPLY)
    yield patch("a list", one + "?fieldManager=a", [1], APPLY)
    yield patch("nothing", one + "?fieldManager=a", "", APPLY)
    for mode in ("Strict", "Warn", "Ignore"):
        yield patch("unknown field, " + mode, f"{one}?fieldManager=a&force=true&fieldValidation={mode}", {**configmap(x="1"), "nothing": 1}, APPLY)
    yield patch("a uid and nothing there", core("configmaps", "none") + "?fieldManager=a", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none", "uid": "x"}}, APPLY)


def steps():
    yield from of_deployment()
    yield from of_configmap()
    yield from wrong()
