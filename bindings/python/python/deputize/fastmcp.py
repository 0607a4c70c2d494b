"""FastMCP servers: tokens verified by the policy, and a gate before everything that they serve.

    server = FastMCP(
        "tools",
        auth=PolicyTokenVerifier(policy, audience="https://tools.example/mcp"),
        middleware=[ToolGate(policy, {"read": ToolRule("can_read", "document:{document}")},
            audience="https://tools.example/mcp")],
    )
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast, get_type_hints

from fastmcp.exceptions import ToolError
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.dependencies import fastmcp_request_ctx, get_http_request, without_injected_parameters
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.function_tool import FunctionTool
from fastmcp.utilities.versions import VersionSpec
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from ._deputize import Caller
from .callbacks import plain_function
from .errors import DeniedError
from .identity import Audience, Identity, PolicySource, audience_of, source_of
from .ids import id_text
from .mcp import _DENIED, _OPEN, _OPEN_NOTIFICATIONS, asking_in, verified
from .tools import Judge, OnRuling, Ruling, ToolRule, ToolRules

__all__ = ["PolicyTokenVerifier", "Ruling", "ToolGate", "ToolRule"]


class PolicyTokenVerifier(TokenVerifier):
    """Who the policy refuses is not let in. `audience` is the server's own URL, or `ANY`."""

    def __init__(self, policy: PolicySource, *, audience: Audience, **more: Any) -> None:
        super().__init__(**more)
        self._policy = source_of(policy)
        self._audience = audience_of(audience)

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the token says, or `None` where it is refused."""
        said = verified(token, self._policy, self._audience)
        return None if said is None else AccessToken(**said)


class ToolGate(Middleware):
    """Runs a tool only if the caller may do what the tool's rule says.

    A tool without a rule is denied, and not listed; nor is one of which the
    caller may make no call. The same holds for resources, by their URI or that
    of their template (`resources`), for prompts (`prompts`), and for every other
    method of the protocol (`methods`). It looks at the arguments after parsing,
    and refuses those that parsing changed where they name a resource or context.

    Give it first: a cache before it would answer anybody. Where it is not, it
    denies. Over HTTP the caller is who sent the request's own token, and
    `identity` counts only for a request that came without HTTP, as on stdio. A tool
    that runs as a background task was decided when it was called; in there
    nobody asks (`caller` raises `guard.no_caller`).
    """

    def __init__(
        self,
        policy: PolicySource,
        rules: ToolRules,
        *,
        audience: Audience,
        resources: ToolRules | None = None,
        prompts: ToolRules | None = None,
        methods: ToolRules | None = None,
        identity: Callable[[], Identity | None] | None = None,
        on_ruling: OnRuling | None = None,
    ) -> None:
        def judge(of: ToolRules) -> Judge:
            return Judge(source_of(policy), of, audience=audience, on_ruling=on_ruling)

        self._tools, self._resources, self._prompts = judge(rules), judge(resources or {}), judge(prompts or {})
        self._methods = judge(methods or {})
        plain_function(identity, "identity")
        self._identity = identity

    def caller(self) -> Caller:
        """Who calls now. Raises DeniedError where nobody does, or the token no longer counts."""
        return self._tools.caller(self._who)

    def _who(self) -> Identity | None:
        try:
            request = get_http_request()
        except RuntimeError:
            if fastmcp_request_ctx.get() is None:
                # A background task's worker has none, whoever has asked for it.
                said = "there is no request here: in a background task nobody asks"
                raise DeniedError("guard.no_caller", said) from None
            return None if self._identity is None else self._identity()
        # The request's own, not what its session began with.
        user = request.scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            return None
        return asking_in(request.scope, user.access_token.token, self._tools.audience)

    async def on_notification(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Passes on what says nothing of what is served."""
        return await call_next(context) if context.method in _OPEN_NOTIFICATIONS else None

    async def on_request(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Passes on what has a rule."""
        method = context.method or ""
        if method in _OPEN:
            return await call_next(context)
        server = getattr(context.fastmcp_context, "fastmcp", None)
        if server is not None and self in server.middleware and server.middleware[0] is not self:
            said = "the gate must be the first middleware: what stands before it may answer for another caller"
            _refuse(self._methods.refused(method, "guard.options", said))
        if method in _OWN:
            return await call_next(context)
        ruling = self._methods.rule(method, lambda: _members(context.message), self._who)
        return await call_next(context) if ruling else _refuse(ruling)

    async def on_call_tool(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Runs the call, or says why not."""
        call = context.message
        found: Any = None
        if call.name in self._tools.rules and context.fastmcp_context is not None:
            found = await context.fastmcp_context.fastmcp.get_tool(call.name, _version(context))

        def arguments() -> Mapping[str, Any]:
            rule = self._tools.rules[call.name]
            return _parsed(found, rule, call.arguments or {}) if rule is not None else {}

        ruling = self._tools.rule(call.name, arguments, self._who)
        if not ruling:
            raise ToolError(ruling.told)
        return await call_next(context)

    async def on_read_resource(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Reads the resource, or says why not."""
        uri = str(context.message.uri)
        name, given, template = uri, {}, None
        if uri not in self._resources.rules and context.fastmcp_context is not None:
            server, version = context.fastmcp_context.fastmcp, _version(context)
            if await server.get_resource(uri, version) is None:
                template = await server.get_resource_template(uri, version)
                if template is not None:
                    name, given = template.uri_template, template.matches(uri) or {}

        def arguments() -> Mapping[str, Any]:
            return _unchanged(template, self._resources.rules[name], given)

        ruling = self._resources.rule(name, arguments, self._who)
        return await call_next(context) if ruling else _refuse(ruling)

    async def on_get_prompt(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Gives the prompt, or says why not."""
        message = context.message
        found: Any = None
        if message.name in self._prompts.rules and context.fastmcp_context is not None:
            found = await context.fastmcp_context.fastmcp.get_prompt(message.name, _version(context))

        def arguments() -> Mapping[str, Any]:
            return _unchanged(found, self._prompts.rules[message.name], message.arguments or {})

        ruling = self._prompts.rule(message.name, arguments, self._who)
        return await call_next(context) if ruling else _refuse(ruling)

    async def on_list_tools(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Sequence[Any]]
    ) -> Sequence[Any]:
        """The tools that the caller may call on something."""
        found = await call_next(context)
        shown = self._tools.shown([one.name for one in found], self._who)
        return [one for one in found if one.name in shown]

    async def on_list_resources(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Sequence[Any]]
    ) -> Sequence[Any]:
        """The resources that the caller may read."""
        found = await call_next(context)
        shown = self._resources.shown([str(one.uri) for one in found], self._who)
        return [one for one in found if str(one.uri) in shown]

    async def on_list_resource_templates(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Sequence[Any]]
    ) -> Sequence[Any]:
        """The templates of which the caller may read some."""
        found = await call_next(context)
        shown = self._resources.shown([one.uri_template for one in found], self._who)
        return [one for one in found if one.uri_template in shown]

    async def on_list_prompts(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Sequence[Any]]
    ) -> Sequence[Any]:
        """The prompts that the caller may have."""
        found = await call_next(context)
        shown = self._prompts.shown([one.name for one in found], self._who)
        return [one for one in found if one.name in shown]


