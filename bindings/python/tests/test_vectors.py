"""The cases that every language runs to the same bytes (`tests/vectors`)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import VECTORS

from deputize import Caller, DeputizeError, Policy, inspect

FILES = ["tokens", "chains", "scopes", "authority", "lists", "exchanges", "authzen", "inspections"]


def canonical(value: object) -> str:
    """Members sorted by the bytes of their names, nothing between tokens."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode())
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def without(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def setting(request: dict[str, Any]) -> dict[str, Any]:
    rest = dict(request.get("setting", {}))
    tuples, scope = rest.pop("tuples", None), rest.pop("scope", None)
    return without({**rest, "contextual_tuples": tuples, "scopes": scope, "now": request["now"]})


def presented(request: dict[str, Any]) -> dict[str, Any]:
    proof = request.get("proof", {})
    certificate = proof.get("certificate_sha256")
    return without(
        {
            "audience": request.get("audience"),
            "dpop": proof.get("dpop"),
            "certificate": {"sha256": certificate} if certificate else None,
        }
    )


def caller(policy: Policy, request: dict[str, Any]) -> Caller:
    options = {**setting(request), **presented(request)}
    if "token" in request:
        return policy.verify(request["token"], **options)
    if "tokens" in request:
        return policy.verify_chain(request["tokens"], **options)
    return policy.caller(request["chain"], **setting(request))


def decide(policy: Policy, request: dict[str, Any]) -> object:
    asking = without({name: request.get(name) for name in ("token", "tokens", "chain")})
    question = without({name: request.get(name) for name in ("action", "resource", "context")})
    proofs = {} if "chain" in request else presented(request)
    return policy.decide(asking, question, **setting(request), **proofs).to_dict()


def verify(policy: Policy, request: dict[str, Any]) -> object:
    who = caller(policy, request)
    names = ("chain", "subject", "actor", "tenant", "scopes")
    return {name: getattr(who, name) for name in names}


def filter_(policy: Policy, request: dict[str, Any]) -> object:
    who, now = caller(policy, request), request["now"]
    found = who.filter(request["action"], request["resources"], now=now)
    return {"mask": found.mask, "dropped": found.dropped}


def given(claims: Any) -> object:
    names = ("claims", "chain", "audience", "scope", "issued_at", "expires_at", "expires_in")
    return {name: claims[name] for name in names}


def exchange(policy: Policy, request: dict[str, Any]) -> object:
    actor = request.get("actor", {})
    named = without({"principal": actor.get("principal")})
    is_one = "token" in actor or "principal" in actor
    asked = {
        **setting(request),
        "subject": presented(request),
        "actor_token": actor.get("token"),
        "actor": {**named, **presented(actor)} if is_one else None,
        "wanted": request.get("wanted"),
    }
    return given(policy.exchange(request["subject_token"], **asked))


def delegate(policy: Policy, request: dict[str, Any]) -> object:
    wanted = request.get("wanted") or {}
    actor, now = request["actor"]["principal"], request["now"]
    return given(caller(policy, request).delegate(actor, now=now, **wanted))


def client_credentials(policy: Policy, request: dict[str, Any]) -> object:
    names = ("scope", "audience", "tenant", "now")
    options = without({name: request.get(name) for name in names})
    found = policy.client_credentials(request["principal"], **options)
    return {name: found[name] for name in ("claims", "lifetime")}


def look(_: Policy, request: dict[str, Any]) -> object:
    return inspect(request["token"], now=request.get("now"), check_times="now" in request)


def authzen(method: str) -> Any:
    return lambda policy, request: getattr(policy, method)(request["request"], **setting(request))


OPERATIONS = {
    "decide": decide,
    "verify": verify,
    "filter": filter_,
    "list": lambda p, r: {"resources": caller(p, r).list(r["action"], r["type"], now=r["now"])},
    "terms": lambda p, r: {"terms": caller(p, r).terms(r["action"], r["type"], now=r["now"])},
    "exchange": exchange,
    "delegate": delegate,
    "client_credentials": client_credentials,
    "inspect": look,
    "evaluate": authzen("evaluate"),
    "evaluations": authzen("evaluations"),
    "search_subjects": authzen("search_subjects"),
    "search_resources": authzen("search_resources"),
    "search_actions": authzen("search_actions"),
}


def refused(error: DeputizeError) -> object:
    """What is refused as a whole, as the vectors have it."""
    reason = {"reason": error.code, "message": error.message}
    if error.oauth_error is not None:
        return {"refused": {"error": error.oauth_error, **reason}}
    if error.kind == "denied":
        return {"denied": reason}
    place = error.pointer or ""
    return {"invalid": {"code": error.code, "pointer": place, "message": error.message}}


@pytest.mark.parametrize("file", FILES)
def test_the_same_bytes(file: str, snapshots: dict[str, Any]) -> None:
    policies = {name: Policy.from_json(document) for name, document in snapshots.items()}
    cases = json.loads((VECTORS / f"{file}.json").read_text("utf-8"))["cases"]
    assert len(cases) > 3
    for case in cases:
        try:
            found = OPERATIONS[case["operation"]](policies.get(case["snapshot"]), case["request"])
        except DeputizeError as error:
            found = refused(error)
        assert canonical(found) == case["answer"], case["name"]


def test_a_filtered_list_is_its_decisions(snapshots: dict[str, Any]) -> None:
    cases = json.loads((VECTORS / "lists.json").read_text("utf-8"))["cases"]
    asked = [case for case in cases if case["operation"] == "filter" and '"mask"' in case["answer"]]
    assert asked
    for case in asked:
        request = case["request"]
        who = caller(Policy.from_json(snapshots[case["snapshot"]]), request)
        action, resources, now = request["action"], request["resources"], request["now"]
        mask = who.filter(action, resources, now=now).mask
        assert mask == [who.can(action, one, now=now) for one in resources], case["name"]
        assert mask == [bool(who.check(action, one, now=now)) for one in resources], case["name"]
