"""Policies and callers: each question once, and what they look like."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import SNAPSHOT

import deputize
from deputize import Caller, DeniedError, DeputizeError, InputError, MisuseError, Policy

TUPLE = {"user": "user:carol", "relation": "reader", "object": "document:9"}


def test_loading_in_every_form(policy: Policy, tmp_path: Path) -> None:
    text = json.dumps(SNAPSHOT)
    image = policy.to_compiled()
    written, compiled = tmp_path / "snapshot.json", tmp_path / "policy"
    written.write_text(text, "utf-8")
    compiled.write_bytes(image)
    for other in (
        Policy.from_json(text),
        Policy.from_json(text.encode()),
        Policy.from_json(bytearray(text.encode())),
        Policy.from_json(memoryview(text.encode())),
        Policy.from_compiled(image),
        Policy.from_compiled(memoryview(image)),
        Policy.from_file(written),
        Policy.from_file(str(compiled)),
        pickle.loads(pickle.dumps(policy)),
    ):
        assert other.digest == policy.digest
        assert other.to_compiled() == image
        assert other.check("user:anne", "reader", "document:1")


def test_what_a_policy_says_of_itself(policy: Policy) -> None:
    assert (policy.revision, policy.tuple_count) == ("42", 5)
    assert (policy.issued_at, policy.not_after) == (None, None)
    assert len(policy.digest) == 64
    assert repr(policy) == "Policy(revision='42', tuples=5)"
    assert copy.copy(policy) is policy and copy.deepcopy(policy) is policy
    odd = Policy.from_json({"deputize": 1, "model": SNAPSHOT["model"], "entity_grants": [], "tuples": [], "scopes": {}})
    assert odd.warnings == []


def test_warnings_have_their_place() -> None:
    lost = {"deputize": 1, "access": [{"principal": "user:x", "action": "a:*", "resource": "/a/"}],
            "scopes": {"read": [{"action": "can_read", "resource": "document:*"}]}, "model": SNAPSHOT["model"],
            "issuers": []}
    for warning in Policy.from_json(lost).warnings:
        assert set(warning) == {"code", "message", "pointer"}


def test_relationship_questions(policy: Policy) -> None:
    assert policy.check("user:anne", "reader", "document:1") is True
    assert policy.check("user:anne", "reader", "document:3") is False
    assert policy.check("user:carol", "reader", "document:9", contextual_tuples=[TUPLE])
    assert policy.list_objects("user:anne", "reader", "document") == ["document:1", "document:2"]
    assert policy.list_users("document:1", "reader", "user") == ["user:anne"]
    assert "union" in policy.expand("reader", "document:1")
    found = policy.batch_check([{**TUPLE}, {"user": "user:bob", "relation": "reader", "object": "document:3"}, {**TUPLE, "user": "x"}])
    assert [bool(answer) for answer in found] == [False, True, False]
    assert isinstance(found[2].error, InputError) and found[2].error.code == "request.invalid_user"
    assert found[0].error is None


def test_conditions_take_times(policy: Policy) -> None:
    def after(now: object) -> bool:
        return policy.check("user:bob", "after", "document:3", context={"now": now})

    zone = timezone(timedelta(hours=2))
    assert after("2026-06-01T00:00:00Z")
    assert after(datetime(2026, 6, 1, tzinfo=zone))
    assert not after(datetime(2025, 6, 1, tzinfo=zone))
    with pytest.raises(InputError) as caught:
        policy.check("user:bob", "after", "document:3")
    assert caught.value.code == "condition.missing_context"
    with pytest.raises(MisuseError):
        after(datetime(2026, 6, 1))


def test_an_answer_that_denies_is_false(policy: Policy, anne: Caller) -> None:
    for allowed, resource in ((True, "document:1"), (False, "document:3")):
        answers: list[Any] = [
            anne.can("reader", resource),
            anne.check("reader", resource),
            anne.decide("reader", resource),
            anne.filter("reader", [resource]),
            policy.explain("user:anne", "reader", resource),
            policy.decide({"chain": ["user:anne"]}, {"action": "reader", "resource": resource}),
        ]
        assert [bool(answer) for answer in answers] == [allowed] * len(answers)


def test_decisions_can_be_replayed_pickled_and_compared(policy: Policy, anne: Caller) -> None:
    decision = anne.decide("reader", "document:1")
    assert decision.reason == "allowed" and decision.record["actor"] == "user:anne"
    assert policy.replay(decision.record) == decision
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert decision != anne.decide("reader", "document:2")
    assert "document:1" in repr(decision) and decision.record["id"] in repr(decision)
    found = policy.explain("user:anne", "reader", "document:1")
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.because["allowed"] and "user:anne" in repr(found)
    # What one does to a copy is nothing to the answer.
    body = decision.to_dict()
    body["allowed"] = False
    assert decision.allowed and decision.to_dict()["allowed"]


def test_callers(policy: Policy, anne: Caller) -> None:
    assert (anne.subject, anne.actor, anne.tenant, anne.scopes, anne.until, anne.dpop) == (
        "user:anne", "user:anne", None, None, None, None)
    assert anne.chain == [{"principal": "user:anne"}]
    assert repr(anne) == "Caller(subject='user:anne')"
    assert anne.list("reader", "document") == ["document:1", "document:2"]
    assert "user:anne" in anne.terms("reader", "document")
    assert copy.deepcopy(anne) is anne
    with pytest.raises(DeniedError) as caught:
        policy.caller(["user:anne", "agent:x"])
    assert caught.value.code == "chain.no_delegation"


def test_the_time_is_the_hosts_unless_it_is_given(policy: Policy) -> None:
    before = int(datetime.now(timezone.utc).timestamp())
    assert before <= policy.caller("user:anne").time <= before + 5
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for now in (1767225600, 1767225600.9, moment, moment + timedelta(microseconds=5)):
        caller = policy.caller("user:anne", now=now)
        assert caller.time == 1767225600
        assert caller.at(now).time == 1767225600
    assert policy.caller("user:anne").at().time >= before
    for wrong in (True, "1767225600", -1, float("nan"), 1767225600000, datetime(2026, 1, 1), b"1", [], 10**400):
        with pytest.raises(MisuseError):
            policy.caller("user:anne", now=wrong)  # type: ignore[arg-type]


def test_tokens(token: tuple[Policy, dict[str, Any]]) -> None:
    policy, request = token
    options = {"now": request["now"], "audience": request.get("audience")}
    caller = policy.verify(request["token"], **options)
    now = request["now"]
    assert caller.can(request["action"], request["resource"], now=now)
    assert caller.at(now).can(request["action"], request["resource"])
    assert caller.until is not None and caller.fresh_until == caller.until
    assert not caller.can(request["action"], request["resource"], now=caller.until)
    assert caller.check(request["action"], request["resource"], now=caller.until).reason == "token.expired"
    assert caller.until is not None and caller.until > request["now"]
    assert f"until={caller.until}" in repr(caller)
    assert policy.decide(request["token"], {"action": request["action"], "resource": request["resource"]}, **options)
    with pytest.raises(DeniedError) as caught:
        policy.verify(request["token"])
    assert caught.value.code == "token.expired"
    with pytest.raises(DeniedError) as caught:
        caller.at(caller.until)
    assert caught.value.code == "token.expired"
    found = deputize.inspect(request["token"])
    assert found["verified"] is False
    assert any(finding["code"] == "token.expired" for finding in found["findings"])
    untimed = deputize.inspect(request["token"], check_times=False)
    assert not any(finding["code"] == "token.expired" for finding in untimed["findings"])


def test_a_signature_without_a_policy(token: tuple[Policy, dict[str, Any]], snapshots: dict[str, Any]) -> None:
    _, request = token
    issuers = [issuer for snapshot in snapshots.values() for issuer in snapshot.get("issuers", [])]
    kid = deputize.inspect(request["token"])["header"]["kid"]
    found = [issuer for issuer in issuers if kid in json.dumps(issuer["keys"])]
    keys = found[0]["keys"]
    for form in (keys, json.dumps(keys), json.dumps(keys).encode()):
        assert deputize.verify_signature(request["token"], form)["kid"] == kid
    for other in (request["token"][:-8] + "AAAAAAAA", "x", ""):
        with pytest.raises(DeniedError):
            deputize.verify_signature(other, keys)
    with pytest.raises(DeniedError):
        deputize.verify_signature(request["token"], keys, algorithms=["HS256"])
    for wrong in (1, "{", b"\xff", {"keys": 1}, object()):
        with pytest.raises((MisuseError, InputError)):
            deputize.verify_signature(request["token"], wrong)  # type: ignore[arg-type]
    for none in (None, [], {}):
        with pytest.raises(DeputizeError):
            deputize.verify_signature(request["token"], none)  # type: ignore[arg-type]


def test_a_stale_snapshot_denies_everything() -> None:
    policy = Policy.from_json({**SNAPSHOT, "not_after": 1000})
    caller = policy.caller("user:anne", now=1000)
    assert caller.can("reader", "document:1", now=1000)
    assert not caller.can("reader", "document:1", now=1001)
    assert caller.fresh_until == 1001
    with pytest.raises(DeniedError) as caught:
        caller.at(1001)
    assert caught.value.code == "snapshot.stale"


def test_a_caller_that_was_given_its_time_is_given_one_with_each_question(policy: Policy) -> None:
    caller = policy.caller("user:anne", now=1000)
    asks: list[Callable[[], object]] = [
        lambda: caller.can("reader", "document:1"),
        lambda: caller.can("reader", "document:1", {}),
        lambda: caller.check("reader", "document:1"),
        lambda: caller.decide("reader", "document:1"),
        lambda: caller.filter("reader", ["document:1"]),
        lambda: caller.list("reader", "document"),
        lambda: caller.terms("reader", "document"),
        lambda: caller.delegate("agent:x"),
    ]
    for ask in asks:
        with pytest.raises(MisuseError) as caught:
            ask()
        assert caught.value.code == "call.now"
    assert caller.filter("reader", ["document:1"], now=1000).mask == [True]
    assert caller.at(1000).list("reader", "document") == ["document:1", "document:2"]


def test_a_kept_caller_grows_old(policy: Policy) -> None:
    caller = policy.caller("user:anne")
    end = caller.fresh_until
    assert end == caller.time + 3600
    assert caller.can("reader", "document:1")
    assert not caller.can("reader", "document:1", now=end)
    assert not caller.can("reader", "document:1", {}, now=end)
    assert caller.check("reader", "document:1", now=end).reason == "caller.expired"
    assert caller.decide("reader", "document:1", now=end).reason == "caller.expired"
    for ask in (caller.list, caller.terms):
        with pytest.raises(DeniedError) as caught:
            ask("reader", "document", now=end)
        assert caught.value.code == "caller.expired"
    with pytest.raises(DeniedError) as caught:
        caller.filter("reader", ["document:1"], now=end)
    assert caught.value.code == "caller.expired"


def test_authzen(policy: Policy) -> None:
    body = {"subject": {"type": "user", "id": "anne"}, "action": {"name": "reader"}, "resource": {"type": "document", "id": "1"}}
    for request in (body, json.dumps(body), json.dumps(body).encode()):
        assert policy.evaluate(request) == {"decision": True}
    search = {**body, "resource": {"type": "document"}}
    assert [found["id"] for found in policy.search_resources(search)["results"]] == ["1", "2"]
    with pytest.raises(InputError) as caught:
        policy.evaluate({"subject": 1})
    assert caught.value.code.startswith("authzen.") and caught.value.pointer


def test_what_of_a_new_policy_has_no_effect_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """E5: a slip that revokes nobody, or trusts nobody, is nowhere else to be seen."""
    from deputize.source import Source

    def snapshot(revision: str, **more: Any) -> bytes:
        return json.dumps({**SNAPSHOT, "revision": revision, **more}).encode()

    path = tmp_path / "snapshot.json"
    path.write_bytes(snapshot("1"))
    with caplog.at_level(logging.WARNING, "deputize.source"), Source(path) as source:
        assert caplog.text == ""
        path.write_bytes(snapshot("2", revoked={"principals": {f"user:nobody-{n}": 5 for n in range(20)}}))
        assert source.refresh() and len(source.policy.warnings) == 20
        assert caplog.text.count("revoked.principal") == 10 and "10 warnings more" in caplog.text
        caplog.clear()
        path.touch()
        assert not source.refresh() and caplog.text == ""
