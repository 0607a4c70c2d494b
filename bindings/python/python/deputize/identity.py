"""Who asks: a caller, or a token that is verified each time it is used.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1})
>>> caller_of(policy.caller("user:anne")).subject
'user:anne'
>>> Token("eyJhbGciOi")
Token(...)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol, TypeAlias, final

from ._deputize import Caller, Policy
from .errors import DeniedError, MisuseError

__all__ = ["Identity", "PolicySource", "Token", "caller_of", "current"]


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
        if not isinstance(text, str):
            raise MisuseError("identity.token", "a token is a text")
        self._text = text

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    def __repr__(self) -> str:
        return "Token(...)"

    def __reduce__(self) -> NoReturn:
        raise MisuseError("identity.token", "a token is not pickled")


Identity: TypeAlias = Caller | Token


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

    A kept caller stays with the policy it was made of. A token is verified with
    the current one.

    Raises DeniedError: `caller.missing` where there is no identity; else why it
    no longer counts, e.g. `token.expired` or `snapshot.stale`.
    """
    if isinstance(identity, Caller):
        return identity.at()
    if isinstance(identity, Token):
        if policy is None:
            raise MisuseError("identity.policy", "a token is verified with a `policy`: none is given")
        return current(policy).verify(identity.reveal(), audience=audience)
    if identity is None:
        raise DeniedError("caller.missing", "nobody is named who asks: nothing is allowed")
    said = f"an identity is a Caller or a Token, not a `{type(identity).__name__}`"
    raise MisuseError("identity.kind", said)
