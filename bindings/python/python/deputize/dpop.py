"""DPoP (RFC 9449): tokens that count only with a proof of their key.

Whether a proof holds for its method, URL, token and key, the policy says. Here
is what a host must add: each proof counts once, for as long as it counts.

>>> proofs = MemoryProofs()
>>> use = {"id": "n-0S6", "issued_at": int(time.time()), "thumbprint": "0ZcOC"}
>>> proofs.take(use, 70), proofs.take(use, 70)
(True, False)

`MemoryProofs` is one process's. Where several serve, they share a `SqliteProofs`
on one machine, or a `ProofStore` of yours.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

from .callbacks import options_error, plain_function
from .shapes import DpopUse

__all__ = ["Dpop", "MemoryProofs", "ProofStore", "SqliteProofs"]

ALGORITHMS = ("ES256", "ES384", "EdDSA", "RS256", "PS256")

# How far ahead a proof's clock may be, twice: a proof is remembered for a little
# longer than it counts.
_SKEW = 10.0
# How many proofs are remembered at most, of all keys and of one: beyond that,
# none is taken until some no longer count.
_ALL = 200_000
_OF_ONE_KEY = 20_000


class ProofStore(Protocol):
    """Where proofs are remembered."""

    def take(self, use: DpopUse, seconds: float) -> bool | Awaitable[bool]:
        """Takes a proof, once, and remembers it for so many seconds: `True`, or where it
        was taken before, or cannot be remembered, `False`."""
        ...


class _Clock(NamedTuple):
    """The latest time that a store has seen, and from when it takes proofs.

    Where the clock is set back, what was forgotten would count again. So a proof
    that may have been is not taken; and where the clock had been far ahead, none
    is, until every one that may have been is too old to count.
    """

    latest: float
    opens: float

    def at(self, wall: float, seconds: float) -> _Clock:
        if wall + seconds < self.latest:
            return _Clock(wall, wall + seconds)
        return _Clock(max(self.latest, wall), self.opens)

    def takes(self, use: DpopUse, wall: float, seconds: float) -> bool:
        return wall >= self.opens and use["issued_at"] + seconds >= self.latest


class MemoryProofs:
    """Remembers proofs in this process."""

    def __init__(self, *, all: int = _ALL, of_one_key: int = _OF_ONE_KEY) -> None:
        self._most = _bounds(all, of_one_key)
        self._lock = threading.Lock()
        # When each may be forgotten, oldest first.
        self._until: dict[bytes, tuple[float, float, str]] = {}
        self._counts: dict[str, int] = {}
        self._clock = _Clock(0.0, 0.0)

    def take(self, use: DpopUse, seconds: float) -> bool:
        """As `ProofStore.take`."""
        name, key = _name(use), use["thumbprint"]
        with self._lock:
            wall, steady = time.time(), time.monotonic()
            before, self._clock = self._clock, self._clock.at(wall, seconds)
            if self._clock.latest < before.latest:
                self._until.clear()
                self._counts.clear()
            self._forget(steady)
            if not self._clock.takes(use, wall, seconds):
                return False
            count = self._counts.get(key, 0)
            if name in self._until or len(self._until) >= self._most[0] or count >= self._most[1]:
                return False
            self._until[name] = (wall + seconds, steady + seconds, key)
            self._counts[key] = count + 1
            return True

    def __len__(self) -> int:
        return len(self._until)

    def _forget(self, steady: float) -> None:
        while self._until:
            name = next(iter(self._until))
            wall_end, steady_end, key = self._until[name]
            if self._clock.latest <= wall_end or steady <= steady_end:
                return
            del self._until[name]
            left = self._counts[key] - 1
            if left:
                self._counts[key] = left
            else:
                del self._counts[key]


class SqliteProofs:
    """Remembers proofs in a file, which processes of one machine share: of several that
    are shown one proof, one takes it. It outlives a restart.

    A disk of its own is not needed, but a local one: SQLite's locks do not hold on
    network file systems.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, all: int = _ALL, of_one_key: int = _OF_ONE_KEY, timeout: float = 5.0
    ) -> None:
        self._most = _bounds(all, of_one_key)
        self._path = os.fspath(path)
        self._timeout = timeout
        self._own = threading.local()
        connection = self._connection()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS proofs (name BLOB PRIMARY KEY, key TEXT NOT NULL, end REAL NOT NULL) WITHOUT ROWID"
        )
        connection.execute("CREATE INDEX IF NOT EXISTS proofs_end ON proofs (end)")
        connection.execute("CREATE INDEX IF NOT EXISTS proofs_key ON proofs (key)")
        connection.execute("CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), latest REAL NOT NULL, opens REAL NOT NULL, count INTEGER NOT NULL)")
        connection.execute("INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0)")
        connection.execute("COMMIT")

    def take(self, use: DpopUse, seconds: float) -> bool:
        """As `ProofStore.take`. It waits for the file: in a loop, ask it in a thread.

        Raises sqlite3.Error where the file cannot be had.
        """
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            taken = self._take(connection, use, seconds)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return taken

    def _take(self, connection: sqlite3.Connection, use: DpopUse, seconds: float) -> bool:
        latest, opens, count = connection.execute("SELECT latest, opens, count FROM state").fetchone()
        wall = time.time()
        clock = _Clock(latest, opens).at(wall, seconds)
        kept = ("DELETE FROM proofs", ()) if clock.latest < latest else ("DELETE FROM proofs WHERE end < ?", (clock.latest,))
        count -= connection.execute(*kept).rowcount
        key = use["thumbprint"]
        own = "SELECT COUNT(*) FROM (SELECT 1 FROM proofs WHERE key = ? LIMIT ?)"
        room = count < self._most[0] and connection.execute(own, (key, self._most[1])).fetchone()[0] < self._most[1]
        taken = False
        if room and clock.takes(use, wall, seconds):
            row = (_name(use), key, clock.latest + seconds)
            taken = connection.execute("INSERT OR IGNORE INTO proofs VALUES (?, ?, ?)", row).rowcount == 1
        connection.execute("UPDATE state SET latest = ?, opens = ?, count = ?", (*clock, count + taken))
        return taken

    def __len__(self) -> int:
        return int(self._connection().execute("SELECT COUNT(*) FROM proofs").fetchone()[0])

    def _connection(self) -> sqlite3.Connection:
        # One a thread, and none that a fork has brought.
        held = getattr(self._own, "held", None)
        if held is None or held[0] != os.getpid():
            made = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)
            made.execute("PRAGMA synchronous=NORMAL")
            held = (os.getpid(), made)
            self._own.held = held
        return cast("sqlite3.Connection", held[1])


