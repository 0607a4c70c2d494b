"""A policy that is kept fresh: from a file or a URL, swapped while it is used.

`Source` refreshes in a thread, `AsyncSource` in an asyncio task. Both take a
snapshot in JSON or a compiled policy, ask with an ETag, and swap the policy as
a whole once the new one is read, checked and compiled. Where a refresh fails,
the policy stays; where none has succeeded for `max_age` seconds, everything is
denied (`snapshot.stale`) until one does. What of a new policy can have no effect
is logged. What a URL holds besides scheme, host
and path is a secret: no message, log or `repr` has it.

A URL needs httpx, which the extra `source` brings.

>>> import json, pathlib, tempfile
>>> from deputize.source import Source
>>> path = pathlib.Path(tempfile.mkdtemp(), "snapshot.json")
>>> _ = path.write_text(json.dumps({"deputize": 1, "revision": "1"}))
>>> with Source(path, refresh=30, max_age=300) as source:
...     print(source.policy.revision)
...     _ = path.write_text(json.dumps({"deputize": 1, "revision": "2"}))
...     print(source.refresh(), source.policy.revision)
1
True 2
"""

from .document import Fetched
from .loop import AsyncSource
from .thread import Source

__all__ = ["AsyncSource", "Fetched", "Source"]
