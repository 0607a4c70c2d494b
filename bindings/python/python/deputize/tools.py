"""Tool calls before they run: what each tool does to which resource.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype account\\n  relations\\n    define close: [user]",
...     "tuples": [{"user": "user:anne", "relation": "close", "object": "account:7"}]})
>>> rules = {"close_account": ToolRule("close", "account:{number}")}
>>> anne = policy.caller("user:anne")
>>> check_tool(anne, rules, "close_account", {"number": "7"}).reason
'allowed'
>>> check_tool(anne, rules, "close_account", {"number": "8"}).reason
'subject.no_grant'
>>> check_tool(anne, rules, "open_account", {}).reason
'guard.no_rule'

The frameworks' guards are thin around `Judge`, which never raises: whatever
fails is a denial with a code. A model, or whoever else is outside, is told the
code alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from ._deputize import Caller, Checked, Decision, Policy
from .callbacks import dropped, options_error, plain_function
from .errors import DeniedError, DeputizeError, InputError
from .identity import ANY, Chain, PolicySource, Token, audience_of, caller_of, current, source_of
from .ids import id_text
from .shapes import Asking

__all__ = ["Judge", "OnRuling", "Ruling", "ToolRule", "ToolRules", "check_tool"]

_log = logging.getLogger("deputize")

# A part of a name: nothing that would make it another one.
_LETTER = r"[^\s:#*/@\x00-\x1f\x7f-\x9f\ufeff]"
_PART = re.compile(f"{_LETTER}+(@{_LETTER}+)?")
# What a resource begins with.
_WHOLE = re.compile(r"/|[^:{}\s]+:.")
_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ToolRule:
    """What a tool does: `action` on `resource`.

    A `{name}` in the resource is the call's argument of that name, as the tool
    gets it: a text, a whole number or a UUID that is one part of a name. Several
    resources must all be allowed. Or a function makes the resource, or several,
    of the arguments. `context` names the arguments that conditions look at.

    Raises:
        MisuseError: `guard.options`.
    """

    action: str
    resource: str | Sequence[str] | Callable[[Mapping[str, Any]], str | Sequence[str]]
    context: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.action, str) or not self.action:
            raise options_error("`action` must be a text")
        if isinstance(self.context, str) or not all(isinstance(name, str) for name in self.context):
            raise options_error("`context` must be a tuple of names")
        if callable(self.resource):
            plain_function(self.resource, "resource")
            return
        templates = self.templates
        if not templates or not all(isinstance(one, str) for one in templates):
            raise options_error("`resource` must be a text, several, or a function")
        for one in templates:
            literal = _HOLE.sub("", one)
            if "{" in literal or "}" in literal:
                raise options_error(f"`{one}` has a brace that is no `{{name}}`")
            if not _WHOLE.match(one):
                raise options_error(f"`{one}` must be like `type:{{name}}`, or a path from `/` on")

    @property
    def templates(self) -> Sequence[str]:
        """The resources as they are written; none where a function makes them."""
        if callable(self.resource):
            return ()
        return (self.resource,) if isinstance(self.resource, str) else tuple(self.resource)

    @property
    def names(self) -> frozenset[str] | None:
        """The arguments that it looks at; `None` where a function looks at any."""
        if callable(self.resource):
            return None
        return frozenset(self.context).union(*(_HOLE.findall(one) for one in self.templates))

    @property
    def types(self) -> frozenset[str]:
        """The resources' types, where they are known."""
        return frozenset(one.partition(":")[0] for one in self.templates if not one.startswith("/"))

    @property
    def fixed(self) -> bool:
        """Whether every call is about the same resources, without conditions on arguments."""
        return self.names == frozenset()

    def resources_of(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """The resources of one call; none where the arguments make none."""
        if callable(self.resource):
            made: object = self.resource(arguments)
            if dropped(made):
                raise TypeError("a rule's function gave something to await: it must answer at once")
            several = cast("Sequence[object]", made) if isinstance(made, (list, tuple)) else (made,)
            texts = tuple(one for one in several if isinstance(one, str) and _WHOLE.match(one))
            return texts if len(texts) == len(several) else ()
        found = [_filled(one, arguments) for one in self.templates]
        return tuple(one for one in found if one) if all(found) else ()


def _filled(template: str, arguments: Mapping[str, Any]) -> str:
    parts: dict[str, str] = {}
    for name in _HOLE.findall(template):
        value = id_text(arguments.get(name))
        if value is None or not _PART.fullmatch(value) or value in (".", ".."):
            return ""
        parts[name] = value
    return _HOLE.sub(lambda hole: parts[hole[1]], template)


ToolRules: TypeAlias = Mapping[str, "ToolRule | None"]
"""The rule of each tool, by its name; `None` for one that any caller may call. A
tool that is not listed is denied."""


@dataclass(frozen=True)
class Ruling:
    """What came of a call. Its truth is whether it is allowed."""

    allowed: bool
    reason: str
    """A stable code, e.g. `subject.no_grant`, `guard.no_rule`."""
    message: str = field(repr=False)
    """The reason in words, for logs: it may name parties and resources."""
    tool: str
    resources: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = field(default=(), repr=False)
    """The decisions that were taken, with their audit records, where somebody looks."""

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def told(self) -> str:
        """What whoever is outside is told of a denial: not who may, nor what there is."""
        return f"`{self.tool}` is not permitted ({self.reason})."


OnRuling: TypeAlias = Callable[[Ruling], object]
"""Sees each ruling before it takes effect, e.g. `Audit.ruling`. Where it raises,
or gives `False` or something to await, the call is denied."""


def check_tool(
    caller: Caller,
    rules: ToolRules,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    decide: bool = False,
) -> Ruling:
    """Whether the caller may call the tool with these arguments, which must be as
    the tool gets them; with `decide`, with the decisions and their records."""
    if tool not in rules:
        return _without_rule(tool)
    rule = rules[tool]
    if rule is None:
        return Ruling(True, "allowed", "any caller may call it", tool)
    try:
        resources = rule.resources_of(arguments)
    except Exception as error:  # a host's function, on whatever a model wrote
        # Its text may quote what the call holds.
        _log.warning("the resource of `%s` could not be made: %s", tool, type(error).__name__)
        return Ruling(False, "guard.error", "the rule's function failed", tool)
    if not resources:
        return Ruling(False, "guard.no_resource", f"the arguments of `{tool}` name no resource", tool)
    context = {name: arguments[name] for name in rule.context if name in arguments}
    ask: Callable[..., Checked | Decision] = caller.decide if decide else caller.check
    decisions: list[Decision] = []
    ruling = Ruling(False, "guard.no_resource", "", tool)
    for resource in resources:
        answer = ask(rule.action, resource, context or None)
        if isinstance(answer, Decision):
            decisions.append(answer)
        ruling = Ruling(
            answer.allowed, answer.reason, answer.message, tool, resources, tuple(decisions)
        )
        if not ruling:
            break
    return ruling


class Judge:
    """Decides about a framework's tool calls, by rules.

    Raises:
        MisuseError: `guard.options`: a rule, a policy or a callback is none, or the
            policy at hand knows no such action or type.
    """

    def __init__(
        self,
        policy: PolicySource | None,
        rules: ToolRules,
        *,
        audience: object,
        on_ruling: OnRuling | None = None,
    ) -> None:
        if not isinstance(cast("object", rules), Mapping):
            raise options_error("`rules` must be a mapping from names to rules")
        for name, rule in rules.items():
            if not isinstance(name, str) or not (rule is None or isinstance(rule, ToolRule)):
                raise options_error(f"the rule of `{name}` must be a ToolRule, or None for any caller")
        plain_function(on_ruling, "on_ruling")
        self.rules: dict[str, ToolRule | None] = dict(rules)
        self._policy = None if policy is None else source_of(policy)
        self.audience = None if policy is None else audience_of(audience)
        self._on_ruling = on_ruling
        self._warned: set[str] = set()
        self._checked: list[ToolRule] = []
        self._last: Policy | None = None
        for rule in self.rules.values():
            self.known(rule)

    def known(self, rule: ToolRule | None) -> None:
        """Refuses a rule whose action or type the policy at hand does not have."""
        if rule is None or self._policy is None:
            return
        self._checked.append(rule)
        try:
            self._last = policy = current(self._policy)
        except Exception:
            return  # none is at hand yet: what is unknown then is denied, and warned of
        for kind in rule.types:
            unknown = unknown_in(policy, rule.action, kind)
            if unknown is not None:
                raise options_error(unknown)

    def covered(self, rule: ToolRule, scope: str) -> None:
        """Warns where a scope, as the policy at hand has it, covers nothing of a rule.

        Raises MisuseError where it is no scope.
        """
        if not isinstance(scope, str) or not scope or self._policy is None:
            raise options_error("`scope` must be a text")
        try:
            # Scopes are looked at before anybody's grants.
            somebody = current(self._policy).caller("user:somebody", scopes=scope)
            said = [somebody.check(rule.action, _HOLE.sub("x", one)).reason for one in rule.templates]
        except Exception:
            return  # no policy is at hand, or none of which that can be told
        if "scope.insufficient" in said:
            _log.warning("the scope `%s` does not cover `%s` on every resource of its rule", scope, rule.action)

    def _look_again(self) -> None:
        """Tells, where another policy has come into force, which rules it does not know."""
        if self._policy is None or isinstance(self._policy, Policy):
            return
        try:
            policy = current(self._policy)
        except Exception:
            return
        if policy is self._last:
            return
        self._last = policy
        for rule in self._checked:
            for kind in rule.types:
                unknown = unknown_in(policy, rule.action, kind)
                if unknown is not None:
                    _log.warning("the policy in force, `%s`, denies by a rule: %s", policy.revision, unknown)

    def caller(self, identity: Callable[[], object]) -> Caller:
        """Who calls now. Raises as `caller_of`."""
        return caller_of(identity(), self._policy, audience=self.audience)

    def rule(
        self,
        tool: str,
        arguments: Callable[[], Mapping[str, Any]],
        identity: Callable[[], object],
    ) -> Ruling:
        """The ruling on a call that is about to run. Never raises."""
        return self.by(self.rules, tool, arguments, identity)

    def by(
        self,
        rules: ToolRules,
        tool: str,
        arguments: Callable[[], Mapping[str, Any]],
        identity: Callable[[], object],
    ) -> Ruling:
        """As `rule`, by other rules."""
        return self.seen(self._attempt(tool, lambda: self._ruled(rules, tool, arguments, identity)))

    def refused(self, tool: str, code: str, message: str) -> Ruling:
        """A denial without a decision."""
        return self.seen(Ruling(False, code, message, tool))

    def _ruled(
        self,
        rules: ToolRules,
        tool: str,
        arguments: Callable[[], Mapping[str, Any]],
        identity: Callable[[], object],
    ) -> Ruling:
        if tool not in rules:
            return _without_rule(tool)
        rule, who = rules[tool], identity()
        self._look_again()
        try:
            caller = caller_of(who, self._policy, audience=self.audience)
        except DeniedError as error:
            found = self._of_refused(who, rule, arguments)
            return Ruling(False, error.code, error.message, tool, *found)
        given: Mapping[str, Any] = {} if rule is None else arguments()
        return check_tool(caller, rules, tool, given, decide=self._on_ruling is not None)

    def _of_refused(
        self, who: object, rule: ToolRule | None, arguments: Callable[[], Mapping[str, Any]]
    ) -> tuple[tuple[str, ...], tuple[Decision, ...]]:
        """What somebody asked about who is refused, and the decisions on it, where somebody looks."""
        if rule is None or self._on_ruling is None:
            return (), ()
        try:
            resources = rule.resources_of(arguments())
        except Exception:
            return (), ()  # it is denied in any case
        decisions = [self._without_caller(who, rule.action, one) for one in resources]
        return resources, tuple(one for one in decisions if one is not None)

    def _without_caller(self, who: object, action: str, resource: str) -> Decision | None:
        """The decision on a question of somebody who is refused, for its record; `None`
        where there can be none."""
        asking: Asking
        if isinstance(who, Token):
            asking = {"token": who.reveal()}
        elif isinstance(who, Chain):
            asking = {"chain": [who.principals] if isinstance(who.principals, str) else list(who.principals)}
        else:
            return None
        options: dict[str, Any] = dict(who.options)
        if isinstance(who, Token) and self.audience not in (None, ANY):
            options["audience"] = self.audience
        try:
            if self._policy is None:
                return None
            decision = current(self._policy).decide(asking, {"action": action, "resource": resource}, **options)
        except DeputizeError:
            return None
        return None if decision else decision

    def turned_away(self, name: str, who: Token, action: str, resource: str, error: DeniedError) -> None:
        """Shows that somebody was refused who asked for nothing yet but a request. It
        changes nothing."""
        if self._on_ruling is not None:
            decision = self._without_caller(who, action, resource)
            decisions = () if decision is None else (decision,)
            self.seen(Ruling(False, error.code, error.message, name, (resource,), decisions))

    def _attempt(self, tool: str, work: Callable[[], Ruling]) -> Ruling:
        try:
            ruling = work()
        except DeniedError as error:
            ruling = Ruling(False, error.code, error.message, tool)
        except DeputizeError as error:
            ruling = Ruling(False, error.code, error.message, tool)
            self._warn(error.code, f"`{tool}` is denied: {error}")
        except Exception as error:
            ruling = Ruling(False, "guard.error", f"deciding failed: {type(error).__name__}", tool)
            self._warn("guard.error", f"`{tool}` is denied: deciding failed with a {type(error).__name__}")
        if ruling.reason in ("request.unknown_relation", "request.unknown_type"):
            self._warn(ruling.reason, f"`{tool}` is denied: {ruling.message}")
        return ruling

    def _warn(self, code: str, said: str) -> None:
        # Once: it is wrong for every call.
        if code not in self._warned:
            self._warned.add(code)
            _log.warning("%s", said)

    def seen(self, ruling: Ruling) -> Ruling:
        """Shows a ruling to whoever is to see it, and gives it back; or a denial."""
        if self._on_ruling is None:
            return ruling
        try:
            said = self._on_ruling(ruling)
        except Exception as error:
            self._warn("guard.callback", f"`on_ruling` failed with a {type(error).__name__}: calls are denied")
            said = False
        if dropped(said):
            self._warn("guard.callback", "`on_ruling` gave something to await: calls are denied")
            said = False
        if said is False:
            return replace(ruling, allowed=False, reason="guard.callback", message="`on_ruling` refused it")
        return ruling

    def shown(
        self, tools: Iterable[str], identity: Callable[[], object], rules: ToolRules | None = None
    ) -> frozenset[str]:
        """Which tools are shown to whoever asks: those of which some call might be
        allowed. Whatever fails is no."""
        rules = self.rules if rules is None else rules
        self._look_again()
        try:
            caller = self.caller(identity)
        except Exception:
            return frozenset()
        # What many tools do to one type is asked once.
        some: dict[tuple[str, str], bool] = {}
        return frozenset(tool for tool in tools if tool in rules and _shown(caller, rules[tool], some))

    def shows(self, tool: str, identity: Callable[[], object], rules: ToolRules | None = None) -> bool:
        """Whether one tool is, as `shown`."""
        return tool in self.shown([tool], identity, rules)


def _shown(caller: Caller, rule: ToolRule | None, some: dict[tuple[str, str], bool]) -> bool:
    """Whether some call by this rule might be allowed."""
    if rule is None or rule.names is None:
        return True
    return all(_may_some(caller, rule.action, template, some) for template in rule.templates)


def _may_some(caller: Caller, action: str, template: str, some: dict[tuple[str, str], bool]) -> bool:
    if not _HOLE.search(template):
        # One object: what else there is of its type is not looked at.
        said = caller.check(action, template)
        # What cannot be told for want of context may be allowed in a call.
        return said.allowed or said.reason.startswith("condition.")
    if template.startswith("/"):
        return True
    asked = (action, template.partition(":")[0])
    if asked not in some:
        try:
            some[asked] = bool(caller.list(*asked))
        except Exception as error:
            some[asked] = isinstance(error, DeniedError) and error.code.startswith("condition.")
    return some[asked]


def _without_rule(tool: str) -> Ruling:
    """The denial of what no rule is about."""
    return Ruling(False, "guard.no_rule", f"no rule says who may call `{tool}`", tool)


def unknown_in(policy: Any, action: str, kind: str) -> str | None:
    """What the policy does not know of an action on a type, in words."""
    # Entities' permissions and colon actions are not the model's.
    if kind == "entity" or ":" in action:
        return None
    try:
        policy.expand(action, f"{kind}:x")
    except InputError as error:
        if error.code in ("request.unknown_relation", "request.unknown_type"):
            return error.message
    except DeputizeError:
        pass
    return None
