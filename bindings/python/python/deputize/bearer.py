"""A request's token and what answers it, for servers of any kind: RFC 6750
(Bearer), RFC 9449 (DPoP), RFC 9728 (where the metadata lies)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from ._deputize import Caller, inspect
from .callbacks import dropped, options_error
from .dpop import Dpop
from .errors import DeniedError, DeputizeError
from .identity import ANY, Audience, PolicySource, Token, audience_of, caller_of, source_of

__all__ = ["Gate", "Presented", "Refusal"]

_log = logging.getLogger("deputize")

# RFC 6750 §2.1, RFC 9449 §7.1.
_TOKEN = re.compile(r"(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
# RFC 6750 §3: what may stand in `error_description`.
_UNQUOTABLE = re.compile(r'[^\x20-\x21\x23-\x5b\x5d-\x7e]')


@dataclass(frozen=True)
class Presented:
    """What of a request counts."""

    authorization: Sequence[str]
    """The values of `Authorization`, each as often as it came."""
    dpop: Sequence[str]
    """Those of `DPoP`."""
    method: str
    origin: str
    """The origin that was asked, as the request has it."""
    path: str
    """The path as it was sent."""


@dataclass(frozen=True)
class Refusal:
    """An answer to a request that goes no further. It says a code alone."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, str]


