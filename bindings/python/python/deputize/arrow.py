"""Rows of tables, where a corpus outgrows one list: pyarrow, pandas, Polars, DuckDB, Ray, Spark.

`filter_table` keeps the rows that a caller may have, of a table of pyarrow,
pandas or Polars. `Rows` is the same for
engines that send their work to other processes: a caller cannot be sent, so it
holds the policy and whoever asks, and verifies again where it arrives.

pyarrow, in this process:

    kept = filter_table(caller, "can_read", table, "document")

Polars, as an expression of one column (`rows` as made below):

    frame.filter(pl.col("document").map_batches(rows.mask, return_dtype=pl.Boolean))

DuckDB, as a function of SQL:

    connection.create_function("may_read", rows.mask, ["VARCHAR"], "BOOLEAN", type="arrow", null_handling="special")
    connection.sql("SELECT * FROM documents WHERE may_read(document)")

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

from . import Caller
from .errors import MisuseError
from .identity import PolicySource, current, source_of

if TYPE_CHECKING:
    from typing import Protocol

    class _Tabular(Protocol):
        """A table or record batch of pyarrow, or a frame of pandas or Polars: they share hardly more."""

        def filter(self, mask: Any, /) -> Any: ...


_Table = TypeVar("_Table", bound="_Tabular")

__all__ = ["Rows", "filter_table"]

# Of these libraries too, and no tables that are here.
_COLUMNS = frozenset({"Array", "ChunkedArray", "DataFrameGroupBy", "Index", "LazyFrame", "Series"})


def filter_table(caller: Caller, action: str, table: _Table, column: str) -> _Table:
    """The rows of a table or a frame whose `column` names what the caller may do `action` on.

    Raises:
        MisuseError: There is no such column, it is not one of texts, or the table
            is of another library.
        DeniedError: As `Caller.filter`: no row passes.
    """
    library = type(table).__module__.partition(".")[0]
    if library not in ("pyarrow", "pandas", "polars") or type(table).__name__ in _COLUMNS:
        said = "of pyarrow, pandas or Polars: of others give `Caller.filter` the column, and select by its mask"
        raise MisuseError("call.type", f"`table` must be a table {said}, not a `{type(table).__name__}`")
    given: Any = table
    names = list(given.schema.names if library == "pyarrow" else given.columns)
    if names.count(column) != 1:
        raise MisuseError("call.column", f"there must be one column `{column}` among {names}")
    ids = given.column(column) if library == "pyarrow" else given[column]
    mask: Any = caller.filter(action, ids).mask
    # By place: an index may say one name twice.
    kept: _Table = given[mask.to_numpy()] if library == "pandas" else given.filter(mask)
    return kept


class Rows:
    """Filters tables wherever it is sent. It can be pickled: then a token goes along, as a secret.

    Args:
        policy: The policy, which goes along in its compiled form; or a function that gives
            the one in force, which goes along by its name: then each batch is decided by
            the policy of where it is decided.
        action: The action.
        column: The column that holds the resources' ids.
        token: The token of whoever asks; or else
        chain: principals that the host vouches for, as in `Policy.caller`.
        **options: As in `Policy.verify` or `Policy.caller`, e.g. `audience`; a `now` is the time of
            every batch, else each is decided by the clock of where it is.

    Raises:
        DeniedError: The token or the chain is refused; also at each batch, once it expires.
    """

    def __init__(
        self,
        policy: PolicySource,
        action: str,
        column: str,
        *,
        token: str | None = None,
        chain: str | Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        if (token is None) == (chain is None):
            raise MisuseError("call.asking", "whoever asks is named by a `token` or by a `chain`")
        self._made_of = (source_of(policy), action, column, token, chain, options)
        self._policy = policy
        self._now = options.get("now")
        self._column = column
        self._action = action
        if token is not None:
            self._caller = current(policy).verify(token, **options)
        elif chain is not None:
            self._caller = current(policy).caller(chain, **options)

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
        """The caller as it stands now: a token may have expired between two batches, and the
        policy may be another."""
        return self._caller.under(current(self._policy), now=self._now)

    def __repr__(self) -> str:
        return f"Rows({self._action!r}, {self._column!r}, {self._caller!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_arrived, self._made_of)


def _arrived(
    policy: PolicySource,
    action: str,
    column: str,
    token: str | None,
    chain: str | Sequence[str] | None,
    options: dict[str, Any],
) -> Rows:
    return Rows(policy, action, column, token=token, chain=chain, **options)
