"""Who acts, where a framework hands no identity on.

`with acting(identity):` holds for the thread or task that entered it, until it
is left: nothing that runs later, or elsewhere, finds it. Each of `run` and
`stream` runs something in a context of its own.

>>> from deputize import Policy
>>> from deputize.identity import caller_of
>>> anne = Policy.from_json({"deputize": 1}).caller("user:anne")
>>> with acting(anne):
...     caller_of(acting_now()).subject
'user:anne'
>>> def answer():
...     yield caller_of(acting_now()).subject
>>> list(acting(anne).stream(answer()))
['user:anne']
>>> acting_now()
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextvars import Context, ContextVar, copy_context
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, final, overload

from .errors import DeniedError, MisuseError

if TYPE_CHECKING:
    from .identity import Identity

__all__ = ["acting", "acting_now"]

_T = TypeVar("_T")

_GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def _here() -> tuple[int, object]:
    """The thread, and the task where one runs."""
    try:
        task: object = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.get_ident(), task


class _Entered:
    """One entering: what is set in a context may be copied, and outlive it there."""

    __slots__ = ("identity", "left", "place")

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.place = _here()
        self.left = False


_entered: ContextVar[_Entered | None] = ContextVar("deputize_acting", default=None)


def acting_now() -> Identity | None:
    """Who acts here; `None` where nobody does.

    Raises DeniedError, `guard.no_caller`, in another thread or task than the one
    that entered: a framework may keep those for the next request.
    """
    entered = _entered.get()
    if entered is None or entered.left:
        return None
    if entered.place != _here():
        said = "`acting` was entered in another thread or task: enter it here, or give an identity"
        raise DeniedError("guard.no_caller", said)
    return entered.identity


@final
class acting:
    """Within, `identity` is who asks where a framework hands none on.

    A generator runs in the context of whoever asks it for more, and would leave
    the identity there: within one, `with acting(…)` is refused. Use `stream`.

    Raises:
        MisuseError: It is no identity; or it is entered in a generator.
    """

    def __init__(self, identity: Identity) -> None:
        from .identity import is_identity

        if not is_identity(identity):
            said = f"an identity is a Caller, a Token or a Chain, not a `{type(identity).__name__}`"
            raise MisuseError("guard.options", said)
        self._identity = identity
        self._held: list[tuple[_Entered, Any]] = []

    def __enter__(self) -> None:
        if _within_generator(inspect.currentframe()):
            said = "`acting` cannot be entered in a generator: use `acting(identity).stream(generator)`"
            raise MisuseError("guard.options", said)
        entered = _Entered(self._identity)
        self._held.append((entered, _entered.set(entered)))

    def __exit__(self, *_: object) -> None:
        entered, token = self._held.pop()
        # Also for every copy of the context that was made meanwhile.
        entered.left = True
        try:
            _entered.reset(token)
        except ValueError:  # left in another context, where nothing was set
            pass

    @overload
    def run(self, work: Callable[..., Awaitable[_T]], *args: Any, **kwargs: Any) -> Awaitable[_T]: ...
    @overload
    def run(self, work: Callable[..., _T], *args: Any, **kwargs: Any) -> _T: ...
    def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `work` gives, run in a context of its own; or, where it is a
        coroutine function, what to await.

        Raises MisuseError where it gives a generator.
        """
        context = copy_context()
        result = _step(self._identity, context, lambda: work(*args, **kwargs))
        if inspect.isgenerator(result) or inspect.isasyncgen(result):
            raise MisuseError("guard.options", "a generator is run by `acting(identity).stream(generator)`")
        if inspect.isawaitable(result):
            return _Driven(self._identity, context, result)
        return result

    @overload
    def stream(self, source: AsyncGenerator[_T, Any]) -> AsyncGenerator[_T, Any]: ...
    @overload
    def stream(self, source: Generator[_T, Any, Any]) -> Generator[_T, Any, Any]: ...
    def stream(self, source: Any) -> Any:
        """A generator, sync or async, each of whose steps runs with this identity in
        a context of its own: whoever asks it for more never sees the identity, and
        leaving it early leaves nothing behind.

        Raises MisuseError where it is no generator.
        """
        if inspect.isasyncgen(source):
            return _AsyncSteps(self._identity, source)
        if inspect.isgenerator(source):
            return _Steps(self._identity, source)
        said = f"`stream` takes a generator, not a `{type(source).__name__}`"
        raise MisuseError("guard.options", said)


def _within_generator(frame: FrameType | None) -> bool:
    """Whether it is entered in a generator's own frame, or for one by an `ExitStack`."""
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "contextlib"):
        frame = frame.f_back
    return frame is not None and bool(frame.f_code.co_flags & _GENERATORS)


def _step(identity: Identity, context: Context, work: Callable[[], _T]) -> _T:
    """One step in the context: the identity is there while it runs, and no longer."""

    def within() -> _T:
        entered = _Entered(identity)
        token = _entered.set(entered)
        try:
            return work()
        finally:
            entered.left = True
            _entered.reset(token)

    return context.run(within)


class _Driven(Generic[_T]):
    """An awaitable, each of whose steps runs in the context."""

    def __init__(self, identity: Identity, context: Context, awaited: Awaitable[_T]) -> None:
        self._identity = identity
        self._context = context
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, _T]:
        steps = self._awaited.__await__()
        send: Callable[[], Any] = lambda: next(cast("Iterator[Any]", steps))  # noqa: E731
        while True:
            try:
                yielded = _step(self._identity, self._context, send)
            except StopIteration as end:
                return cast("_T", end.value)
            try:
                sent = yield yielded
            except BaseException as error:
                thrown = error
                throw = getattr(steps, "throw", None)
                if throw is None:
                    raise
                send = lambda t=thrown, f=throw: f(t)  # type: ignore[misc]  # noqa: E731
            else:
                send = lambda s=sent: steps.send(s) if s is not None else next(steps)  # type: ignore[misc]  # noqa: E731


class _Steps(Generator[_T, Any, Any]):
    def __init__(self, identity: Identity, source: Generator[_T, Any, Any]) -> None:
        self._identity = identity
        self._source = source
        self._context = copy_context()

    def send(self, value: Any, /) -> _T:
        return _step(self._identity, self._context, lambda: self._source.send(value))

    def throw(self, kind: Any, value: Any = None, trace: Any = None, /) -> _T:
        error = kind if value is None else value
        return _step(self._identity, self._context, lambda: self._source.throw(error))

    def close(self) -> None:
        _step(self._identity, self._context, self._source.close)


class _AsyncSteps(AsyncGenerator[_T, Any]):
    def __init__(self, identity: Identity, source: AsyncGenerator[_T, Any]) -> None:
        self._identity = identity
        self._source = source
        self._context = copy_context()

    async def __anext__(self) -> _T:
        return await _Driven(self._identity, self._context, self._source.__anext__())

    async def asend(self, value: Any, /) -> _T:
        return await _Driven(self._identity, self._context, self._source.asend(value))

    async def athrow(self, kind: Any, value: Any = None, trace: Any = None, /) -> _T:
        error = kind if value is None else value
        return await _Driven(self._identity, self._context, self._source.athrow(error))

    async def aclose(self) -> None:
        await _Driven(self._identity, self._context, self._source.aclose())
