"""Tables, of lists and of single objects."""
from .basics import OBJECTS
from .step import TABLE, get


def steps():
    seen = set()
    for collection, body in OBJECTS:
        if collection in seen or body["kind"] == "Event":
            continue
        seen.add(collection)
        # A Namespace's worth; clusters differ in what they start with.
        if "/namespaces/" in collection:
            yield get("table of " + body["kind"], collection, accept=TABLE)
        yield get("row of " + body["kind"], f"{collection}/{body['metadata']['name']}", accept=TABLE)
    yield get("row of Namespace", "/api/v1/namespaces/side", accept=TABLE)
    for include in ("None", "Object", "Metadata", "Else"):
        yield get("table including " + include, f"{OBJECTS[0][0]}?includeObject={include}", accept=TABLE)
    yield get("table of what is missing", OBJECTS[0][0] + "/missing", accept=TABLE)
    yield get("table, else JSON", OBJECTS[0][0], accept=TABLE + ",application/json")