# What the methods below look at themselves.
_OWN = frozenset({
    "tools/call", "tools/list", "resources/read", "resources/list", "resources/templates/list",
    "prompts/get", "prompts/list",
})


def _refuse(ruling: Ruling) -> NoReturn:
    raise MCPError(code=_DENIED, message=ruling.told)


def _members(message: Any) -> Mapping[str, Any]:
    params = getattr(message, "params", message)
    dumped = params.model_dump() if hasattr(params, "model_dump") else params
    return dumped if isinstance(dumped, Mapping) else {}


def _version(context: MiddlewareContext[Any]) -> VersionSpec | None:
    """The version of a component that the request asks for, as FastMCP reads it."""
    request = None if context.fastmcp_context is None else context.fastmcp_context.request_context
    named = ((request.meta if request is not None else None) or {}).get("fastmcp")
    version = named.get("version") if isinstance(named, Mapping) else None
    return VersionSpec(eq=version) if isinstance(version, str) and version else None


def _unchanged(made: Any, rule: ToolRule | None, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The texts that a prompt or a template is given, of which it may make something else.

    Raises DeniedError, `guard.arguments`, where its function gets what names the
    resource or the context in another form, or not at all.
    """
    if rule is None or rule.fixed:
        return given
    function = getattr(made, "fn", None)
    if function is None:
        raise DeniedError("guard.arguments", "what it is made of cannot be seen: give a rule that names no argument")
    bare = without_injected_parameters(function)
    kinds = get_type_hints(bare, include_extras=True)
    known = inspect.signature(bare).parameters
    for name in given if rule.names is None else rule.names:
        if name not in given:
            continue
        if name not in known:
            raise DeniedError("guard.arguments", f"`{name}` is no argument of `{made.name}`")
        parsed = _read(TypeAdapter(kinds.get(name, str)), given[name])
        if not _same(given[name], parsed):
            raise DeniedError("guard.arguments", f"parsing changes `{name}`: write it in the form that `{made.name}` gets")
    return given


def _parsed(tool: Any, rule: ToolRule, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments as the tool's function gets them.

    Raises DeniedError, `guard.arguments`, where parsing changes what names the
    resource or the context, or cannot be seen and is not plain.
    """
    if not isinstance(tool, FunctionTool):
        _plain(tool, given)
        return given
    bare = without_injected_parameters(tool.fn)

    @functools.wraps(bare)
    def arguments(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = inspect.signature(bare).bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    arguments.__annotations__ = {name: kind for name, kind in bare.__annotations__.items() if name != "return"}
    parsed: dict[str, Any] = _read(TypeAdapter(cast("Any", arguments)), dict(given))
    unnamed = sorted(set(given) - set(parsed))
    if unnamed:
        raise DeniedError("guard.arguments", f"`{unnamed[0]}` is no argument of `{tool.name}`")
    # It is parsed once more to run: only what parsing leaves as it is, is surely the same then.
    for name in rule.names if rule.names is not None else parsed:
        if name in given and not _same(given[name], parsed.get(name)):
            raise DeniedError("guard.arguments", f"parsing changes `{name}`: write it in the form that the tool gets")
    return parsed


def _read(adapter: TypeAdapter[Any], given: object) -> Any:
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        # Its text quotes what was given.
        raise DeniedError("guard.arguments", "the arguments are not what its function takes") from error


def _same(given: object, parsed: object) -> bool:
    texts = id_text(given), id_text(parsed)
    return texts[0] == texts[1] if None not in texts else type(given) is type(parsed) and given == parsed


_JSON: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def _plain(tool: Any, given: Mapping[str, Any]) -> None:
    """Refuses what a tool that is no function of this server may read in another way."""
    known = (getattr(tool, "parameters", None) or {}).get("properties") or {}
    for name, value in given.items():
        kind = _JSON.get((known.get(name) or {}).get("type", ""))
        fits = kind is not None and isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not fits:
            raise DeniedError("guard.arguments", f"`{name}` is not of the type that `{tool.name}` says" if tool else "no such tool")
