"""One policy for many threads, tasks and processes; memory that stays flat."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import MODEL, SNAPSHOT

from deputize import Caller, MisuseError, Policy

IDS = [f"document:{number}" for number in range(200)]


def questions(policy: Policy, seed: int, rounds: int) -> int:
    """Asks, and counts what does not come out as it must."""
    wrong = 0
    anne = policy.caller("user:anne")
    for number in range(rounds):
        place = (seed * 7919 + number) % 200
        wanted = place in (1, 2)
        wrong += policy.check("user:anne", "reader", f"document:{place}") != wanted
        wrong += anne.can("reader", f"document:{place}") != wanted
        if number % 50 == 0:
            wrong += anne.filter("reader", IDS).allowed != 2
            wrong += bool(anne.decide("reader", IDS[place])) != wanted
    return wrong


def test_threads_share_a_policy(policy: Policy) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda seed: questions(policy, seed, 2_000), range(16))) == 0


def test_asyncio_shares_a_policy(policy: Policy) -> None:
    async def ask(seed: int) -> int:
        wrong = 0
        for turn in range(20):
            wrong += questions(policy, seed + turn, 10)
            wrong += await asyncio.to_thread(questions, policy, seed, 20)
        return wrong

    async def all_of_them() -> int:
        return sum(await asyncio.gather(*(ask(seed) for seed in range(20))))

    assert asyncio.run(all_of_them()) == 0


def test_a_list_that_changes_while_it_is_filtered(anne: Caller) -> None:
    shared, done = list(IDS), threading.Event()

    def churn() -> None:
        while not done.is_set():
            shared.clear()
            shared.extend(f"document:{number}" for number in range(200))

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(500):
            found = anne.filter("reader", shared)
            assert found.allowed in (0, 1, 2)
    finally:
        done.set()
        thread.join()


def test_long_work_lets_other_threads_run() -> None:
    """While one thread compiles a large snapshot, another one counts."""
    tuples = [{"user": f"user:{n}", "relation": "reader", "object": f"document:{n}"} for n in range(60_000)]
    document = pickle.dumps(None) and __import__("json").dumps({**SNAPSHOT, "tuples": tuples}).encode()
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    policy = Policy.from_json(document)
    end = time.perf_counter()
    done.set()
    thread.join()
    assert policy.tuple_count == 60_000
    within = [tick for tick in ticks if start < tick < end]
    assert len(within) >= 3, f"{len(within)} ticks in {end - start:.3f} s"


def test_a_long_check_is_the_same_check() -> None:
    """Longer than what is asked with the interpreter held."""
    groups = [{"user": f"group:{n + 1}#member", "relation": "member", "object": f"group:{n}"} for n in range(5_000)]
    last = {"user": "user:anne", "relation": "member", "object": "group:5000"}
    other = {"user": "group:0#member", "relation": "reader", "object": "document:1"}
    policy = Policy.from_json({"deputize": 1, "model": MODEL, "tuples": [*groups, last, other]})
    anne, bob = policy.caller("user:anne"), policy.caller("user:bob")
    assert policy.check("user:anne", "reader", "document:1") and anne.can("reader", "document:1")
    assert not policy.check("user:bob", "reader", "document:1") and not bob.can("reader", "document:1")


def child(policy: Policy, seed: int) -> int:
    return questions(policy, seed, 200)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(policy: Policy, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method}")
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(child, [(policy, seed) for seed in range(4)]) == [0] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_goes_on_with_what_it_has(policy: Policy, anne: Caller, token: tuple[Policy, dict[str, Any]]) -> None:
    other, request = token
    options = {"now": request["now"], "audience": request.get("audience")}
    other.verify(request["token"], **options)
    forked = os.fork()
    if forked == 0:
        try:
            good = questions(policy, 1, 100) == 0 and anne.can("reader", "document:1")
            other.verify(request["token"], **options)
            os._exit(0 if good else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(forked, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_caller_is_not_written_down(anne: Caller) -> None:
    with pytest.raises(MisuseError) as caught:
        pickle.dumps(anne)
    assert "verify it there" in caught.value.message


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc")
def test_memory_stays_flat_over_a_million_calls(policy: Policy, anne: Caller) -> None:
    def ask() -> None:
        for _ in range(900):
            policy.check("user:anne", "reader", "document:1")
            anne.can("reader", "document:3")
        for _ in range(10):
            anne.filter("reader", IDS)
            anne.decide("reader", "document:1")
            for wrong in (1, "x"):
                try:
                    policy.check(wrong, "reader", "document:1")  # type: ignore[arg-type]
                except (TypeError, ValueError):
                    pass
            policy.caller("user:anne").at()

    for _ in range(40):
        ask()
    before = resident()
    for _ in range(520):
        ask()
    assert resident() - before < 4 << 20


def test_importing_is_quick_and_brings_nothing_along() -> None:
    program = """if True:
        import sys, time
        before = set(sys.modules)
        start = time.perf_counter()
        import deputize
        took = time.perf_counter() - start
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        print(took, *sorted(new - sys.stdlib_module_names))
    """
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() for _ in range(5)]
    assert all(names == ["deputize"] for _, *names in runs), runs[0]
    assert min(float(took) for took, *_ in runs) < 0.030
