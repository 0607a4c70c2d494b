"""FastMCP servers, through FastMCP's client and over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

import pytest

pytest.importorskip("fastmcp")

from fastmcp import Client, FastMCP
from mcp.shared.exceptions import MCPError
from pydantic import StringConstraints
from starlette.testclient import TestClient

from deputize import DeniedError, Policy
from deputize.fastmcp import PolicyTokenVerifier, ToolGate, ToolRule

from .conftest import AUDIENCE, snapshot, tuple_of

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
        assert not allowed and "not permitted" in said
    assert call(made, "clock")[0]
    assert RAN == ["public", "clock"]


@pytest.mark.parametrize(("arguments", "ran", "code"), [
    ({"n": 42}, 42, ""), ({"n": "42"}, 42, ""), ({"n": "0042"}, None, "guard.arguments"),
    ({"n": "+42"}, None, "guard.arguments"), ({"n": 42.0}, None, "guard.arguments"),
    ({"n": 42, "m": 1}, None, ""), ({"n": "x"}, None, ""), ({}, 7, ""),
], ids=str)
def test_what_is_decided_is_what_runs(arguments: dict[str, Any], ran: object, code: str) -> None:
    """B3: granted are the documents 42, 7 and, to be told apart, the texts `0042` and `+42`."""
    names = ["42", "7", "0042", "+42", "42.0"]
    policy = Policy.from_json(snapshot([tuple_of("user:anne", "reader", f"document:{n}") for n in names]))
    gate = ToolGate(policy, {"number": ToolRule("can_read", "document:{n}")}, audience=AUDIENCE,
                    identity=lambda: policy.caller("user:anne"))
    made: FastMCP = FastMCP("bank", middleware=[gate])
    seen: list[Any] = []

    @made.tool
    def number(n: int = 7) -> str:
        seen.append(n)
        return str(n)

    allowed, said = call(made, "number", **arguments)
    assert seen == ([] if ran is None else [ran]) and allowed is (ran is not None), said
    assert code in said


def test_the_gate_must_be_first(policy: Policy) -> None:
    """B20: a cache before it gave bob what anne had asked for."""
    from fastmcp.server.middleware.caching import ResponseCachingMiddleware

    who = ["anne"]
    gate = ToolGate(policy, RULES, audience=AUDIENCE, identity=lambda: policy.caller(f"user:{who[0]}"))
    for middleware, open_ in (([ResponseCachingMiddleware(), gate], False), ([gate, ResponseCachingMiddleware()], True)):
        made: FastMCP = FastMCP("bank", middleware=middleware)

        @made.tool
        def read(document: str) -> str:
            return f"text of {document}"

        who[0] = "bob"
        if open_:
            assert call(made, "read", document="secret") == (True, "text of secret")
        else:
            with pytest.raises(MCPError, match="guard.options"):
                call(made, "read", document="secret")
        who[0] = "anne"
        try:
            assert "subject.no_grant" in call(made, "read", document="secret")[1]
        except MCPError as error:
            assert not open_ and "guard.options" in str(error)


def test_resources_prompts_and_other_methods(policy: Policy) -> None:
    """B21: they stayed open beside a gated tool of the same data."""
    document = ToolRule("can_read", "document:{document}")
    gate = ToolGate(policy, {}, audience=AUDIENCE, identity=lambda: policy.caller("user:anne"),
                    resources={"bank://{document}": document, "bank://rates": None}, prompts={"ask": document})
    made: FastMCP = FastMCP("bank", middleware=[gate])

    @made.resource("bank://{document}")
    def text(document: str) -> str:
        return f"text of {document}"

    @made.resource("bank://rates")
    def rates() -> str:
        return "rates"

    @made.resource("open://all")
    def open_resource() -> str:
        return "SECRET"

    @made.resource("open://{document}")
    def open_template(document: str) -> str:
        return "SECRET"

    @made.prompt
    def ask(document: str) -> str:
        return f"about {document}"

    @made.prompt
    def open_prompt() -> str:
        return "SECRET"

    async def work(client: Any) -> list[str]:
        assert [str(one.uri) for one in await client.list_resources()] == ["bank://rates"]
        assert [one.uri_template for one in await client.list_resource_templates()] == ["bank://{document}"]
        assert [one.name for one in await client.list_prompts()] == ["ask"]
        assert "rates" in str(await client.read_resource("bank://rates"))
        assert "text of public" in str(await client.read_resource("bank://public"))
        assert "about public" in str(await client.get_prompt("ask", {"document": "public"}))
        said: list[str] = []
        for asked in (
            lambda: client.read_resource("bank://secret"), lambda: client.read_resource("open://all"),
            lambda: client.read_resource("open://1"), lambda: client.get_prompt("open_prompt"),
            lambda: client.get_prompt("ask", {"document": "secret"}),
            lambda: client.complete({"type": "ref/prompt", "name": "ask"}, {"name": "document", "value": "s"}),
        ):
            with pytest.raises(Exception) as caught:
                await asked()
            said.append(str(caught.value))
        return said

    said = asyncio.run(asks(made, work))
    assert not any("SECRET" in one for one in said)
    for one, code in zip(said, ("subject.no_grant", "guard.no_rule", "guard.no_rule", "guard.no_rule", "subject.no_grant"), strict=False):
        assert code in one, said


def test_prompts_and_templates_are_decided_on_what_their_functions_get() -> None:
    """Granted is the document that is spelled `0042`, which no function gets as an int."""
    names = ("42", "0042", " 42", "+42", "7", "x")
    policy = Policy.from_json(snapshot([tuple_of("user:anne", "reader", f"document:{name}") for name in ("0042", "+42", "7")]))
    rule = ToolRule("can_read", "document:{n}")
    gate = ToolGate(policy, {}, audience=AUDIENCE, identity=lambda: policy.caller("user:anne"),
                    resources={"bank://{n}": rule}, prompts={"ask": rule, "other": rule})
    made: FastMCP = FastMCP("bank", middleware=[gate])
    ran: list[object] = []

    @made.resource("bank://{n}")
    def text(n: int) -> str:
        ran.append(n)
        return f"text of {n}"

    @made.prompt
    def ask(n: int) -> str:
        ran.append(n)
        return f"about {n}"

    @made.prompt
    def other(document: str) -> str:
        ran.append(document)
        return f"about {document}"

    async def work(client: Any) -> None:
        for name in names:
            for asked in (
                lambda name=name: client.read_resource(f"bank://{name.strip()}"),
                lambda name=name: client.get_prompt("ask", {"n": name}),
                lambda name=name: client.get_prompt("other", {"document": "42", "n": name}),
            ):
                try:
                    await asked()
                except Exception as error:
                    assert "subject.no_grant" in str(error) or "guard." in str(error), error
        assert ran == [7, 7], ran

    asyncio.run(asks(made, work))


def test_the_version_that_is_asked_for_is_the_one_that_is_decided_on() -> None:
    policy = Policy.from_json(snapshot([tuple_of("user:anne", "reader", "document:A")]))
    gate = ToolGate(policy, {"read": ToolRule("can_read", "document:{document}")},
                    audience=AUDIENCE, identity=lambda: policy.caller("user:anne"))
    made: FastMCP = FastMCP("bank", middleware=[gate])
    ran: list[str] = []

    def old(document: Annotated[str, StringConstraints(to_lower=True)]) -> str:
        ran.append(document)
        return document

    def new(document: str) -> str:
        ran.append(document)
        return document

    made.tool(old, name="read", version="1")
    made.tool(new, name="read", version="2")

    async def work(client: Any) -> None:
        for version in ("1", "2", None):
            await client.call_tool("read", {"document": "A"}, version=version, raise_on_error=False)

    asyncio.run(asks(made, work))
    assert ran == ["A", "A"]


def test_what_stands_in_for_stdio_never_answers_http(policy: Policy) -> None:
    made: FastMCP = FastMCP("bank", middleware=[
        ToolGate(policy, RULES, audience=AUDIENCE, identity=lambda: policy.caller("user:anne"))])
    ran: list[str] = []

    @made.tool
    def read(document: str) -> str:
        ran.append(document)
        return document

    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    params = {"name": "read", "arguments": {"document": "public"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    app = made.http_app(stateless_http=True, json_response=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        for bearer in ({}, {"Authorization": "Bearer forged"}):
            assert "guard.no_caller" in client.post("/mcp", headers={**headers, **bearer}, json=body).text
    assert ran == [] and call(made, "read", document="public")[0]


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


def test_in_a_background_task_nobody_stands_in(policy: Policy, make_token: Callable[..., str]) -> None:
    """FastMCP: a task's worker has no HTTP request, which must not make it a stdio server's operator."""
    from fastmcp.client.transports import StreamableHttpTransport
    from fastmcp.utilities.tests import run_server_async

    tasks = pytest.importorskip("fastmcp_tasks")
    gate = ToolGate(policy, {"later": ToolRule("can_read", "document:{document}")}, audience=AUDIENCE,
                    methods={"tasks/get": None, "tasks/cancel": None}, identity=lambda: policy.caller("user:bob"))
    made: FastMCP = FastMCP("bank", middleware=[gate], auth=PolicyTokenVerifier(policy, audience=AUDIENCE))
    made.add_extension(tasks.TasksExtension(url="memory://"))
    seen: list[str] = []

    @made.tool(task=True)
    async def later(document: str) -> str:
        try:
            seen.append(gate.caller().subject)
        except DeniedError as error:
            seen.append(error.code)
        return f"text of {document}"

    async def asks(token: str, document: str) -> str:
        async with run_server_async(made) as url:
            async with Client(StreamableHttpTransport(url, auth=token), mode="2026-07-28") as client:
                result = await client.call_tool("later", {"document": document}, raise_on_error=False)
                return str(result.content[0].text)

    assert asyncio.run(asks(make_token("anne"), "public")) == "text of public"
    assert seen == ["guard.no_caller"]
    assert "not permitted (subject.no_grant)" in asyncio.run(asks(make_token("anne"), "secret"))
    assert seen == ["guard.no_caller"]
