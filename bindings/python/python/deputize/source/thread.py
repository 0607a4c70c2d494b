"""A source that a thread keeps fresh."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from .. import Policy
from ..callbacks import dropped, is_async
from ..errors import DeputizeError, InputError
from .document import Fetched, httpx_of, misuse
from .keeper import Check, Found, Keeper, Moment

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

__all__ = ["Source"]

_T = TypeVar("_T")

# How many looks may hang at once before no further one is begun.
_HANGING = 8


class Source(Keeper):
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
        if check is not None and is_async(check):
            raise misuse("`check` is async: a Source does not await it, an AsyncSource does")
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
        return httpx_of().Client(timeout=min(10.0, self._timeout)) if self._is_url else None

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
            asked = Moment.now()
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

    def _find(self) -> Found:
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
            dropped(said)
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
