"""Lists: pages, selectors, versions; watches that end by themselves."""
from .step import PARTIAL, PARTIAL_LIST, configmap, core, get, namespace, pod, post

LABELS = ["app=a", "app==a", "app!=a", "app in (a,b)", "app notin (a)", "app", "!app", "app=a,tier=front", "tier", "app in (a", "app=",
          "a b", "=a", "app==", "app in ()", "app notin (a),tier", "example.com/x=1", "-x", "app=a b", "size>1", "size<3", "size>x"]
FIELDS = ["metadata.name=map-1", "metadata.name!=map-1", "metadata.name==map-1", "metadata.namespace=lists", "metadata.namespace=other",
          "data.key=value", "metadata.name", "metadata.name=map-1,metadata.namespace=lists", "=x", "metadata.labels=x", "metadata.name=a\\,b"]
POD_FIELDS = ["spec.nodeName=", "spec.nodeName=node-1", "status.phase=Pending", "status.phase!=Pending", "spec.restartPolicy=Always",
              "spec.schedulerName=default-scheduler", "spec.serviceAccountName=default", "status.podIP=", "spec.hostNetwork=false", "spec.image=app:1"]


def pages():
    maps = core("configmaps", namespace="lists")
    yield get("first page", maps + "?limit=3", save="page")
    yield get("second page", maps + "?limit=3&continue=@{page.metadata.continue}", save="page")
    yield get("last page", maps + "?limit=3&continue=@{page.metadata.continue}")
    yield get("a page with a selector", maps + "?limit=2&labelSelector=app%3Da", save="page")
    yield get("the next with a selector", maps + "?limit=2&labelSelector=app%3Da&continue=@{page.metadata.continue}")
    yield get("a limit over all", maps + "?limit=500")
    for query in ("limit=-1", "limit=x", "limit=0", "continue=nonsense", "limit=1&resourceVersion=0", "resourceVersion=x", "resourceVersion=-1",
                  "resourceVersion=0", "resourceVersion=@{all.metadata.resourceVersion}",
                  "resourceVersion=@{all.metadata.resourceVersion}&resourceVersionMatch=Exact",
                  "resourceVersion=@{all.metadata.resourceVersion}&resourceVersionMatch=NotOlderThan",
                  "resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=Exact", "resourceVersion=1&resourceVersionMatch=Sometimes",
                  "resourceVersion=0&resourceVersionMatch=NotOlderThan", "resourceVersion=1000000000000", "timeoutSeconds=x",
                  "continue=@{page.metadata.continue}&resourceVersion=1", "continue=@{page.metadata.continue}&resourceVersionMatch=Exact"):
        yield get("list " + query.split("=@")[0], f"{maps}?{query}")


def watches():
    maps = core("configmaps", namespace="lists")
    since = "resourceVersion=@{all.metadata.resourceVersion}"
    yield get("watch from a version", f"{maps}?watch=1&timeoutSeconds=1&{since}")
    yield get("watch of everything", f"{maps}?watch=true&timeoutSeconds=1")
    yield get("watch from zero", f"{maps}?watch=true&timeoutSeconds=1&resourceVersion=0")
    yield get("watch by label", f"{maps}?watch=true&timeoutSeconds=1&labelSelector=app%3Da")
    yield get("watch of one", f"{maps}/map-1?watch=true&timeoutSeconds=1")
    yield get("the old path of watches", maps.replace("/api/v1/", "/api/v1/watch/") + "?timeoutSeconds=1")
    yield get("watch of metadata", f"{maps}?watch=true&timeoutSeconds=1", accept=PARTIAL)
    for query in ("watch=maybe", "watch=1&resourceVersion=x", "watch=1&resourceVersionMatch=Exact&resourceVersion=1", "watch=1&timeoutSeconds=1&labelSelector=a%20b",
                  "watch=1&sendInitialEvents=true", "watch=1&sendInitialEvents=true&resourceVersionMatch=Exact", "watch=1&continue=x&timeoutSeconds=1",
                  "watch=1&fieldSelector=data.key%3Dvalue", "watch=0&sendInitialEvents=true"):
        yield get("watch " + query, f"{maps}?{query}" + ("" if "timeoutSeconds" in query else "&timeoutSeconds=1"))


def quote(text):
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)


def steps():
    yield from namespace("lists")
    maps, pods = core("configmaps", namespace="lists"), core("pods", namespace="lists")
    yield get("an empty list", maps)
    for i in range(8):
        labels = {"app": "ab"[i % 2], "size": str(i)} | ({"tier": "front"} if i % 3 == 0 else {})
        yield post("for lists", maps, configmap(f"map-{i}", labels=labels))
    yield post("for lists", maps, configmap("bare"))
    for i in range(3):
        yield post("for lists", pods, pod(f"pod-{i}"))
    yield get("list", maps, save="all")
    yield get("list as metadata", maps, accept=PARTIAL_LIST)
    yield get("one as metadata", maps + "/map-1", accept=PARTIAL)
    yield from pages()
    for text in LABELS:
        yield get("labels " + text, f"{maps}?labelSelector={quote(text)}")
    for text in FIELDS:
        yield get("fields " + text, f"{maps}?fieldSelector={quote(text)}")
    for text in POD_FIELDS:
        yield get("fields of Pods " + text, f"{pods}?fieldSelector={quote(text)}")
    yield get("Pods of all namespaces", "/api/v1/pods?fieldSelector=metadata.namespace%3Dlists")
    yield get("Secrets by type", core("secrets") + "?fieldSelector=type%3DOpaque")
    yield get("Events by object", core("events") + "?fieldSelector=involvedObject.name%3Dweb,involvedObject.kind%3DPod")
    yield get("Nodes by field", "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue")
    yield get("list of a missing namespace", core("configmaps", namespace="missing"))
    yield from watches()
