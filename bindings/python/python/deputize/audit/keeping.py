"""Keeps the records of decisions: in batches, in order, in a queue that is bounded."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from .._deputize import Caller, Decision
from ..callbacks import dropped, options_error, plain_function
from ..shapes import AuditRecord

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..tools import Ruling

__all__ = ["Audit", "Counts", "Observer", "Problem", "Sink"]

_log = logging.getLogger("deputize")

Sink: TypeAlias = Callable[[Sequence[AuditRecord]], "object | Awaitable[object]"]
"""Takes a batch of records, oldest first; an async one in a loop of the audit's
own. It is called again only once it is done. One that raises, or takes too
long, gets the same list again; what it did not keep then is lost and counted."""

Observer: TypeAlias = Callable[[Decision], object]
"""Sees each decision at once, in the midst of the request. What takes longer is a `Sink`'s."""


@dataclass(frozen=True)
class Problem:
    """What an audit has not kept, and why."""

    kind: Literal["full", "sink", "observer", "closed"]
    """`full`: the queue was; `sink`: the sink kept failing; `observer`: one raised;
    `closed`: it came after the end."""
    lost: int
    """How many records are lost by it."""
    error: BaseException | None = None
    """What was raised."""


class Counts(NamedTuple):
    """How many records went where."""

    written: int
    """The sink has kept them."""
    waiting: int
    """They are on their way."""
    dropped: int
    """There was no room for them, or they came after the end."""
    failed: int
    """The sink failed to keep them."""


class _Waiting:
    """A record on its way, and whether it has arrived."""

    __slots__ = ("done", "kept", "record")

    def __init__(self, record: AuditRecord) -> None:
        self.record = record
        self.kept = False
        self.done = threading.Event()


