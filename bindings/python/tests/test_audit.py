"""Decisions on their way to where they are kept: whatever becomes of them there, the decision stays what it was."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import SNAPSHOT

from deputize import Decision, MisuseError, Policy
from deputize.audit import Audit, Problem, append_to, fusion_auth, fusion_auth_entry, json_lines
from deputize.tools import Judge, Ruling, ToolRule

POLICY = Policy.from_json(SNAPSHOT)
ANNE = POLICY.caller("user:anne")


def until(true: Any, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_it_gives_each_decision_back_and_batches_its_record() -> None:
    batches: list[list[Any]] = []
    held = threading.Event()
    audit = Audit(lambda records: (held.wait(5), batches.append(list(records))), batch=3, delay=0.05)
    made = ANNE.decide("reader", "document:1")
    assert audit.record(made) is made
    assert audit.can(ANNE, "reader", "document:1") is True
    assert audit.can(ANNE, "reader", "document:3") is False
    assert audit.decide(ANNE, "reader", "document:3") == ANNE.decide("reader", "document:3")
    assert batches == []
    held.set()
    until(lambda: audit.counts.written == 4)
    assert [[record["allowed"] for record in batch] for batch in batches] == [[True, True, False], [False]]
    assert batches[0][0] == made.record
    assert audit.counts == (4, 0, 0, 0)


def test_a_record_waits_for_others_only_so_long() -> None:
    seen: list[Any] = []
    audit = Audit(lambda records: seen.extend(records), delay=0.1)
    audit.can(ANNE, "reader", "document:1")
    time.sleep(0.03)
    assert seen == []
    until(lambda: len(seen) == 1)


def test_it_drops_and_counts_what_a_slow_sink_leaves_no_room_for() -> None:
    release = threading.Semaphore(0)
    written: list[str] = []
    problems: list[Problem] = []

    def sink(records: Sequence[Any]) -> None:
        release.acquire(timeout=5)
        written.extend(record["resource"] for record in records)

    audit = Audit(sink, batch=10, delay=0, capacity=25, on_problem=problems.append)
    for n in range(500):
        started = time.monotonic()
        audit.decide(ANNE, "reader", f"document:{n}")
        assert time.monotonic() - started < 1
    assert audit.counts == (0, 25, 475, 0) and problems[0] == Problem("full", 1)
    ruling = Ruling(True, "allowed", "", "t", (), (ANNE.decide("reader", "document:1"),))
    assert audit.ruling(ruling) is False
    for _ in range(3):
        release.release()
    audit.close()
    assert written == [f"document:{n}" for n in range(25)]
    audit.decide(ANNE, "reader", "document:1")
    assert audit.counts == (25, 0, 477, 0) and problems[-1].kind == "closed"
    assert audit.ruling(ruling) is False


def test_a_batch_is_offered_again_and_what_a_sink_will_not_keep_is_counted() -> None:
    problems: list[Problem] = []
    offered: list[int] = []
    failing = [3, 1]

    def sink(records: Sequence[Any]) -> None:
        offered.append(id(records))
        failing[0] -= 1
        if failing[0] >= 0:
            raise OSError("no")
        failing.pop(0)

    audit = Audit(sink, batch=2, delay=10, attempts=3, on_problem=problems.append)
    for _ in range(4):
        audit.can(ANNE, "reader", "document:1")
    audit.flush()
    assert len(offered) == 4 and len(set(offered[:3])) == 1
    assert audit.counts == (2, 0, 0, 2)
    assert [(one.kind, one.lost, str(one.error)) for one in problems] == [("sink", 2, "no")]


def test_a_sink_that_hangs_is_left_after_its_time_and_not_called_twice_at_once() -> None:
    problems: list[Problem] = []
    free, calls = threading.Event(), []

    def hangs(records: Sequence[Any]) -> None:
        calls.append(len(records))
        free.wait(10)

    audit = Audit(hangs, attempts=2, timeout=0.05, delay=0, on_problem=problems.append)
    audit.can(ANNE, "reader", "document:1")
    started = time.monotonic()
    audit.close()
    assert time.monotonic() - started < 2
    assert calls == [1] and isinstance(problems[-1].error, TimeoutError) and audit.counts.failed == 1
    free.set()


def test_an_async_sink_is_awaited_within_its_time() -> None:
    problems: list[Problem] = []
    written: list[str] = []

    async def sink(records: Sequence[Any]) -> None:
        await asyncio.sleep(0.01)
        written.extend(record["resource"] for record in records)

    async def never(records: Sequence[Any]) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        async with Audit(sink, delay=0) as audit:
            audit.can(ANNE, "reader", "document:1")
        assert written == ["document:1"] and audit.counts.written == 1

    asyncio.run(run())
    with Audit(never, attempts=1, timeout=0.05, delay=0, on_problem=problems.append) as audit:
        audit.can(ANNE, "reader", "document:1")
    assert audit.counts.failed == 1 and problems[0].kind == "sink"


def test_nothing_that_raises_reaches_a_decision(caplog: pytest.LogCaptureFixture) -> None:
    def bad(_: object) -> None:
        raise ValueError("no")

    audit = Audit(bad, observers=[bad, bad], on_problem=bad, attempts=1, delay=0)
    with caplog.at_level(logging.ERROR, "deputize"):
        assert audit.decide(ANNE, "reader", "document:1").allowed
        assert not audit.decide(ANNE, "reader", "document:3").allowed
        audit.close()
    assert audit.counts.failed == 2 and "could not be told" in caplog.text
    seen: list[bool] = []
    observed = Audit(observers=[lambda decision: seen.append(bool(decision))])
    observed.can(ANNE, "reader", "document:1")
    assert (seen, observed.counts.waiting) == ([True], 0)

    async def later(_: object) -> None: ...

    told: list[Problem] = []
    audit = Audit(observers=[lambda decision: later(decision)], on_problem=told.append)
    assert audit.can(ANNE, "reader", "document:1") and told[0].kind == "observer"


def test_options_are_read_strictly() -> None:
    async def later(_: object) -> None: ...

    good: dict[str, Any] = {"sink": print}
    for wrong in (
        {}, {"sink": 5}, {"observers": print}, {"observers": [later]}, {"observers": [None]}, {**good, "batch": 0},
        {**good, "batch": True}, {**good, "capacity": "9"}, {**good, "attempts": 1.5}, {**good, "delay": -1},
        {**good, "timeout": float("nan")}, {**good, "on_problem": later}, {**good, "wait": 1}, {"observers": [print], "wait": True},
    ):
        with pytest.raises(MisuseError):
            Audit(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Audit(print, bach=1)  # type: ignore[call-arg]
    for make in (lambda: json_lines(None), lambda: fusion_auth(url="ftp://x", api_key="k"), lambda: fusion_auth(url="http://x", api_key="")):  # type: ignore[arg-type]
        with pytest.raises(MisuseError):
            make()


def test_the_lines_of_a_file_are_replayed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with Audit(json_lines(append_to(path)), batch=2) as audit:
        made = [audit.decide(ANNE, "reader", f"document:{n}") for n in range(5)]
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert records == [one.record for one in made]
    assert [POLICY.replay(record) for record in records] == made
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_batch_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    append = append_to(path)
    append("first\n")
    write, full = os.write, [True]

    def half(file: int, data: Any) -> int:
        if full[0] and len(data) > 3:
            return write(file, data[:3])
        if full[0]:
            full[0] = False
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        append("second\n")
    append("third\n")
    assert path.read_text() == "first\nthird\n"


def _append(path: str, name: str) -> None:
    with Audit(json_lines(append_to(path)), batch=7, delay=0) as audit:
        for _ in range(200):
            audit.can(POLICY.caller(f"user:{name}"), "reader", "document:" + name * 500)


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "audit.jsonl")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append, args=(path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    records = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert sorted(record["actor"] for record in records) == [f"user:{name}" for name in "abc" for _ in range(200)]


def test_what_waits_is_written_when_the_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    program = (
        "import sys\nfrom deputize import Policy\nfrom deputize.audit import Audit, append_to, json_lines\n"
        "audit = Audit(json_lines(append_to(sys.argv[1])), delay=60)\n"
        "audit.can(Policy.from_json({'deputize': 1}).caller('user:anne'), 'a', 'b:c')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_writes_its_own_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    program = (
        "import os, sys\nfrom deputize import Policy\nfrom deputize.audit import Audit, append_to, json_lines\n"
        "anne = Policy.from_json({'deputize': 1}).caller('user:anne')\n"
        "audit = Audit(json_lines(append_to(sys.argv[1])), delay=60)\n"
        "audit.can(anne, 'a', 'b:parent')\n"
        "child = os.fork()\n"
        "if child == 0:\n    audit.can(anne, 'a', 'b:child')\n    audit.close()\n    os._exit(0)\n"
        "os.waitpid(child, 0)\naudit.close()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], check=True, timeout=60)
    assert sorted(json.loads(line)["resource"] for line in path.read_text().splitlines()) == ["b:child", "b:parent"]


def served(answers: list[int]) -> tuple[HTTPServer, list[tuple[str, str | None, Any]]]:
    seen: list[tuple[str, str | None, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = answers.pop(0) if answers else 200
            if status == 200:
                seen.append((self.path, self.headers["authorization"], body))
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, seen


def test_fusionauth_gets_each_record_once() -> None:
    pytest.importorskip("httpx")
    server, seen = served([200, 500, 302, 200])
    problems: list[Problem] = []
    sink = fusion_auth(url=f"http://127.0.0.1:{server.server_port}", api_key="KEY")
    with Audit(sink, delay=10, attempts=3, on_problem=problems.append) as audit:
        made = [audit.decide(ANNE, "reader", f"document:{n}") for n in (1, 2, 3)]
    server.shutdown()
    server.server_close()
    assert [entry for *_, entry in seen] == [fusion_auth_entry(one.record) for one in made]
    assert {(path, key) for path, key, _ in seen} == {("/api/system/audit-log", "KEY")} and problems == []
    entry = fusion_auth_entry(made[2].record)["auditLog"]
    assert entry["message"] == "denied: user:anne, reader on document:3" and entry["insertUser"] == "user:anne"
    assert "KEY" not in repr(sink) + repr(audit)


RULES = {"read": ToolRule("reader", "document:{id}")}


def test_a_guard_denies_what_cannot_be_kept() -> None:
    written: list[Any] = []
    audit = Audit(lambda records: written.extend(records), delay=0)
    judge = Judge(POLICY, RULES, audience="https://api.example", on_ruling=audit.ruling)
    assert judge.rule("read", lambda: {"id": "1"}, lambda: ANNE)
    audit.close()
    assert [record["resource"] for record in written] == ["document:1"]
    ruling = judge.rule("read", lambda: {"id": "1"}, lambda: ANNE)
    assert not ruling and ruling.reason == "guard.callback"


def test_a_guard_that_waits_denies_what_was_not_written() -> None:
    broken = [False]

    def sink(_: object) -> None:
        if broken[0]:
            raise OSError("the disk is full")

    audit = Audit(sink, delay=30, attempts=1, wait=True, on_problem=lambda _: None)
    judge = Judge(POLICY, RULES, audience="https://api.example", on_ruling=audit.ruling)
    started = time.monotonic()
    assert judge.rule("read", lambda: {"id": "1"}, lambda: ANNE) and time.monotonic() - started < 5
    assert audit.counts.written == 1
    broken[0] = True
    assert judge.rule("read", lambda: {"id": "1"}, lambda: ANNE).reason == "guard.callback"


def test_whom_a_guard_refuses_is_on_record_too() -> None:
    from deputize.identity import Chain, Token

    seen: list[Decision] = []
    judge = Judge(POLICY, RULES, audience="https://api.example", on_ruling=lambda ruling: seen.extend(ruling.decisions))
    assert not judge.rule("read", lambda: {"id": "1"}, lambda: Token("no.token.at-all"))
    assert not judge.rule("read", lambda: {"id": "1"}, lambda: Chain(["user:anne", "user:bob"]))
    assert [(one.reason, one.record["resource"]) for one in seen] == [("token.malformed", "document:1"), ("chain.no_delegation", "document:1")]
    assert all(not one for one in seen)
    for wrong in ({"tennant": "acme"}, {"audience": "x"}, {"now": 1}):
        with pytest.raises(MisuseError):
            Token("a.b.c", **wrong)
        with pytest.raises(MisuseError):
            Chain("user:anne", wrong)
