"""What the tests share: the repository's vectors, and a small policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import deputize

VECTORS = Path(__file__).parents[3] / "tests" / "vectors"

MODEL = """model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type document
  relations
    define owner: [user]
    define reader: [user, group#member] or owner
    define after: [user with later]
condition later(now: timestamp, start: timestamp) {
  now > start
}
"""

SNAPSHOT: dict[str, Any] = {
    "deputize": 1,
    "revision": "42",
    "model": MODEL,
    "tuples": [
        {"user": "user:anne", "relation": "member", "object": "group:staff"},
        {"user": "group:staff#member", "relation": "reader", "object": "document:1"},
        {"user": "user:anne", "relation": "owner", "object": "document:2"},
        {"user": "user:bob", "relation": "reader", "object": "document:3"},
        {
            "user": "user:bob",
            "relation": "after",
            "object": "document:3",
            "condition": {"name": "later", "context": {"start": "2026-01-01T00:00:00Z"}},
        },
    ],
}


@pytest.fixture(scope="session")
def policy() -> deputize.Policy:
    return deputize.Policy.from_json(SNAPSHOT)


@pytest.fixture
def anne(policy: deputize.Policy) -> deputize.Caller:
    return policy.caller("user:anne")


@pytest.fixture(scope="session")
def snapshots() -> dict[str, Any]:
    """The vectors' snapshots, where the tests run within the repository."""
    if not VECTORS.exists():
        pytest.skip("there is no tests/vectors")
    found: dict[str, Any] = json.loads((VECTORS / "snapshots.json").read_text("utf-8"))
    return found["snapshots"]


@pytest.fixture(scope="session")
def token(snapshots: dict[str, Any]) -> tuple[deputize.Policy, dict[str, Any]]:
    """A policy of the vectors, and a request of theirs with a good token."""
    cases = json.loads((VECTORS / "tokens.json").read_text("utf-8"))["cases"]
    for case in cases:
        request = case["request"]
        if case["operation"] == "decide" and '"allowed":true' in case["answer"] and not request.get("proof"):
            return deputize.Policy.from_json(snapshots[case["snapshot"]]), request
    raise AssertionError("no token is accepted")
