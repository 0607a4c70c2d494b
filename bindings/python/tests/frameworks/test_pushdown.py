"""What stores are told, asked of the stores themselves, without a framework."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from deputize import MisuseError
from deputize.pushdown import FAISS, Chroma, LanceDB, PgVector, SqliteVec
from deputize.retrieval import Match

from .conftest import angle

# Every tenth of 300 chunks, and texts that would end a text of SQL.
NAMES = [f"document:{n}" for n in range(0, 300, 10)]
ODD = "document:o'hara\"; --"
BY_NAME = [Match("source", [*NAMES, ODD], listed=False)]
BY_READER = [Match("users", ["anne", "o'hara"], listed=True), Match("groups", ["loans"], listed=True)]
ROWS: list[dict[str, Any]] = [
    {
        "source": f"document:{n}" if n != 5 else ODD,
        "users": ["bob", "anne"] if n % 50 == 1 else ["bob"] if n != 7 else ["o'hara"],
        "groups": ["loans"] if n % 100 == 2 else ["other"],
    }
    for n in range(300)
]
NAMED = sorted([5, *range(0, 300, 10)])
READ = sorted([7, *range(1, 300, 50), *range(2, 300, 100)])


def test_chroma() -> None:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    collection = client.create_collection(f"c{uuid.uuid4().hex}", embedding_function=None)
    collection.add(
        ids=[str(n) for n in range(300)],
        embeddings=[angle(f"x {n}") for n in range(300)],
        metadatas=ROWS,
    )
    for matches, expected in ((BY_NAME, NAMED), (BY_READER, READ)):
        found = collection.query(
            query_embeddings=[angle("x 0")], n_results=300, where=Chroma().where(matches)
        )
        assert [int(n) for n in found["ids"][0]] == expected
    # Why an allow-list of nothing must not come as far as this.
    with pytest.raises(ValueError):
        collection.get(where={"source": {"$in": []}})
    assert len(collection.get(where={"nothing": {"$nin": ["x"]}})["ids"]) == 300


def test_faiss() -> None:
    import faiss
    import numpy as np

    index = faiss.IndexFlatIP(2)
    index.add(np.array([angle(f"x {n}") for n in range(300)], dtype="float32"))
    for matches, expected in ((BY_NAME, NAMED), (BY_READER, READ)):
        searched = FAISS().where(matches)
        places = [n for n, row in enumerate(ROWS) if searched(row)]
        wanted = faiss.SearchParameters(sel=faiss.IDSelectorBatch(places))
        _, found = index.search(np.array([angle("x 0")], dtype="float32"), len(expected), params=wanted)
        assert found[0].tolist() == expected


def test_lancedb(tmp_path: Any) -> None:
    import lancedb

    table = lancedb.connect(tmp_path).create_table(
        "chunks", [{"vector": angle(f"x {n}"), "n": n, **row} for n, row in enumerate(ROWS)]
    )
    for matches, expected in ((BY_NAME, NAMED), (BY_READER, READ)):
        where = LanceDB().where(matches)
        search = table.search(angle("x 0")).where(where, prefilter=True)
        found = search.distance_type("cosine").limit(10).to_list()
        assert [row["n"] for row in found] == expected[:10]


def test_sqlite_vec() -> None:
    import sqlite_vec

    sqlite3 = pytest.importorskip("pysqlite3")
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    sqlite_vec.load(db)
    db.execute("CREATE TABLE chunks (source TEXT, users TEXT, groups TEXT)")
    db.execute("CREATE VIRTUAL TABLE vectors USING vec0(embedding float[2] distance_metric=cosine)")
    for n, row in enumerate(ROWS):
        values = (n + 1, row["source"], json.dumps(row["users"]), json.dumps(row["groups"]))
        db.execute("INSERT INTO chunks (rowid, source, users, groups) VALUES (?, ?, ?, ?)", values)
        db.execute(
            "INSERT INTO vectors (rowid, embedding) VALUES (?, ?)",
            (n + 1, sqlite_vec.serialize_float32(angle(f"x {n}"))),
        )
    for matches, expected in ((BY_NAME, NAMED), (BY_READER, READ)):
        where, given = SqliteVec().where(matches)
        found = db.execute(
            "SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = ? AND rowid IN"
            f" (SELECT rowid FROM chunks WHERE {where}) ORDER BY distance",
            (sqlite_vec.serialize_float32(angle("x 0")), 8, *given),
        ).fetchall()
        assert [n - 1 for (n,) in found] == expected[:8]


def test_pgvector_says_it_with_parameters() -> None:
    """The syntax only: no PostgreSQL runs here."""
    assert PgVector().where(BY_NAME) == ("(source = ANY(%s))", [BY_NAME[0].values])
    assert PgVector("c.{}").where(BY_READER) == (
        "(c.users && %s OR c.groups && %s)", [["anne", "o'hara"], ["loans"]]
    )
    own = {"filter": {"year": 2026}}
    assert PgVector().search_kwargs(None, BY_NAME, own)["filter"] == {
        "$and": [{"year": 2026}, {"source": {"$in": BY_NAME[0].values}}]
    }
    with pytest.raises(MisuseError):
        PgVector().search_kwargs(None, BY_READER, {})


@pytest.mark.parametrize("store", [Chroma(), FAISS(), LanceDB(), SqliteVec(), PgVector()])
def test_none_says_nothing(store: Any) -> None:
    for nothing in ([], [Match("source", [], listed=False)], [*BY_NAME, Match("users", [], listed=True)]):
        with pytest.raises(MisuseError) as caught:
            store.where(nothing)
        assert caught.value.code == "pushdown.empty"


@pytest.mark.parametrize("store", [LanceDB, SqliteVec, PgVector])
def test_a_key_that_is_no_column_is_refused(store: Any) -> None:
    with pytest.raises(MisuseError):
        store().where([Match("source = '' OR 1=1 --", ["x"], listed=False)])


def test_ids_that_are_numbers_are_found() -> None:
    """B24: what `Named("n", type="document")` and `Acl` read as an id, a store finds as one."""
    import uuid as uuids

    import chromadb
    import numpy as np
    from chromadb.config import Settings

    pysqlite = pytest.importorskip("pysqlite3")
    named, listed = [Match("n", ["42", "7", "-1", "042", "x"], listed=False)], [Match("users", ["42"], listed=True)]
    rows: list[dict[str, Any]] = [{"n": 42, "users": [42, 43]}, {"n": 8, "users": [8]}, {"n": -1, "users": [1]}, {"n": 7, "users": [420]}]
    collection = chromadb.EphemeralClient(Settings(anonymized_telemetry=False)).create_collection(f"c{uuids.uuid4().hex}", embedding_function=None)
    collection.add(ids=["0", "1", "2", "3"], embeddings=[angle("x 1")] * 4, metadatas=[{"n": row["n"]} for row in rows])
    assert sorted(collection.get(where=Chroma().where(named))["ids"]) == ["0", "2", "3"]
    assert [FAISS().where(named)(row) for row in rows] == [True, False, True, True]
    assert [FAISS().where(listed)(row) for row in rows] == [True, False, False, False]
    one = uuids.UUID(int=1)
    assert FAISS().where([Match("n", [str(one)], listed=False)])({"n": one}) and FAISS().where(named)({"n": np.int64(7)})
    assert not FAISS().where(named)({"n": True}) and not FAISS().where(named)({})
    db = pysqlite.connect(":memory:")
    db.execute("CREATE TABLE chunks (n INTEGER, users TEXT)")
    db.executemany("INSERT INTO chunks VALUES (?, ?)", [(row["n"], json.dumps(row["users"])) for row in rows])
    for matches, expected in ((named, [42, -1, 7]), (listed, [42])):
        where, given = SqliteVec().where(matches)
        assert [n for (n,) in db.execute(f"SELECT n FROM chunks WHERE {where} ORDER BY rowid", given)] == expected
