"""How stores are told what to search for.

Each class speaks one store's language. `where` gives what the store itself
takes, and `search_kwargs` what LangChain's class for it takes. All refuse to
say "nothing": who may see nothing is not searched for. Ids that metadata holds
as numbers are found in Chroma, FAISS and SQLite; LanceDB and PostgreSQL compare
texts with texts, so keep them as such there.

>>> from deputize.retrieval import Match
>>> Chroma().where([Match("source", ["document:1", "document:2"], listed=False)])
{'source': {'$in': ['document:1', 'document:2']}}
>>> LanceDB(column="metadata.{}").where([Match("source", ["document:o'hara"], listed=False)])
"metadata.source IN ('document:o''hara')"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from . import _json
from .errors import MisuseError
from .ids import id_text
from .retrieval import Match

__all__ = ["FAISS", "Chroma", "LanceDB", "PgVector", "Prefilter", "SqliteVec"]


# A whole number as `str` writes it.
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")


class Prefilter(Protocol):
    """Says in a store's own language what to search for."""

    def search_kwargs(
        self, store: Any, matches: Sequence[Match], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The arguments of a search: `own`, and beside what they filter, `matches`."""
        ...


def _some(matches: Sequence[Match]) -> Sequence[Match]:
    if not matches or not all(match.values for match in matches):
        said = "an allow-list of nothing is no filter: do not search"
        raise MisuseError("pushdown.empty", said)
    return matches


def _beside(own: Mapping[str, Any], where: dict[str, Any]) -> dict[str, Any]:
    """The search's own filter and ours, both."""
    mine = own.get("filter")
    return where if not mine else {"$and": [mine, where]}


def _name(column: str, key: str) -> str:
    name = column.format(key)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
        raise MisuseError("pushdown.column", f"`{name}` is no plain name of a column")
    return name


@dataclass(frozen=True)
class Chroma:
    """Chroma's `where`."""

    def where(self, matches: Sequence[Match]) -> dict[str, Any]:
        """A `where` for `collection.query` and `collection.get`."""
        any_of: list[dict[str, Any]] = []
        for match in _some(matches):
            if match.listed:
                any_of += [{match.key: {"$contains": value}} for value in match.values]
            # `$contains` does not find a text that stands there alone, nor `$in` a number.
            any_of.append({match.key: {"$in": list(match.values)}})
            numbers = [int(value) for value in match.values if _NUMBER.fullmatch(value)]
            if numbers:
                any_of.append({match.key: {"$in": numbers}})
        return any_of[0] if len(any_of) == 1 else {"$or": any_of}

    def search_kwargs(
        self, store: Any, matches: Sequence[Match], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """For `langchain_chroma.Chroma`."""
        return {**own, "filter": _beside(own, self.where(matches))}


@dataclass(frozen=True)
class FAISS:
    """FAISS holds vectors only: which of them are searched, their metadata says."""

    def where(self, matches: Sequence[Match]) -> Callable[[Mapping[str, Any]], bool]:
        """Whether a chunk with this metadata is searched. For an index without
        LangChain: `faiss.SearchParameters(sel=faiss.IDSelectorBatch(positions))`."""
        wanted = [(m.key, m.listed, frozenset(m.values)) for m in _some(matches)]

        def searched(metadata: Mapping[str, Any]) -> bool:
            for key, listed, values in wanted:
                held = metadata.get(key)
                if id_text(held) in values:
                    return True
                if listed and isinstance(held, (list, tuple, set, frozenset)):
                    if any(id_text(one) in values for one in cast("Iterable[object]", held)):
                        return True
            return False

        return searched

    def search_kwargs(
        self, store: Any, matches: Sequence[Match], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """For `langchain_community.vectorstores.FAISS`, which filters what it
        fetched: so it fetches all."""
        mine = own.get("filter")
        if mine is not None and not callable(mine):
            raise MisuseError("pushdown.filter", "beside ours, FAISS's own `filter` must be a function")
        ours = self.where(matches)

        def both(metadata: Mapping[str, Any]) -> bool:
            return (mine is None or bool(mine(metadata))) and ours(metadata)

        return {**own, "filter": both, "fetch_k": max(1, int(store.index.ntotal))}


@dataclass(frozen=True)
class LanceDB:
    """LanceDB's SQL. `column` says how a metadata key is named there; LangChain
    keeps metadata as `metadata.{}`."""

    column: str = "{}"

    def where(self, matches: Sequence[Match]) -> str:
        """For `table.search(…).where(…, prefilter=True)`."""
        any_of: list[str] = []
        for match in _some(matches):
            texts = ", ".join("'" + value.replace("'", "''") + "'" for value in match.values)
            name = _name(self.column, match.key)
            any_of.append(
                f"array_has_any({name}, [{texts}])" if match.listed else f"{name} IN ({texts})"
            )
        return any_of[0] if len(any_of) == 1 else "(" + " OR ".join(any_of) + ")"

    def search_kwargs(
        self, store: Any, matches: Sequence[Match], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """For `langchain_community.vectorstores.LanceDB`."""
        mine = own.get("filter")
        if mine is not None and not isinstance(mine, str):
            raise MisuseError("pushdown.filter", "beside ours, LanceDB's own `filter` must be SQL")
        where = self.where(matches)
        # Without `prefilter` it filters the k that it found.
        return {**own, "filter": f"({mine}) AND {where}" if mine else where, "prefilter": True}


@dataclass(frozen=True)
class SqliteVec:
    """SQL for sqlite-vec: a condition on the table of chunks, with its parameters.

    Lists are kept as JSON. Used as `rowid IN (SELECT rowid FROM chunks WHERE …)`
    beside `embedding MATCH ? AND k = ?`.
    """

    column: str = "{}"

    def where(self, matches: Sequence[Match]) -> tuple[str, list[str]]:
        """The condition, and its parameters in order."""
        any_of: list[str] = []
        given: list[str] = []
        for match in _some(matches):
            name = _name(self.column, match.key)
            values = "(SELECT value FROM json_each(?))"
            any_of.append(
                f"EXISTS (SELECT 1 FROM json_each({name}) WHERE CAST(value AS TEXT) IN {values})"
                if match.listed
                else f"{name} IN {values}"
            )
            given.append(_json.write(match.values))
        return "(" + " OR ".join(any_of) + ")", given


@dataclass(frozen=True)
class PgVector:
    """SQL for PostgreSQL with pgvector: a condition and its parameters, as psycopg takes them."""

    column: str = "{}"

    def where(self, matches: Sequence[Match]) -> tuple[str, list[list[str]]]:
        """The condition, and its parameters in order."""
        any_of: list[str] = []
        given: list[list[str]] = []
        for match in _some(matches):
            name = _name(self.column, match.key)
            any_of.append(f"{name} && %s" if match.listed else f"{name} = ANY(%s)")
            given.append(list(match.values))
        return "(" + " OR ".join(any_of) + ")", given

    def search_kwargs(
        self, store: Any, matches: Sequence[Match], own: Mapping[str, Any]
    ) -> dict[str, Any]:
        """For `langchain_postgres.PGVector`, which cannot look into lists."""
        if any(match.listed for match in _some(matches)):
            raise MisuseError("pushdown.listed", "PGVector cannot be searched for names in a list")
        any_of = [{match.key: {"$in": list(match.values)}} for match in matches]
        where = any_of[0] if len(any_of) == 1 else {"$or": any_of}
        return {**own, "filter": _beside(own, where)}
