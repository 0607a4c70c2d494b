"""FastMCP servers, through FastMCP's client and over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastmcp")

from fastmcp import Client, FastMCP
from starlette.testclient import TestClient

from deputize import Policy
from deputize.fastmcp import PolicyTokenVerifier, ToolGate, ToolRule

from .conftest import AUDIENCE

RULES = {
    "read": ToolRule("can_read", "document:{document}"),
    "read_public": ToolRule("can_read", "document:public"),
    "read_secret": ToolRule("can_read", "document:secret"),
    "clock": None,
}
RAN: list[str] = []


def server(policy: Policy, **more: Any) -> FastMCP:
    made: FastMCP = FastMCP("bank", middleware=[ToolGate(policy, RULES, audience=AUDIENCE, **more)],
        auth=PolicyTokenVerifier(policy, audience=AUDIENCE))

    @made.tool
    def read(document: str) -> str:
        RAN.append(document)
        return f"text of {document}"

    for name in ("read_public", "read_secret", "clock", "erase"):

        def plain(name: str = name) -> str:
            RAN.append(name)
            return name

        made.tool(plain, name=name)
    return made


async def asks(made: FastMCP, work: Callable[[Any], Any]) -> Any:
    async with Client(made) as client:
        return await work(client)


def call(made: FastMCP, tool: str, **arguments: Any) -> tuple[bool, str]:
    async def work(client: Any) -> Any:
        return await client.call_tool(tool, arguments, raise_on_error=False)

    result = asyncio.run(asks(made, work))
    return not result.is_error, result.content[0].text


def listed(made: FastMCP) -> list[str]:
    tools = asyncio.run(asks(made, lambda client: client.list_tools()))
    return sorted(tool.name for tool in tools)


def test_only_what_is_allowed_is_listed_and_runs(policy: Policy) -> None:
    RAN.clear()
    made = server(policy, identity=lambda: policy.caller("user:anne"))
    assert listed(made) == ["clock", "read", "read_public"]
    assert call(made, "read", document="public") == (True, "text of public")
    for tool, arguments in (
        ("read", {"document": "secret"}),
        ("read", {"document": "public#x"}),
        ("read_secret", {}),
        ("erase", {}),
    ):
        allowed, said = call(made, tool, **arguments)
        assert not allowed and "denied" in said
    assert call(made, "clock")[0]
    assert RAN == ["public", "clock"]


def test_nobody_sees_or_runs_anything(policy: Policy) -> None:
    RAN.clear()
    made = server(policy)
    assert listed(made) == []
    for tool in ("clock", "read_public"):
        assert not call(made, tool)[0]
    assert RAN == []


def test_over_http_with_tokens(policy: Policy, make_token: Callable[..., str]) -> None:
    RAN.clear()
    app = server(policy).http_app(stateless_http=True, json_response=True)
    now = int(time.time())
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}

    def post(client: TestClient, token: str | None, document: str) -> Any:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        params = {"name": "read", "arguments": {"document": document}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return client.post("/mcp", headers={**headers, **bearer}, json=body)

    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert post(client, None, "public").status_code == 401
        old = make_token("anne", iat=now - 90, exp=now - 30)
        assert post(client, old, "public").status_code == 401
        anne = make_token("anne")
        result = post(client, anne, "public").json()["result"]
        assert result["content"][0]["text"] == "text of public"
        result = post(client, anne, "secret").json()["result"]
        assert result["isError"] and "subject.no_grant" in result["content"][0]["text"]
        acting = make_token("anne", act={"sub": "helper"})
        result = post(client, acting, "loans").json()["result"]
        assert "actor.no_grant" in result["content"][0]["text"]
    assert RAN == ["public"]
