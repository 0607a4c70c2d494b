"""Rules of tools: what is shown, at what cost, and what is told when another policy comes into force."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest
from conftest import SNAPSHOT

from deputize import DeniedError, MisuseError, Policy
from deputize.retrieval import Named, Sieve
from deputize.tools import Judge, ToolRule

AUDIENCE = "https://api.example"
POLICY = Policy.from_json(SNAPSHOT)


def judge(policy: Any, **rules: ToolRule | None) -> Judge:
    return Judge(policy, rules, audience=AUDIENCE)


def test_a_tool_is_shown_where_some_call_might_be_allowed() -> None:
    rules: Mapping[str, ToolRule | None] = {
        "any": None,
        "one": ToolRule("reader", "document:1"),
        "not": ToolRule("reader", "document:3"),
        "some": ToolRule("reader", "document:{id}"),
        "none": ToolRule("owner", "group:{id}"),
        "both": ToolRule("reader", ("document:1", "document:{id}")),
        "half": ToolRule("reader", ("document:3", "document:{id}")),
        "needs": ToolRule("after", "document:3", context=("now",)),
        "path": ToolRule("documents:read", "/documents/{id}/"),
        "made": ToolRule("reader", lambda arguments: "document:3"),
    }
    given = judge(None, **rules)
    anne, bob = POLICY.caller("user:anne"), POLICY.caller("user:bob")
    assert given.shown([*rules, "unlisted"], lambda: anne) == {"any", "one", "some", "both", "path", "made"}
    assert given.shown(rules, lambda: bob) == {"any", "not", "some", "half", "needs", "path", "made"}
    assert given.shown(rules, lambda: None) == frozenset() and not given.shows("any", lambda: "user:anne")


def test_a_rule_that_names_its_object_does_not_list_the_rest() -> None:
    """At 100,000 objects a tool of one object is shown as quickly as at ten."""
    many = [{"user": "user:anne", "relation": "reader", "object": f"document:{n}"} for n in range(100_000)]
    policy = Policy.from_json({**SNAPSHOT, "tuples": many})
    anne = policy.caller("user:anne")
    named = judge(policy, **{f"tool{n}": ToolRule("reader", f"document:{n}") for n in range(50)})
    listed = judge(policy, **{f"tool{n}": ToolRule("reader", "document:{id}") for n in range(50)})

    def seconds(given: Judge, count: int) -> float:
        best = 60.0
        for _ in range(3):
            started = time.perf_counter()
            assert len(given.shown(list(given.rules)[:count], lambda: anne)) == count
            best = min(best, time.perf_counter() - started)
        return best

    one = seconds(listed, 1)
    assert seconds(named, 50) < one / 3
    # And the type is listed once, whatever many tools do to it.
    assert seconds(listed, 50) < 5 * one


def test_another_policy_that_does_not_know_a_rule_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """D4: at set-up it is refused; on a swap it is reported, once, and its calls are denied."""
    policies: list[Any] = [POLICY]
    rules = {"read": ToolRule("reader", "document:{id}"), "own": ToolRule("owner", "document:{id}")}
    given = judge(lambda: policies[-1], **rules)
    sieve: Sieve[Any] = Sieve("reader", resource=Named("id", type="document"), metadata=lambda chunk: chunk)
    sieve.known(lambda: policies[-1])
    anne = POLICY.caller("user:anne")

    def asked() -> str:
        sieve.sift(anne, [{"id": "1"}])
        return given.rule("own", lambda: {"id": "2"}, lambda: anne).reason

    with caplog.at_level(logging.WARNING, "deputize"):
        assert asked() == "allowed" and caplog.text == ""
        model = SNAPSHOT["model"].replace("owner", "holder")
        tuples = [{**one, "relation": one["relation"].replace("owner", "holder")} for one in SNAPSHOT["tuples"]]
        policies.append(Policy.from_json({**SNAPSHOT, "revision": "43", "model": model, "tuples": tuples}))
        assert asked() == asked() == "request.unknown_relation"
        assert caplog.text.count("`43`, denies by a rule") == 1 and "owner" in caplog.text
        caplog.clear()
        policies.append(Policy.from_json({**SNAPSHOT, "revision": "44", "model": model.replace("reader", "viewer"), "tuples": []}))
        assert asked() == "request.unknown_relation"
        assert caplog.text.count("`44`") == 3  # each rule, and the search


def test_an_unknown_action_or_type_is_refused_at_set_up() -> None:
    for action, resource in (("raeder", "document:{id}"), ("reader", "documnt:1"), ("reader", ("document:1", "x:{id}"))):
        with pytest.raises(MisuseError) as caught:
            judge(POLICY, read=ToolRule(action, resource))
        assert caught.value.code == "guard.options"

    def stale() -> Policy:
        raise DeniedError("snapshot.stale")

    assert judge(stale, read=ToolRule("raeder", "document:{id}"))
    with pytest.raises(TypeError):
        ToolRule("reader", "document:{id}", contxt=("a",))  # type: ignore[call-arg]