@dataclass(frozen=True)
class Dpop:
    """How proofs are asked for.

    Raises:
        MisuseError: `guard.options`.
    """

    required: bool = False
    """Tokens that are not bound to a key are refused."""
    algorithms: Sequence[str] = ALGORITHMS
    """The algorithms that challenges name."""
    nonce: Callable[[], str] | None = None
    """The nonce that proofs must have (RFC 9449 §9), and that answers hand out."""
    max_age: int = 60
    """How old a proof may be, in seconds."""
    store: ProofStore | None = None
    """Where proofs are remembered; by default in this process. A `take` that is not
    async is asked in a thread."""
    timeout: float = 10.0
    """How long the store may take, in seconds. Then the proof is refused."""

    def __post_init__(self) -> None:
        if not isinstance(self.required, bool):
            raise options_error("`required` is True or False")
        if isinstance(self.algorithms, str) or not all(isinstance(one, str) for one in self.algorithms):
            raise options_error("`algorithms` must be a list of texts")
        plain_function(self.nonce, "nonce")
        for name, value in (("max_age", self.max_age), ("timeout", self.timeout)):
            number = isinstance(value, int if name == "max_age" else (int, float)) and not isinstance(value, bool)
            if not number or not 0 < value < 86_400:
                raise options_error(f"`{name}` must be a number of seconds, more than 0")
        if self.store is None:
            object.__setattr__(self, "store", MemoryProofs())
        elif not callable(getattr(self.store, "take", None)):
            raise options_error("`store` must have a `take`")

    async def take(self, use: DpopUse) -> bool:
        """Whether the store takes a proof: anything but `True` in time is no.

        Raises what the store raises, and TimeoutError.
        """
        store, seconds = self.store, self.max_age + _SKEW
        assert store is not None
        if isinstance(store, MemoryProofs):
            return store.take(use, seconds)

        async def asked() -> object:
            if inspect.iscoroutinefunction(store.take):
                return await store.take(use, seconds)
            said: Any = await asyncio.to_thread(store.take, use, seconds)
            return await said if inspect.isawaitable(said) else said

        return await asyncio.wait_for(asked(), self.timeout) is True


def _name(use: DpopUse) -> bytes:
    """Whoever sends it chooses how long an id is; its digest is as long as any other."""
    return hashlib.sha256(f"{use['thumbprint']}\0{use['id']}".encode("utf-8", "surrogatepass")).digest()


def _bounds(*bounds: int) -> tuple[int, ...]:
    for bound in bounds:
        if isinstance(bound, bool) or not isinstance(bound, int) or bound < 1:
            raise options_error("`all` and `of_one_key` must be whole numbers of 1 or more")
    return bounds
