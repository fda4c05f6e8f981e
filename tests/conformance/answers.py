"""When two answers to one request are the same.

Four levels: status code, reason of a failure, body, and text (what is left when the wording of
messages is all that differs). Times, uids, versions and what is drawn at random do not count.
"""
import dataclasses
import json
import re

TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
AGES = re.compile(r"^\d+(s|m|h|d)(\d+s)?$|^<unknown>$|^<invalid>$")
DRAWN_ADDRESS = re.compile(r"\b10\.100\.\d+\.\d+\b")
DRAWN = {"resourceVersion": "<version>", "continue": "<continue>", "token": "<token>", "nodePort": "<node port>", "healthCheckNodePort": "<node port>"}
GENERATED = re.compile(r"\bmade-[a-z0-9]{5}\b")


@dataclasses.dataclass
class Finding:
    level: str
    what: str


def normal(value, name=""):
    """`value` without what no two servers have in common."""
    if name in DRAWN and value not in ("", "0", 0):
        return DRAWN[name]
    if isinstance(value, dict):
        # A member that is null says what one that is absent says.
        return {key: normal(member, key) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [normal(member) for member in value]
    if not isinstance(value, str):
        return value
    if AGES.match(value):
        return "<age>"
    text = UIDS.sub("<uid>", TIMES.sub("<time>", value))
    text = GENERATED.sub("made-<drawn>", DRAWN_ADDRESS.sub("<address>", text))
    return re.sub(r"\d{10,}|\b\d{5}/TCP", "<number>", text)


def events(body):
    """A watch without its bookmarks, in one order: what is there at the start has none."""
    return sorted((event for event in body if not isinstance(event, dict) or event.get("type") != "BOOKMARK"), key=lambda event: json.dumps(event, sort_keys=True))


def without_text(body):
    """A Status without its words, a Table without the descriptions of its columns."""
    if not isinstance(body, dict):
        return body
    if body.get("kind") == "Table":
        columns = [{key: text for key, text in column.items() if key != "description"} for column in body.get("columnDefinitions", [])]
        return {**body, "columnDefinitions": columns}
    if body.get("kind") != "Status":
        return body
    details = dict(body.get("details") or {})
    if "causes" in details:
        details["causes"] = sorted(({key: text for key, text in cause.items() if key != "message"} for cause in details["causes"]), key=str)
    return {key: member for key, member in {**body, "details": details}.items() if key != "message"}


def paths(left, right, where=""):
    """[what differs], a line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        out = []
        for key in sorted(set(left) | set(right)):
            if key not in right:
                out.append(f"{where}.{key}: only theirs {json.dumps(left[key])[:160]}")
            elif key not in left:
                out.append(f"{where}.{key}: only ours {json.dumps(right[key])[:160]}")
            else:
                out += paths(left[key], right[key], f"{where}.{key}")
        return out
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [line for i, (a, b) in enumerate(zip(left, right)) for line in paths(a, b, f"{where}[{i}]")]
    return [] if left == right else [f"{where}: theirs {json.dumps(left)[:260]} | ours {json.dumps(right)[:260]}"]


def message(body):
    return body.get("message", "") if isinstance(body, dict) else str(body)[:200]


def difference(theirs, ours):
    """A Finding of the highest level that differs, or None."""
    if theirs.status != ours.status:
        return Finding("status", f"theirs {theirs.status} {message(theirs.body)[:300]!r} | ours {ours.status} {message(ours.body)[:300]!r}")
    if theirs.body is None:
        return None
    reasons = [answer.body.get("reason") if theirs.status >= 400 and isinstance(answer.body, dict) else "" for answer in (theirs, ours)]
    if reasons[0] != reasons[1]:
        return Finding("reason", f"theirs {reasons[0]} {message(theirs.body)[:200]!r} | ours {reasons[1]} {message(ours.body)[:200]!r}")
    left, right = (normal(events(answer.body) if isinstance(answer.body, list) else answer.body) for answer in (theirs, ours))
    if isinstance(left, list):
        left, right = events(left), events(right) if isinstance(right, list) else right
    if found := paths(without_text(left), without_text(right)):
        return Finding("body", "; ".join(found[:6]))
    if left != right:
        return Finding("text", f"theirs {message(left)[:200]!r} | ours {message(right)[:200]!r}")
    warnings = [answer.headers.get("warning", "") for answer in (theirs, ours)]
    return Finding("text", f"warnings: theirs {warnings[0]!r} | ours {warnings[1]!r}") if warnings[0] != warnings[1] else None
