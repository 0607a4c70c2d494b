"""ASGI: DPoP (RFC 9449) before an application that knows bearer tokens alone, e.g. an MCP server's.

    server = MCPServer("tools", token_verifier=PolicyTokenVerifier(policy, audience=AUDIENCE), auth=…)
    app = ProvenTokens(server.streamable_http_app(), policy, audience=AUDIENCE)
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from typing import Any, TypeAlias
from urllib.parse import quote

from ._deputize import Caller
from .bearer import Gate, Presented, Refusal
from .dpop import Dpop
from .identity import Audience, PolicySource

__all__ = ["ProvenTokens"]

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[Any]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_MEMBER = "deputize.proven"


class Proven:
    """A token whose proof was looked at, in its request."""

    __slots__ = ("audience", "caller", "over", "token")

    def __init__(self, token: str, audience: Audience, caller: Caller) -> None:
        self.token = token
        self.audience = audience
        self.caller = caller
        self.over = False


_proven: ContextVar[Proven | None] = ContextVar("deputize_proven", default=None)


def proven_in(scope: Any, token: str, audience: object) -> Caller | None:
    """Whose this token is, where its proof was looked at in the request of this scope."""
    found = scope.get(_MEMBER) if hasattr(scope, "get") else None
    return found.caller if isinstance(found, Proven) and (found.token, found.audience) == (token, audience) else None


def proven_now(token: str, audience: object) -> Caller | None:
    """As `proven_in`, of the request that is being answered here."""
    found = _proven.get()
    return None if found is None or found.over else proven_in({_MEMBER: found}, token, audience)


class ProvenTokens:
    """Checks the proofs of requests that bring any, and hands their tokens on as bearer tokens.

    A token that is bound to a key counts only with a proof for its method, URL,
    token and key, and each proof once. `PolicyTokenVerifier`, `ToolGuard` and
    `ToolGate` behind it take its word for the request that it looked at, and for
    no other. What comes without a proof is handed on as it is, unless
    `Dpop(required=True)` refuses it.

    Args:
        app: The application. This stands before all of its own middleware.
        policy: The policy, as the guards have it.
        audience: What tokens must name, or `ANY`.
        dpop: How proofs are asked for.
        origin: The origin under which clients know the server; by default that of `audience`,
            where it is a URL, else the request's own. With the prefix that a proxy strips.
    """

    def __init__(
        self,
        app: _App,
        policy: PolicySource,
        *,
        audience: Audience,
        dpop: Dpop | None = None,
        origin: str | None = None,
        resource_metadata: str | None = None,
    ) -> None:
        self._app = app
        self._dpop = dpop or Dpop()
        self._gate = Gate(policy, audience=audience, dpop=self._dpop, origin=origin, resource_metadata=resource_metadata)

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = presented(scope)
        bound = any(value.split(" ", 1)[0].lower() == "dpop" for value in request.authorization)
        if not request.authorization or not (bound or self._dpop.required):
            await self._app(scope, receive, self._challenging(send))
            return
        admitted = await self._gate.admit(request)
        if isinstance(admitted, Refusal):
            await _refuse(scope, receive, send, admitted)
            return
        token = request.authorization[0].split(" ", 1)[1].strip()
        proven = Proven(token, self._gate.audience, admitted)
        others = [pair for pair in scope["headers"] if pair[0].lower() not in (b"authorization", b"dpop")]
        headers = [*others, (b"authorization", b"Bearer " + token.encode("latin-1"))]
        held = _proven.set(proven)
        try:
            await self._app({**scope, "headers": headers, _MEMBER: proven}, receive, send)
        finally:
            proven.over = True
            _proven.reset(held)

    def _challenging(self, send: _Send) -> _Send:
        """Says in each 401 that proofs are taken."""

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                challenge = self._gate.challenge(401, "unauthorized").headers
                own = [value for name, value in challenge.items() if name == "DPoP-Nonce"]
                said = f'DPoP algs="{" ".join(self._dpop.algorithms)}"'
                more = [(b"www-authenticate", said.encode("latin-1")), *((b"dpop-nonce", value.encode("latin-1")) for value in own)]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        return sent


def presented(scope: Any) -> Presented:
    """What of a request counts."""
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    values: dict[str, list[str]] = {"authorization": [], "dpop": [], "host": []}
    for name, value in pairs:
        of = values.get(name.decode("latin-1").lower())
        if of is not None:
            of.append(value.decode("latin-1"))
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", ""), scope.get("scheme", "http"))
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if isinstance(raw, bytes) else quote(scope.get("path", ""))
    return Presented(
        authorization=values["authorization"],
        dpop=values["dpop"],
        # A WebSocket begins with a GET.
        method=scope.get("method", "GET"),
        origin=f"{scheme}://{values['host'][0] if len(values['host']) == 1 else ''}",
        path=path.partition("?")[0],
    )


async def _refuse(scope: _Scope, receive: _Receive, send: _Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await receive()
        code = 1013 if refusal.status == 503 else 1008
        await send({"type": "websocket.close", "code": code, "reason": refusal.body["error"]})
        return
    body = json.dumps(refusal.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **refusal.headers}
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
