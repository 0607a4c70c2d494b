"""FastAPI: a dependency that gives the caller, or answers 401 or 403.

>>> from fastapi import Depends, FastAPI
>>> from fastapi.testclient import TestClient
>>> from deputize import Caller, Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]"})
>>> callers = Callers(policy, audience="https://api.example", dpop=False,
...     resource_metadata="https://api.example/.well-known/oauth-protected-resource")
>>> app = FastAPI()
>>> @app.get("/documents/{document}")
... def read(document: str, caller: Caller = Depends(callers.may("can_read", "document:{document}"))):
...     return {"read by": caller.subject}
>>> answer = TestClient(app).get("/documents/1")
>>> answer.status_code, answer.headers["www-authenticate"]
(401, 'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"')
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Depends, HTTPException, WebSocketException
from fastapi.dependencies.utils import request_params_to_args
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from ._deputize import Caller
from .asgi import presented
from .bearer import Gate, Refusal, answer, is_ours
from .dpop import Dpop
from .errors import DeniedError
from .identity import Audience, PolicySource, Token, caller_of, source_of
from .ids import id_text
from .tools import Judge, OnRuling, ToolRule

__all__ = ["Callers"]


class Callers(SecurityBase):
    """Gives the `Caller` of a request's token: `Depends(callers)`.

    Answers 401 where there is no token or it is refused, 400 where the header is
    none, 503 where the policy is stale or something is broken here: then a new
    token would not help. `WWW-Authenticate` is as RFC 6750 §3 and RFC 9449 §7.1
    have it, with the `resource_metadata` of RFC 9728 §5.1 where its URL is given.
    No answer of these is to be stored. A WebSocket is closed instead, before it
    is accepted.

    `audience` is what tokens must name, or `ANY`. A token in the query or the
    body is not looked at. A token that is bound to a key needs a DPoP proof,
    each of which counts once (`dpop`, a `Dpop`, says how, `False` that none are
    taken); `origin` is under which clients know the server, by default that of
    `audience`, where it is a URL. `on_ruling` sees what `may` decides, and whom
    this refuses.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: Audience,
        dpop: Dpop | bool = True,
        origin: str | None = None,
        resource_metadata: str | None = None,
        realm: str | None = None,
        scheme_name: str = "Bearer",
        on_ruling: OnRuling | None = None,
    ) -> None:
        self._judge = Judge(source_of(policy), {}, audience=audience, on_ruling=on_ruling)
        self._gate = Gate(
            policy, audience=audience, dpop=dpop, origin=origin, realm=realm, resource_metadata=resource_metadata
        )
        self.model = HTTPBearerModel(bearerFormat="JWT")
        self.scheme_name = scheme_name

    async def __call__(self, request: HTTPConnection) -> Caller:
        """The caller of this request."""
        known: dict[int, Caller] = request.scope.setdefault("deputize.callers", {})
        if id(self) in known:
            # A proof counts once, however often a request's dependencies ask.
            return known[id(self)]
        asked = presented(request.scope)

        def refused(token: Token, error: DeniedError) -> None:
            self._judge.turned_away(_name(request), token, asked.method, asked.path, error)

        admitted = await self._gate.admit(asked, refused)
        if isinstance(admitted, Refusal):
            raise _raised(request, admitted)
        known[id(self)] = admitted
        return admitted

    def now(self, caller: Caller) -> Caller:
        """A caller that was kept, e.g. while a WebSocket is open: as it is now, with the
        policy in force.

        Raises DeniedError where it no longer counts.
        """
        return caller_of(caller, self._gate.policy)

    def may(
        self,
        action: str,
        resource: str | Callable[[Mapping[str, Any]], str],
        *,
        scope: str | None = None,
    ) -> Callable[..., Awaitable[Caller]]:
        """A dependency that gives the caller if it may do `action` on `resource`, else answers 403.

        A `{name}` in the resource is the path's parameter of that name, as the
        endpoint gets it: `0042` is 42 where the endpoint takes an int. `scope`
        is named to a client whose token lacks it; what a scope covers, the
        policy says: where the one at hand says that it does not cover this, a
        warning says so.
        """
        rule = ToolRule(action, resource)
        self._judge.known(rule)
        if scope is not None:
            self._judge.covered(rule, scope)

        async def permitted(request: HTTPConnection, caller: Caller = Depends(self)) -> Caller:
            name = _name(request)
            ruling = self._judge.by({name: rule}, name, lambda: _solved(request), lambda: caller)
            if ruling:
                return caller
            raise _raised(request, self._forbidden(ruling.reason, scope))

        return permitted

    def _forbidden(self, code: str, scope: str | None) -> Refusal:
        if code == "scope.insufficient":
            return self._gate.challenge(403, code, error="insufficient_scope", scope=scope)
        if is_ours(code):
            return answer(503, code)
        if code.startswith(("token.", "revoked.")):
            return self._gate.challenge(401, code, error="invalid_token")
        return answer(403, code)


def _name(request: HTTPConnection) -> str:
    """The path as it is written in the program, for logs and records."""
    return str(getattr(request.scope.get("route"), "path", "") or request.scope.get("path", ""))


def _raised(request: HTTPConnection, refusal: Refusal) -> HTTPException | WebSocketException:
    """What ends a request: outsiders are told a code alone."""
    if request.scope["type"] == "websocket":
        return WebSocketException(1013 if refusal.status == 503 else 1008, refusal.body["error"])
    body: Any = dict(refusal.body)
    return HTTPException(refusal.status, body, dict(refusal.headers))


def _solved(request: HTTPConnection) -> dict[str, Any]:
    """The path's parameters as the endpoint gets them.

    Raises DeniedError where they cannot be told, or an endpoint and its
    dependencies get different ones.
    """
    found: dict[str, Any] = {}
    for field in _path_fields(getattr(request.scope.get("route"), "dependant", None)):
        values, errors = request_params_to_args([field], request.path_params)
        if errors or len(values) != 1:
            raise DeniedError("guard.arguments", f"the path's `{field.alias}` is not what the endpoint takes")
        [value] = values.values()
        for name, one in _members(field.alias, value).items():
            if name in found and id_text(found[name]) != id_text(one):
                raise DeniedError("guard.arguments", f"the path's `{name}` is taken in two ways")
            found[name] = one
    return {**request.path_params, **found}


def _path_fields(dependant: Any) -> list[Any]:
    """The path's parameters that an endpoint and its dependencies take."""
    if dependant is None:
        return []
    below = [field for one in dependant.dependencies for field in _path_fields(one)]
    return [*dependant.path_params, *below]


def _members(name: str, value: Any) -> dict[str, Any]:
    """A parameter by its name in the path; or several that the endpoint takes as one model."""
    fields = getattr(type(value), "model_fields", None)
    if fields is None:
        return {name: value}
    return {field.alias or own: getattr(value, own) for own, field in fields.items()}
