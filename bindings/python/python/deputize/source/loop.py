"""A source that an asyncio task keeps fresh."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..callbacks import is_async
from ..errors import DeputizeError, InputError
from .document import Fetched, httpx_of
from .keeper import Found, Keeper, Moment

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self

__all__ = ["AsyncSource"]


class AsyncSource(Keeper):
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
            self._client = httpx_of().AsyncClient(timeout=min(10.0, self._timeout))
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
            asked = Moment.now()
            try:
                found = await asyncio.wait_for(self._find(), self._timeout)
            except asyncio.TimeoutError:
                raise self._too_late() from None
            except Exception as error:
                raise self._as_ours(error) from None
            # Here and not in the thread: of a look that was cancelled nothing is left to swap in.
            return self._swap(found, asked)

    async def _find(self) -> Found:
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
                if is_async(self._check):
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
