"""Who asks: a caller, or a token that is verified each time it is used.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1})
>>> caller_of(policy.caller("user:anne")).subject
'user:anne'
>>> Token("eyJhbGciOi")
Token(...)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn, Protocol, TypeAlias, final

from ._deputize import Caller, Policy
from .errors import DeniedError, MisuseError

__all__ = ["Identity", "PolicySource", "Token", "acting", "acting_now", "caller_of", "current"]


class _Source(Protocol):
    @property
    def policy(self) -> Policy: ...


PolicySource: TypeAlias = Policy | Callable[[], Policy] | _Source
"""A policy, a function that gives the current one, or an object with it as `policy`."""


@final
class Token:
    """A bearer token on its way to `Policy.verify`.

    Not a plain text, since frameworks copy texts from their configuration into
    traces and checkpoints: this is neither shown nor pickled.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def __repr__(self) -> str:
        return "Token(...)"

    def __copy__(self) -> Token:
        return self

    def __deepcopy__(self, _memo: object) -> Token:
        return self

    def __reduce__(self) -> NoReturn:
        raise MisuseError("identity.token", "a token is not pickled")


Identity: TypeAlias = Caller | Token


_acting: ContextVar[Identity | None] = ContextVar("deputize_acting", default=None)


@contextmanager
def acting(identity: Identity) -> Generator[None, None, None]:
    """Within, `identity` is who asks where a framework hands none on.

    It holds for this thread or task and what it awaits. A framework that asks
    from a thread of its own finds nobody, and is denied.

    >>> from deputize import Policy
    >>> with acting(Policy.from_json({"deputize": 1}).caller("user:anne")):
    ...     caller_of(acting_now()).subject
    'user:anne'
    """
    before = _acting.set(identity)
    try:
        yield
    finally:
        _acting.reset(before)


def acting_now() -> Identity | None:
    """Who asks within `acting`; else `None`."""
    return _acting.get()


def current(policy: PolicySource) -> Policy:
    """The policy that holds now.

    Raises MisuseError where the source gives something else.
    """
    if isinstance(policy, Policy):
        return policy
    now = policy() if callable(policy) else getattr(policy, "policy", None)
    if not isinstance(now, Policy):
        said = f"`policy` must give a Policy, not a `{type(now).__name__}`"
        raise MisuseError("identity.policy", said)
    return now


def caller_of(
    identity: object, policy: PolicySource | None = None, *, audience: str | None = None
) -> Caller:
    """The caller now: a token is verified, and a caller that was kept is looked at again.

    A kept caller stays with the policy it was made of, and counts only while
    the source, where there is one, still gives a policy. A token is verified
    with the current one.

    Raises DeniedError: `caller.missing` where there is no identity; else why it
    no longer counts, e.g. `token.expired` or `snapshot.stale`.
    """
    if isinstance(identity, Caller):
        if policy is not None:
            current(policy)  # a source that is stale denies
        return identity.at()
    if isinstance(identity, Token):
        if policy is None:
            raise MisuseError("identity.policy", "a token is verified with a `policy`: none is given")
        return current(policy).verify(identity.reveal(), audience=audience)
    if identity is None:
        raise DeniedError("caller.missing", "nobody is named who asks: nothing is allowed")
    said = f"an identity is a Caller or a Token, not a `{type(identity).__name__}`"
    raise MisuseError("identity.kind", said)
