"""A small world for all frameworks: documents, chunks in a known order, tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

# Before any framework is imported: nothing reports to anybody.
os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGSMITH_ENDPOINT"] = "http://127.0.0.1:9"

import pytest

from deputize import Policy

MODEL = """model
  schema 1.1
type user
type agent
  relations
    define delegate_of: [user]
type team
  relations
    define member: [user, team#member]
type document
  relations
    define owner: [user]
    define reader: [user, user with by_day, agent, team#member]
    define can_read: reader or owner
type chunk
  relations
    define document: [document]
    define reader: [user, user:*, team#member]
    define can_read: reader or can_read from document
type note
  relations
    define reader: [user, user:*, team#member]
    define can_read: reader
type account
  relations
    define owner: [user]
    define can_pay: [user with up_to]
condition by_day(hour: int) {
  hour < 18
}
condition up_to(amount: int) {
  amount <= 100
}
"""

ISSUER = "https://id.example"
AUDIENCE = "https://rag.example"
SECRET = b"a secret of thirty-two bytes or more, for tests only"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict[str, Any]) -> str:
    """A token of the tests' issuer."""
    head = encoded(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}).encode())
    body = head + "." + encoded(json.dumps(claims).encode())
    return body + "." + encoded(hmac.new(SECRET, body.encode(), hashlib.sha256).digest())


def claims_for(subject: str, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "sub": subject, "aud": AUDIENCE, "iat": now - 1, "exp": now + 60, **more}


def snapshot(tuples: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "deputize": 1,
        "revision": "7",
        "model": MODEL,
        "tuples": tuples,
        "issuers": [
            {
                "issuer": ISSUER,
                "audiences": [AUDIENCE],
                "algorithms": ["HS256"],
                "keys": {"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": encoded(SECRET)}]},
                "subject": "user:{sub}",
                "actor": "agent:{sub}",
                "chain": "rfc8693",
                "scopes": "narrow",
                "max_lifetime": 3600,
            }
        ],
        "scopes": {
            "documents:read": [{"action": "can_read", "resource": "document:*"}],
            "chunks:read": [{"action": "can_read", "resource": "chunk:*"}],
        },
        "delegation": {
            "hops": [
                {
                    "from": "user",
                    "to": "agent",
                    "any_of": [{"user": "{from}", "relation": "delegate_of", "object": "{to}"}],
                }
            ]
        },
        **more,
    }


def tuple_of(user: str, relation: str, object: str) -> dict[str, Any]:
    return {"user": user, "relation": relation, "object": object}


TUPLES = [
    tuple_of("user:anne", "reader", "document:public"),
    tuple_of("user:anne", "member", "team:loans"),
    tuple_of("team:loans#member", "reader", "document:loans"),
    # The same object under two relations.
    tuple_of("user:anne", "owner", "document:loans"),
    tuple_of("user:bob", "reader", "document:secret"),
    tuple_of("agent:helper", "reader", "document:public"),
    tuple_of("user:anne", "delegate_of", "agent:helper"),
    tuple_of("user:anne", "owner", "account:7"),
    {**tuple_of("user:anne", "can_pay", "account:7"), "condition": {"name": "up_to"}},
    # Needs an hour that nobody gives: a check that errs.
    {**tuple_of("user:anne", "reader", "document:day"), "condition": {"name": "by_day"}},
]


@pytest.fixture(scope="session")
def policy() -> Policy:
    return Policy.from_json(snapshot(TUPLES))


@pytest.fixture(scope="session")
def corpus_policy() -> Policy:
    """Of 2,000 chunks in as many documents, Anne may see every hundredth, Dora
    a half, and Carl none."""
    some = [tuple_of("user:anne", "reader", f"document:{n}") for n in range(50, 2000, 100)]
    half = [tuple_of("user:dora", "reader", f"document:{n}") for n in range(1, 2000, 2)]
    return Policy.from_json(snapshot([*some, *half]))


def angle(text: str) -> list[float]:
    """The vector of a text that ends in a number: the further from 0, the further
    the number. A query of another text is nearest to 0."""
    last = text.rsplit(" ", 1)[-1]
    turn = (int(last) if last.isdigit() else 0) / 4000 * math.pi
    return [math.cos(turn), math.sin(turn)]


@pytest.fixture(scope="session")
def make_token() -> Callable[..., str]:
    return lambda subject, **more: sign(claims_for(subject, **more))
