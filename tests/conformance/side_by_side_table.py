"""The section of docs/COMPATIBILITY.md that side_by_side.py measures."""
import os

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "COMPATIBILITY.md")
TITLE = "## Side by side with kube-apiserver"
HEAD = f"""{TITLE}

One sequence of requests to kube-apiserver 1.32.13 and to this server, answer against answer. Written by `tests/conformance/side_by_side.py --table`; do not edit.
Status, reason and body are compared: objects whole (with defaults, generation and managed fields), failures with their causes' fields and reasons. Uids, times, versions and what is drawn at random do not count, nor does null for a member that is absent. `text`: only wording differs, of messages, warnings or descriptions of columns, which are this server's own on purpose.

| requests about | sent | same | text | body | reason | status |
|---|---|---|---|---|---|---|
"""
# What stays different, and why: (where, what).
KNOWN = [
    ("text of messages", "written anew; clients go by reason, cause and field"),
    ("status 500 of upstream", "malformed versions, delete options and apply configurations are the client's error: 400, 409 or 422 here"),
    ("POST of `bindings`, apply to `scale`, old `watch/` paths", "not served: clients bind, scale and watch in other ways"),
    ("time zones of CronJobs", "not looked up: nothing acts on CronJobs"),
    ("Pods without a known ServiceAccount, NodePorts out of range in a dry run, approval of a request that is not there", "refused, or refused for another reason: names are checked before accounts, numbers in a dry run too"),
    ("an empty list of an autoscaler's policies", "the same as none: the defaults"),
    ("a directive that strategic merge does not know", "refused; upstream ignores it"),
    ("apply of unknown fields, of the same key twice", "unknown fields are as fieldValidation says, the last key counts; upstream fails with status 500"),
    ("apply to what nobody is known to own", "takes the fields; upstream asks for force"),
]


def row(name, counts):
    return f"| {name} | " + " | ".join(str(counts[level]) for level in ("requests", "same", "text", "body", "reason", "status")) + " |"


def section(counts):
    total = {level: sum(topic[level] for topic in counts.values()) for level in ("requests", "same", "text", "body", "reason", "status")}
    rows = [row(topic, topic_counts) for topic, topic_counts in counts.items()] + [row("**all**", total)]
    known = [f"| {where} | {why} |" for where, why in KNOWN]
    return HEAD + "\n".join(rows) + "\n\n| known difference | reason |\n|---|---|\n" + "\n".join(known) + "\n"


def kept():
    """The section as it stands in the document, for who writes the rest anew."""
    with open(DOCUMENT) as document:
        _, title, text = document.read().partition(TITLE)
    return "\n" + title + text if title else ""


def write(counts):
    with open(DOCUMENT) as document:
        before, _, _ = document.read().partition(TITLE)
    with open(DOCUMENT, "w") as document:
        document.write(before.rstrip("\n") + "\n\n" + section(counts))
