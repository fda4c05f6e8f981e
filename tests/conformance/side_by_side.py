"""The same requests to kube-apiserver and to ours, and what differs in their answers.

    side_by_side.py [--table] [--show TOPIC|all] [--limit N]

Exits 1 when more differs than the counts in side_by_side.json, so that nothing falls back. --table
writes the section of docs/COMPATIBILITY.md and those counts; --show prints what differs.
"""
import argparse
import collections
import json
import os
import sys

import answers
import api
import conversation
import sequence
import side_by_side_table
import upstream

HERE = os.path.dirname(os.path.abspath(__file__))
BOUNDS = os.path.join(HERE, "side_by_side.json")
LEVELS = ("status", "reason", "body", "text")  # Worst first.


def ours():
    """(port, process context) of conformance_server without the controllers that kube-apiserver lacks."""
    return api.server("--api-only")


def play():
    """[(topic, step, theirs, ours)] of every request."""
    steps = sequence.all_steps()
    with upstream.server() as (port, _):
        theirs = conversation.Conversation(port).play(steps)
    with ours() as directory:
        mine = conversation.Conversation(conversation.port_of(f"{directory}/kubeconfig")).play(steps)
    return [(topic, step, a, b) for (topic, step), a, b in zip(steps, theirs, mine)]


def compare(played):
    """{topic: Counter of levels}, and per request its finding or None."""
    counts, findings = collections.defaultdict(collections.Counter), []
    for topic, step, theirs, mine in played:
        found = answers.difference(theirs, mine)
        counts[topic]["requests"] += 1
        counts[topic][found.level if found else "same"] += 1
        if found:
            findings.append((topic, step, found))
    return counts, findings


def show(findings, topic, limit):
    for where, step, found in [one for one in findings if topic in ("all", one[0], one[2].level)][:limit]:
        print(f"[{where}] {step.name}: {step.method} {step.path}\n    {found.level}: {found.what}")


def totals(counts):
    return {level: sum(topic[level] for topic in counts.values()) for level in ("requests", "same", *LEVELS)}


def worse(counts):
    """What differs more often than the bounds say: in a level or in a worse one."""
    try:
        with open(BOUNDS) as file:
            bounds = json.load(file)
    except FileNotFoundError:
        return []
    now, sum_now, sum_bound, out = totals(counts), 0, 0, []
    for level in LEVELS:
        sum_now, sum_bound = sum_now + now[level], sum_bound + bounds[level]
        if sum_now > sum_bound:
            out.append(f"{level} or worse: {sum_now}, at most {sum_bound}")
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--show", default="")
    parser.add_argument("--limit", type=int, default=100000)
    options = parser.parse_args()
    upstream.program("kube-apiserver"), upstream.program("etcd")
    counts, findings = compare(play())
    if options.show:
        show(findings, options.show, options.limit)
    now = totals(counts)
    print(", ".join(f"{name} {count}" for name, count in now.items()))
    if options.table:
        side_by_side_table.write(counts)
        with open(BOUNDS, "w") as file:
            json.dump(now, file)
            file.write("\n")
    found = worse(counts)
    for line in found:
        print("more differs than before: " + line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
