"""A policy that is kept fresh: from a file or a URL, swapped while it is used.

`Source` refreshes in a thread, `AsyncSource` in an asyncio task. Both take a
snapshot in JSON or a compiled policy, ask with an ETag, and swap the policy as
a whole once the new one is read, checked and compiled. Where a refresh fails,
the policy stays; where none has succeeded for `max_age` seconds, everything is
denied (`snapshot.stale`) until one does. What a URL holds besides scheme, host
and path is a secret: no message, log or `repr` has it.

A URL needs httpx, which the extra `source` brings.

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
import inspect
import logging
import math
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from . import Policy
from .errors import DeniedError, DeputizeError, InputError, MisuseError

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

__all__ = ["AsyncSource", "Fetched", "Source"]

log = logging.getLogger("deputize.source")

_T = TypeVar("_T")

_COMPILED_MAGIC = b"DEPUTIZE"
# How many looks may hang at once before no further one is begun.
_HANGING = 8

Check = Callable[["Fetched"], object]


class Fetched(NamedTuple):
    """A document as it came, before anything in it is believed."""

    body: bytes
    """Its bytes."""
    headers: Mapping[str, str]
    """The response's headers; empty for a file."""


class _Moment(NamedTuple):
    """A moment, on a clock that may be set and on one that may stop while a machine sleeps."""

    wall: float
    steady: float

    @classmethod
    def now(cls) -> _Moment:
        return cls(time.time(), time.monotonic())

    def age(self) -> float:
        """Seconds since then, by whichever clock says more."""
        now = _Moment.now()
        return max(now.wall - self.wall, now.steady - self.steady)


class _Held(NamedTuple):
    policy: Policy
    body: bytes
    """The digest of the bytes that it was read from."""
    tag: str | None
    confirmed: _Moment


class _Found(NamedTuple):
    """What a look found: nothing new, or a policy that is good in itself."""

    policy: Policy | None
    body: bytes
    tag: str | None


def _misuse(said: str) -> MisuseError:
    return MisuseError("source.options", said)


