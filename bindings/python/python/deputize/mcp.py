"""MCP servers: tokens verified by the policy, and a guard before everything that they serve.

For the `mcp` package, 2.x. For `fastmcp`, see `deputize.fastmcp`.

    verifier = PolicyTokenVerifier(policy, audience="https://tools.example/mcp")
    server = MCPServer("tools", token_verifier=verifier, auth=AuthSettings(…))
    guard = ToolGuard(policy, audience="https://tools.example/mcp")

    @server.tool()
    @guard(ToolRule("can_read", "document:{document}"))
    def read(document: str) -> str: ...

    guard.protect(server)

What no rule is about is denied and not listed: tools, resources, templates,
prompts, and every other method of the protocol.
"""

from __future__ import annotations

import functools
import inspect as signatures
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, NoReturn, TypeVar, cast

if version("mcp").startswith("1."):
    # Its sessions keep the identity of whoever opened them.
    raise ImportError(f"deputize.mcp needs mcp 2 or newer, not {version('mcp')}: pip install 'mcp>=2'")

from mcp.server import MCPServer
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from ._deputize import Caller, inspect
from .asgi import proven_in, proven_now
from .callbacks import options_error, plain_function
from .errors import DeniedError
from .identity import ANY, Audience, Identity, PolicySource, Token, audience_of, caller_of, source_of
from .tools import Judge, OnRuling, Ruling, ToolRule, ToolRules

__all__ = ["PolicyTokenVerifier", "Ruling", "ToolGuard", "ToolRule"]

_log = logging.getLogger("deputize")

_F = TypeVar("_F", bound=Callable[..., Any])

_DENIED = -32003
"""The code of a denial in JSON-RPC; its message has ours."""

# These say nothing of what the server holds, but for the names of its capabilities.
_OPEN = frozenset({"initialize", "ping", "server/discover", "logging/setLevel"})
_OPEN_NOTIFICATIONS = frozenset({
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
})


class PolicyTokenVerifier:
    """A `TokenVerifier` of `mcp`: who the policy refuses is not let in.

    `audience` is the server's own URL (RFC 8707), or `ANY`. Where the policy
    itself is stale it raises, and the server answers 500: a client that was told
    401 would throw a good token away.
    """

    def __init__(self, policy: PolicySource, *, audience: Audience) -> None:
        self._policy = source_of(policy)
        self._audience = audience_of(audience)

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the token says, or `None` where it is refused."""
        said = verified(token, self._policy, self._audience)
        return None if said is None else AccessToken(**said)


def verified(token: str, policy: PolicySource, audience: Audience) -> dict[str, Any] | None:
    """The members of an `AccessToken`, or `None` where the token is refused.

    Raises DeniedError, `snapshot.stale`, where no token could help.
    """
    try:
        caller = caller_of(proven_now(token, audience) or Token(token), policy, audience=audience)
    except DeniedError as error:
        if error.code == "snapshot.stale":
            raise
        return None
    # Verified above, and read again: a caller keeps no claims.
    claims = cast("dict[str, Any]", inspect(token).get("claims") or {})
    client = next(
        (claims[n] for n in ("client_id", "azp") if isinstance(claims.get(n), str)), caller.actor
    )
    resource = claims.get("aud") if audience is ANY else audience
    return {
        "token": token,
        "client_id": client,
        "scopes": _scopes(caller.scopes or {}),
        "expires_at": caller.until,
        "resource": resource if isinstance(resource, str) else None,
        "subject": claims.get("sub"),
        "claims": claims,
    }


def asking_in(scope: Any, token: str, audience: object) -> Identity:
    """Who sent the token of a request: where `ProvenTokens` has looked at its proof, whom it found."""
    return proven_in(scope, token, audience) or Token(token)


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scope strings, for a server's `required_scopes`."""
    found: list[str] = []
    for name in ("scope", "scp"):
        value = claims.get(name)
        texts = value.split(" ") if isinstance(value, str) else value
        found += [one for one in texts or () if isinstance(one, str) and one]
    return list(dict.fromkeys(found))


class _Asked:
    """The request that is served. A task that outlives it finds nobody."""

    __slots__ = ("context", "over")

    def __init__(self, context: ServerRequestContext[Any, Any]) -> None:
        self.context = context
        self.over = False


_asked: ContextVar[_Asked | None] = ContextVar("deputize_mcp", default=None)


class _Guarded:
    """What a guarded function is known by."""

    def __init__(self, guard: ToolGuard, name: str, rule: ToolRule | None) -> None:
        self.guard = guard
        self.name = name
        self.rules: ToolRules = {name: rule}


