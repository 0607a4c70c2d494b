"""The contract of retrievers, as every language runs it: `tests/vectors/retrieval.json`."""

from __future__ import annotations

from typing import Any

import pytest

from deputize import DeputizeError, MisuseError

from .contract.retrievers import FILE, RETRIEVERS, Shelf

HAS: dict[str, list[str]] = FILE["retrievers"]["python"]


def _cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}")
        for name, has in HAS.items()
        for case in FILE["cases"]
        if set(case.get("needs", ())) <= set(has)
    ]


def test_every_retriever_is_there() -> None:
    assert list(RETRIEVERS) == list(HAS)
    names = [case["name"] for case in FILE["cases"]]
    assert len(set(names)) == len(names)


def _cause(thrown: BaseException) -> BaseException:
    """What a framework raised it from, where it has an error of its own."""
    while not isinstance(thrown, DeputizeError) and (thrown.__cause__ or thrown.__context__) is not None:
        thrown = thrown.__cause__ or thrown.__context__  # type: ignore[assignment]
    return thrown


@pytest.mark.parametrize(("name", "case"), _cases())
def test_contract(name: str, case: dict[str, Any]) -> None:
    shelf = Shelf(case)
    if "refused" in case:
        # A misspelt argument, and a number out of its bounds, are Python's own to tell, or pydantic's.
        with pytest.raises((TypeError, ValueError)) as refusal:
            RETRIEVERS[name](shelf)
        if isinstance(refusal.value, MisuseError):
            assert refusal.value.code == case["refused"]
        else:
            assert "option" in case or "k" in case
        return
    ask = RETRIEVERS[name](shelf)
    if "code" in case:
        with pytest.raises(Exception) as thrown:
            ask()
        code = getattr(_cause(thrown.value), "code", None)
        assert case["code"] is None or code == case["code"]
        return
    found = ask()
    assert found.given == case["given"]
    for member in ("dropped", "stopped"):
        if member in case:
            assert getattr(found, member) == case[member]
    if case.get("watched"):
        assert found.watched
        seen = {n for n in range(len(shelf.chunks)) if f"'chunk {n}'" in found.watched}
        assert seen == set(case["given"])
