"""A policy that is kept fresh: from a file or a URL, swapped while it is used.

`Source` refreshes in a thread, `AsyncSource` in an asyncio task. Both take a
snapshot in JSON or a compiled policy, ask with an ETag, and swap the policy as
a whole once the new one is read, checked and compiled. Where a refresh fails,
the policy stays; where none has succeeded for `max_age` seconds, everything is
denied (`snapshot.stale`) until one does.

A URL needs httpx: `pip install deputize[source]`.

>>> import json, pathlib, tempfile
>>> from deputize.source import Source
>>> path = pathlib.Path(tempfile.mkdtemp(), "snapshot.json")
>>> _ = path.write_text(json.dumps({"deputize": 1, "revision": "1"}))
>>> with Source(path, refresh=30, max_age=300) as source:
...     print(source.policy.revision)
...     _ = path.write_text(json.dumps({"deputize": 1, "revision": "2"}))
...     print(source.refresh(), source.policy.revision)
1
True 2
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import Policy
from .errors import DeniedError, DeputizeError, InputError

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

__all__ = ["AsyncSource", "Fetched", "Source"]

log = logging.getLogger("deputize.source")

_COMPILED_MAGIC = b"DEPUTIZE"

Check = Callable[["Fetched"], object]


class Fetched(NamedTuple):
    """A document as it came, before anything in it is believed."""

    body: bytes
    """Its bytes."""
    headers: Mapping[str, str]
    """The response's headers; empty for a file."""


class _Held(NamedTuple):
    policy: Policy
    tag: str | None
    confirmed: float


class _Keeper:
    """What both sources share: the policy in use, and what may take its place."""

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float,
        max_age: float | None,
        digest: str | None,
        check: Check | None,
        max_bytes: int,
        on_error: Callable[[DeputizeError], object] | None,
    ) -> None:
        if not refresh > 0 or (max_age is not None and not max_age > 0):
            raise ValueError("`refresh` and `max_age` must be more than 0 seconds")
        self._location = os.fspath(location)
        self._is_url = self._location.startswith(("http://", "https://"))
        self._interval = refresh
        self._max_age = max_age
        self._digest = digest
        self._check = check
        self._max_bytes = max_bytes
        self._on_error = on_error
        self._held: _Held | None = None
        self._error: DeputizeError | None = None

    @property
    def policy(self) -> Policy:
        """The policy to use now. Take it once a request: it may be another one the next time.

        Raises DeniedError, `snapshot.stale`, where it is older than `max_age`
        allows.
        """
        held = self._held
        if held is None:
            raise DeniedError("snapshot.stale", f"`{self._location}` was not read yet")
        if self._max_age is not None:
            age = time.monotonic() - held.confirmed
            if age > self._max_age:
                said = f"`{self._location}` was last confirmed {age:.0f} s ago; {self._max_age:g} s are allowed"
                raise DeniedError("snapshot.stale", said)
        return held.policy

    @property
    def age(self) -> float | None:
        """Seconds since the policy was last read or confirmed; `None` before it was."""
        held = self._held
        return None if held is None else time.monotonic() - held.confirmed

    @property
    def error(self) -> DeputizeError | None:
        """Why the last refresh failed; `None` where it did not."""
        return self._error

    def __repr__(self) -> str:
        held = self._held
        policy = "no policy" if held is None else f"{held.policy!r}, age={self.age:.0f}"
        failed = f", error={self._error.code!r}" if self._error else ""
        return f"{type(self).__name__}({self._location!r}, {policy}{failed})"

    def _pause(self) -> float:
        # A little apart, so that many processes do not ask all at once.
        return self._interval * random.uniform(0.9, 1.1)

    def _asking(self) -> dict[str, str]:
        held = self._held
        return {} if held is None or held.tag is None else {"if-none-match": held.tag}

    def _read_file(self) -> tuple[Fetched | None, str | None]:
        """The file, or nothing where it is the one that is held."""
        try:
            with Path(self._location).open("rb") as file:
                now = os.fstat(file.fileno())
                tag = f"{now.st_ino}:{now.st_size}:{now.st_mtime_ns}"
                if self._held is not None and self._held.tag == tag:
                    return None, tag
                body = file.read(self._max_bytes + 1)
        except OSError as error:
            raise InputError("source.unreachable", str(error)) from error
        self._bounded(len(body))
        return Fetched(body, {}), tag

    def _bounded(self, size: int) -> None:
        if size > self._max_bytes:
            said = f"`{self._location}` has more than the {self._max_bytes} bytes allowed"
            raise InputError("source.too_large", said)

    def _answered(self, status: int) -> bool:
        """Whether there is a body to read; else what is held is confirmed."""
        if status == 304 and self._held is not None:
            return False
        if status != 200:
            raise InputError("source.unreachable", f"`{self._location}` answered {status}")
        return True

    def _accept(self, fetched: Fetched | None, tag: str | None, asked: float) -> bool:
        """Puts what came in use, if it may be: whether the policy is another one now."""
        held = self._held
        if fetched is None:
            assert held is not None
            self._held = held._replace(confirmed=asked)
            self._error = None
            return False
        _whole(fetched)
        if self._check is not None:
            try:
                self._check(fetched)
            except Exception as error:
                raise InputError("source.check", f"the check refused it: {error}") from error
        compiled = fetched.body.startswith(_COMPILED_MAGIC)
        policy = (Policy.from_compiled if compiled else Policy.from_json)(fetched.body)
        digest = policy.digest
        if self._digest is not None and digest != self._digest.lower():
            raise InputError("source.digest", f"the policy's digest is {digest}, not {self._digest}")
        if held is not None:
            old, new = held.policy.issued_at, policy.issued_at
            # An old document, replayed, would bring back what was taken away.
            if old is not None and (new is None or new < old):
                raise InputError("source.rollback", f"it was issued at {new}, the one in use at {old}")
        self._held = _Held(policy, tag, asked)
        self._error = None
        return held is None or digest != held.policy.digest

    def _failed(self, error: DeputizeError) -> None:
        self._error = error
        log.warning("%s: %s", self._location, error)
        if self._on_error is not None:
            with suppress(Exception):
                self._on_error(error)


