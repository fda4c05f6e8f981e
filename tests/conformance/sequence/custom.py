"""Definitions of custom kinds and their objects."""
from .step import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, Step, changed, delete, get, group, patch, post, put

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {"type": "object", "properties": {
    "spec": {"type": "object", "required": ["color"], "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2}, "color": {"type": "string", "enum": ["red", "blue"]},
        "code": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5}, "when": {"type": "string", "format": "date-time"}, "share": {"type": "number"},
        "many": {"type": "array", "maxItems": 2, "items": {"type": "string"}}, "either": {"x-kubernetes-int-or-string": True}, "on": {"type": "boolean"},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "maybe": {"type": "string", "nullable": True},
        "unique": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                  "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}}}},
    "status": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA},
           "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
           "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]}
DEFINITION = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
              "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]}, "versions": [VERSION]}}
V = "spec.versions[0]."
S = V + "schema.openAPIV3Schema"
WRONG_DEFINITIONS = [
    {"metadata.name": "other.example.com"}, {"spec.group": ""}, {"spec.group": "Bad_Group"}, {"spec.scope": "Else"}, {"spec.scope": None}, {"spec.names.plural": ""}, {"spec.names.kind": ""}, {"spec.names.kind": "bad kind"},
    {"spec.names.shortNames": ["UPPER"]}, {"spec.versions": []}, {V + "name": "Bad"}, {V + "storage": False}, {V + "served": False}, {V + "schema": None}, {S: {"type": "string"}}, {S: {}}, {S: {"type": "object", "properties": {"a": {}}}},
    {S: {"type": "object", "properties": {"a": {"type": "nonsense"}}}}, {S: {"type": "object", "properties": {"a": {"type": "array"}}}}, {S: {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}}, {S: {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}},
    {S: {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}}, {S: {"type": "object", "additionalProperties": False}}, {S: {"type": "object", "$ref": "x"}}, {S: {"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}}}},
    {S: {"type": "object", "properties": {"a": {"type": "array", "x-kubernetes-list-type": "else", "items": {"type": "string"}}}}}, {V + "additionalPrinterColumns": [{"name": "A"}]}, {V + "additionalPrinterColumns": [{"name": "A", "type": "else", "jsonPath": ".a"}]},
    {V + "subresources": {"scale": {}}}, {"spec.preserveUnknownFields": True}, {"spec.conversion": {"strategy": "Else"}}, {"spec.conversion": {"strategy": "Webhook"}}]


def widget(name, **spec):
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": {"color": "red", **spec}}


WRONG_WIDGETS = [{"size": 0}, {"size": 10}, {"size": "x"}, {"size": 1.5}, {"color": "green"}, {"color": 1}, {"code": "UPPER"}, {"code": "toolong"}, {"when": "now"}, {"when": "2026-01-01T00:00:00Z"}, {"share": "x"}, {"share": 1}, {"many": ["a", "b", "c"]}, {"many": "a"}, {"many": [1]},
                 {"either": "50%"}, {"either": 5}, {"either": True}, {"on": "yes"}, {"free": {"any": {"thing": 1}}}, {"maybe": None}, {"color": None}, {"size": None}, {"unique": ["a", "a"]}, {"parts": [{"name": "a"}, {"name": "a"}]}, {"parts": [{}]}, {"nothing": 1}, {"parts": [{"name": "a", "nothing": 1}]}]


def objects():
    widgets = group("example.com/v1", "widgets")
    yield get("no custom objects", widgets)
    yield get("resources of a custom group", "/apis/example.com/v1")
    yield post("a custom object", widgets, widget("one"))
    yield post("the same again", widgets, widget("one"))
    yield get("get it", widgets + "/one", save="widget")
    for spec in WRONG_WIDGETS:
        yield post("widget " + str(spec), widgets + "?dryRun=All", widget("bad", **spec))
    for mode in ("Strict", "Warn", "Ignore"):
        yield post("unknown field of a widget, " + mode, widgets + "?dryRun=All&fieldValidation=" + mode, widget("bad", nothing=1))
    yield post("no spec", widgets + "?dryRun=All", {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "bad"}})
    yield post("wrong version", widgets, {**widget("bad"), "apiVersion": "example.com/v2"})
    yield post("wrong kind", widgets, {**widget("bad"), "kind": "Other"})
    yield put("update", widgets + "/one", changed(widget("one", size=3), {"metadata.resourceVersion": "@{widget.metadata.resourceVersion}"}))
    yield put("update of an old version", widgets + "/one", changed(widget("one", size=4), {"metadata.resourceVersion": "@{widget.metadata.resourceVersion}"}))
    yield put("update without a version", widgets + "/one", widget("one", size=4))
    yield patch("merge patch", widgets + "/one", {"spec": {"size": 5}}, MERGE)
    yield patch("JSON patch", widgets + "/one", [{"op": "replace", "path": "/spec/color", "value": "blue"}], JSON_PATCH)
    yield patch("strategic patch", widgets + "/one", {"spec": {"size": 6}}, STRATEGIC)
    yield patch("invalid patch", widgets + "/one", {"spec": {"size": 99}}, MERGE)
    for manager, part in (("a", [{"name": "x", "value": "1"}]), ("b", [{"name": "y", "value": "2"}]), ("b", [{"name": "x", "value": "3"}])):
        yield patch(f"apply by {manager}", f"{widgets}/applied?fieldManager={manager}", widget("applied", parts=part), APPLY)
    yield patch("apply by force", widgets + "/applied?fieldManager=b&force=true", widget("applied", parts=[{"name": "x", "value": "3"}]), APPLY)
    yield patch("status", widgets + "/one/status", {"status": {"size": 1}, "spec": {"size": 1}}, MERGE)
    yield get("status", widgets + "/one/status")
    yield get("scale", widgets + "/one/scale")
    yield patch("scale it", widgets + "/one/scale", {"spec": {"replicas": 7}}, MERGE)
    yield get("table", widgets, accept=TABLE)
    yield get("list", widgets + "?limit=1")
    yield get("by label", widgets + "?labelSelector=a%3Db")
    yield get("by field", widgets + "?fieldSelector=spec.size%3D1")
    yield delete("delete one", widgets + "/one")
    yield delete("delete it again", widgets + "/one")


def steps():
    for change in WRONG_DEFINITIONS:
        yield post("definition " + str(change)[:90], DEFINITIONS + "?dryRun=All", changed(DEFINITION, change))
    yield post("definition", DEFINITIONS, DEFINITION)
    yield Step("until it is served", "WAIT", group("example.com/v1", "widgets"))
    yield get("the definition", DEFINITIONS + "/widgets.example.com")
    yield from objects()
    yield patch("the group is immutable", DEFINITIONS + "/widgets.example.com", {"spec": {"group": "other.com"}}, MERGE)
    yield patch("the scope is immutable", DEFINITIONS + "/widgets.example.com", {"spec": {"scope": "Cluster"}}, MERGE)
    yield delete("the definition goes", DEFINITIONS + "/widgets.example.com")
