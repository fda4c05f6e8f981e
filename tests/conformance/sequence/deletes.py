"""Deletions: options, preconditions, finalizers, collections."""
from .step import MERGE, Step, changed, configmap, core, delete, get, group, namespace, patch, pod, post, workload


def options(**members):
    return {"apiVersion": "v1", "kind": "DeleteOptions", **members}


def of_configmaps():
    maps = core("configmaps", namespace="deletes")
    for i in range(12):
        yield post("to be deleted", maps, configmap(f"map-{i}", labels={"group": "ab"[i % 2]}))
    yield delete("dry run", maps + "/map-0?dryRun=All")
    yield delete("dry run in the body", maps + "/map-0", options(dryRun=["All"]))
    yield delete("a wrong dry run", maps + "/map-0", options(dryRun=["Some"]))
    yield get("still there", maps + "/map-0", save="map")
    yield delete("another uid", maps + "/map-0", options(preconditions={"uid": "other"}))
    yield delete("another version", maps + "/map-0", options(preconditions={"resourceVersion": "1"}))
    yield delete("the right uid and version", maps + "/map-0", options(preconditions={"uid": "@{map.metadata.uid}", "resourceVersion": "@{map.metadata.resourceVersion}"}))
    yield delete("what is gone", maps + "/map-0")
    yield delete("unknown propagation", maps + "/map-1", options(propagationPolicy="Else"))
    yield delete("two propagations", maps + "/map-1", options(propagationPolicy="Orphan", orphanDependents=True))
    yield delete("negative grace", maps + "/map-1", options(gracePeriodSeconds=-1))
    yield delete("not JSON", maps + "/map-1", "{")
    yield delete("another kind of options", maps + "/map-1", {"apiVersion": "v1", "kind": "ConfigMap"})
    yield delete("unknown option", maps + "/map-1", options(nothing=1))
    yield delete("options in the query", maps + "/map-2?propagationPolicy=Background&gracePeriodSeconds=0")
    yield delete("wrong number in the query", maps + "/map-3?gracePeriodSeconds=x")
    yield delete("plain", maps + "/map-4")
    yield patch("a finalizer", maps + "/map-5", {"metadata": {"finalizers": ["example.com/hold"]}}, MERGE)
    yield delete("with a finalizer", maps + "/map-5")
    yield get("held", maps + "/map-5")
    yield delete("again with a finalizer", maps + "/map-5")
    yield patch("no finalizer may come", maps + "/map-5", {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}, MERGE)
    yield patch("changed while held", maps + "/map-5", {"data": {"a": "b"}}, MERGE)
    yield post("made again while held", maps, configmap("map-5"))
    yield patch("let go", maps + "/map-5", {"metadata": {"finalizers": None}}, MERGE)
    yield get("gone", maps + "/map-5")
    yield delete("collection, dry", maps + "?dryRun=All&labelSelector=group%3Da")
    yield delete("collection by label", maps + "?labelSelector=group%3Da")
    yield get("what is left", maps)
    yield delete("collection by field", maps + "?fieldSelector=metadata.name%3Dmap-7")
    yield delete("collection with a wrong selector", maps + "?labelSelector=a%20b")
    yield delete("collection with a wrong field", maps + "?fieldSelector=data.x%3D1")
    yield delete("collection with a limit", maps + "?limit=1")
    yield delete("collection", maps)
    yield delete("empty collection", maps)
    yield get("all gone", maps)


def of_pods():
    pods = core("pods", namespace="deletes")
    for name in ("waits", "runs", "force", "zero"):
        body = pod(name)
        if name != "waits":
            body = changed(body, {"spec.nodeName": "node-1"})
        yield post("a Pod to delete", pods, body)
    yield delete("a Pod on no Node", pods + "/waits")
    yield delete("a Pod on a Node", pods + "/runs")
    yield get("a Pod that ends", pods + "/runs")
    yield delete("sooner", pods + "/runs", options(gracePeriodSeconds=5))
    yield delete("later", pods + "/runs", options(gracePeriodSeconds=50))
    yield patch("changed while it ends", pods + "/runs", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    yield delete("at once", pods + "/runs", options(gracePeriodSeconds=0))
    yield get("is gone", pods + "/runs")
    yield delete("by force", pods + "/force?gracePeriodSeconds=0")
    yield delete("Pods as a collection", pods)
    yield get("Pods that are left", pods)


def of_owners():
    sets = group("apps/v1", "replicasets", namespace="deletes")
    for name in ("back", "fore", "orphan", "default"):
        yield post("an owner", sets, workload("ReplicaSet", name, replicas=0))
    yield delete("in the background", sets + "/back", options(propagationPolicy="Background"))
    yield delete("orphans", sets + "/orphan", options(propagationPolicy="Orphan"))
    yield get("an orphaning owner", sets + "/orphan")
    yield delete("in the foreground", sets + "/fore", options(propagationPolicy="Foreground"))
    yield get("a foreground owner", sets + "/fore")
    yield delete("by default", sets + "/default")


def steps():
    yield from namespace("deletes")
    yield from of_configmaps()
    yield from of_pods()
    yield from of_owners()
    for path in (core("services", "web"), core("serviceaccounts", "robot"), core("secrets", "first"), group("apps/v1", "deployments", "web"), group("batch/v1", "jobs", "once"),
                 core("persistentvolumeclaims", "disk"), "/api/v1/nodes/node-1", "/api/v1/persistentvolumes/disk", "/apis/scheduling.k8s.io/v1/priorityclasses/high", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"):
        yield delete("delete " + path.rsplit("/", 2)[1], path)
    yield post("a namespace to end", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}})
    yield delete("end a namespace", "/api/v1/namespaces/ending")
    yield get("a namespace that ends", "/api/v1/namespaces/ending")
    yield post("create where all ends", core("configmaps", namespace="ending"), configmap("late"))
    yield delete("the namespace that stays", "/api/v1/namespaces/default")
    yield delete("the namespace of the system", "/api/v1/namespaces/kube-system")
    yield Step("all namespaces at once", "DELETE", "/api/v1/namespaces")
