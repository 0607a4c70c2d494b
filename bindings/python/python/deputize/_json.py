"""Values to JSON and back. Imported when it is first needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast


def _other(value: object) -> object:
    """What `json` does not know: mappings of other kinds, and times as RFC 3339."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"a `{type(value).__name__}` has no form in JSON")


write = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_other).encode
read = json.JSONDecoder().decode