class Gate:
    """Says who makes a request, or what answers it.

    Raises:
        MisuseError: `guard.options`.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: Audience,
        dpop: Dpop | bool = True,
        origin: str | None = None,
        realm: str | None = None,
        resource_metadata: str | None = None,
    ) -> None:
        self.policy = source_of(policy)
        self.audience = audience_of(audience)
        if not isinstance(dpop, (bool, Dpop)):
            raise options_error("`dpop` must be True, False, or a Dpop")
        for name, text in (("origin", origin), ("realm", realm), ("resource_metadata", resource_metadata)):
            if text is not None and (not isinstance(text, str) or not text):
                raise options_error(f"`{name}` must be a text")
        self.dpop = Dpop() if dpop is True else dpop or None
        self._origin = _origin_of(origin, self.audience)
        self._always = {"realm": realm, "resource_metadata": resource_metadata}

    async def admit(
        self, request: Presented, on_refused: Callable[[Token, DeniedError], None] | None = None
    ) -> Caller | Refusal:
        """Who makes a request, or what answers it. A token that is refused is shown to
        `on_refused`. Never raises."""
        values = request.authorization
        scheme = values[0].split(" ", 1)[0].lower() if len(values) == 1 else ""
        if not values or (len(values) == 1 and scheme not in ("bearer", "dpop")):
            # RFC 6750 §3.1: no error code, where no token was sent.
            return self.challenge(401, "guard.no_caller")
        found = _TOKEN.fullmatch(values[0]) if len(values) == 1 else None
        if found is None or len(request.dpop) > 1:
            return self.challenge(400, "guard.malformed", error="invalid_request")
        bound = scheme == "dpop"
        if bound and self.dpop is None:
            return self.challenge(401, "guard.no_caller")
        token = Token(found[2])
        try:
            if bound and request.dpop:
                token = Token(found[2], dpop=self._proof(request))
            caller = caller_of(token, self.policy, audience=self.audience)
            return await self._bound(caller, bound) or caller
        except DeniedError as error:
            if on_refused is not None:
                on_refused(token, error)
            return self._refused(error, request.dpop[0] if bound and request.dpop else None)
        except DeputizeError as error:
            _log.warning("a request is refused: %s", error)
            return answer(503, error.code)
        except Exception as error:
            _log.warning("a request is refused: looking at its token failed with a %s", type(error).__name__)
            return answer(503, "guard.error")

    def _proof(self, request: Presented) -> dict[str, Any]:
        assert self.dpop is not None
        proof: dict[str, Any] = {
            "proof": request.dpop[0],
            "method": request.method,
            # Whoever writes the `Host` header must not choose it.
            "uri": (self._origin or request.origin) + request.path,
            "max_age": self.dpop.max_age,
        }
        nonce = self._nonce()
        return proof if nonce is None else {**proof, "nonce": nonce}

    async def _bound(self, caller: Caller, bound: bool) -> Refusal | None:
        """What answers a token that must be bound to a key and is not, or a proof that was taken before."""
        if self.dpop is None:
            return None
        use = caller.dpop
        # RFC 9449 §7.1: whoever presents a token so, must present one that is bound.
        if use is None:
            missing = bound or self.dpop.required
            return self.challenge(401, "proof.missing", error="invalid_token") if missing else None
        if await self.dpop.take(use):
            return None
        return self.challenge(401, "guard.proof_used", error="invalid_dpop_proof")

    def _nonce(self) -> str | None:
        if self.dpop is None or self.dpop.nonce is None:
            return None
        said = self.dpop.nonce()
        if dropped(said) or not isinstance(said, str) or not said:
            raise DeputizeError("guard.error", "`nonce` must give a text at once")
        return said

    def _refused(self, error: DeniedError, proof: str | None) -> Refusal:
        if is_ours(error.code):
            # A new token would not help.
            return answer(503, error.code)
        if proof is None or not error.code.startswith("proof."):
            return self.challenge(401, error.code, error="invalid_token")
        try:
            nonce = self._nonce()
            claims = cast("Mapping[str, object]", inspect(proof, check_times=False).get("claims") or {})
            said = claims.get("nonce")
        except Exception:
            return answer(503, "guard.error")
        # RFC 9449 §9: the client is to try again with the nonce of this answer.
        wanted = nonce is not None and said != nonce
        return self.challenge(401, error.code, error="use_dpop_nonce" if wanted else "invalid_dpop_proof")

    def challenge(
        self, status: int, code: str, *, error: str | None = None, scope: str | None = None
    ) -> Refusal:
        """An answer that says how to ask."""
        described = code if error in _DESCRIBED else None
        members = {**self._always, "error": error, "error_description": described, "scope": scope}
        shared = [f"{name}={_quoted(value)}" for name, value in members.items() if value is not None]
        challenges: list[str] = []
        if self.dpop is None or not (self.dpop.required or "dpop" in (error or "")):
            challenges.append(" ".join(["Bearer", ", ".join(shared)]).rstrip())
        headers: dict[str, str] = {}
        if self.dpop is not None:
            challenges.append("DPoP " + ", ".join([*shared, f"algs={_quoted(' '.join(self.dpop.algorithms))}"]))
            try:
                nonce = self._nonce()
            except Exception:
                return answer(503, "guard.error")
            if nonce is not None:
                headers["DPoP-Nonce"] = nonce
        headers["WWW-Authenticate"] = ", ".join(challenges)
        body = {"code": code, "error": error or "unauthorized"}
        for name in ("error_description", "scope"):
            value = members[name]
            if value is not None:
                body[name] = value
        return Refusal(status, {**_UNSTORED, **headers}, body)


_UNSTORED = {"Cache-Control": "no-store"}
# What the code explains further.
_DESCRIBED = frozenset({"invalid_token", "invalid_dpop_proof", "use_dpop_nonce"})
# Codes of what is broken here, whoever asks.
_OURS = frozenset({"snapshot.stale", "guard.error", "guard.callback", "guard.options", "internal"})


def is_ours(code: str) -> bool:
    """Whether a code is of something that is broken here."""
    return code in _OURS or code.startswith(("call.", "source."))


def answer(status: int, code: str) -> Refusal:
    """An answer without a challenge."""
    retry = {"Retry-After": "5"} if status == 503 else {}
    return Refusal(status, {**_UNSTORED, **retry}, {"code": code, "error": code})


def _quoted(text: str) -> str:
    return f'"{_UNQUOTABLE.sub("", text)}"'


def _origin_of(origin: str | None, audience: Audience) -> str | None:
    """The origin that proofs must be about; `None`: the one that the request names."""
    if origin is not None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise options_error("`origin` must be like `https://api.example`, or with the prefix that a proxy strips")
        return origin.rstrip("/")
    if audience is ANY:
        return None
    parts = urlsplit(audience)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc}"