class Audit:
    """Keeps the records of decisions.

    Args:
        sink: Where batches go.
        observers: What sees each decision at once, like `spans()`.
        batch: How many records make a batch.
        delay: Seconds that a record waits for others.
        capacity: How many records may wait, those on their way included; further ones are dropped.
        attempts: How often a batch is offered to the sink, each time after twice the wait (0.2 s at first).
        timeout: Seconds that the sink may take for a batch.
        wait: Whether `ruling` waits until its records are written, as long as attempts and
            `timeout` allow, and denies where they are not. Whoever asks waits too.
        on_problem: Is told what is lost.

    Raises:
        MisuseError: `guard.options`.
    """

    def __init__(
        self,
        sink: Sink | None = None,
        *,
        observers: Sequence[Observer] = (),
        batch: int = 100,
        delay: float = 1.0,
        capacity: int = 10_000,
        attempts: int = 3,
        timeout: float = 30.0,
        wait: bool = False,
        on_problem: Callable[[Problem], object] | None = None,
    ) -> None:
        if sink is None and not observers:
            raise options_error("an audit needs a `sink` or `observers`: without, nothing is kept")
        if sink is not None and not callable(sink):
            raise options_error("`sink` must be a function")
        if callable(observers) or isinstance(observers, (str, bytes)):
            raise options_error("`observers` must be a list of functions")
        for observer in observers:
            if observer is None:
                raise options_error("`observers` must be a list of functions")
            plain_function(observer, "observers")
        plain_function(on_problem, "on_problem")
        for name, count in (("batch", batch), ("capacity", capacity), ("attempts", attempts)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise options_error(f"`{name}` must be a whole number of 1 or more")
        for name, seconds in (("delay", delay), ("timeout", timeout)):
            number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
            if not number or not 0 <= seconds < math.inf:
                raise options_error(f"`{name}` must be a number of seconds")
        if not isinstance(wait, bool) or (wait and sink is None):
            raise options_error("`wait` is True or False, and waits for a `sink`")
        self._observers = tuple(observers)
        self._wait = wait
        self._writer = _Writer(sink, batch, delay, capacity, attempts, timeout, on_problem)
        # Also when it is let go of, or the process ends: what waits is written.
        self._finalizer = weakref.finalize(self, self._writer.close)

    def record(self, decision: Decision) -> Decision:
        """Takes note of a decision, and gives it back as it was. Never raises."""
        self._take(decision)
        return decision

    def decide(
        self, caller: Caller, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> Decision:
        """Decides, and takes note of it."""
        return self.record(caller.decide(action, resource, context))

    def can(
        self, caller: Caller, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool:
        """As `decide`: yes or no."""
        return self.decide(caller, action, resource, context).allowed

    def ruling(self, ruling: Ruling) -> bool:
        """A guard's `on_ruling`: takes note of what was decided on a call. `False`,
        which denies the call, where a record has no room, or with `wait` was not
        written."""
        taken = [self._take(decision) for decision in ruling.decisions]
        if self._writer.sink is None:
            return True
        if not all(taken):
            return False
        if self._wait:
            self._writer.hurry()
            for one in taken:
                if one is not None:
                    one.done.wait(self._writer.longest)
            return all(one is not None and one.kept for one in taken)
        return True

    @property
    def counts(self) -> Counts:
        """How many records went where."""
        return self._writer.counts()

    def flush(self) -> None:
        """Waits until what was recorded so far is written, or has failed."""
        self._writer.flush()

    def close(self) -> None:
        """`flush`, and the end: what comes after is dropped."""
        self._finalizer()

    async def aclose(self) -> None:
        """`close`, without holding up the loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _take(self, decision: Decision) -> _Waiting | None:
        for observe in self._observers:
            try:
                if dropped(observe(decision)):
                    raise TypeError("an observer gave something to await, which nothing does")
            except Exception as error:
                self._writer.tell(Problem("observer", 0, error))
        return None if self._writer.sink is None else self._writer.take(decision.record)


class _Writer:
    """The queue, and the thread that empties it."""

    def __init__(
        self,
        sink: Sink | None,
        batch: int,
        delay: float,
        capacity: int,
        attempts: int,
        timeout: float,
        on_problem: Callable[[Problem], object] | None,
    ) -> None:
        self.sink = sink
        self.longest = attempts * (timeout + 0.1) + 0.1 * 2 ** (attempts + 1) + delay
        self._batch, self._delay, self._capacity = batch, delay, capacity
        self._attempts, self._timeout = attempts, timeout
        self._on_problem = on_problem
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._on_their_way = 0
        self._due = math.inf
        self._closed = False
        self._thread: threading.Thread | None = None
        self._calling: threading.Thread | None = None
        self._written = self._dropped = self._failed = 0

    def take(self, record: AuditRecord) -> _Waiting | None:
        """Puts a record into the queue; `None` where it has no room."""
        if os.getpid() != self._process:
            # A fork copies what waits, which the parent writes, and not the thread.
            self._begin()
        waiting = _Waiting(record)
        with self._changed:
            closed = self._closed
            if closed or len(self._queue) + self._on_their_way >= self._capacity:
                self._dropped += 1
            else:
                self._queue.append(waiting)
                if len(self._queue) == 1:
                    self._due = time.monotonic() + self._delay
                if len(self._queue) in (1, self._batch):
                    self._changed.notify_all()
                self._ensure_thread()
                return waiting
        self.tell(Problem("closed" if closed else "full", 1))
        return None

    def _ensure_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="deputize.audit", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter ends: `close` writes what waits
                self._thread = None

    def counts(self) -> Counts:
        with self._changed:
            waiting = len(self._queue) + self._on_their_way
            return Counts(self._written, waiting, self._dropped, self._failed)

    def hurry(self) -> None:
        """What waits is due."""
        with self._changed:
            self._due = 0.0
            self._changed.notify_all()

    def flush(self) -> None:
        with self._changed:
            while self._queue or self._on_their_way:
                self._due = 0.0
                self._changed.notify_all()
                if self._thread is None or not self._thread.is_alive():
                    break
                self._changed.wait(0.1)
        while self._write_one():
            pass

    def close(self) -> None:
        if os.getpid() != self._process:
            return
        with self._changed:
            self._closed = True
        self.flush()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    if self._closed:
                        return
                    self._changed.wait()
                left = self._due - time.monotonic()
                if left > 0 and len(self._queue) < self._batch and not self._closed:
                    self._changed.wait(left)
                    continue
            while self._write_one():
                pass

    def _write_one(self) -> bool:
        """Writes a batch, if there is one and nobody writes."""
        with self._changed:
            if self._on_their_way or not self._queue:
                return False
            batch = [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]
            self._on_their_way = len(batch)
            self._due = time.monotonic() + self._delay
        error: BaseException | None = RuntimeError("it was not written")
        try:
            error = self._deliver([waiting.record for waiting in batch])
        finally:
            with self._changed:
                self._on_their_way = 0
                if error is None:
                    self._written += len(batch)
                else:
                    self._failed += len(batch)
                self._changed.notify_all()
            for waiting in batch:
                waiting.kept = error is None
                waiting.done.set()
        if error is not None:
            self.tell(Problem("sink", len(batch), error))
        return True

    def _deliver(self, records: list[AuditRecord]) -> BaseException | None:
        attempt = 0
        while True:
            attempt += 1
            error = self._offer(records)
            if error is None or attempt >= self._attempts:
                return error
            time.sleep(0.1 * 2**attempt)

    def _offer(self, records: list[AuditRecord]) -> BaseException | None:
        """Calls the sink within its time. One that hangs is not called again before it is done."""
        late = TimeoutError(f"the sink took longer than {self._timeout:g} seconds")
        if self._calling is not None:
            self._calling.join(self._timeout)
            if self._calling.is_alive():
                return late
        outcome: list[BaseException | None] = []

        def call() -> None:
            try:
                self._call(records)
                outcome.append(None)
            except BaseException as error:
                outcome.append(error)

        self._calling = threading.Thread(target=call, name="deputize.audit.sink", daemon=True)
        try:
            self._calling.start()
        except RuntimeError:  # the interpreter ends: no thread is started any more
            self._calling = None
            call()
        else:
            self._calling.join(self._timeout)
        return outcome[0] if outcome else late

    def _call(self, records: list[AuditRecord]) -> None:
        assert self.sink is not None
        said = self.sink(records)
        if inspect.isawaitable(said):

            async def awaited() -> None:
                await asyncio.wait_for(_coroutine(said), self._timeout)

            asyncio.run(awaited())

    def tell(self, problem: Problem) -> None:
        """Whoever is told of problems has no say in decisions either."""
        failed = f"what an audit has lost could not be told: {problem.kind}, {problem.lost} records"
        if self._on_problem is None:
            said = f": {type(problem.error).__name__}" if problem.error is not None else ""
            _log.error("an audit has not kept %d records (%s%s)", problem.lost, problem.kind, said)
            return
        try:
            if dropped(self._on_problem(problem)):
                _log.error("%s", failed)
        except Exception:
            _log.error("%s", failed)


async def _coroutine(awaited: Awaitable[object]) -> object:
    return await awaited
