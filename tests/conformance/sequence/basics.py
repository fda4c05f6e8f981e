"""Objects of many kinds: create with defaults, get, update, names, versions, bodies."""
from .step import YAML, Step, changed, configmap, core, delete, get, group, plain, pod, post, put, service, template, workload

HPA = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 5}
METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
JOB = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "app:1"}]}}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

# (path of the collection, object)
OBJECTS = [
    (core("configmaps"), configmap("first", labels={"app": "one"}, annotations={"a": "b"})),
    (core("secrets"), plain("v1", "Secret", "first", stringData={"user": "me"}, data={"key": "dmFsdWU="})),
    (core("serviceaccounts"), plain("v1", "ServiceAccount", "robot")),
    (core("services"), service("web")),
    (core("services"), service("headless", clusterIP="None")),
    (core("services"), service("ports", type="NodePort", ports=[{"name": "http", "port": 80, "targetPort": "web"}, {"name": "dns", "port": 53, "protocol": "UDP"}])),
    (core("services"), service("balanced", type="LoadBalancer")),
    (core("services"), service("elsewhere", type="ExternalName", externalName="example.com", selector=None, ports=None)),
    (core("endpoints"), plain("v1", "Endpoints", "manual", subsets=[{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}])),
    (core("pods"), pod("web", labels={"app": "web"})),
    (core("pods"), changed(pod("full"), {"spec.containers[0].ports": [{"containerPort": 80}], "spec.containers[0].livenessProbe": {"httpGet": {"port": 80}},
                           "spec.containers[0].readinessProbe": {"tcpSocket": {"port": 80}}, "spec.containers[0].resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                           "spec.containers[0].env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                           "spec.volumes": [{"name": "config", "configMap": {"name": "first"}}, {"name": "none", "emptyDir": {}}, {"name": "secret", "secret": {"secretName": "first"}}],
                           "spec.containers[0].volumeMounts": [{"name": "config", "mountPath": "/config"}],
                           "spec.initContainers": [{"name": "before", "image": "app:1"}], "spec.hostNetwork": True})),
    (group("apps/v1", "deployments"), workload("Deployment", "web")),
    (group("apps/v1", "deployments"), workload("Deployment", "recreated", strategy={"type": "Recreate"}, replicas=0)),
    (group("apps/v1", "replicasets"), workload("ReplicaSet", "web")),
    (group("apps/v1", "daemonsets"), workload("DaemonSet", "web")),
    (group("apps/v1", "statefulsets"), workload("StatefulSet", "web", serviceName="web")),
    (core("replicationcontrollers"), plain("v1", "ReplicationController", "old", spec={"template": template({"app": "old"})})),
    (core("podtemplates"), plain("v1", "PodTemplate", "one", template=template({"app": "one"}))),
    (group("autoscaling/v2", "horizontalpodautoscalers"), plain("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=HPA)),
    (group("autoscaling/v2", "horizontalpodautoscalers"), plain("autoscaling/v2", "HorizontalPodAutoscaler", "behaved", spec={**HPA, "metrics": [METRIC], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 10}}})),
    (group("autoscaling/v1", "horizontalpodautoscalers"), plain("autoscaling/v1", "HorizontalPodAutoscaler", "old", spec={**HPA, "targetCPUUtilizationPercentage": 50})),
    (group("policy/v1", "poddisruptionbudgets"), plain("policy/v1", "PodDisruptionBudget", "web", spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}})),
    (group("batch/v1", "jobs"), plain("batch/v1", "Job", "once", spec=JOB)),
    (group("batch/v1", "cronjobs"), plain("batch/v1", "CronJob", "often", spec={"schedule": "* * * * *", "jobTemplate": {"spec": JOB}})),
    (group("coordination.k8s.io/v1", "leases"), plain("coordination.k8s.io/v1", "Lease", "lead", spec={"holderIdentity": "me", "leaseDurationSeconds": 15})),
    (group("discovery.k8s.io/v1", "endpointslices"), plain("discovery.k8s.io/v1", "EndpointSlice", "web-1", addressType="IPv4", endpoints=[{"addresses": ["10.1.2.3"]}], ports=[{"port": 80}])),
    (group("networking.k8s.io/v1", "ingresses"), plain("networking.k8s.io/v1", "Ingress", "web", spec={"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}})),
    (group("networking.k8s.io/v1", "networkpolicies"), plain("networking.k8s.io/v1", "NetworkPolicy", "web", spec={"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]})),
    (core("persistentvolumeclaims"), plain("v1", "PersistentVolumeClaim", "disk", spec=CLAIM)),
    (core("limitranges"), plain("v1", "LimitRange", "limits", spec={"limits": [{"type": "Pod", "max": {"cpu": "64"}}]})),
    (core("resourcequotas"), plain("v1", "ResourceQuota", "quota", spec={"hard": {"count/jobs.batch": "100"}})),
    (group("rbac.authorization.k8s.io/v1", "roles"), plain("rbac.authorization.k8s.io/v1", "Role", "reader", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
    (group("rbac.authorization.k8s.io/v1", "rolebindings"), plain("rbac.authorization.k8s.io/v1", "RoleBinding", "reader", roleRef={"kind": "Role", "name": "reader"}, subjects=[{"kind": "User", "name": "bob"}])),
    (core("events"), {**plain("v1", "Event", "happened", reason="Test", message="it happened", type="Normal"), "metadata": {"name": "happened", "namespace": "side"}, "involvedObject": {"kind": "Pod", "name": "web", "namespace": "side"}}),
    ("/api/v1/nodes", plain("v1", "Node", "node-1", spec={"providerID": "test://1"})),
    ("/api/v1/persistentvolumes", plain("v1", "PersistentVolume", "disk", spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp"}})),
    ("/apis/scheduling.k8s.io/v1/priorityclasses", plain("scheduling.k8s.io/v1", "PriorityClass", "high", value=1000)),
    ("/apis/storage.k8s.io/v1/storageclasses", plain("storage.k8s.io/v1", "StorageClass", "fast", provisioner="example.com/fast")),
    ("/apis/storage.k8s.io/v1/csidrivers", plain("storage.k8s.io/v1", "CSIDriver", "csi.example.com", spec={})),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", plain("rbac.authorization.k8s.io/v1", "ClusterRole", "side-reader", rules=[{"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get", "list"]}])),
    ("/apis/networking.k8s.io/v1/ingressclasses", plain("networking.k8s.io/v1", "IngressClass", "haproxy", spec={"controller": "example.com/haproxy"})),
]


def lifecycle(collection, body):
    kind, name = body["kind"], body["metadata"]["name"]
    one = f"{collection}/{name}"
    yield post("create " + kind, collection, body)
    yield post("create again " + kind, collection, body)
    yield get("get " + kind, one, save="object")
    if kind == "Event":
        return
    yield put("update with its own body " + kind, one, "@{object}")
    yield put("update of a wrong version " + kind, one, changed(body, {"metadata.resourceVersion": "1"}))


def bodies():
    maps = core("configmaps")
    yield post("YAML", maps, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {a: b}\n", type=YAML)
    yield post("YAML that is none", maps, "{a: [", type=YAML)
    yield post("JSON that is none", maps, "{\"apiVersion\": ")
    yield post("text", maps, "hello", type="text/plain")
    yield post("nothing", maps, "")
    yield post("null", maps, "null")
    yield post("a list", maps, [1])
    yield post("no kind", maps, {"metadata": {"name": "kindless"}})
    yield post("another kind", maps, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})
    yield post("another version", maps, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}})
    yield post("another namespace", maps, configmap("a", namespace="default"))
    yield post("a missing namespace", core("configmaps", namespace="missing"), configmap("a"))
    yield post("a number for text", maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": 1}})
    yield post("text for a map", maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": "b"})
    yield post("no name", maps, {"apiVersion": "v1", "kind": "ConfigMap"})
    yield post("with a version", maps, configmap("a", resourceVersion="1"))
    yield post("with uid and times", maps, configmap("stamped", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=7))
    yield post("a generated name", maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}, save="made")
    yield get("what has a generated name", maps + "/@{made.metadata.name}")
    yield post("a name beside a generated one", maps, configmap("named", generateName="made-"))
    yield post("dry run", maps + "?dryRun=All", configmap("dry"))
    yield get("after a dry run", maps + "/dry")
    yield post("a wrong dry run", maps + "?dryRun=Some", configmap("dry"))
    yield post("a manager that is too long", maps + "?fieldManager=" + "m" * 129, configmap("managed"))
    yield post("a manager", maps + "?fieldManager=someone", configmap("managed"))


def updates():
    one = core("configmaps", "first")
    yield get("before updates", one, save="first")
    yield put("update", one, configmap("first", {"key": "2"}, resourceVersion="@{first.metadata.resourceVersion}"), save="second")
    yield put("update of the old version", one, configmap("first", {"key": "3"}, resourceVersion="@{first.metadata.resourceVersion}"))
    yield put("update without a version", one, configmap("first", {"key": "4"}))
    yield put("update of another name", one, configmap("other"))
    yield put("update without a name", one, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "5"}})
    yield put("update of another uid", one, configmap("first", uid="other"))
    yield put("update of what is missing", core("configmaps", "missing"), configmap("missing"))
    yield put("update that makes a Lease", group("coordination.k8s.io/v1", "leases", "made"), plain("coordination.k8s.io/v1", "Lease", "made", spec={}))
    yield put("dry run of an update", one + "?dryRun=All", configmap("first", {"key": "dry"}))
    yield get("after updates", one)
    yield put("immutable from now on", one, {**configmap("first", {"key": "6"}), "immutable": True})
    yield put("immutable it is", one, {**configmap("first", {"key": "7"}), "immutable": True})
    yield put("immutable for ever", one, configmap("first", {"key": "6"}))
    yield Step("a wrong version", "PUT", one, configmap("first", resourceVersion="x"))


def steps():
    yield post("limit later ones do not run into", "/api/v1/namespaces", plain("v1", "Namespace", "side-2"))
    for collection, body in OBJECTS:
        yield from lifecycle(collection, body)
    yield from bodies()
    yield from updates()
    yield delete("a quota is in nobody's way", core("resourcequotas", "quota"))
    yield delete("a limit is in nobody's way", core("limitranges", "limits"))
