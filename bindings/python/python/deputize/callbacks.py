"""A host's own functions: what they must be when a guard is set up, and what they may give."""

from __future__ import annotations

import inspect

from .errors import MisuseError

__all__ = ["dropped", "is_async", "options_error", "plain_function"]


def options_error(said: str, code: str = "guard.options") -> MisuseError:
    """An error of whoever set a guard up."""
    return MisuseError(code, said)


def is_async(given: object) -> bool:
    """Whether what a function gives is to be awaited, as far as it says so."""
    called = getattr(given, "__call__", None)  # noqa: B004
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (given, called))


def plain_function(given: object, name: str, code: str = "guard.options") -> None:
    """Refuses a callback that is none, or that would have to be awaited."""
    if given is None:
        return
    if not callable(given):
        raise options_error(f"`{name}` must be a function", code)
    if is_async(given):
        raise options_error(f"`{name}` must not be async: nothing would wait for it", code)


def dropped(said: object) -> bool:
    """Whether it is something to await, which nothing does: it is let go of, without
    a warning of its own."""
    if not inspect.isawaitable(said):
        return False
    close = getattr(said, "close", None) or getattr(said, "cancel", None)
    if close is not None:
        close()
    return True
