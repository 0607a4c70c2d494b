"""MCP servers over HTTP: the `mcp` package, 1.x or 2.x, whichever is there."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import pytest

pytest.importorskip("mcp")

from mcp.server.auth.settings import AuthSettings
from starlette.testclient import TestClient

from deputize import Caller, Policy
from deputize.identity import Token
from deputize.mcp import PolicyTokenVerifier, ToolGuard, ToolRule

from .conftest import AUDIENCE, ISSUER, TUPLES, snapshot

SECOND = not version("mcp").startswith("1.")
RAN: list[Any] = []
POLICIES: list[Policy] = []


def current() -> Policy:
    return POLICIES[-1]


def tools(server: Any, guard: ToolGuard) -> None:
    @server.tool()
    @guard(ToolRule("can_read", "document:{document}"))
    def read(document: str) -> str:
        """Reads a document."""
        RAN.append(document)
        return f"text of {document}"

    @server.tool()
    @guard(ToolRule("can_pay", "account:{account}", context=("amount",)))
    async def pay(account: int, amount: int = 1000) -> str:
        """Pays."""
        RAN.append((account, amount))
        return "paid"

    @server.tool()
    @guard(None)
    def who() -> str:
        """Says who calls."""
        return guard.caller().subject


@pytest.fixture
def api() -> Iterator[TestClient]:
    RAN.clear()
    POLICIES[:] = [Policy.from_json(snapshot(TUPLES))]
    auth = AuthSettings(issuer_url=ISSUER, resource_server_url=AUDIENCE)  # type: ignore[arg-type]
    verifier = PolicyTokenVerifier(current, audience=AUDIENCE)
    guard = ToolGuard(current, audience=AUDIENCE)
    if SECOND:
        from mcp.server import MCPServer

        server = MCPServer("bank", token_verifier=verifier, auth=auth)
        tools(server, guard)
        app = server.streamable_http_app(json_response=True, stateless_http=True)
    else:
        from mcp.server.fastmcp import FastMCP

        server = FastMCP("bank", token_verifier=verifier, auth=auth, json_response=True, stateless_http=True)
        tools(server, guard)
        app = server.streamable_http_app()
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


def post(api: TestClient, token: str | None, method: str, params: dict[str, Any]) -> Any:
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return api.post("/mcp", headers=headers, json=body)


def call(api: TestClient, token: str, tool: str, **arguments: Any) -> tuple[bool, str]:
    answer = post(api, token, "tools/call", {"name": tool, "arguments": arguments})
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    return not result.get("isError", False), result["content"][0]["text"]


def test_no_or_a_refused_token_is_not_let_in(api: TestClient, make_token: Callable[..., str]) -> None:
    now = int(time.time())
    for token in (
        None,
        "a.b.c",
        make_token("anne", iat=now - 90, exp=now - 30),
        make_token("anne")[:-6] + "AAAAAA",
        make_token("anne", aud="https://other.example"),
    ):
        answer = post(api, token, "tools/call", {"name": "read", "arguments": {"document": "public"}})
        assert answer.status_code == 401
        assert "resource_metadata=" in answer.headers["www-authenticate"]
    assert RAN == []


def test_only_what_is_allowed_runs(api: TestClient, make_token: Callable[..., str]) -> None:
    anne = make_token("anne")
    assert call(api, anne, "who") == (True, "user:anne")
    assert call(api, anne, "read", document="public") == (True, "text of public")
    allowed, said = call(api, anne, "read", document="secret")
    assert not allowed and "subject.no_grant" in said
    assert not call(api, anne, "read", document="public#reader")[0]
    assert call(api, anne, "pay", account=7, amount=100) == (True, "paid")
    assert not call(api, anne, "pay", account=7, amount=101)[0]
    # What is not said has its default, for the condition too.
    assert not call(api, anne, "pay", account=7)[0]
    assert RAN == ["public", (7, 100)]


def test_an_agent_may_do_what_both_may(api: TestClient, make_token: Callable[..., str]) -> None:
    acting = make_token("anne", act={"sub": "helper"})
    assert call(api, acting, "read", document="public")[0]
    assert "actor.no_grant" in call(api, acting, "read", document="loans")[1]
    assert "scope.insufficient" in call(api, make_token("anne", scope="chunks:read"), "read", document="public")[1]


def test_a_token_revoked_since(api: TestClient, make_token: Callable[..., str]) -> None:
    token = make_token("anne", jti="t-3")
    assert call(api, token, "read", document="public")[0]
    POLICIES.append(Policy.from_json(snapshot(TUPLES, revoked={"tokens": ["t-3"]})))
    assert post(api, token, "tools/list", {}).status_code == 401


def test_what_the_verifier_says(make_token: Callable[..., str]) -> None:
    verifier = PolicyTokenVerifier(Policy.from_json(snapshot(TUPLES)), audience=AUDIENCE)
    token = make_token("anne", scope="documents:read chunks:read", azp="webapp")
    access = asyncio.run(verifier.verify_token(token))
    assert access is not None
    assert (access.token, access.client_id, access.resource) == (token, "webapp", AUDIENCE)
    assert access.scopes == ["documents:read", "chunks:read"]
    assert access.expires_at is not None and access.expires_at > time.time()
    if SECOND:
        assert access.subject == "anne" and access.claims is not None and access.claims["iss"] == ISSUER


def test_without_a_request_nobody_calls(policy: Policy) -> None:
    guard = ToolGuard(policy)

    @guard(ToolRule("can_read", "document:{document}"))
    def read(document: str) -> str:
        return document

    with pytest.raises(Exception, match="caller.missing"):
        read("public")
    given = ToolGuard(policy, identity=lambda: policy.caller("user:anne"))(ToolRule("can_read", "document:{d}"))

    @given
    def get(d: str) -> str:
        return d

    assert get("public") == "public"
    with pytest.raises(Exception, match="subject.no_grant"):
        get(d="secret")
    assert list(inspect.signature(get).parameters) == ["d"]
