"""LangChain agents: a gate before an agent's tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from ..identity import PolicySource
from ..tools import ToolAnswer, ToolRule, ToolRules, check_tool
from . import Given, _asks

__all__ = ["ToolGate", "ToolRule"]


class ToolGate(AgentMiddleware[Any, Any, Any]):
    """Runs a tool only if the caller may do what the tool's rule says.

    What is denied is not run; the model is told so, with the reason. A tool
    without a rule is denied. The caller is found as `AuthorizedRetriever` finds
    it, and looked at again on each call; without one there is a `DeniedError`.

    Give it last, next to the tools: middleware behind it could change a call
    that it allowed.

    >>> gate = ToolGate({"read": ToolRule("can_read", "document:{id}"), "clock": None})
    >>> # create_agent(model, tools, middleware=[gate]).invoke(…, {"configurable": {"caller": caller}})
    """

    def __init__(
        self,
        rules: ToolRules,
        *,
        policy: PolicySource | None = None,
        audience: str | None = None,
        identity: Given | None = None,
        identity_key: str = "caller",
        on_answer: Callable[[ToolAnswer], None] | None = None,
    ) -> None:
        super().__init__()
        self._rules = dict(rules)
        self._policy = policy
        self._audience = audience
        self._identity = identity
        self._identity_key = identity_key
        self._on_answer = on_answer

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Runs the call, or says why not."""
        refused = self._refused(request)
        return handler(request) if refused is None else refused

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """As `wrap_tool_call`."""
        refused = self._refused(request)
        return await handler(request) if refused is None else refused

    def _refused(self, request: ToolCallRequest) -> ToolMessage | None:
        runtime = request.runtime
        caller = _asks(
            self._identity, self._identity_key, runtime.config, self._policy, self._audience
        )
        call = request.tool_call
        answer = check_tool(caller, self._rules, call["name"], call["args"])
        if self._on_answer is not None:
            self._on_answer(answer)
        if answer:
            return None
        return ToolMessage(
            content=f"Denied ({answer.reason}): {answer.message}.",
            name=call["name"],
            tool_call_id=call["id"],
            status="error",
        )
