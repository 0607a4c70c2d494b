"""Decisions on their way to where they are kept: JSON lines, OpenTelemetry, FusionAuth.

An `Audit` gives each decision back as it was, and its record to a sink, in
batches, from a thread of its own. As a guard's `on_ruling`, `Audit.ruling`
denies a call whose record cannot be kept.

>>> import json, pathlib, tempfile
>>> from deputize import Policy
>>> from deputize.audit import Audit, append_to, json_lines
>>> anne = Policy.from_json({"deputize": 1}).caller("user:anne")
>>> path = pathlib.Path(tempfile.mkdtemp(), "audit.jsonl")
>>> with Audit(json_lines(append_to(path))) as audit:
...     audit.can(anne, "can_read", "document:1")
False
>>> [json.loads(line)["resource"] for line in path.read_text().splitlines()]
['document:1']
"""

from .keeping import Audit, Counts, Observer, Problem, Sink
from .sinks import append_to, fusion_auth, fusion_auth_entry, json_lines, spans

__all__ = [
    "Audit",
    "Counts",
    "Observer",
    "Problem",
    "Sink",
    "append_to",
    "fusion_auth",
    "fusion_auth_entry",
    "json_lines",
    "spans",
]
