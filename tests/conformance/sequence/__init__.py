"""The recorded sequence of requests that side_by_side.py sends to two servers.

Each module has `steps()`. They run in this order against fresh servers and may use what earlier
ones left; a module works in the namespace `side` unless it makes its own.
"""
from . import apply, basics, custom, deletes, discovery, invalid_core, invalid_other, lists, patches, subresources, tables, validation

MODULES = (discovery, basics, lists, tables, patches, apply, validation, invalid_core, invalid_other, subresources, deletes, custom)


def all_steps():
    """(topic, step) of the whole sequence."""
    return [(module.__name__.rsplit(".", 1)[-1].replace("_", " "), step) for module in MODULES for step in module.steps()]
