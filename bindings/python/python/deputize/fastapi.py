"""FastAPI: a dependency that gives the caller, or answers 401 or 403.

>>> from fastapi import Depends, FastAPI
>>> from fastapi.testclient import TestClient
>>> from deputize import Caller, Policy
>>> callers = Callers(Policy.from_json({"deputize": 1}), audience="https://api.example",
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

from fastapi import Depends, HTTPException, Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from ._deputize import Caller
from .errors import DeniedError
from .identity import PolicySource, Token, caller_of
from .tools import ToolRule

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
    of RFC 9728 §5.1 where its URL is given.

    `audience` should be given: without it a token for any of the issuer's
    audiences is taken. A token in the query or the body is not looked at.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: str | None = None,
        resource_metadata: str | None = None,
        realm: str | None = None,
        scheme_name: str = "Bearer",
    ) -> None:
        self._policy = policy
        self._audience = audience
        self._always = {"realm": realm, "resource_metadata": resource_metadata}
        self.model = HTTPBearerModel(bearerFormat="JWT")
        self.scheme_name = scheme_name

    async def __call__(self, request: Request) -> Caller:
        """The caller of this request."""
        headers = request.headers.getlist("authorization")
        if not headers or (len(headers) == 1 and not _is_bearer(headers[0])):
            # RFC 6750 §3.1: no error code, where no token was sent.
            raise self._refusal(401, {})
        found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
        if found is None:
            raise self._refusal(400, {"error": "invalid_request"})
        try:
            return caller_of(Token(found[1]), self._policy, audience=self._audience)
        except DeniedError as error:
            if error.code == "snapshot.stale":
                raise HTTPException(503, {"error": error.code}, {"Retry-After": "5"}) from error
            said = {"error": "invalid_token", "error_description": error.code}
            raise self._refusal(401, said) from error

    def may(
        self,
        action: str,
        resource: str | Callable[[Mapping[str, Any]], str],
        *,
        scope: str | None = None,
    ) -> Callable[..., Awaitable[Caller]]:
        """A dependency that gives the caller if it may do `action` on `resource`, else answers 403.

        A `{name}` in the resource is the path's parameter of that name. `scope`
        is named to a client whose token lacks it; what a scope covers, the
        policy says.
        """
        rule = ToolRule(action, resource)

        async def permitted(request: Request, caller: Caller = Depends(self)) -> Caller:
            try:
                named = rule.resource_of(request.path_params)
            except Exception:  # a host's function, on whatever was sent
                named = ""
            checked = caller.check(action, named) if isinstance(named, str) and named else None
            if checked:
                return caller
            reason = "resource.malformed" if checked is None else checked.reason
            if reason == "scope.insufficient":
                raise self._refusal(403, {"error": "insufficient_scope", "scope": scope})
            raise HTTPException(403, {"error": reason})

        return permitted

    def _refusal(self, status: int, said: Mapping[str, str | None]) -> HTTPException:
        """An answer with a challenge."""
        members = {**self._always, **said}
        parts = [f'{n}="{_UNQUOTABLE.sub("", v)}"' for n, v in members.items() if v is not None]
        challenge = "Bearer " + ", ".join(parts) if parts else "Bearer"
        body = {name: value for name, value in said.items() if value is not None}
        return HTTPException(status, body or {"error": "unauthorized"}, {"WWW-Authenticate": challenge})


def _is_bearer(header: str) -> bool:
    return header.split(" ", 1)[0].lower() == "bearer"
