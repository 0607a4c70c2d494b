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
'tool.unlisted'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._deputize import Caller

__all__ = ["ToolAnswer", "ToolRule", "ToolRules", "check_tool"]

# A part of a name: nothing that would make it another one.
_PART = re.compile(r"[^\s:#*/@]+(@[^\s:#*/@]+)?")
_HOLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ToolRule:
    """What a tool does: `action` on `resource`.

    A `{name}` in the resource is the call's argument of that name: a text or a
    whole number that is one part of a name. Or a function makes the resource of
    the arguments. `context` names the arguments that conditions look at.
    """

    action: str
    resource: str | Callable[[Mapping[str, Any]], str]
    context: tuple[str, ...] = ()

    def resource_of(self, arguments: Mapping[str, Any]) -> str:
        """The resource of one call; "" where the arguments make none."""
        if callable(self.resource):
            return self.resource(arguments)
        parts: dict[str, str] = {}
        for name in _HOLE.findall(self.resource):
            value = arguments.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str) or not _PART.fullmatch(value) or value in (".", ".."):
                return ""
            parts[name] = value
        return _HOLE.sub(lambda hole: parts[hole[1]], self.resource)


ToolRules = Mapping[str, "ToolRule | None"]
"""The rule of each tool, by its name; `None` for one that anybody may call. A
tool that is not listed is denied."""


@dataclass(frozen=True)
class ToolAnswer:
    """Whether a tool may be called. Its truth is whether it is allowed."""

    allowed: bool
    reason: str
    """A stable code, e.g. `subject.no_grant`, `tool.unlisted`, `tool.arguments`."""
    message: str
    """The reason in words, for the model to read. It names no grants."""
    tool: str
    resource: str | None = None

    def __bool__(self) -> bool:
        return self.allowed


def check_tool(
    caller: Caller, rules: ToolRules, tool: str, arguments: Mapping[str, Any]
) -> ToolAnswer:
    """Whether the caller may call the tool with these arguments."""
    if tool not in rules:
        return ToolAnswer(False, "tool.unlisted", f"no rule says who may call `{tool}`", tool)
    rule = rules[tool]
    if rule is None:
        return ToolAnswer(True, "allowed", "anybody may call it", tool)
    resource: Any
    try:
        resource = rule.resource_of(arguments)
    except Exception:  # a host's function, on whatever a model wrote
        resource = ""
    if not isinstance(resource, str) or not resource:
        said = f"the arguments of `{tool}` name no resource"
        return ToolAnswer(False, "tool.arguments", said, tool)
    context = {name: arguments[name] for name in rule.context if name in arguments}
    checked = caller.check(rule.action, resource, context or None)
    return ToolAnswer(checked.allowed, checked.reason, checked.message, tool, resource)
