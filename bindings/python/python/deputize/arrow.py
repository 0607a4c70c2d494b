"""Rows of tables, where a corpus outgrows one list: pyarrow, Polars, Ray, Spark.

`filter_table` keeps the rows that a caller may have. `Rows` is the same for
engines that send their work to other processes: a caller cannot be sent, so it
holds the policy and whoever asks, and verifies again where it arrives.

pyarrow, in this process:

    kept = filter_table(caller, "can_read", table, "document")

Polars, as an expression of one column (`rows` as made below):

    frame.filter(pl.col("document").map_batches(rows.mask, return_dtype=pl.Boolean))

Ray Data:

    dataset.map_batches(rows, batch_format="pyarrow")

Spark:

    frame.mapInArrow(rows.batches, frame.schema)

A row whose id is null, no text or malformed is dropped. An error of the whole
question (an expired token, a stale snapshot) is raised: no row passes.

>>> import pyarrow as pa
>>> from deputize import Policy
>>> from deputize.arrow import Rows
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define reader: [user]",
...     "tuples": [{"user": "user:anne", "relation": "reader", "object": "document:1"}]})
>>> table = pa.table({"document": ["document:1", "document:2", None], "text": ["a", "b", "c"]})
>>> rows = Rows(policy, "reader", "document", chain="user:anne")
>>> rows(table).to_pylist()
[{'document': 'document:1', 'text': 'a'}]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import Caller, Policy
from .errors import MisuseError

if TYPE_CHECKING:
    from typing import Protocol

    class _Tabular(Protocol):
        """A pyarrow table or record batch; pyarrow itself has no types."""

        @property
        def schema(self) -> Any: ...
        def column(self, i: Any) -> Any: ...
        def filter(self, mask: Any) -> Any: ...


_Table = TypeVar("_Table", bound="_Tabular")

__all__ = ["Rows", "filter_table"]


def filter_table(caller: Caller, action: str, table: _Table, column: str) -> _Table:
    """The rows of a table or a record batch whose `column` names what the caller may do `action` on.

    Raises:
        MisuseError: There is no such column, or it is not one of texts.
        DeniedError: As `Caller.filter`: no row passes.
    """
    names = table.schema.names
    if names.count(column) != 1:
        raise MisuseError("call.column", f"there must be one column `{column}` among {names}")
    kept: _Table = table.filter(caller.filter(action, table.column(column)).mask)
    return kept


class Rows:
    """Filters tables wherever it is sent. It can be pickled: then a token goes along, as a secret.

    Args:
        policy: The policy, which goes along in its compiled form.
        action: The action.
        column: The column that holds the resources' ids.
        token: The token of whoever asks; or else
        chain: principals that the host vouches for, as in `Policy.caller`.
        **options: As in `Policy.verify` or `Policy.caller`, e.g. `audience`.

    Raises:
        DeniedError: The token or the chain is refused; also at each batch, once it expires.
    """

    def __init__(
        self,
        policy: Policy,
        action: str,
        column: str,
        *,
        token: str | None = None,
        chain: str | Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        if (token is None) == (chain is None):
            raise MisuseError("call.asking", "whoever asks is named by a `token` or by a `chain`")
        self._made_of = (policy, action, column, token, chain, options)
        self._now = options.get("now")
        self._column = column
        self._action = action
        if token is not None:
            self._caller = policy.verify(token, **options)
        elif chain is not None:
            self._caller = policy.caller(chain, **options)

    def mask(self, ids: Any) -> Any:
        """Which of these ids are allowed, in kind: a Polars series for one, an Arrow array for one."""
        return self._asking().filter(self._action, ids).mask

    def __call__(self, table: _Table) -> _Table:
        """The rows of a table that are allowed."""
        return filter_table(self._asking(), self._action, table, self._column)

    def batches(self, batches: Iterable[_Table]) -> Iterator[_Table]:
        """Each of many batches, filtered."""
        return map(self, batches)

    def _asking(self) -> Caller:
        """The caller as it stands now: a token may have expired between two batches."""
        return self._caller.at(self._now)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_arrived, self._made_of)


def _arrived(
    policy: Policy,
    action: str,
    column: str,
    token: str | None,
    chain: str | Sequence[str] | None,
    options: dict[str, Any],
) -> Rows:
    return Rows(policy, action, column, token=token, chain=chain, **options)
