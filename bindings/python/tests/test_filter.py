"""Ids in bulk, in whatever they come: the same answers, in kind."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import SNAPSHOT
from hypothesis import given, settings
from hypothesis import strategies as st

from deputize import BooleanArray, Caller, MisuseError, Policy

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

ANNE = Policy.from_json(SNAPSHOT).caller("user:anne")

IDS = st.one_of(
    st.sampled_from(["document:1", "document:2", "document:3", "document:é", "", "x", "document:" + "long" * 10, "document:*", "/a/b/"]),
    st.text(max_size=20).filter(lambda text: not text.endswith("\0")),
)


def arrow_kinds(ids: list[str | None]) -> list[Any]:
    kinds = [pa.array(ids, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())]
    for width in (pa.int8(), pa.uint16(), pa.int64()):
        kinds.append(pa.array(ids, pa.string()).dictionary_encode().cast(pa.dictionary(width, pa.string())))
    kinds.append(pa.chunked_array([pa.array(ids[:2], pa.string()), pa.array(ids[2:], pa.string())]))
    padded = pa.array([None, "document:1", *ids, "document:2"], pa.string())
    kinds.append(padded.slice(2, len(ids)))
    return kinds


@settings(max_examples=150, deadline=None)
@given(st.lists(IDS, max_size=40))
def test_one_answer_in_every_form(ids: list[str]) -> None:
    wanted = [ANNE.can("reader", one) for one in ids]
    found = ANNE.filter("reader", ids)
    assert found.mask == wanted and all(type(one) is bool for one in found.mask)
    assert found.allowed == sum(wanted)
    assert sum(found.dropped.values()) == len(ids) - found.allowed
    assert found.select(ids) == [one for one, allowed in zip(ids, wanted) if allowed]
    assert ANNE.filter("reader", tuple(ids)).mask == wanted
    arrays = [np.array(ids, dtype=object), np.array(ids, dtype=np.dtypes.StringDType())]
    for array in [*arrays, np.array(ids, dtype=str), np.array(ids, dtype=str).astype(">U80")]:
        other = ANNE.filter("reader", array)
        assert other.mask.dtype == np.bool_ and other.mask.tolist() == wanted
        assert other.dropped == found.dropped
        other.mask[:] = False
    for column in arrow_kinds(list(ids)):
        other = ANNE.filter("reader", column)
        assert type(other.mask) is (pa.ChunkedArray if isinstance(column, pa.ChunkedArray) else pa.BooleanArray)
        assert other.mask.to_pylist() == wanted and other.dropped == found.dropped


def test_what_is_no_text_is_dropped_and_counted() -> None:
    odd: list[Any] = ["document:1", None, 5, b"document:1", "\ud800", "document:3"]
    wanted, dropped = [True, False, False, False, False, False], {"path.empty": 4, "subject.no_grant": 1}
    for given_ in (odd, np.array(odd, dtype=object)):
        found = ANNE.filter("reader", given_)
        assert list(found.mask) == wanted and found.dropped == dropped
    policy = Policy.from_json(SNAPSHOT)
    assert policy.filter("user:anne", "reader", odd).dropped == {"not_allowed": 1, "resource.malformed": 4}
    for column in arrow_kinds(["document:1", None, None, "document:3"]):
        found = ANNE.filter("reader", column)
        assert found.mask.to_pylist() == [True, False, False, False]
        assert found.mask.null_count == 0
    masked = np.ma.masked_array(["document:1", "document:2"], mask=[True, False])
    assert list(ANNE.filter("reader", masked).mask) == [False, True]
    surrogate = np.frombuffer(np.array([0xD800, 0x110000], dtype=np.uint32).tobytes(), dtype="<U1")
    assert list(ANNE.filter("reader", surrogate).mask) == [False, False]
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    assert ANNE.filter("reader", broken).mask.to_pylist() == [False]


def test_parts_of_numpy_arrays() -> None:
    ids = np.array(["document:1", "document:3"] * 3)
    assert ANNE.filter("reader", ids[::2]).mask.tolist() == [True] * 3
    assert ANNE.filter("reader", ids[::-1]).mask.tolist() == [False, True] * 3
    for empty in (np.array([], dtype=str), np.array([], dtype=object)):
        assert ANNE.filter("reader", empty).mask.tolist() == []


def arrow_array(offsets: list[int], text: bytes) -> Any:
    """An array that was damaged after pyarrow looked at it."""
    words = bytearray(4 * len(offsets))
    array = pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(words), pa.py_buffer(text)])
    words[:] = b"".join(word.to_bytes(4, "little", signed=True) for word in offsets)
    return array


def test_damaged_arrow_arrays_are_refused() -> None:
    assert ANNE.filter("reader", arrow_array([0, 10], b"document:1")).allowed == 1
    for offsets in ([0, 5, 3], [-1, 3], [0, -3], [5, 3], [0, 2**31 - 1, 3]):
        with pytest.raises(MisuseError):
            ANNE.filter("reader", arrow_array(offsets, b"abc"))
    view = bytearray((30).to_bytes(4, "little") + b"docu" + (0).to_bytes(4, "little") + (0).to_bytes(4, "little"))
    long = b"document:1234567890123456789012"
    column = pa.Array.from_buffers(pa.string_view(), 1, [None, pa.py_buffer(view), pa.py_buffer(long)])
    assert ANNE.filter("reader", column).dropped == {"subject.no_grant": 1}
    for place, wrong in ((0, 1 << 30), (0, -1), (8, 1), (8, -1), (12, 5), (12, -1)):
        kept = bytes(view)
        view[place : place + 4] = wrong.to_bytes(4, "little", signed=True)
        with pytest.raises(MisuseError):
            ANNE.filter("reader", column)
        view[:] = kept
    wild = pa.DictionaryArray.from_arrays(pa.array([0, 7, -1]), pa.array(["document:1"]), safe=False)
    with pytest.raises(MisuseError):
        ANNE.filter("reader", wild)


@pytest.mark.parametrize(
    "wrong",
    ["document:1", b"x", 5, None, {"document:1"}, {"document:1": 1}, iter(["document:1"]), (one for one in "ab"), object(),
     pa.array([1]), pa.array([b"x"]), pa.array([["a"]]), pa.table({"a": ["b"]}), pa.scalar("a"),
     np.array([1]), np.array([["a"]]), np.array("a"), np.array([b"a"])],
    ids=lambda wrong: type(wrong).__name__,
)
def test_ids_must_be_a_sequence_of_texts(wrong: Any, anne: Caller) -> None:
    with pytest.raises(MisuseError):
        anne.filter("reader", wrong)


def test_select_wants_as_many(anne: Caller) -> None:
    found = anne.filter("reader", ["document:1", "document:3", "document:2"])
    assert found.select("abc") == ["a", "c"]
    assert found.select(iter([{"a": 1}, None, 3])) == [{"a": 1}, 3]
    for wrong in ("ab", "abcd", "", 5):
        with pytest.raises(MisuseError):
            found.select(wrong)  # type: ignore[arg-type]
    assert "2 of 3" in repr(found)


def test_a_mask_that_any_arrow_library_reads() -> None:
    class Foreign:
        """An Arrow array of a library that is not known here."""

        def __init__(self, array: Any) -> None:
            self.array = array

        def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
            return self.array.__arrow_c_array__(requested_schema)

    ids = ["document:1", "document:3", "document:2"] * 7
    mask = ANNE.filter("reader", Foreign(pa.array(ids))).mask
    assert isinstance(mask, BooleanArray) and len(mask) == 21
    assert list(mask) == [True, False, True] * 7 and mask[-1] is True
    read = pa.array(mask)
    read.validate(full=True)
    assert read.to_pylist() == list(mask) and read.type == pa.bool_()
    for _ in range(3):
        del mask
        mask = ANNE.filter("reader", Foreign(pa.array(ids))).mask
        read = pa.array(mask)
    del mask
    assert read.to_pylist() == [True, False, True] * 7
    with pytest.raises(IndexError):
        BooleanArray.__getitem__(ANNE.filter("reader", Foreign(pa.array(["a"]))).mask, 1)


def truths(mask: Any) -> list[bool]:
    return [bool(one) for one in np.asarray(mask, bool)]


@pytest.mark.parametrize("ids", [["document:3"] * 3, ["document:3", "document:1", "document:3"], []])
def test_a_mask_of_pandas_ids_selects_what_is_allowed(ids: list[str]) -> None:
    pd = pytest.importorskip("pandas")
    wanted = [one == "document:1" for one in ids]
    frame = pd.DataFrame({"id": pd.Series(ids, dtype="str"), "text": [f"text {n}" for n in range(len(ids))]})
    frame.index = pd.Index([f"row {n}" for n in range(len(ids))])
    texts = np.array(frame["text"], dtype=object)
    kept = [text for text, allowed in zip(texts, wanted) if allowed]
    for column in (frame["id"], frame["id"].astype(object), frame["id"].astype("category")):
        found = ANNE.filter("reader", column)
        mask = found.mask
        assert truths(mask) == truths(found) == wanted
        assert list(frame[mask]["text"]) == list(frame.loc[mask, "text"]) == kept
        assert list(texts[np.asarray(mask, bool)]) == kept
        assert [one for one in np.where(mask, texts, None) if one is not None] == kept
        told = frame.assign(ok=mask)
        assert list(told[told.ok.astype(bool)]["text"]) == kept
        assert list(frame[~mask]["text"]) == [text for text in texts if text not in kept]
        if len(ids) > 1:
            with pytest.raises(ValueError, match="ambiguous"):
                bool(mask)


def test_a_mask_of_any_arrow_array_is_never_one_truth() -> None:
    class Foreign:
        def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
            return pa.array(["document:3"] * 3).__arrow_c_array__(requested_schema)

    found = ANNE.filter("reader", Foreign())
    mask, texts = found.mask, np.array(["a", "b", "c"], dtype=object)
    with pytest.raises(MisuseError, match="no truth of its own"):
        bool(mask)
    assert isinstance(mask, BooleanArray) and list(texts[np.asarray(mask, bool)]) == []
    assert list(np.where(mask, texts, None)) == [None, None, None]
    assert np.asarray(found).dtype == np.asarray(mask).dtype == np.bool_
    assert np.asarray(mask, dtype="int8").tolist() == [0, 0, 0] and not any(mask)
    with pytest.raises(ValueError, match="always a copy"):
        np.array(mask, copy=False)


def test_masks_of_polars_select_what_is_allowed() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"id": ["document:3", "document:1", "document:3"], "text": ["a", "b", "c"]})
    found = ANNE.filter("reader", frame["id"])
    assert frame.filter(found.mask)["text"].to_list() == ["b"] and truths(found.mask) == [False, True, False]
    with pytest.raises(TypeError, match="ambiguous"):
        bool(found.mask)


def test_an_export_that_fails_fails() -> None:
    class Bad:
        def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
            return "no", "capsules"

    class Worse:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            raise RuntimeError("no stream")

    with pytest.raises(TypeError):
        ANNE.filter("reader", Bad())
    with pytest.raises(RuntimeError):
        ANNE.filter("reader", Worse())
    capsules = pa.array(["document:1"]).__arrow_c_array__()
    once = type("Once", (), {"__arrow_c_array__": lambda self, requested_schema=None: capsules})()
    assert ANNE.filter("reader", once).allowed == 1
    with pytest.raises(MisuseError):
        ANNE.filter("reader", once)


def test_ids_of_pandas_that_come_without_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """E1: pandas 2 hands no Series on as Arrow, nor does pandas 3 without pyarrow, nor does an Index."""
    pd = pytest.importorskip("pandas")
    column = pd.Series(["document:1", None, float("nan"), 7, "document:3", pd.NA], index=list("abcdef"), dtype=object)
    if hasattr(pd.Series, "__arrow_c_stream__"):
        def without_pyarrow(self: Any, requested_schema: Any = None) -> Any:
            raise ImportError("pyarrow")

        monkeypatch.setattr(pd.Series, "__arrow_c_stream__", without_pyarrow)
    found = ANNE.filter("reader", column)
    assert list(found.mask) == [True] + [False] * 5 and list(found.mask.index) == list("abcdef")
    assert list(column[found.mask]) == ["document:1"]
    assert list(ANNE.filter("reader", column.astype("category")).mask) == [True] + [False] * 5
    assert truths(ANNE.filter("reader", pd.Index(["document:3", "document:1"])).mask) == [False, True]
    with pytest.raises(MisuseError):
        ANNE.filter("reader", pd.DataFrame({"id": ["document:1"]}))


def test_what_repeats_gets_the_answer_of_each() -> None:
    """E4: distinct ids are decided once, whatever they come in, and counted each time."""
    names = ["document:1", "document:3", "document:2", "", "x"]
    ids: list[Any] = [names[n * n % 5] for n in range(4_000)]
    wanted = [ANNE.can("reader", one) for one in ids]
    dropped = {}
    for one in ids:
        for reason in ANNE.filter("reader", [one]).dropped:
            dropped[reason] = dropped.get(reason, 0) + 1
    coded = pa.array(ids).dictionary_encode()
    parts = pa.chunked_array([coded.slice(0, 7), coded.slice(7), pa.array(["document:2", None]).dictionary_encode()])
    for given_ in (ids, tuple(ids), np.array(ids), np.array(ids, dtype=object), pa.array(ids), coded):
        found = ANNE.filter("reader", given_)
        assert list(map(bool, np.asarray(found))) == wanted and found.dropped == dropped and found.allowed == sum(wanted)
    found = ANNE.filter("reader", parts)
    assert found.mask.to_pylist() == [*wanted, True, False]
    unused = pa.DictionaryArray.from_arrays(pa.array([1, None, 1]), pa.array(["x", "document:1"]))
    assert ANNE.filter("reader", unused).dropped == {"path.empty": 1}
    asked = Policy.from_json(SNAPSHOT).filter("user:anne", "reader", ids)
    assert asked.mask == wanted


def test_duckdb() -> None:
    """E4: as the documentation says it."""
    duckdb = pytest.importorskip("duckdb")
    from deputize.arrow import Rows

    rows = Rows(Policy.from_json(SNAPSHOT), "reader", "document", chain="user:anne")
    connection = duckdb.connect()
    connection.execute("CREATE TABLE documents AS SELECT * FROM (VALUES ('document:1', 1), (NULL, 2), ('document:3', 3), ('document:2', 4)) t(document, place)")
    connection.create_function("may_read", rows.mask, ["VARCHAR"], "BOOLEAN", type="arrow", null_handling="special")
    assert connection.sql("SELECT place FROM documents WHERE may_read(document) ORDER BY place").fetchall() == [(1,), (4,)]
    assert connection.sql("SELECT place FROM documents WHERE NOT may_read(document) ORDER BY place").fetchall() == [(2,), (3,)]
    column = connection.sql("SELECT document FROM documents").to_arrow_table()
    assert ANNE.filter("reader", column.column("document")).mask.to_pylist() == [True, False, False, True]
    with pytest.raises(MisuseError, match="it is a table"):
        ANNE.filter("reader", connection.sql("SELECT document FROM documents"))


def test_pytorch() -> None:
    torch = pytest.importorskip("torch")
    found = ANNE.filter("reader", ["document:3", "document:1", "document:3"])
    scores = torch.tensor([1.0, 2.0, 3.0])
    for mask in (torch.tensor(found.mask), torch.from_numpy(np.asarray(found)), torch.as_tensor(np.asarray(found.mask))):
        assert scores[mask].tolist() == [2.0] and torch.where(mask, scores, 0).tolist() == [0.0, 2.0, 0.0]


def test_ids_of_which_none_is_a_text_are_refused() -> None:
    """B24, E3: a column of numbers would be dropped whole, for what is wrong with the program."""
    from uuid import UUID

    for wrong in ([1, 2], [None, 7], (UUID(int=1),), [b"document:1"], np.array([1, None], dtype=object), [np.int64(3)]):
        with pytest.raises(MisuseError, match="ids must be str"):
            ANNE.filter("reader", wrong)
    for nothing in ([], [None], [None, float("nan")], [""]):
        assert ANNE.filter("reader", nothing).allowed == 0
    assert ANNE.filter("reader", [7, "document:1"]).mask == [False, True]