def _whole(fetched: Fetched) -> None:
    """The body is what its `Repr-Digest` says, where there is one (RFC 9530)."""
    if "content-encoding" in fetched.headers:
        return
    for name in ("repr-digest", "content-digest"):
        for field in fetched.headers.get(name, "").split(","):
            kind, _, value = field.strip().partition("=")
            if kind != "sha-256":
                continue
            import base64

            own = base64.b64encode(hashlib.sha256(fetched.body).digest()).decode()
            if value.strip(":") != own:
                raise InputError("source.damaged", f"the body is not what its `{name}` says")


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise ImportError("a URL needs httpx: `pip install deputize[source]`") from error
    return httpx


def _as_ours(error: Exception, location: str) -> DeputizeError:
    if isinstance(error, DeputizeError):
        return error
    ours = InputError("source.unreachable", f"`{location}`: {error or type(error).__name__}")
    ours.__cause__ = error
    return ours


class Source(_Keeper):
    """A policy that a thread keeps fresh.

    Args:
        location: A path, or an `http://` or `https://` URL.
        refresh: Seconds between two looks.
        max_age: Seconds after the last good look at which everything is denied; `None` for never.
        digest: The only policy that is accepted, by its `Policy.digest`.
        check: Called with each new document, a `Fetched`, before it is read; refuses by raising. For signatures.
        max_bytes: The longest document that is read.
        on_error: Called with the error of each refresh that fails.
        client: The httpx client to use, e.g. with credentials; it is not closed.

    Raises:
        InputError: The first look failed: `source.*`, or what is wrong with the snapshot.
    """

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float = 30.0,
        max_age: float | None = None,
        digest: str | None = None,
        check: Check | None = None,
        max_bytes: int = 1 << 28,
        on_error: Callable[[DeputizeError], object] | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        super().__init__(
            location,
            refresh=refresh,
            max_age=max_age,
            digest=digest,
            check=check,
            max_bytes=max_bytes,
            on_error=on_error,
        )
        self._given = client
        self._begin()
        self._look()
        self._start()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._closed = threading.Event()
        self._client: httpx.Client | None = self._given
        if self._is_url and self._client is None:
            self._client = _httpx().Client(timeout=10.0)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="deputize.source", daemon=True)
        thread.start()

    @property
    def policy(self) -> Policy:
        # A fork copies neither the thread nor, safely, its connections.
        if os.getpid() != self._process and not self._closed.is_set():
            self._begin()
            self._start()
        return super().policy

    def refresh(self) -> bool:
        """Looks now: whether the policy is another one then.

        Raises InputError, as the constructor; the policy stays.
        """
        try:
            return self._look()
        except DeputizeError as error:
            self._failed(error)
            raise

    def close(self) -> None:
        """Ends the refreshing. The policy can still be used until it is too old."""
        self._closed.set()
        if self._client is not None and self._client is not self._given:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closed.wait(self._pause()):
            with suppress(DeputizeError):
                self.refresh()

    def _look(self) -> bool:
        with self._turn:
            asked = time.monotonic()
            try:
                fetched, tag = self._fetch() if self._is_url else self._read_file()
            except Exception as error:
                raise _as_ours(error, self._location) from error
            return self._accept(fetched, tag, asked)

    def _fetch(self) -> tuple[Fetched | None, str | None]:
        assert self._client is not None
        with self._client.stream("GET", self._location, headers=self._asking()) as response:
            if not self._answered(response.status_code):
                return None, None
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                self._bounded(len(body))
            return Fetched(bytes(body), response.headers), response.headers.get("etag")


