"""What filtering five million rows costs in each library, with few and with many distinct ids,
beside a join with the list of what may be seen: `python bench/bulk.py`, in an environment with
the package, duckdb, pandas, polars and pyarrow. Seconds on the clock, the best of three; a
library's own threads count as it uses them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from deputize import Policy
from deputize.arrow import Rows, filter_table

ROWS = 5_000_000
MODEL = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user]"


def best(work: Callable[[], int], wanted: int) -> float:
    """Seconds of the quickest of three runs, each of which must find as many."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - started)
        assert found == wanted, (found, wanted)
    return min(seconds)


def measure(distinct: int) -> None:
    tuples = [{"user": "user:anne", "relation": "reader", "object": f"document:{n}"} for n in range(0, distinct, 2)]
    policy = Policy.from_json({"deputize": 1, "model": MODEL, "tuples": tuples})
    anne = policy.caller("user:anne")
    rows = Rows(policy, "reader", "document", chain="user:anne")
    places = np.random.default_rng(1).integers(0, distinct, ROWS, dtype=np.int32)
    wanted = int((places % 2 == 0).sum())
    coded = pa.DictionaryArray.from_arrays(pa.array(places), pa.array([f"document:{n}" for n in range(distinct)]))
    table = pa.table({"document": coded.cast(pa.string())})
    dictionary = pa.table({"document": coded})
    series = pd.Series(table.column("document").to_pandas())
    frame, categories = pl.from_arrow(table), pl.from_arrow(dictionary)
    assert isinstance(frame, pl.DataFrame) and isinstance(categories, pl.DataFrame)
    listed: list[str] = table.column("document").to_pylist()
    base = duckdb.connect()
    base.register("documents", table)
    base.create_function("may_read", rows.mask, ["VARCHAR"], "BOOLEAN", type="arrow", null_handling="special")  # type: ignore[arg-type]

    def ours(ids: Any) -> int:
        return anne.filter("reader", ids).allowed

    def mine() -> list[str]:
        return anne.list("reader", "document")

    def counted(sql: str) -> int:
        [(number,)] = base.sql(sql).fetchall()
        return int(number)

    def duck_join() -> int:
        base.register("mine", pa.table({"document": mine()}))
        return counted("SELECT count(*) FROM documents SEMI JOIN mine USING (document)")

    asked = pl.col("document").map_batches(rows.mask, return_dtype=pl.Boolean)
    ways: dict[str, tuple[Callable[[], int], Callable[[], int] | None]] = {
        "list of str": (lambda: ours(listed), lambda: sum(map(set(mine()).__contains__, listed))),
        "pyarrow, dictionary": (
            lambda: filter_table(anne, "reader", dictionary, "document").num_rows,
            lambda: dictionary.join(pa.table({"document": mine()}), "document", join_type="left semi").num_rows,
        ),
        "pyarrow, string": (
            lambda: filter_table(anne, "reader", table, "document").num_rows,
            lambda: table.join(pa.table({"document": mine()}), "document", join_type="left semi").num_rows,
        ),
        "pandas": (lambda: len(series[anne.filter("reader", series).mask]), lambda: len(series[series.isin(mine())])),
        "Polars": (
            lambda: frame.filter(asked).height,
            lambda: frame.join(pl.DataFrame({"document": mine()}), on="document", how="semi").height,
        ),
        "Polars, categorical": (lambda: categories.filter(asked).height, None),
        "DuckDB": (lambda: counted("SELECT count(*) FROM documents WHERE may_read(document)"), duck_join),
        "mask alone, dictionary": (lambda: ours(coded), None),
    }
    for name, (filtering, joining) in ways.items():
        own = best(filtering, wanted)
        try:
            join = "-" if joining is None else f"{ROWS / best(joining, wanted) / 1e6:.1f}"
        except pa.ArrowInvalid as error:
            join = type(error).__name__
        print(f"{distinct:>9,} ids  {name:<24} {ROWS / own / 1e6:8.1f} M rows/s, joined {join:>8}", flush=True)


if __name__ == "__main__":
    print(f"{ROWS:,} rows; python {sys.version.split()[0]}, pyarrow {pa.__version__}, polars {pl.__version__}, pandas {pd.__version__}, duckdb {duckdb.__version__}")
    for many in (2_000, 2_000_000):
        measure(many)
