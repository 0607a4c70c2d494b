"""MCP servers: tokens verified by the policy, and tools that only some may call.

For the `mcp` package, 1.x and 2.x. For `fastmcp`, see `deputize.fastmcp`.

    verifier = PolicyTokenVerifier(policy, audience="https://tools.example/mcp")
    server = MCPServer("tools", token_verifier=verifier, auth=AuthSettings(…))
    guard = ToolGuard(policy, audience="https://tools.example/mcp")

    @server.tool()
    @guard(ToolRule("can_read", "document:{document}"))
    def read(document: str) -> str: ...
"""

from __future__ import annotations

import functools
import inspect as signatures
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

try:
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:  # mcp 1.x
    from mcp.server.fastmcp.exceptions import ToolError  # type: ignore[import-not-found,no-redef,unused-ignore]

from ._deputize import Caller, inspect
from .errors import DeniedError
from .identity import Identity, PolicySource, Token, caller_of
from .tools import ToolRule, check_tool

__all__ = ["PolicyTokenVerifier", "ToolGuard", "ToolRule"]

_F = TypeVar("_F", bound=Callable[..., Any])


class PolicyTokenVerifier:
    """A `TokenVerifier` of `mcp`: who the policy refuses is not let in.

    `audience` should be the server's own URL (RFC 8707): without it a token for
    any of the issuer's audiences is taken.
    """

    def __init__(self, policy: PolicySource, *, audience: str | None = None) -> None:
        self._policy = policy
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the token says, or `None` where it is refused."""
        said = verified(token, self._policy, self._audience)
        if said is None:
            return None
        # 1.x has neither `subject` nor `claims`.
        known = {name: said[name] for name in said if name in AccessToken.model_fields}
        return AccessToken(**known)


def verified(token: str, policy: PolicySource, audience: str | None) -> dict[str, Any] | None:
    """The members of an `AccessToken`, or `None` where the token is refused."""
    try:
        caller = caller_of(Token(token), policy, audience=audience)
    except DeniedError:
        return None
    # Verified above, and read again: a caller keeps no claims.
    claims = cast("dict[str, Any]", inspect(token).get("claims") or {})
    client = next(
        (claims[n] for n in ("client_id", "azp") if isinstance(claims.get(n), str)), caller.actor
    )
    resource = audience if audience is not None else claims.get("aud")
    return {
        "token": token,
        "client_id": client,
        "scopes": _scopes(caller.scopes or {}),
        "expires_at": caller.until,
        "resource": resource if isinstance(resource, str) else None,
        "subject": claims.get("sub"),
        "claims": claims,
    }


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scope strings, for a server's `required_scopes`."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        texts = value.split(" ") if isinstance(value, str) else value
        found += [one for one in texts or () if isinstance(one, str) and one]
    return list(dict.fromkeys(found))


class ToolGuard:
    """Runs a tool only if the caller may do what its rule says.

    The caller is who sent the request's bearer token, verified again on each
    call, with the policy of now. Where there is none, as on stdio, `identity`
    gives one, or every call is denied.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: str | None = None,
        identity: Callable[[], Identity | None] | None = None,
    ) -> None:
        self._policy = policy
        self._audience = audience
        self._identity = identity

    def caller(self) -> Caller:
        """Who calls now, for a tool that asks more: to filter what it found, say.

        Raises DeniedError where nobody does, or the token no longer counts.
        """
        access = get_access_token()
        identity: Identity | None = None
        if access is not None:
            identity = Token(access.token)
        elif self._identity is not None:
            identity = self._identity()
        return caller_of(identity, self._policy, audience=self._audience)

    def __call__(self, rule: ToolRule | None) -> Callable[[_F], _F]:
        """Guards a tool's function. `None`: whoever has a token may call it."""

        def guarded(tool: _F) -> _F:
            signature = signatures.signature(tool)
            name = tool.__name__

            def check(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                try:
                    answer = check_tool(self.caller(), {name: rule}, name, bound.arguments)
                except DeniedError as error:
                    raise ToolError(f"denied ({error.code}): {error.message}") from error
                if not answer:
                    raise ToolError(f"denied ({answer.reason}): {answer.message}")

            if signatures.iscoroutinefunction(tool):

                @functools.wraps(tool)
                async def waiting(*args: Any, **kwargs: Any) -> Any:
                    check(args, kwargs)
                    return await tool(*args, **kwargs)

                return cast("_F", waiting)

            @functools.wraps(tool)
            def running(*args: Any, **kwargs: Any) -> Any:
                check(args, kwargs)
                return tool(*args, **kwargs)

            return cast("_F", running)

        return guarded
