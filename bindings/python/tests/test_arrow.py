"""Rows of tables, in pyarrow, in Polars, and in another process."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import Any

import pytest
from conftest import SNAPSHOT

from deputize import Caller, DeniedError, MisuseError, Policy

pa = pytest.importorskip("pyarrow")
from deputize.arrow import Rows, filter_table  # noqa: E402

TABLE = pa.table({"document": ["document:1", None, "document:3", "x", "document:2"], "place": [0, 1, 2, 3, 4]})


def places(table: Any) -> list[int]:
    found: list[int] = table.column("place").to_pylist()
    return found


def test_tables_and_batches(anne: Caller) -> None:
    assert places(filter_table(anne, "reader", TABLE, "document")) == [0, 4]
    batch = TABLE.to_batches()[0]
    kept = filter_table(anne, "reader", batch, "document")
    assert isinstance(kept, pa.RecordBatch) and places(kept) == [0, 4]
    assert kept.schema == batch.schema
    coded = TABLE.set_column(0, "document", TABLE.column(0).dictionary_encode())
    assert places(filter_table(anne, "reader", coded, "document")) == [0, 4]
    assert places(filter_table(anne, "reader", TABLE.slice(3), "document")) == [4]
    for wrong in ("no", "place"):
        with pytest.raises(MisuseError):
            filter_table(anne, "reader", TABLE, wrong)
    with pytest.raises(MisuseError):
        filter_table(anne, "reader", pa.table([["a"], ["b"]], names=["d", "d"]), "d")


def test_polars(policy: Policy) -> None:
    pl = pytest.importorskip("polars")
    rows = Rows(policy, "reader", "document", chain="user:anne")
    allowed = pl.col("document").map_batches(rows.mask, return_dtype=pl.Boolean)
    frame = pl.from_arrow(TABLE)
    assert frame.filter(allowed)["place"].to_list() == [0, 4]
    assert frame.lazy().filter(allowed).select("place").collect()["place"].to_list() == [0, 4]
    assert frame.with_columns(pl.col("document").cast(pl.Categorical)).filter(allowed)["place"].to_list() == [0, 4]
    big = pl.concat([frame] * 1000, rechunk=False)
    assert big.filter(allowed).height == 2000
    assert frame.clear().filter(allowed).height == 0
    with pytest.raises(Exception, match="not one of texts"):
        frame.filter(pl.col("place").map_batches(rows.mask, return_dtype=pl.Boolean))


def test_another_process(token: tuple[Policy, dict[str, Any]]) -> None:
    policy, request = token
    options = {"now": request["now"], "audience": request.get("audience")}
    rows = Rows(policy, request["action"], "document", token=request["token"], **options)
    table = pa.table({"document": [request["resource"], "document:none"]})
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (found,) = pool.map(rows, [table])
    assert found.column("document").to_pylist() == [request["resource"]]
    assert [len(batch) for batch in pickle.loads(pickle.dumps(rows)).batches(table.to_batches() * 3)] == [1] * 3


def test_a_token_that_expires_on_the_way(token: tuple[Policy, dict[str, Any]]) -> None:
    policy, request = token
    with pytest.raises(DeniedError) as caught:
        Rows(policy, request["action"], "document", token=request["token"])
    assert caught.value.code == "token.expired"
    rows = Rows(policy, request["action"], "document", token=request["token"], now=request["now"], audience=request.get("audience"))
    rows._now = rows._caller.until
    for ask in (lambda: rows(TABLE), lambda: rows.mask(TABLE.column(0)), lambda: list(rows.batches(TABLE.to_batches()))):
        with pytest.raises(DeniedError):
            ask()


def test_somebody_must_ask(policy: Policy) -> None:
    for wrong in ({}, {"token": "a", "chain": "user:anne"}):
        with pytest.raises(MisuseError):
            Rows(policy, "reader", "document", **wrong)


def test_frames_of_pandas_and_polars(anne: Caller) -> None:
    """E4: `filter_table` takes what people have, and says what it does not take."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pd.DataFrame(TABLE.to_pydict(), index=["a", "a", "b", "b", "c"])
    assert list(filter_table(anne, "reader", frame, "document")["place"]) == [0, 4]
    assert filter_table(anne, "reader", pl.from_arrow(TABLE), "document")["place"].to_list() == [0, 4]
    for wrong in (frame["document"], pl.from_arrow(TABLE)["document"], pl.from_arrow(TABLE).lazy(), TABLE.to_pydict()):
        with pytest.raises(MisuseError):
            filter_table(anne, "reader", wrong, "document")
    with pytest.raises(MisuseError, match="one column"):
        filter_table(anne, "reader", frame, "doc")


def test_rows_ask_the_policy_in_force(policy: Policy) -> None:
    """B28: rows that are kept see what was taken away."""
    policies = [policy]
    rows = Rows(lambda: policies[-1], "reader", "document", chain="user:anne")
    assert places(rows(TABLE)) == [0, 4]
    policies.append(Policy.from_json({**SNAPSHOT, "tuples": SNAPSHOT["tuples"][2:]}))
    assert places(rows(TABLE)) == [4] and rows.mask(TABLE.column(0)).to_pylist() == [False] * 4 + [True]
    policies.append(Policy.from_json({**SNAPSHOT, "principals": [{"id": "user:anne", "disabled": True}]}))
    with pytest.raises(DeniedError) as caught:
        rows(TABLE)
    assert caught.value.code == "principal.disabled"
    assert "user:anne" in repr(rows) and "token" not in repr(rows)
