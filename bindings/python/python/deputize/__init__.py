"""May this agent do this, and on whose behalf?

A snapshot of policy data is compiled into a `Policy`; a token verified against
it is a `Caller`; a caller is asked what it may do. All of it happens here, in
this process.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define reader: [user]",
...     "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}]})
>>> anne = policy.caller("user:anne")
>>> anne.can("reader", "document:1")
True
>>> chunks = ["document:1", "document:2"]
>>> anne.filter("reader", chunks).select(chunks)
['document:1']
"""

from ._deputize import (
    BooleanArray,
    Caller,
    CheckAnswer,
    Checked,
    Decision,
    Explanation,
    Filtered,
    Policy,
    __version__,
    inspect,
    verify_signature,
)
from .errors import DeniedError, DeputizeError, InputError, InternalError, MisuseError

__all__ = [
    "BooleanArray",
    "Caller",
    "CheckAnswer",
    "Checked",
    "Decision",
    "DeniedError",
    "DeputizeError",
    "Explanation",
    "Filtered",
    "InputError",
    "InternalError",
    "MisuseError",
    "Policy",
    "__version__",
    "inspect",
    "verify_signature",
]
