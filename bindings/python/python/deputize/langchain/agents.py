"""LangChain agents: a gate before an agent's tools."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command

from ..callbacks import options_error, plain_function
from ..errors import DeniedError, DeputizeError
from ..identity import Audience, PolicySource, is_identity
from ..tools import Judge, OnRuling, Ruling, ToolRule, ToolRules
from . import Given, asking

__all__ = ["Ruling", "ToolGate", "ToolRule"]


class _Refused(Exception):
    """Carries a denial out of the tool that was not run."""

    def __init__(self, ruling: Ruling) -> None:
        super().__init__(ruling.told)
        self.ruling = ruling


class ToolGate(AgentMiddleware[Any, Any, Any]):
    """Runs a tool only if the caller may do what the tool's rule says, and shows
    the model only tools of which it may call some.

    It decides where the tool's own function begins, on the arguments that the
    function gets: parsed, injected, with their defaults. What is denied is not
    run; the model is told the reason's code, whatever went wrong, so that every
    call has its answer. A tool without a rule is denied. The caller is found as
    `AuthorizedRetriever` finds it, and looked at again on each call.

    Give it last, next to the tools: middleware behind it could put another tool
    into its place.

    >>> gate = ToolGate({"read": ToolRule("can_read", "document:{id}"), "clock": None})
    >>> # create_agent(model, tools, middleware=[gate]).invoke(…, {"configurable": {"caller": caller}})
    """

    def __init__(
        self,
        rules: ToolRules,
        *,
        policy: PolicySource | None = None,
        audience: Audience | None = None,
        identity: Given | None = None,
        identity_key: str = "caller",
        on_ruling: OnRuling | None = None,
    ) -> None:
        super().__init__()
        if identity is not None and not is_identity(identity):
            plain_function(identity, "identity")
        if not isinstance(identity_key, str) or not identity_key:
            raise options_error("`identity_key` must be a text")
        self._judge = Judge(policy, rules, audience=audience, on_ruling=on_ruling)
        self._given = identity
        self._key = identity_key

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Runs the call, or says why not."""
        try:
            return handler(self._guarded(request))
        except _Refused as refused:
            return _told(request, refused.ruling)
        except DeniedError as error:
            return _told(request, self._within(request, error))

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """As `wrap_tool_call`."""
        try:
            return await handler(self._guarded(request))
        except _Refused as refused:
            return _told(request, refused.ruling)
        except DeniedError as error:
            return _told(request, self._within(request, error))

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | AIMessage:
        """Asks the model with the tools that it may call."""
        return handler(self._shown(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """As `wrap_model_call`."""
        return await handler(self._shown(request))

    def _shown(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        context = getattr(request.runtime, "context", None)

        def who() -> object:
            from langgraph.config import get_config

            try:
                config: Any = get_config()
            except RuntimeError:
                config = {}
            return asking(self._given, self._key, config, context)

        def name_of(tool: BaseTool | dict[str, Any]) -> str:
            if isinstance(tool, BaseTool):
                return tool.name
            name = tool.get("name") or (tool.get("function") or {}).get("name")
            # A provider's own tool runs there, past every gate here: a rule must name it.
            return str(name or tool.get("type"))

        shown = self._judge.shown([name_of(tool) for tool in request.tools], who)
        return request.override(tools=[tool for tool in request.tools if name_of(tool) in shown])

    def _guarded(self, request: ToolCallRequest) -> ToolCallRequest:
        """The request with a tool that decides before it runs."""
        tool = request.tool
        name = request.tool_call["name"]
        runtime = request.runtime

        def who() -> object:
            return asking(self._given, self._key, runtime.config, getattr(runtime, "context", None))

        def decide(arguments: Callable[[], Mapping[str, Any]]) -> None:
            ruling = self._judge.rule(name, arguments, who)
            if not ruling:
                raise _Refused(ruling)

        if tool is None or name not in self._judge.rules:
            raise _Refused(self._judge.refused(name, "guard.no_rule", f"no rule says who may call `{name}`"))
        if tool.name != name:
            raise _Refused(self._judge.refused(name, "guard.malformed", "the tool has another name"))
        self._named(request, decide)
        return request.override(tool=_deciding(tool, decide))

    def _within(self, request: ToolCallRequest, error: DeniedError) -> Ruling:
        """What a tool that asks itself was denied, e.g. a retriever: a call without its
        answer would leave a thread that models' APIs refuse from then on."""
        return self._judge.refused(request.tool_call["name"], error.code, error.message)

    def _named(self, request: ToolCallRequest, decide: Callable[[Any], None]) -> None:
        """Refuses arguments that the tool's schema does not name: an alias, or what is injected."""
        schema = request.tool.args_schema if request.tool is not None else None
        fields = getattr(schema, "model_fields", None)
        given = request.tool_call["args"]
        if fields is None or not isinstance(given, dict):
            return
        extra = sorted(set(given) - {field.alias or name for name, field in fields.items()} - set(fields))
        both = [name for name, field in fields.items() if field.alias not in (None, name) and {name, field.alias} <= set(given)]
        if extra or both:
            name = request.tool_call["name"]
            said = f"`{(extra + both)[0]}` is no argument of `{name}`, or is given twice"
            raise _Refused(self._judge.refused(name, "guard.arguments", said))


def _deciding(tool: BaseTool, decide: Callable[[Callable[[], Mapping[str, Any]]], None]) -> BaseTool:
    """A copy of the tool that decides where its own function begins."""
    kind = type(tool)

    def arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        bound = inspect.signature(function).bind_partial(*args, **kwargs)
        bound.apply_defaults()
        found = dict(bound.arguments)
        for name, parameter in bound.signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                found.update(found.pop(name, {}))
        return found

    def own(asynchronous: bool, fallback: Any) -> Any:
        """The function whose parameters a rule names: a structured tool's own, if it has one."""
        names = ("coroutine", "func") if asynchronous else ("func",)
        return next((f for n in names if (f := getattr(tool, n, None)) is not None), fallback)

    @functools.wraps(kind._run)
    def _run(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
        bare = functools.partial(kind._run, self)
        decide(lambda: arguments(own(False, bare), args, _plain(kwargs, own(False, bare))))
        return kind._run(self, *args, **kwargs)

    @functools.wraps(kind._arun)
    async def _arun(self: BaseTool, *args: Any, **kwargs: Any) -> Any:
        # One without a way of its own to wait runs `_run`, which decides.
        if kind._arun is BaseTool._arun or (hasattr(tool, "coroutine") and tool.coroutine is None):
            return await kind._arun(self, *args, **kwargs)
        bare = functools.partial(kind._arun, self)
        decide(lambda: arguments(own(True, bare), args, _plain(kwargs, own(True, bare))))
        return await kind._arun(self, *args, **kwargs)

    guarded = tool.model_copy()
    deciding = type(kind.__name__, (kind,), {"_run": _run, "_arun": _arun, "__module__": kind.__module__})
    object.__setattr__(guarded, "__class__", deciding)
    return guarded


def _plain(kwargs: dict[str, Any], function: Any) -> dict[str, Any]:
    """What the function itself gets: LangChain's own are taken off before."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise DeputizeError("guard.arguments", "the tool's function has no signature") from error
    taken = {"config", "run_manager", "callbacks"}
    return {name: value for name, value in kwargs.items() if name in parameters or name not in taken}


def _told(request: ToolCallRequest, ruling: Ruling) -> ToolMessage:
    call = request.tool_call
    content = f"Denied: {ruling.told}"
    return ToolMessage(content=content, name=call["name"], tool_call_id=cast("str", call["id"]), status="error")
