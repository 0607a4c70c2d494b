"""FastMCP servers: tokens verified by the policy, and a gate before the tools.

    server = FastMCP(
        "tools",
        auth=PolicyTokenVerifier(policy, audience="https://tools.example/mcp"),
        middleware=[ToolGate(policy, {"read": ToolRule("can_read", "document:{document}")})],
    )
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastmcp.exceptions import ToolError
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool

from ._deputize import Caller
from .errors import DeniedError
from .identity import Identity, PolicySource, Token, caller_of
from .mcp import verified
from .tools import ToolRule, ToolRules, check_tool

__all__ = ["PolicyTokenVerifier", "ToolGate", "ToolRule"]


class PolicyTokenVerifier(TokenVerifier):
    """Who the policy refuses is not let in. `audience` should be the server's own URL."""

    def __init__(self, policy: PolicySource, *, audience: str | None = None, **more: Any) -> None:
        super().__init__(**more)
        self._policy = policy
        self._audience = audience

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the token says, or `None` where it is refused."""
        said = verified(token, self._policy, self._audience)
        return None if said is None else AccessToken(**said)


class ToolGate(Middleware):
    """Runs a tool only if the caller may do what the tool's rule says.

    A tool without a rule is denied, and not listed; nor is one whose rule names
    one resource, for all calls, that the caller may not use.
    """

    def __init__(
        self,
        policy: PolicySource,
        rules: ToolRules,
        *,
        audience: str | None = None,
        identity: Callable[[], Identity | None] | None = None,
    ) -> None:
        self._policy = policy
        self._rules = dict(rules)
        self._audience = audience
        self._identity = identity

    def caller(self) -> Caller:
        """Who calls now. Raises DeniedError where nobody does, or the token no longer counts."""
        access = get_access_token()
        identity: Identity | None = None
        if access is not None:
            identity = Token(access.token)
        elif self._identity is not None:
            identity = self._identity()
        return caller_of(identity, self._policy, audience=self._audience)

    async def on_call_tool(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Runs the call, or says why not."""
        call = context.message
        try:
            answer = check_tool(self.caller(), self._rules, call.name, call.arguments or {})
        except DeniedError as error:
            raise ToolError(f"denied ({error.code}): {error.message}") from error
        if not answer:
            raise ToolError(f"denied ({answer.reason}): {answer.message}")
        return await call_next(context)

    async def on_list_tools(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Sequence[Tool]]
    ) -> Sequence[Tool]:
        """The tools that the caller may call on something."""
        try:
            caller = self.caller()
        except DeniedError:
            return []
        return [tool for tool in await call_next(context) if self._shown(caller, tool.name)]

    def _shown(self, caller: Caller, tool: str) -> bool:
        if tool not in self._rules:
            return False
        rule = self._rules[tool]
        if rule is None or callable(rule.resource) or "{" in rule.resource or rule.context:
            return True
        return bool(check_tool(caller, self._rules, tool, {}))
