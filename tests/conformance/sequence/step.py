"""One request, and objects to send."""
import copy
import dataclasses
import json
import re

JSON = "application/json"
YAML = "application/yaml"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


@dataclasses.dataclass
class Step:
    """`save` keeps the answer under a name; "@{name.metadata.uid}" in later paths and bodies is replaced from it."""
    name: str
    method: str
    path: str
    body: object = None
    type: str = JSON
    accept: str = ""
    save: str = ""
    user: str = "admin"


def get(name, path, **options):
    return Step(name, "GET", path, **options)


def post(name, path, body, **options):
    return Step(name, "POST", path, body, **options)


def put(name, path, body, **options):
    return Step(name, "PUT", path, body, **options)


def patch(name, path, body, type, **options):
    return Step(name, "PATCH", path, body, type=type, **options)


def delete(name, path, body=None, **options):
    return Step(name, "DELETE", path, body, **options)


def core(resource, name="", namespace="side"):
    return f"/api/v1/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")


def group(prefix, resource, name="", namespace="side"):
    """A path below /apis, e.g. group("apps/v1", "deployments", "web")."""
    return f"/apis/{prefix}/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")


def changed(base, changes):
    """A copy with {"spec.containers[0].image": value}; None takes the member away."""
    out = copy.deepcopy(base)
    for path, value in changes.items():
        parts = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
        place = out
        for part in parts[:-1]:
            place = place[part] if isinstance(part, int) else place.setdefault(part, {})
        if value is None:
            place.pop(parts[-1], None)
        else:
            place[parts[-1]] = value
    return out


def filled(text, saved):
    """`text` with its placeholders replaced from saved answers."""
    def value(found):
        out = saved
        for part in found[1].split("."):
            out = out[int(part)] if isinstance(out, list) else out.get(part, "") if isinstance(out, dict) else ""
        return str(out)
    return re.sub(r"@\{([^}]*)\}", value, text)


def as_text(body):
    return body if isinstance(body, str) or body is None else json.dumps(body)


def namespace(name):
    """A namespace with the account that kube-controller-manager would make; its Pods get no token."""
    yield post("namespace " + name, "/api/v1/namespaces", plain("v1", "Namespace", name))
    yield post("account of " + name, core("serviceaccounts", namespace=name), plain("v1", "ServiceAccount", "default", automountServiceAccountToken=False))


def configmap(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {"key": "value"}}


def pod(name, **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata},
            "spec": {"containers": [{"name": "main", "image": "app:1"}]}}


def template(labels):
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}


def workload(kind, name, **spec):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": template(labels), **spec}}


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}], **spec}}


def plain(api_version, kind, name, **members):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **members}
