"""The contract of sources, as every language runs it: `tests/vectors/sources.json`."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import VECTORS

pytest.importorskip("httpx")

from contract_sources import Files, Server, body_of, waited

from deputize import DeputizeError, MisuseError, Policy
from deputize.source import AsyncSource, Source

FILE: dict[str, Any] = json.loads((VECTORS / "sources.json").read_text("utf-8")) if VECTORS.exists() else {"sources": {"python": {}}, "cases": []}
HAS: dict[str, list[str]] = FILE["sources"]["python"]
SECRETS = ("PASSWORD", "SIGNED-SECRET")


def _cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}")
        for name, has in HAS.items()
        for case in FILE["cases"]
        if set(case.get("needs", ())) <= set(has)
    ]


class Kept:
    """A source of either kind, with a loop of its own where it needs one."""

    def __init__(self, waiting: bool, location: Any, options: dict[str, Any]) -> None:
        self._loop = asyncio.new_event_loop() if waiting else None
        if self._loop is None:
            self.source: Any = Source(location, **options)
            return
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self.source = AsyncSource(location, **options)
            self._run(self.source.__aenter__())
        except BaseException:
            self._end()
            raise

    def _run(self, work: Any) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def _end(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def refresh(self) -> bool:
        return bool(self.source.refresh() if self._loop is None else self._run(self.source.refresh()))

    def stop(self) -> None:
        if self._loop is None:
            self.source.close()
        elif self._loop.is_running():
            self._run(self.source.aclose())
            self._end()


class Run:
    """One case, with its origin."""

    def __init__(self, name: str, case: dict[str, Any], folder: Path) -> None:
        self.case = case
        self.waiting = name.endswith("waiting")
        self.elsewhere = Server()
        self.origin: Any = Server(self.elsewhere.location) if name.startswith("url") else Files(folder)
        self.kept: Kept | None = None
        self.told: list[str] = []

    def options(self) -> dict[str, Any]:
        names = ("max_age", "timeout", "max_bytes")
        given = {name: self.case[name] for name in names if name in self.case}
        given["refresh"] = self.case.get("refresh", 60)
        if "check" in self.case:
            given["check"] = _check(self.case["check"], self.waiting)
        if "digest" in self.case:
            first = Policy.from_json(body_of({})).digest
            given["digest"] = first if self.case["digest"] == "of the first" else "0" * 64
        if "option" in self.case:
            given[self.case["option"]] = None
        return {"max_age": 300.0, **given}

    def open(self) -> None:
        self.kept = Kept(self.waiting, self.case.get("location", self.origin.location), self.options())
        self.told.append(repr(self.kept.source))

    def code(self, work: Any) -> Any:
        """What something gives, or the code of its error, whose words are kept."""
        try:
            return work()
        except DeputizeError as error:
            self.told += [str(error), repr(error), repr(error.__cause__)]
            return error.code

    def revision(self) -> Any:
        assert self.kept is not None
        source = self.kept.source
        return self.code(lambda: source.policy.revision)

    def close(self) -> None:
        if self.kept is not None:
            self.told.append(repr(self.kept.source))
            self.kept.stop()
        self.origin.close()
        self.elsewhere.close()


def _check(kind: str, waiting: bool) -> Any:
    if kind == "no function":
        return kind
    seen: list[bytes] = []

    async def later(fetched: Any) -> object:
        if kind == "never":
            await asyncio.Event().wait()
        if kind == "promise that fails":
            raise ValueError("PASSWORD")
        return {"promise of true": True, "promise of false": False}.get(kind, "yes")

    def at_once(fetched: Any) -> object:
        if kind == "never":
            threading.Event().wait(5)
        if kind == "throws":
            raise ValueError("PASSWORD")
        if kind == "first alone":
            seen.append(fetched.body)
            return fetched.body == seen[0]
        return {"true": True, "false": False, "nothing": None}.get(kind, "yes")

    return later if kind.startswith("promise") or (kind == "never" and waiting) else at_once


@pytest.fixture
def run(request: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Run]:
    name, case = request.param
    caplog.set_level(logging.DEBUG)
    made = Run(name, case, tmp_path)
    yield made
    made.close()
    told = [*made.told, *(record.getMessage() for record in caplog.records)]
    for secret in SECRETS:
        assert not [text for text in told if secret in text]


@pytest.mark.parametrize("run", [pytest.param(one.values, id=str(one.id)) for one in _cases()], indirect=True)
def test_contract(run: Run) -> None:
    if "refused" in run.case:
        # A misspelt argument is Python's own to tell.
        with pytest.raises(TypeError if "option" in run.case else MisuseError) as refusal:
            run.open()
        run.told.append(str(refusal.value))
        assert getattr(refusal.value, "code", run.case["refused"]) == run.case["refused"]
        return
    for step in run.case["steps"]:
        _step(run, step)


def _step(run: Run, step: dict[str, Any]) -> None:
    [(what, said)] = step.items()
    if what == "serve":
        run.origin.serve(said)
    elif what == "open":
        found = run.code(run.open)
        assert (found or run.revision()) == said
    elif what == "refresh":
        assert run.kept is not None
        assert run.code(run.kept.refresh) == said
    elif what == "revision":
        assert run.revision() == said
    elif what == "until":
        waited(lambda: run.revision() == said)
    elif what == "answered":
        assert run.origin.answered == said
    elif what == "elsewhere":
        assert len(run.elsewhere.answered) == said
    elif what == "wait":
        time.sleep(said)
    elif what == "stop":
        assert run.kept is not None
        run.kept.stop()
    else:
        assert what == "swaps"
        _swaps(run, said)


def _swaps(run: Run, count: int) -> None:
    """Every policy that is given out while it is exchanged is one of those that were served."""
    kept = run.kept
    assert kept is not None
    faults: list[str] = []
    read = 0
    over = threading.Event()

    def reads() -> None:
        nonlocal read
        while not over.is_set():
            policy = kept.source.policy
            read += 1
            if not policy.check(f"user:of-{policy.revision}", "viewer", "document:1"):
                faults.append(policy.revision)

    readers = [threading.Thread(target=reads) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(2, count + 2):
        run.origin.serve({"revision": str(n)})
        assert kept.refresh() is True and kept.source.policy.revision == str(n)
    over.set()
    for reader in readers:
        reader.join()
    assert faults == [] and read > count
