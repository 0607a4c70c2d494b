"""FastAPI: a dependency that gives the caller, or answers 401 or 403.

>>> from fastapi import Depends, FastAPI
>>> from fastapi.testclient import TestClient
>>> from deputize import Caller, Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]"})
>>> callers = Callers(policy, audience="https://api.example",
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

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Depends, HTTPException, WebSocketException
from fastapi.dependencies.utils import request_params_to_args
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from ._deputize import Caller
from .errors import DeniedError, DeputizeError
from .identity import Audience, PolicySource, Token, source_of
from .ids import id_text
from .tools import Judge, OnRuling, ToolRule

__all__ = ["Callers"]

# RFC 6750 §2.1.
_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
# RFC 6750 §3: what may stand in `error_description`.
_UNQUOTABLE = re.compile(r'[^\x20-\x21\x23-\x5b\x5d-\x7e]')


class Callers(SecurityBase):
    """Gives the `Caller` of a request's bearer token: `Depends(callers)`.

    Answers 401 where there is no token or it is refused, 400 where the header is
    no bearer token, 503 where the policy is stale: then a new token would not
    help. `WWW-Authenticate` is as RFC 6750 §3 has it, with the `resource_metadata`
    of RFC 9728 §5.1 where its URL is given. No answer of these is to be stored.
    A WebSocket is closed instead, before it is accepted.

    `audience` is what tokens must name, or `ANY`. A token in the query or the
    body is not looked at. `on_ruling` sees what `may` decides.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: Audience,
        resource_metadata: str | None = None,
        realm: str | None = None,
        scheme_name: str = "Bearer",
        on_ruling: OnRuling | None = None,
    ) -> None:
        self._judge = Judge(source_of(policy), {}, audience=audience, on_ruling=on_ruling)
        self._always = {"realm": realm, "resource_metadata": resource_metadata}
        self.model = HTTPBearerModel(bearerFormat="JWT")
        self.scheme_name = scheme_name

    async def __call__(self, request: HTTPConnection) -> Caller:
        """The caller of this request."""
        headers = request.headers.getlist("authorization")
        if not headers or (len(headers) == 1 and not _is_bearer(headers[0])):
            # RFC 6750 §3.1: no error code, where no token was sent.
            raise self._refusal(request, 401, {}, "guard.no_caller")
        found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
        if found is None:
            raise self._refusal(request, 400, {"error": "invalid_request"}, "guard.malformed")
        token = Token(found[1])
        try:
            return self._judge.caller(lambda: token)
        except Exception as error:
            code = error.code if isinstance(error, DeputizeError) else "guard.error"
            if not isinstance(error, DeniedError) or _is_ours(code):
                # No other token would help.
                raise _answer(request, 503, code, {"Retry-After": "5"}) from error
            raise self._refused(request, code) from error

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
        policy says.
        """
        rule = ToolRule(action, resource)
        self._judge.known(rule)

        async def permitted(request: HTTPConnection, caller: Caller = Depends(self)) -> Caller:
            # By the path as it is written in the program, for logs and records.
            name = getattr(request.scope.get("route"), "path", "") or request.scope.get("path", "")
            ruling = self._judge.by({name: rule}, name, lambda: _solved(request), lambda: caller)
            if ruling:
                return caller
            if ruling.reason == "scope.insufficient":
                said = {"error": "insufficient_scope", "scope": scope}
                raise self._refusal(request, 403, said, ruling.reason)
            if _is_ours(ruling.reason):
                raise _answer(request, 503, ruling.reason, {"Retry-After": "5"})
            if ruling.reason.startswith(("token.", "revoked.")):
                # It ended between the two.
                raise self._refused(request, ruling.reason)
            raise _answer(request, 403, ruling.reason)

        return permitted

    def _refused(self, request: HTTPConnection, code: str) -> HTTPException | WebSocketException:
        said = {"error": "invalid_token", "error_description": code}
        return self._refusal(request, 401, said, code)

    def _refusal(
        self, request: HTTPConnection, status: int, said: Mapping[str, str | None], code: str
    ) -> HTTPException | WebSocketException:
        """An answer with a challenge."""
        members = {**self._always, **said}
        parts = [f'{n}="{_UNQUOTABLE.sub("", v)}"' for n, v in members.items() if v is not None]
        challenge = "Bearer " + ", ".join(parts) if parts else "Bearer"
        error = said.get("error") or "unauthorized"
        refusal = _answer(request, status, error, {"WWW-Authenticate": challenge})
        if isinstance(refusal, HTTPException):
            body: Any = {"code": code, "error": error, **{name: value for name, value in said.items() if value is not None}}
            refusal.detail = body
        return refusal


def _answer(
    request: HTTPConnection, status: int, code: str, headers: Mapping[str, str] | None = None
) -> HTTPException | WebSocketException:
    """What ends a request: outsiders are told a code alone."""
    if request.scope["type"] == "websocket":
        return WebSocketException(1013 if status == 503 else 1008, code)
    return HTTPException(status, {"code": code, "error": code}, {"Cache-Control": "no-store", **(headers or {})})


# Codes of what is broken here, whoever asks.
_OURS = frozenset({"snapshot.stale", "guard.error", "guard.callback", "guard.options", "internal"})


def _is_ours(code: str) -> bool:
    return code in _OURS or code.startswith(("call.", "source."))


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


def _is_bearer(header: str) -> bool:
    return header.split(" ", 1)[0].lower() == "bearer"
