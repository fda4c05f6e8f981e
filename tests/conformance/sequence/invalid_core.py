"""Pods and Services that are wrong, in one way each."""
from .step import changed, core, pod, post, put, service, get, patch, MERGE

C = "spec.containers[0]."
POD = [
    {"spec.containers": []}, {"spec.containers": None}, {"spec": None}, {C + "name": ""}, {C + "name": "Upper"}, {C + "name": None}, {C + "image": ""}, {C + "image": None},
    {C + "image": " app:1"}, {C + "imagePullPolicy": "Sometimes"}, {C + "ports": [{"containerPort": 0}]}, {C + "ports": [{"containerPort": 70000}]}, {C + "ports": [{}]},
    {C + "ports": [{"containerPort": 80, "protocol": "HTTP"}]}, {C + "ports": [{"containerPort": 80, "name": "Bad_Name"}]}, {C + "ports": [{"containerPort": 80, "hostPort": -1}]},
    {C + "ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]}, {C + "ports": [{"containerPort": 80, "name": "far-too-long-a-name"}]},
    {C + "ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]},
    {C + "env": [{"name": ""}]}, {C + "env": [{"name": "A=B", "value": "1"}]}, {C + "env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
    {C + "env": [{"name": "A", "valueFrom": {}}]}, {C + "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nothing"}}}]},
    {C + "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "m"}}}]}, {C + "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "m", "key": "a b"}}}]},
    {C + "env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.disk"}}}]},
    {C + "envFrom": [{}]}, {C + "envFrom": [{"configMapRef": {"name": ""}}]}, {C + "envFrom": [{"prefix": "1=", "secretRef": {"name": "a"}}]},
    {C + "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, {C + "resources": {"limits": {"cpu": "-1"}}}, {C + "resources": {"limits": {"cpu": "much"}}},
    {C + "resources": {"limits": {"nothing": "1"}}}, {C + "resources": {"limits": {"example.com/gpu": "1.5"}}}, {C + "resources": {"requests": {"example.com/gpu": "1"}}},
    {C + "resources": {"requests": {"memory": "1.5"}}}, {C + "resources": {"limits": {"hugepages-2Mi": "2Mi"}}},
    {C + "livenessProbe": {}}, {C + "livenessProbe": {"httpGet": {"port": 0}}}, {C + "livenessProbe": {"httpGet": {"port": "NAME!"}}}, {C + "livenessProbe": {"tcpSocket": {"port": 80}, "exec": {"command": ["a"]}}},
    {C + "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": -1}}, {C + "livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}}, {C + "readinessProbe": {"exec": {}}},
    {C + "livenessProbe": {"grpc": {"port": 99999}}}, {C + "readinessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}}}, {C + "readinessProbe": {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 5}},
    {C + "readinessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "a b"}]}}},
    {C + "startupProbe": {"tcpSocket": {"port": 80}, "failureThreshold": -1}}, {C + "lifecycle": {"preStop": {}}}, {C + "lifecycle": {"preStop": {"exec": {}}}}, {C + "lifecycle": {"preStop": {"sleep": {"seconds": 99}}}},
    {C + "lifecycle": {"postStart": {"httpGet": {"port": 80}, "exec": {"command": ["a"]}}}}, {C + "terminationMessagePolicy": "Else"},
    {C + "volumeMounts": [{"name": "missing", "mountPath": "/a"}]}, {C + "volumeMounts": [{"name": "missing"}]}, {C + "securityContext": {"runAsUser": -1}},
    {C + "securityContext": {"privileged": True, "allowPrivilegeEscalation": False}}, {C + "securityContext": {"procMount": "Else"}}, {C + "securityContext": {"capabilities": {"add": [1]}}},
    {C + "restartPolicy": "Always"}, {C + "volumeDevices": [{"name": "a", "devicePath": "/a"}]},
    {"spec.initContainers": [{"name": "main", "image": "a"}]}, {"spec.initContainers": [{"name": "i", "image": "a", "livenessProbe": {"tcpSocket": {"port": 1}}}]},
    {"spec.initContainers": [{"name": "i", "image": "a", "restartPolicy": "Always"}]}, {"spec.initContainers": [{"name": "i", "image": "a", "restartPolicy": "Never"}]},
    {"spec.ephemeralContainers": [{"name": "e", "image": "a"}]}, {"spec.restartPolicy": "Sometimes"}, {"spec.dnsPolicy": "Mine"}, {"spec.dnsPolicy": "None"}, {"spec.terminationGracePeriodSeconds": -1},
    {"spec.dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}}, {"spec.dnsConfig": {"nameservers": ["x"]}}, {"spec.dnsConfig": {"options": [{"name": ""}]}},
    {"spec.activeDeadlineSeconds": 0}, {"spec.nodeSelector": {"a b": "c"}}, {"spec.nodeName": "Upper"}, {"spec.nodeName": "node-1"}, {"spec.hostname": "a.b"}, {"spec.subdomain": "A"}, {"spec.hostAliases": [{"ip": "x"}]},
    {"spec.hostAliases": [{"ip": "1.2.3.4", "hostnames": ["A B"]}]}, {"spec.priorityClassName": "missing"}, {"spec.priorityClassName": "high"}, {"spec.priority": 5}, {"spec.preemptionPolicy": "Always"},
    {"spec.schedulerName": ""}, {"spec.serviceAccountName": "Bad Name"}, {"spec.imagePullSecrets": [{}]}, {"spec.readinessGates": [{"conditionType": "a b"}]}, {"spec.schedulingGates": [{"name": "a b"}]},
    {"spec.schedulingGates": [{"name": "example.com/a"}]}, {"spec.schedulingGates": [{"name": "a"}], "spec.nodeName": "node-1"}, {"spec.overhead": {"cpu": "1"}}, {"spec.runtimeClassName": "missing"}, {"spec.os": {"name": "beos"}}, {"spec.os": {"name": "windows"}, "spec.hostPID": True},
    {"spec.tolerations": [{"operator": "Else"}]}, {"spec.tolerations": [{"key": "a b"}]}, {"spec.tolerations": [{"operator": "Exists", "key": "a", "value": "b"}]}, {"spec.tolerations": [{}]},
    {"spec.tolerations": [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5}]}, {"spec.tolerations": [{"key": "a", "effect": "Else"}]}, {"spec.tolerations": [{"operator": "Exists"}]},
    {"spec.affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}},
    {"spec.affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}}}},
    {"spec.affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["x"]}]}]}}}},
    {"spec.affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "spec.x", "operator": "In", "values": ["x"]}]}]}}}},
    {"spec.affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}]}}},
    {"spec.affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": ""}]}}},
    {"spec.affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "podAffinityTerm": {"topologyKey": "zone"}}]}}},
    {"spec.affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Else"}]}}]}}},
    {"spec.topologySpreadConstraints": [{}]}, {"spec.topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
    {"spec.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "Else"}]}, {"spec.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}]},
    {"spec.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}, {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]},
    {"spec.topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "Else", "matchLabelKeys": ["app"]}]},
    {"spec.volumes": [{}]}, {"spec.volumes": [{"name": "Bad_Name", "emptyDir": {}}]}, {"spec.volumes": [{"name": "a"}]}, {"spec.volumes": [{"name": "a", "emptyDir": {}}, {"name": "a", "emptyDir": {}}]},
    {"spec.volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]}, {"spec.volumes": [{"name": "a", "emptyDir": {"sizeLimit": "-1"}}]}, {"spec.volumes": [{"name": "a", "hostPath": {"path": ""}}]},
    {"spec.volumes": [{"name": "a", "hostPath": {"path": "/a/../b"}}]}, {"spec.volumes": [{"name": "a", "hostPath": {"path": "/a", "type": "Else"}}]}, {"spec.volumes": [{"name": "a", "configMap": {}}]},
    {"spec.volumes": [{"name": "a", "configMap": {"name": "m", "defaultMode": 1000}}]}, {"spec.volumes": [{"name": "a", "configMap": {"name": "m", "items": [{"key": "a"}]}}]}, {"spec.volumes": [{"name": "a", "configMap": {"name": "m", "items": [{"key": "a", "path": "../a"}]}}]},
    {"spec.volumes": [{"name": "a", "secret": {}}]}, {"spec.volumes": [{"name": "a", "projected": {"sources": [{}]}}]}, {"spec.volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]}}]},
    {"spec.volumes": [{"name": "a", "downwardAPI": {"items": [{"path": "p"}]}}]}, {"spec.volumes": [{"name": "a", "persistentVolumeClaim": {}}]}, {"spec.volumes": [{"name": "a", "nothing": {}}]},
    {"spec.volumes": [{"name": "a", "emptyDir": {}}], C + "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "a", "mountPath": "/a"}]}, {"spec.volumes": [{"name": "a", "emptyDir": {}}], C + "volumeMounts": [{"name": "a", "mountPath": "/a", "subPath": "../b"}]},
    {"spec.securityContext": {"runAsUser": -1}}, {"spec.securityContext": {"sysctls": [{"name": "a b", "value": "1"}]}}, {"spec.securityContext": {"fsGroupChangePolicy": "Else"}}, {"spec.securityContext": {"supplementalGroups": [-1]}},
    {"spec.securityContext": {"seccompProfile": {"type": "Else"}}}, {"spec.hostNetwork": True, C + "ports": [{"containerPort": 80, "hostPort": 81}]}, {"spec.shareProcessNamespace": True, "spec.hostPID": True}, {"spec.containers": "x"}, {"spec.containers": [1]},
    {"spec.terminationGracePeriodSeconds": "30"}, {"spec.hostNetwork": "yes"}, {"spec.volumes": {"a": 1}}, {"spec.nodeSelector": []}, {"spec.activeDeadlineSeconds": 1.5}, {"metadata.name": None}]

SERVICE = [
    {"spec.ports": []}, {"spec.ports": None}, {"spec.ports": [{"port": 0}]}, {"spec.ports": [{"port": 65536}]}, {"spec.ports": [{}]}, {"spec.ports": [{"port": 80}, {"port": 81}]}, {"spec.ports": [{"port": 80, "protocol": "HTTP"}]},
    {"spec.ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]}, {"spec.ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}, {"spec.ports": [{"name": "Bad", "port": 80}]}, {"spec.ports": [{"port": 80, "targetPort": "BAD!"}]}, {"spec.ports": [{"port": 80, "targetPort": 0}]},
    {"spec.ports": [{"port": 80, "nodePort": 30001}]}, {"spec.type": "NodePort", "spec.ports": [{"port": 80, "nodePort": 80}]}, {"spec.type": "Else"}, {"spec.type": "ExternalName"}, {"spec.type": "ExternalName", "spec.externalName": "A B"}, {"spec.clusterIP": "1.2.3.4"}, {"spec.clusterIP": "x"},
    {"spec.clusterIP": "None", "spec.type": "NodePort"}, {"spec.clusterIP": "None", "spec.ports": None}, {"spec.sessionAffinity": "Else"}, {"spec.sessionAffinity": "ClientIP"}, {"spec.sessionAffinity": "ClientIP", "spec.sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}},
    {"spec.sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}, {"spec.externalTrafficPolicy": "Local"}, {"spec.externalTrafficPolicy": "Else", "spec.type": "NodePort"}, {"spec.externalTrafficPolicy": "Local", "spec.type": "NodePort"}, {"spec.internalTrafficPolicy": "Else"}, {"spec.internalTrafficPolicy": "Local"},
    {"spec.healthCheckNodePort": 30005}, {"spec.ipFamilies": ["IPv9"]}, {"spec.ipFamilies": ["IPv6"]}, {"spec.ipFamilyPolicy": "RequireDualStack"}, {"spec.ipFamilyPolicy": "Else"}, {"spec.externalIPs": ["x"]}, {"spec.externalIPs": ["127.0.0.1"]}, {"spec.externalIPs": ["1.2.3.4"]},
    {"spec.loadBalancerSourceRanges": ["1.2.3.4/8"]}, {"spec.type": "LoadBalancer", "spec.loadBalancerSourceRanges": ["x"]}, {"spec.loadBalancerClass": "a.com/b"}, {"spec.type": "LoadBalancer", "spec.loadBalancerClass": "a.com/b"}, {"spec.allocateLoadBalancerNodePorts": True}, {"spec.type": "LoadBalancer", "spec.allocateLoadBalancerNodePorts": False},
    {"spec.selector": {"a b": "c"}}, {"spec.publishNotReadyAddresses": True}, {"spec.trafficDistribution": "PreferClose"}, {"spec.trafficDistribution": "Else"}, {"spec.ports": [{"port": 80, "appProtocol": "a b"}]}, {"metadata.name": "1abc"}, {"metadata.name": "a.b"}, {"spec.ports": "x"}, {"spec": None}]


def pod_updates():
    one = core("pods", "web")
    for change in ({"spec": {"nodeName": "node-2"}}, {"spec": {"restartPolicy": "Never"}}, {"spec": {"activeDeadlineSeconds": 100}}, {"spec": {"activeDeadlineSeconds": 200}}, {"spec": {"hostname": "other"}},
                   {"spec": {"terminationGracePeriodSeconds": 1}}, {"spec": {"containers": [{"name": "main", "image": "app:2"}]}}, {"spec": {"containers": [{"name": "other", "image": "app:2"}]}}, {"spec": {"priority": 9}},
                   {"metadata": {"labels": {"more": "labels"}}}, {"spec": {"containers": None}}, {"spec": {"schedulingGates": [{"name": "late"}]}}):
        yield patch("Pod " + str(change)[:60], one, change, MERGE)


def service_updates():
    one = core("services", "web")
    for change in ({"spec": {"clusterIP": None}}, {"spec": {"clusterIP": ""}}, {"spec": {"type": "NodePort"}}, {"spec": {"type": "ClusterIP"}}, {"spec": {"type": "ExternalName", "externalName": "a.b"}}, {"spec": {"type": "ClusterIP", "externalName": None}},
                   {"spec": {"clusterIP": "None"}}, {"spec": {"selector": None}}, {"spec": {"ports": [{"port": 8080}]}}, {"spec": {"sessionAffinity": "ClientIP"}}, {"spec": {"sessionAffinity": "None"}}):
        yield patch("Service " + str(change)[:60], one, change, MERGE)


def steps():
    for change in POD:
        yield post("Pod " + str(change)[:80], core("pods") + "?dryRun=All", changed(pod("invalid"), change))
    for change in SERVICE:
        yield post("Service " + str(change)[:80], core("services") + "?dryRun=All", changed(service("invalid"), change))
    yield from pod_updates()
    yield from service_updates()
    yield get("Pod after its updates", core("pods", "web"))
    yield put("a Pod without its spec", core("pods", "web"), {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}})
