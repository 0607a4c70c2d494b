"""Proofs of possession, each of which counts once: in one process and in several, for as long as it counts."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from deputize import MisuseError
from deputize.dpop import Dpop, MemoryProofs, SqliteProofs
from deputize.shapes import DpopUse


def use(n: object, key: str = "key", age: float = 0) -> DpopUse:
    return {"id": str(n), "issued_at": int(time.time() - age), "thumbprint": key}


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        return MemoryProofs
    return lambda **more: SqliteProofs(tmp_path / "proofs", **more)


def test_each_counts_once(make: Any) -> None:
    store = make()
    assert store.take(use(1), 70) and not store.take(use(1), 70)
    # The id is the client's own: two keys may choose one, and any length or character.
    assert store.take(use(1, "other"), 70)
    assert store.take(use("x" * 100_000), 70) and store.take(use("\ud800\0"), 70) and not store.take(use("\ud800\0"), 70)


def test_it_is_forgotten_when_it_no_longer_counts_and_not_before(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(all=3)
    wall, steady = time.time(), time.monotonic()
    passed = [0.0, 0.0]
    monkeypatch.setattr(time, "time", lambda: wall + passed[0])
    monkeypatch.setattr(time, "monotonic", lambda: steady + passed[1])
    assert [store.take(use(n), 70) for n in range(4)] == [True, True, True, False]
    passed[:] = [69, 69]
    assert not store.take(use(0), 70) and not store.take(use(9), 70)
    passed[:] = [71, 71]
    assert store.take(use(5), 70) and len(store) == 1
    # Where the clock is set back, a proof that was forgotten is not taken again.
    old = use(0, age=71)
    passed[:] = [0, 72]
    assert not store.take(old, 70) and old["issued_at"] == int(wall)


def test_a_clock_that_was_far_ahead_locks_nobody_out_for_long(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, wall, steady = make(), time.time(), time.monotonic()
    passed = [0.0, 0.0]
    monkeypatch.setattr(time, "time", lambda: wall + passed[0])
    monkeypatch.setattr(time, "monotonic", lambda: steady + passed[1])
    early = use(0)
    assert store.take(early, 70)
    passed[:] = [1e7, 1]  # a year's third ahead
    assert store.take(use(1), 70)
    passed[:] = [2, 2]  # and set right: what was taken before is forgotten, so nothing is taken for a while
    assert not store.take(early, 70) and not store.take(use(2), 70)
    passed[:] = [71, 71]
    assert not store.take(use(3), 70)
    passed[:] = [73, 73]
    assert store.take(use(4), 70) and not store.take(use(4), 70) and len(store) == 1


def test_one_key_does_not_lock_out_the_others(make: Any) -> None:
    store = make(all=10, of_one_key=3)
    assert [store.take(use(n, "busy"), 70) for n in range(5)] == [True] * 3 + [False] * 2
    assert store.take(use(0, "other"), 70)


def test_of_many_threads_one_takes_it(make: Any) -> None:
    store, taken = make(), []
    barrier = threading.Barrier(8)

    def race() -> None:
        for n in range(20):
            barrier.wait()
            if store.take(use(n), 70):
                taken.append(n)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(20))


def _race(path: str, count: int, queue: Any) -> None:
    store = SqliteProofs(path)
    queue.put([n for n in range(count) if store.take(use(n), 70)])


def test_of_several_processes_one_takes_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    path = str(tmp_path / "proofs")
    processes = [context.Process(target=_race, args=(path, 200, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    taken = [n for _ in processes for n in queue.get(timeout=60)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(taken) == list(range(200))
    # And after a restart.
    assert not SqliteProofs(path).take(use(7), 70) and len(SqliteProofs(path)) == 200


def test_a_store_that_fails_or_hangs_takes_nothing(tmp_path: Path) -> None:
    class Slow:
        async def take(self, use: DpopUse, seconds: float) -> bool:
            await asyncio.sleep(60)
            return True

    class Odd:
        def take(self, use: DpopUse, seconds: float) -> Any:
            return "yes"

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(Dpop(store=Slow(), timeout=0.05).take(use(1)))
    assert asyncio.run(Dpop(store=Odd()).take(use(1))) is False
    store = SqliteProofs(tmp_path / "proofs", timeout=0.05)
    other = sqlite3.connect(tmp_path / "proofs", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        asyncio.run(Dpop(store=store).take(use(1)))
    other.execute("COMMIT")
    assert asyncio.run(Dpop(store=store).take(use(1))) is True


def test_options_are_read_strictly() -> None:
    async def later() -> str:
        return "n"

    for wrong in ({"required": 1}, {"algorithms": "ES256"}, {"nonce": later}, {"nonce": "n"}, {"max_age": 0}, {"max_age": 1.5}, {"timeout": True}, {"store": object()}):
        with pytest.raises(MisuseError):
            Dpop(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Dpop(max_aeg=5)  # type: ignore[call-arg]
    for wrong in ({"all": 0}, {"of_one_key": True}):
        with pytest.raises(MisuseError):
            MemoryProofs(**wrong)  # type: ignore[arg-type]
