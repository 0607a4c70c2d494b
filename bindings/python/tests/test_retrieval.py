"""Chunks, searches and tool calls, against what each question alone would answer; no framework is needed."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from deputize import Caller, DeniedError, MisuseError, Policy
from deputize.identity import ANY, Token, acting, acting_now, caller_of, current
from deputize.retrieval import Acl, Named, Sieve, TopUp
from deputize.tools import ToolRule, check_tool

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

POLICY = Policy.from_json(
    {
        "deputize": 1,
        "model": """model
  schema 1.1
type user
type team
  relations
    define member: [user]
type document
  relations
    define reader: [user, team#member]
    define can_read: reader
type note
  relations
    define about: [document]
    define reader: [user, user:*, team#member]
    define blocked: [user]
    define can_read: (reader or can_read from about) but not blocked
""",
        "tuples": [
            {"user": "user:anne", "relation": "member", "object": "team:a"},
            {"user": "team:a#member", "relation": "reader", "object": "document:1"},
            {"user": "user:anne", "relation": "reader", "object": "document:2"},
            {"user": "user:bob", "relation": "reader", "object": "document:3"},
        ],
    }
)
ANNE = POLICY.caller("user:anne")
NAMES = st.sampled_from(["anne", "bob", "a", "b", "", "x#y", "*", "a b", "user:anne", "ann", "é"])
VALUES = st.one_of(NAMES, st.lists(NAMES, max_size=3), st.none(), st.integers(), st.booleans())
ACL = Acl("note", {"users": "user:{}", "teams": "team:{}#member", "all": "user:*"}, links={"about": "about"})


def plain(chunk: dict[str, Any]) -> dict[str, Any]:
    return chunk


@given(st.lists(st.fixed_dictionaries({}, optional={"source": st.one_of(
    st.sampled_from(["document:1", "document:2", "document:3", "document:9", "document", "", "note:1", "x:1"]),
    st.none(), st.integers(), st.lists(st.text(max_size=2), max_size=1))}), max_size=20))
@settings(deadline=None)
def test_named_chunks_are_as_their_resources(chunks: list[dict[str, Any]]) -> None:
    sifted = Sieve("can_read", resource="source", metadata=plain).sift(ANNE, chunks)
    alone = [isinstance(c.get("source"), str) and ANNE.can("can_read", c["source"]) for c in chunks]
    assert sifted.mask == alone
    assert sum(sifted.dropped.values()) == alone.count(False)


@given(st.lists(st.fixed_dictionaries({}, optional={
    "users": VALUES, "teams": VALUES, "all": VALUES,
    "about": st.one_of(st.sampled_from(["document:1", "document:3", "team:a", "bad", "document:*"]), VALUES)}), max_size=12))
@settings(deadline=None)
def test_chunks_with_readers_are_as_each_alone(chunks: list[dict[str, Any]]) -> None:
    """However many are asked about at once, whatever is wrong with the others."""
    sieve = Sieve("can_read", acl=ACL, metadata=plain)
    sifted = sieve.sift(ANNE, chunks)
    assert sifted.mask == [sieve.sift(ANNE, [chunk]).mask[0] for chunk in chunks]
    assert sum(sifted.dropped.values()) == sifted.mask.count(False)
    for chunk, allowed in zip(chunks, sifted.mask):
        said = [chunk[key] if isinstance(chunk.get(key), list) else [chunk.get(key)] for key in ("users", "teams", "about")]
        hers = "anne" in said[0] or "a" in said[1] or {"document:1"} & {x for x in said[2] if isinstance(x, str)}
        assert not allowed or hers or chunk.get("all") is True


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 20), st.integers(20, 400))
@settings(deadline=None)
def test_a_search_finds_the_first_k(may: list[bool], k: int, most: int) -> None:
    tuples = [{"user": "user:x", "relation": "reader", "object": f"document:{n}"} for n, own in enumerate(may) if own]
    caller = POLICY.caller("user:x").with_tuples(tuples)  # type: ignore[arg-type]
    sieve: Sieve[int] = Sieve("can_read", resource=lambda n: f"document:{n}", metadata=lambda n: {})
    search = TopUp(sieve, caller, k, most=most, identify=lambda n: n)
    rounds = 0
    while search.want:
        assert search.want <= most
        search.take(range(len(may))[: search.want])
        rounds += 1
    expected = [n for n, own in enumerate(may[:most]) if own][:k]
    report = search.report()
    assert search.chosen == expected and report.allowed == len(expected)
    assert report.searches == rounds <= 8
    assert report.stopped in ({"enough"} if len(expected) == k else {"exhausted", "bound"})
    if len(may) > most and len(expected) < k:
        assert report.stopped == "bound"


def test_a_store_that_gives_too_few_is_asked_once_more() -> None:
    """One that leaves some out, as approximate indexes do, may still hold more."""
    sieve: Sieve[str] = Sieve("can_read", resource=lambda name: name, metadata=lambda _: {})
    search = TopUp(sieve, ANNE, 2)
    search.take(["document:3", "document:1"])
    assert search.want > 20
    search.take(["document:3", "document:1", "document:2"])
    assert search.want == 0 and search.chosen == ["document:1", "document:2"]


def test_an_error_of_the_whole_call_is_raised() -> None:
    policy = Policy.from_json({"deputize": 1, "not_after": 1_000_000_000})
    caller = policy.caller("user:anne", now=999_999_999)
    with pytest.raises(DeniedError) as caught:
        caller_of(caller)
    assert caught.value.code == "snapshot.stale"


def test_identity() -> None:
    assert caller_of(ANNE).subject == "user:anne"
    for nothing, code in ((None, "guard.no_caller"), ("user:anne", "guard.options"), (Token("x"), "guard.options")):
        with pytest.raises((DeniedError, MisuseError)) as caught:
            caller_of(nothing)
        assert caught.value.code == code
    with pytest.raises(DeniedError) as caught:
        caller_of(Token("x"), POLICY, audience=ANY)
    assert caught.value.code == "token.malformed"
    with pytest.raises(MisuseError):
        current(lambda: None)  # type: ignore[arg-type, return-value]
    token = Token("secret")
    assert "secret" not in f"{token!r}{token}" and copy.deepcopy(token) is token
    with pytest.raises(MisuseError):
        pickle.dumps(token)
    with acting(ANNE):
        with acting(token):
            assert acting_now() is token
        assert acting_now() is ANNE
    assert acting_now() is None


@pytest.mark.parametrize("value", ["", "a b", "a:b", "a#b", "*", "a/b", "..", ".", None, True, 1.5, ["a"], {"a": 1}, "a@b@c", "1\n"])
def test_arguments_that_are_no_part_of_a_name(value: Any) -> None:
    rules = {"read": ToolRule("can_read", "document:{id}")}
    answer = check_tool(ANNE, rules, "read", {"id": value})
    assert not answer and answer.reason == "guard.no_resource"


def test_tools() -> None:
    def broken(arguments: Any) -> str:
        raise KeyError("id")

    rules = {
        "read": ToolRule("can_read", "document:{id}"),
        "made": ToolRule("can_read", lambda arguments: f"document:{arguments['id']}"),
        "broken": ToolRule("can_read", broken),
        "open": None,
    }

    def said(caller: Caller, tool: str, **arguments: Any) -> str:
        return check_tool(caller, rules, tool, arguments).reason

    assert said(ANNE, "read", id=1) == said(ANNE, "read", id="1") == said(ANNE, "made", id="1") == "allowed"
    assert said(ANNE, "read", id="3") == said(ANNE, "made", id="3") == "subject.no_grant"
    assert said(ANNE, "read") == "guard.no_resource"
    assert said(ANNE, "broken", id="1") == said(ANNE, "made") == "guard.error"
    assert said(ANNE, "made", id="1 2") in ("resource.malformed", "request.invalid_object")
    assert said(ANNE, "open") == "allowed" and said(ANNE, "other") == "guard.no_rule"
    assert Named("x", types=("document",)).of({"x": "note:1"}) == ""