class AsyncSource(_Keeper):
    """A policy that an asyncio task keeps fresh: `async with AsyncSource(url) as source:`.

    Arguments and errors as `Source`; the first look is made on entering.
    Documents are read and compiled in a thread, so that the loop goes on.
    """

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float = 30.0,
        max_age: float | None = None,
        digest: str | None = None,
        check: Check | None = None,
        max_bytes: int = 1 << 28,
        on_error: Callable[[DeputizeError], object] | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(
            location,
            refresh=refresh,
            max_age=max_age,
            digest=digest,
            check=check,
            max_bytes=max_bytes,
            on_error=on_error,
        )
        self._given = client
        self._client: httpx.AsyncClient | None = client
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._turn = asyncio.Lock()
        if self._is_url and self._client is None:
            self._client = _httpx().AsyncClient(timeout=10.0)
        try:
            await self._look()
        except BaseException:
            await self.aclose()
            raise
        self._task = asyncio.create_task(self._run(), name="deputize.source")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the refreshing. The policy can still be used until it is too old."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._client is not None and self._client is not self._given:
            await self._client.aclose()
            self._client = None

    async def refresh(self) -> bool:
        """Looks now: whether the policy is another one then.

        Raises InputError, as entering does; the policy stays.
        """
        try:
            return await self._look()
        except DeputizeError as error:
            self._failed(error)
            raise

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._pause())
            with suppress(DeputizeError):
                await self.refresh()

    async def _look(self) -> bool:
        async with self._turn:
            asked = time.monotonic()
            try:
                if self._is_url:
                    fetched, tag = await self._fetch()
                else:
                    fetched, tag = await asyncio.to_thread(self._read_file)
            except Exception as error:
                raise _as_ours(error, self._location) from error
            return await asyncio.to_thread(self._accept, fetched, tag, asked)

    async def _fetch(self) -> tuple[Fetched | None, str | None]:
        assert self._client is not None
        async with self._client.stream("GET", self._location, headers=self._asking()) as response:
            if not self._answered(response.status_code):
                return None, None
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                self._bounded(len(body))
            return Fetched(bytes(body), response.headers), response.headers.get("etag")