class _Keeper:
    """What both sources share: the policy in use, and what may take its place."""

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float,
        max_age: float,
        timeout: float,
        digest: str | None,
        check: Check | None,
        max_bytes: int,
        on_error: Callable[[DeputizeError], object] | None,
    ) -> None:
        try:
            self._location = os.fspath(location)
        except TypeError:
            raise _misuse("`location` must be a path or a URL") from None
        if not isinstance(self._location, str):
            raise _misuse("`location` must be a text")
        self._is_url = self._location.lower().startswith(("http://", "https://"))
        if not self._is_url and "://" in self._location:
            raise _misuse("a URL must begin with http:// or https://")
        self._interval = _seconds("refresh", refresh)
        self._max_age = _seconds("max_age", max_age, forever=True)
        self._timeout = _seconds("timeout", timeout)
        if not self._max_age > self._interval:
            raise _misuse("`max_age` must be more than `refresh`")
        if digest is not None and not isinstance(digest, str):
            raise _misuse("`digest` must be a text")
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1:
            raise _misuse("`max_bytes` must be a number of bytes")
        _function("check", check)
        _function("on_error", on_error)
        if on_error is not None and _is_async(on_error):
            raise _misuse("`on_error` must not be async: nothing would wait for it")
        self._digest = digest
        self._check = check
        self._max_bytes = max_bytes
        self._on_error = on_error
        self._shown = _without_secrets(self._location) if self._is_url else self._location
        self._swapping = threading.Lock()
        self._held: _Held | None = None
        self._error: DeputizeError | None = None
        if self._is_url and self._shown != self._location:
            logging.getLogger("httpx").addFilter(_Redacting(self._location, self._shown))

    @property
    def policy(self) -> Policy:
        """The policy to use now. Take it once a request: it may be another one the next time.

        Raises DeniedError, `snapshot.stale`, where it is older than `max_age`
        allows.
        """
        held = self._held
        if held is None:
            raise DeniedError("snapshot.stale", f"`{self._shown}` was not read yet")
        age = held.confirmed.age()
        # Written so that no age at all is too old.
        if not age <= self._max_age:
            said = f"`{self._shown}` was last confirmed {age:.0f} s ago; {self._max_age:g} s are allowed"
            raise DeniedError("snapshot.stale", said)
        return held.policy

    @property
    def age(self) -> float | None:
        """Seconds since the policy was last read or confirmed; `None` before it was."""
        held = self._held
        return None if held is None else held.confirmed.age()

    @property
    def error(self) -> DeputizeError | None:
        """Why the last refresh failed; `None` where it did not."""
        return self._error

    def __repr__(self) -> str:
        held = self._held
        policy = "no policy" if held is None else f"{held.policy!r}, age={self.age:.0f}"
        failed = f", error={self._error.code!r}" if self._error else ""
        return f"{type(self).__name__}({self._shown!r}, {policy}{failed})"

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
                tag = f"{now.st_dev}:{now.st_ino}:{now.st_size}:{now.st_mtime_ns}:{now.st_ctime_ns}"
                if self._held is not None and self._held.tag == tag:
                    return None, tag
                body = file.read(self._max_bytes + 1)
        except OSError as error:
            raise InputError("source.unreachable", str(error)) from error
        self._bounded(len(body))
        return Fetched(body, {}), tag

    def _bounded(self, size: int) -> None:
        if size > self._max_bytes:
            said = f"`{self._shown}` has more than the {self._max_bytes} bytes allowed"
            raise InputError("source.too_large", said)

    def _answered(self, status: int) -> bool:
        """Whether there is a body to read; else what is held is confirmed."""
        if status == 304 and self._held is not None:
            return False
        if 300 <= status < 400 and status != 304:
            raise InputError("source.redirect", f"`{self._shown}` answered {status}: redirects are not followed")
        if status != 200:
            raise InputError("source.unreachable", f"`{self._shown}` answered {status}")
        return True

    def _same(self, fetched: Fetched | None, tag: str | None) -> _Found | None:
        """What a look found, where nothing has to be checked or compiled."""
        held = self._held
        if fetched is None:
            assert held is not None
            return _Found(None, held.body, held.tag)
        _whole(fetched)
        return None

    def _passed(self, said: object) -> None:
        if said is not None and said is not True:
            raise InputError("source.check", f"the check gave `{type(said).__name__}`: only nothing or True passes")

    def _compiled(self, fetched: Fetched, tag: str | None) -> _Found:
        """The policy of a document, as far as that can be told without the one in use."""
        body = hashlib.sha256(fetched.body).digest()
        held = self._held
        if held is not None and held.body == body:
            return _Found(None, body, tag)
        compiled = fetched.body.startswith(_COMPILED_MAGIC)
        policy = (Policy.from_compiled if compiled else Policy.from_json)(fetched.body)
        if self._digest is not None and policy.digest != self._digest.lower():
            said = f"the policy's digest is {policy.digest}, not {self._digest}"
            raise InputError("source.digest", said)
        return _Found(policy, body, tag)

    def _swap(self, found: _Found, asked: _Moment) -> bool:
        """Puts what was found in use, unless it is older than what is in use by now."""
        with self._swapping:
            held = self._held
            if found.policy is None:
                assert held is not None
                # What a look confirmed may no longer be what is in use.
                if held.body == found.body and held.confirmed.steady < asked.steady:
                    self._held = held._replace(confirmed=asked, tag=found.tag)
                self._error = None
                return False
            if held is not None:
                old, new = held.policy.issued_at, found.policy.issued_at
                # An old document, replayed, would bring back what was taken away.
                if old is not None and (new is None or new < old):
                    raise InputError("source.rollback", f"it was issued at {new}, the one in use at {old}")
            self._held = _Held(found.policy, found.body, found.tag, asked)
            self._error = None
            return held is None or found.policy.digest != held.policy.digest

    def _failed(self, error: DeputizeError) -> None:
        self._error = error
        log.warning("%s: %s", self._shown, error)
        if self._on_error is None:
            return
        try:
            said = self._on_error(error)
        except Exception as thrown:
            log.error("%s: `on_error` failed with a %s", self._shown, type(thrown).__name__)
            return
        if inspect.isawaitable(said):
            _drop(said)
            log.error("%s: `on_error` gave something to await, which nothing does", self._shown)

    def _as_ours(self, error: BaseException) -> DeputizeError:
        if isinstance(error, DeputizeError):
            return error
        if self._is_url and isinstance(error, _httpx().TimeoutException):
            return self._too_late()
        # Its text may quote the URL.
        said = f"`{self._shown}` could not be read: {type(error).__name__}"
        return InputError("source.unreachable", said)

    def _too_late(self) -> InputError:
        said = f"`{self._shown}` was not read, checked and compiled within {self._timeout:g} s"
        return InputError("source.timeout", said)