class ToolGuard:
    """Serves only what a rule is about, and only to callers that it allows.

    The caller is who sent the request's own bearer token, verified again each
    time, with the policy of now. Where there is no HTTP request, as on stdio,
    `identity` gives one; a request over HTTP without a token is nobody's.

    `resources` has the rules of resources that no function makes, by their URI;
    `methods` those of other methods of the protocol, e.g.
    `{"completion/complete": None}`, whose parameters are then the arguments. A
    decision about a subscription is made when it is asked for.
    """

    def __init__(
        self,
        policy: PolicySource,
        *,
        audience: Audience,
        identity: Callable[[], Identity | None] | None = None,
        resources: ToolRules | None = None,
        methods: ToolRules | None = None,
        on_ruling: OnRuling | None = None,
    ) -> None:
        if policy is None:
            raise options_error("a guard needs a `policy`")
        self._judge = Judge(policy, methods or {}, audience=audience, on_ruling=on_ruling)
        self._static = Judge(policy, resources or {}, audience=audience, on_ruling=on_ruling)
        plain_function(identity, "identity")
        self._identity = identity
        self._below: list[Any] = []

    def caller(self) -> Caller:
        """Who calls now, for a tool that asks more: to filter what it found, say.

        Raises DeniedError where nobody does, or the token no longer counts.
        """
        return self._judge.caller(self._who)

    def _who(self) -> Identity | None:
        asked = _asked.get()
        if asked is None or asked.over:
            raise DeniedError("guard.no_caller", "this is no request of a server that `guard.protect` protects")
        request = asked.context.request
        if request is None:
            return None if self._identity is None else self._identity()
        scope = getattr(request, "scope", None) or {}
        user = scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            return None
        return asking_in(scope, user.access_token.token, self._judge.audience)

    def __call__(self, rule: ToolRule | None) -> Callable[[_F], _F]:
        """Guards the function of a tool, a resource, a template or a prompt, and stands
        below what registers it. `None`: whoever has a token may call it.

        Raises MisuseError where the rule names what is no parameter, or the
        policy knows no such action or type.
        """
        if rule is not None and not isinstance(rule, ToolRule):
            raise options_error("a rule is a ToolRule, or None for any caller")
        self._judge.known(rule)

        def guarded(function: _F) -> _F:
            signature = signatures.signature(function)
            named = {
                name for name, parameter in signature.parameters.items()
                if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            }
            unknown = sorted((rule.names or frozenset()) - named) if rule is not None else []
            if unknown:
                raise options_error(f"`{function.__name__}` has no parameter `{unknown[0]}`, which its rule names")
            known = _Guarded(self, function.__name__, rule)

            def check(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
                def arguments() -> Mapping[str, Any]:
                    bound = signature.bind(*args, **kwargs)
                    bound.apply_defaults()
                    return bound.arguments

                ruling = self._judge.by(known.rules, known.name, arguments, self._who)
                if not ruling:
                    self._refuse(ruling)

            if signatures.iscoroutinefunction(function):

                @functools.wraps(function)
                async def waiting(*args: Any, **kwargs: Any) -> Any:
                    check(args, kwargs)
                    return await function(*args, **kwargs)

                wrapped: Any = waiting
            elif signatures.isasyncgenfunction(function) or signatures.isgeneratorfunction(function):
                raise options_error(f"`{function.__name__}` is a generator: it would run after it was decided")
            else:

                @functools.wraps(function)
                def running(*args: Any, **kwargs: Any) -> Any:
                    check(args, kwargs)
                    return function(*args, **kwargs)

                wrapped = running
            wrapped.__deputize__ = known
            self._below.append(function)
            return cast("_F", wrapped)

        return guarded

    def _refuse(self, ruling: Ruling) -> NoReturn:
        asked = _asked.get()
        if asked is not None and asked.context.method == "tools/call":
            raise ToolError(ruling.told)
        raise MCPError(code=_DENIED, message=ruling.told)

    def protect(self, server: MCPServer[Any]) -> None:
        """Puts the guard before a server: what is not guarded is denied, and not listed.

        Raises MisuseError where a guarded function is registered without its guard.
        """
        if not isinstance(server, MCPServer):
            raise options_error(f"`protect` takes an MCPServer, not a `{type(server).__name__}`")
        for name, function in _functions(server):
            if any(_bare(function) is below for below in self._below):
                said = f"`{name}` is registered without its guard: `@guard(…)` stands below what registers it"
                raise options_error(said)
            if _known(function, self) is None:
                _log.warning("`%s` has no rule: it is denied, and not listed", name)
        server.middleware.append(cast("Any", _Before(self, server)))


class _Before:
    """Before every message of a server."""

    def __init__(self, guard: ToolGuard, server: MCPServer[Any]) -> None:
        self._guard = guard
        self._server = server

    async def __call__(self, context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        asked = _Asked(context)
        token = _asked.set(asked)
        try:
            if context.request_id is None:
                return await call_next(context) if context.method in _OPEN_NOTIFICATIONS else None
            if context.method in _OPEN:
                return await call_next(context)
            last: object = self._server.middleware[-1]
            if last is not self:
                # What stands behind could change what was decided.
                self._deny(context.method, "guard.options", "`guard.protect(server)` must come after other middleware")
            return await self._answered(context, call_next)
        finally:
            asked.over = True
            _asked.reset(token)

    async def _answered(self, context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        params = context.params or {}
        lists: dict[str, tuple[str, str, Callable[[], Mapping[str, Any]]]] = {
            "tools/list": ("tools", "name", lambda: self._tools()),
            "prompts/list": ("prompts", "name", lambda: self._prompts()),
            "resources/list": ("resources", "uri", lambda: self._resources()),
            "resources/templates/list": ("resourceTemplates", "uriTemplate", lambda: self._templates()),
        }
        if context.method in lists:
            member, key, registered = lists[context.method]
            answer = await call_next(context)
            return self._shown(answer, member, key, registered())
        if context.method == "tools/call":
            self._guarded(params.get("name"), self._tools())
        elif context.method == "prompts/get":
            self._guarded(params.get("name"), self._prompts())
        elif context.method == "resources/read":
            self._readable(params.get("uri"))
        else:
            ruling = self._guard._judge.rule(context.method, lambda: params, self._guard._who)
            if not ruling:
                self._guard._refuse(ruling)
        return await call_next(context)

    def _deny(self, name: str, code: str, message: str) -> NoReturn:
        self._guard._refuse(self._guard._judge.refused(name, code, message))

    def _guarded(self, name: object, registered: Mapping[str, Any]) -> None:
        """Refuses what no guard stands before; the guard itself decides, on what the function gets."""
        function = registered.get(name) if isinstance(name, str) else None
        if function is None or _known(function, self._guard) is None:
            self._deny(str(name), "guard.no_rule", f"no rule says who may use `{name}`")

    def _readable(self, uri: object) -> None:
        if not isinstance(uri, str):
            self._deny("resources/read", "guard.malformed", "there is no `uri`")
        functions = self._resources()
        if uri in functions:
            if uri in self._guard._static.rules:
                ruling = self._guard._static.rule(uri, lambda: {}, self._guard._who)
                if not ruling:
                    self._guard._refuse(ruling)
                return
            self._guarded(uri, functions)
            return
        templates = self._server._resource_manager.list_templates()
        matching = [one for one in templates if _matches(one, uri)]
        # The server takes the first; each must be guarded, so that none is by its place.
        if not matching or not all(_known(one.fn, self._guard) for one in matching):
            self._deny(uri, "guard.no_rule", f"no rule says who may read `{uri}`")

    def _shown(self, answer: HandlerResult, member: str, key: str, registered: Mapping[str, Any]) -> HandlerResult:
        whole = answer if isinstance(answer, dict) else None
        if whole is None:
            raise MCPError(code=_DENIED, message=f"`{member}` cannot be listed (guard.error).")
        listed = [one for one in whole.get(member) or () if isinstance(one, dict) and isinstance(one.get(key), str)]
        guard, rules, static = self._guard, dict[str, ToolRule | None](), set[str]()
        for name in (one[key] for one in listed):
            known = _known(registered.get(name), guard)
            if key == "uri" and name in guard._static.rules:
                static.add(name)
            elif known is not None:
                rules[name] = known.rules[known.name]
        shown = guard._judge.shown(rules, guard._who, rules) | guard._static.shown(static, guard._who)
        return {**whole, member: [one for one in listed if one[key] in shown]}

    def _tools(self) -> dict[str, Any]:
        return {tool.name: tool.fn for tool in self._server._tool_manager.list_tools()}

    def _prompts(self) -> dict[str, Any]:
        return {prompt.name: prompt.fn for prompt in self._server._prompt_manager.list_prompts()}

    def _resources(self) -> dict[str, Any]:
        return {str(one.uri): getattr(one, "fn", None) for one in self._server._resource_manager.list_resources()}

    def _templates(self) -> dict[str, Any]:
        return {one.uri_template: one.fn for one in self._server._resource_manager.list_templates()}


def _matches(template: Any, uri: str) -> bool:
    try:
        return template.matches(uri) is not None
    except Exception:  # the server refuses it itself then
        return True


def _functions(server: MCPServer[Any]) -> list[tuple[str, Any]]:
    before = _Before(cast("ToolGuard", None), server)
    found: list[tuple[str, Any]] = []
    for registered in (before._tools(), before._prompts(), before._resources(), before._templates()):
        found += registered.items()
    return found


def _bare(function: Any) -> Any:
    """The function itself, without pydantic's validation around it."""
    return getattr(function, "raw_function", function)


def _known(function: Any, guard: ToolGuard) -> _Guarded | None:
    """What a function is known by, where this guard stands before it."""
    found = getattr(_bare(function), "__deputize__", None)
    return found if isinstance(found, _Guarded) and found.guard is guard else None
