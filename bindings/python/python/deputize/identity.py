"""Who asks: a caller, a token that is verified each time it is used, or principals.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1})
>>> caller_of(policy.caller("user:anne")).subject
'user:anne'
>>> caller_of(Chain("user:anne"), policy).subject
'user:anne'
>>> Token("eyJhbGciOi")
Token(...)
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias, cast, final

from ._deputize import Caller, Policy
from .acting import acting, acting_now
from .callbacks import dropped
from .errors import DeniedError, MisuseError

__all__ = [
    "ANY",
    "Audience",
    "Chain",
    "Identity",
    "PolicySource",
    "Token",
    "acting",
    "acting_now",
    "audience_of",
    "caller_of",
    "current",
]


class _Source(Protocol):
    @property
    def policy(self) -> Policy: ...


PolicySource: TypeAlias = Policy | Callable[[], Policy] | _Source
"""A policy, a function that gives the current one, or an object with it as `policy`."""


class _Any(enum.Enum):
    ANY = "ANY"

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = _Any.ANY
"""The audience of whoever takes a token for any of the issuer's audiences."""

Audience: TypeAlias = str | Literal[_Any.ANY]
"""The audience that tokens must name, or `ANY`. An environment variable that is
not set gives `None`, which is neither."""


_OF_CHAINS = frozenset({"context", "contextual_tuples", "fixed_context", "scopes", "task", "tenant"})
_OF_TOKENS = _OF_CHAINS | {"certificate", "dpop"}


@final
class Token:
    """A token on its way to `Policy.verify`, with what it is presented with, e.g. a
    `tenant`, or a `dpop` proof (`deputize.dpop`). The guard says the audience.

    Not a plain text, since frameworks copy texts from their configuration into
    traces and checkpoints: this is neither shown nor pickled.
    """

    __slots__ = ("_options", "_since", "_text")

    def __init__(self, text: str, **options: Any) -> None:
        if not isinstance(text, str):
            said = f"a token is a str, not a `{type(text).__name__}`"
            raise MisuseError("guard.options", said)
        if unknown := sorted(options.keys() - _OF_TOKENS):
            said = f"`{unknown[0]}` is no option of a token, which are: {', '.join(sorted(_OF_TOKENS))}"
            raise MisuseError("guard.options", said)
        self._text = text
        self._options = dict(options)
        self._since = time.time(), time.monotonic()

    def reveal(self) -> str:
        """The token itself."""
        return self._text

    @property
    def options(self) -> Mapping[str, Any]:
        """What it is presented with, as in `Policy.verify`. A proof is as old as when it
        was presented, whenever it is looked at again."""
        proof = self._options.get("dpop")
        if not isinstance(proof, Mapping):
            return self._options
        since = max(time.time() - self._since[0], time.monotonic() - self._since[1])
        # A minute is what `Policy.verify` takes, where nothing is said.
        presented = cast("Mapping[str, Any]", proof)
        age = presented.get("max_age", 60) + int(max(0.0, since))
        return {**self._options, "dpop": {**presented, "max_age": age}}

    def __repr__(self) -> str:
        return "Token(...)"

    def __copy__(self) -> Token:
        return self

    def __deepcopy__(self, _memo: object) -> Token:
        return self

    def __reduce__(self) -> NoReturn:
        raise MisuseError("guard.options", "a token is not pickled")


@final
@dataclass(frozen=True)
class Chain:
    """Principals that the host vouches for, subject first, as in `Policy.caller`:
    anew at each question, where a `Caller` is as old as when it was made.
    """

    principals: str | Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """As in `Policy.caller`, e.g. `{"tenant": "acme"}`; `now` is not for keeping."""

    def __post_init__(self) -> None:
        names = [self.principals] if isinstance(self.principals, str) else list(self.principals)
        if not names or not all(isinstance(name, str) for name in names):
            raise MisuseError("guard.options", "`principals` is a text `type:id`, or several")
        if not isinstance(self.options, Mapping):
            raise MisuseError("guard.options", "`options` is a mapping")
        if "now" in self.options:
            raise MisuseError("guard.options", "a Chain is asked at the time of each question: give no `now`")
        if unknown := sorted(set(self.options) - _OF_CHAINS):
            said = f"`{unknown[0]}` is no option of a Chain, which are: {', '.join(sorted(_OF_CHAINS))}"
            raise MisuseError("guard.options", said)


Identity: TypeAlias = Caller | Token | Chain


def is_identity(value: object) -> bool:
    """Whether it says who asks."""
    return isinstance(value, (Caller, Token, Chain))


def audience_of(audience: object) -> Audience:
    """The audience that was given.

    Raises MisuseError where there is none.
    """
    if audience is ANY:
        return ANY
    if isinstance(audience, str) and audience:
        return audience
    said = "`audience` must say which audience tokens name, or be ANY for any of their issuer's"
    raise MisuseError("guard.options", said)


def source_of(policy: object) -> PolicySource:
    """The policy's source, as it was given.

    Raises MisuseError where it cannot give one.
    """
    if isinstance(policy, Policy) or callable(policy) or hasattr(type(policy), "policy"):
        return cast("PolicySource", policy)
    said = f"`policy` must be a Policy, a function that gives one, or a source, not a `{type(policy).__name__}`"
    raise MisuseError("guard.options", said)


def current(policy: PolicySource) -> Policy:
    """The policy that holds now.

    Raises MisuseError where the source gives something else.
    """
    if isinstance(policy, Policy):
        return policy
    now = policy() if callable(policy) else getattr(policy, "policy", None)
    if dropped(now):
        raise DeniedError("guard.error", "what gives the policy gave something to await: it must answer at once")
    if not isinstance(now, Policy):
        said = f"`policy` must give a Policy, not a `{type(now).__name__}`"
        raise MisuseError("guard.options", said)
    return now


def caller_of(
    identity: object, policy: PolicySource | None = None, *, audience: Audience | None = None
) -> Caller:
    """The caller now, by the host's clock: a token is verified, and a caller that was
    kept is looked at again, with the policy in force where a source gives one.

    Raises DeniedError: `guard.no_caller` where there is no identity; else why it
    no longer counts, e.g. `token.expired` or `snapshot.stale`.
    """
    if identity is None:
        raise DeniedError("guard.no_caller", "nobody is named who asks: nothing is allowed")
    if isinstance(identity, Caller):
        return identity.at() if policy is None else identity.under(current(policy))
    if not isinstance(identity, (Token, Chain)):
        said = f"an identity is a Caller, a Token or a Chain, not a `{type(identity).__name__}`"
        raise MisuseError("guard.options", said)
    if policy is None:
        raise MisuseError("guard.options", "a token or a chain needs a `policy`: none is given")
    now = current(policy)
    if isinstance(identity, Chain):
        return now.caller(identity.principals, **identity.options)
    wanted = audience_of(audience)
    return now.verify(
        identity.reveal(), audience=None if wanted is ANY else wanted, **identity.options
    )