def _seconds(name: str, value: object, *, forever: bool = False) -> float:
    """A number of seconds; `math.inf` where a time may be without an end."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0 or (math.isinf(value) and not forever):  # type: ignore[operator,arg-type]
        never = ", or math.inf for never" if forever else ""
        raise _misuse(f"`{name}` must be a number of seconds, more than 0{never}")
    return float(value)  # type: ignore[arg-type]


def _function(name: str, given: object) -> None:
    if given is not None and not callable(given):
        raise _misuse(f"`{name}` must be a function")


def _is_async(given: object) -> bool:
    called = getattr(given, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(given) or inspect.iscoroutinefunction(called)


def _drop(awaitable: Any) -> None:
    """Lets go of what nobody awaits, without a warning of its own."""
    close = getattr(awaitable, "close", None) or getattr(awaitable, "cancel", None)
    if close is not None:
        close()


def _without_secrets(url: str) -> str:
    """Scheme, host and path: no name, password, query or fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    except ValueError:
        raise _misuse("the URL is malformed") from None


class _Redacting(logging.Filter):
    """httpx writes each URL that it asks to its log."""

    def __init__(self, url: str, shown: str) -> None:
        super().__init__()
        self._shown = shown
        parts = urlsplit(url)
        self._asked = (parts.scheme, parts.hostname, parts.port, parts.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Redacting) and self._asked == other._asked

    def __hash__(self) -> int:
        return hash(self._asked)

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(self._redacted(one) for one in record.args)
        return True

    def _redacted(self, one: object) -> object:
        names = ("scheme", "host", "port", "path")
        ours = tuple(getattr(one, name, None) for name in names) == self._asked
        return self._shown if ours else one


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
        raise ImportError("a URL needs httpx, which the extra `source` brings") from error
    return httpx


class Source(_Keeper):
    """A policy that a thread keeps fresh.

    Args:
        location: A path, or an `http://` or `https://` URL.
        refresh: Seconds between two looks.
        max_age: Seconds after the last good look at which everything is denied; `math.inf` for never.
        timeout: Seconds that a whole look may take: to read, to check and to compile.
        digest: The only policy that is accepted, by its `Policy.digest`.
        check: Called with each new document, a `Fetched`, before it is read. It passes by returning
            nothing or `True`; it refuses by raising, or by giving anything else. For signatures.
        max_bytes: The longest document that is read.
        on_error: Called with the error of each refresh that fails.
        client: The httpx client to use, e.g. with credentials; it is not closed.

    Raises:
        InputError: The first look failed: `source.*`, or what is wrong with the snapshot.
        MisuseError: `source.options`.
    """

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float = 30.0,
        max_age: float = 300.0,
        timeout: float = 30.0,
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
            timeout=timeout,
            digest=digest,
            check=check,
            max_bytes=max_bytes,
            on_error=on_error,
        )
        if check is not None and _is_async(check):
            raise _misuse("`check` is async: a Source does not await it, an AsyncSource does")
        self._given = client
        self._begin()
        self._look()
        self._start()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._swapping = threading.Lock()
        self._closed = threading.Event()
        self._hanging: list[threading.Thread] = []
        self._client: httpx.Client | None = self._given or self._own_client()

    def _own_client(self) -> Any:
        return _httpx().Client(timeout=min(10.0, self._timeout)) if self._is_url else None

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
            asked = _Moment.now()
            try:
                found = self._within_time(self._find)
            except Exception as error:
                raise self._as_ours(error) from None
            return self._swap(found, asked)

    def _within_time(self, work: Callable[[], _T]) -> _T:
        """What `work` gives, if it does in time. What comes later is thrown away: it swaps nothing in."""
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= _HANGING:
            raise self._too_late()
        outcome: list[tuple[bool, Any]] = []

        def attempt() -> None:
            try:
                outcome.append((True, work()))
            except BaseException as error:
                outcome.append((False, error))

        thread = threading.Thread(target=attempt, name="deputize.source.look", daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not outcome:
            self._hanging.append(thread)
            if self._client is not None and self._client is not self._given:
                # Whoever sends a byte now and then holds its connection no longer.
                self._client.close()
                self._client = None if self._closed.is_set() else self._own_client()
            raise self._too_late()
        good, result = outcome[0]
        if not good:
            raise result
        return result  # type: ignore[no-any-return]

    def _find(self) -> _Found:
        fetched, tag = self._fetch() if self._is_url else self._read_file()
        same = self._same(fetched, tag)
        if same is not None or fetched is None:
            assert same is not None
            return same
        if self._check is not None:
            try:
                said = self._check(fetched)
            except Exception as error:
                raise InputError("source.check", f"the check refused it with a {type(error).__name__}") from error
            if inspect.isawaitable(said):
                _drop(said)
            self._passed(said)
        return self._compiled(fetched, tag)

    def _fetch(self) -> tuple[Fetched | None, str | None]:
        client = self._client
        if client is None:
            raise InputError("source.unreachable", f"`{self._shown}` is closed")
        end = time.monotonic() + self._timeout
        asking = client.stream("GET", self._location, headers=self._asking(), follow_redirects=False)
        with asking as response:
            if not self._answered(response.status_code):
                return None, None
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                self._bounded(len(body))
                if time.monotonic() > end:
                    raise self._too_late()
            return Fetched(bytes(body), response.headers), response.headers.get("etag")


class AsyncSource(_Keeper):
    """A policy that an asyncio task keeps fresh: `async with AsyncSource(url) as source:`.

    Arguments and errors as `Source`; the first look is made on entering, and a
    `check` may be async. Documents are read and compiled in a thread, so that
    the loop goes on, and swapped in on the loop.
    """

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float = 30.0,
        max_age: float = 300.0,
        timeout: float = 30.0,
        digest: str | None = None,
        check: Callable[[Fetched], object | Awaitable[object]] | None = None,
        max_bytes: int = 1 << 28,
        on_error: Callable[[DeputizeError], object] | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(
            location,
            refresh=refresh,
            max_age=max_age,
            timeout=timeout,
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
            self._client = _httpx().AsyncClient(timeout=min(10.0, self._timeout))
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
            asked = _Moment.now()
            try:
                found = await asyncio.wait_for(self._find(), self._timeout)
            except asyncio.TimeoutError:
                raise self._too_late() from None
            except Exception as error:
                raise self._as_ours(error) from None
            # Here and not in the thread: of a look that was cancelled nothing is left to swap in.
            return self._swap(found, asked)

    async def _find(self) -> _Found:
        if self._is_url:
            fetched, tag = await self._fetch()
        else:
            fetched, tag = await asyncio.to_thread(self._read_file)
        same = self._same(fetched, tag)
        if same is not None or fetched is None:
            assert same is not None
            return same
        if self._check is not None:
            try:
                if _is_async(self._check):
                    said: Any = self._check(fetched)
                else:
                    said = await asyncio.to_thread(self._check, fetched)
                if inspect.isawaitable(said):
                    said = await said
            except Exception as error:
                raise InputError("source.check", f"the check refused it with a {type(error).__name__}") from error
            self._passed(said)
        return await asyncio.to_thread(self._compiled, fetched, tag)

    async def _fetch(self) -> tuple[Fetched | None, str | None]:
        assert self._client is not None
        asking = self._client.stream("GET", self._location, headers=self._asking(), follow_redirects=False)
        async with asking as response:
            if not self._answered(response.status_code):
                return None, None
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                self._bounded(len(body))
            return Fetched(bytes(body), response.headers), response.headers.get("etag")
