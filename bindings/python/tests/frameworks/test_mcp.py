"""MCP servers over HTTP, SSE and in memory: the `mcp` package, 2.x."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("mcp")

from mcp import Client
from mcp.server import MCPServer
from mcp.server.auth.settings import AuthSettings
from starlette.testclient import TestClient

from deputize import DeniedError, MisuseError, Policy
from deputize.mcp import PolicyTokenVerifier, ToolGuard, ToolRule

from .conftest import AUDIENCE, ISSUER, TUPLES, snapshot

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


def served(guard: ToolGuard | None = None, **more: Any) -> tuple[Any, ToolGuard]:
    RAN.clear()
    POLICIES[:] = [Policy.from_json(snapshot(TUPLES))]
    auth = AuthSettings(issuer_url=ISSUER, resource_server_url=AUDIENCE)  # type: ignore[arg-type]
    verifier = PolicyTokenVerifier(current, audience=AUDIENCE)
    guard = guard or ToolGuard(current, audience=AUDIENCE)
    return MCPServer("bank", **{"token_verifier": verifier, "auth": auth, **more}), guard


@pytest.fixture
def api() -> Iterator[TestClient]:
    server, guard = served()
    tools(server, guard)
    guard.protect(server)
    app = server.streamable_http_app(json_response=True, stateless_http=True)
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
    if access is not None:
        assert access.subject == "anne" and access.claims is not None and access.claims["iss"] == ISSUER


def test_a_stale_policy_is_not_the_clients_fault(make_token: Callable[..., str]) -> None:
    now = int(time.time())
    token = make_token("anne")
    server, guard = served()
    tools(server, guard)
    guard.protect(server)
    POLICIES.append(Policy.from_json(snapshot(TUPLES, issued_at=now - 100, not_after=now - 10)))
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        assert post(client, token, "tools/list", {}).status_code == 500
        assert post(client, "a.b.c", "tools/list", {}).status_code in (401, 500)


# Sessions: whoever opened one has no say in what another request of it may do.


def opened(api: TestClient, token: str) -> dict[str, str]:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = post(api, token, "initialize", params)
    assert answer.status_code == 200, answer.text
    session = {"mcp-session-id": answer.headers["mcp-session-id"]}
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}", **session}
    assert api.post("/mcp", headers=headers, json=body).status_code == 202
    return session


def in_session(api: TestClient, token: str, session: dict[str, str], document: str) -> tuple[int, str]:
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "read", "arguments": {"document": document}}}
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}",
               "MCP-Protocol-Version": "2025-06-18", **session}
    answer = api.post("/mcp", headers=headers, json=body)
    return answer.status_code, answer.text


def test_two_tokens_in_one_session(make_token: Callable[..., str]) -> None:
    server, guard = served()
    tools(server, guard)
    guard.protect(server)
    with TestClient(server.streamable_http_app(json_response=True), base_url="http://127.0.0.1:8000") as client:
        wide = make_token("anne", jti="wide")
        session = opened(client, wide)
        assert "text of public" in in_session(client, wide, session, "public")[1]
        assert "scope.insufficient" in in_session(client, make_token("anne", scope="chunks:read"), session, "public")[1]
        # Another agent of hers, which may not read that.
        acting_for = make_token("anne", act={"sub": "helper"})
        assert "text of loans" not in in_session(client, acting_for, session, "loans")[1]
        assert in_session(client, make_token("bob"), session, "secret")[0] == 404
        # The token that opened it is revoked, and another one goes on.
        POLICIES.append(Policy.from_json(snapshot(TUPLES, revoked={"tokens": ["wide"]})))
        assert in_session(client, wide, session, "public")[0] == 401
        assert "text of public" in in_session(client, make_token("anne", jti="new"), session, "public")[1]
    assert RAN == ["public", "public"]


def test_two_tokens_over_sse(make_token: Callable[..., str]) -> None:
    import threading

    import httpx
    import uvicorn

    server, guard = served()
    tools(server, guard)
    guard.protect(server)
    config = uvicorn.Config(server.sse_app(), port=0, log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    base = f"http://127.0.0.1:{port}"

    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    try:
        wide, narrow = make_token("anne"), make_token("anne", scope="chunks:read")
        with httpx.Client(base_url=base, timeout=10) as client, client.stream("GET", "/sse", headers=bearer(wide)) as events:
            lines = events.iter_lines()

            def data() -> str:
                return next(line for line in lines if line.startswith("data: "))[6:]

            place = data()

            def ask(token: str, method: str, params: Any, id: int | None) -> int:
                body = {"jsonrpc": "2.0", "method": method, "params": params, **({} if id is None else {"id": id})}
                return httpx.post(base + place, headers=bearer(token), json=body, timeout=10).status_code

            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            assert ask(wide, "initialize", hello, 1) == 202 and "protocolVersion" in data()
            assert ask(wide, "notifications/initialized", {}, None) == 202
            read = {"name": "read", "arguments": {"document": "public"}}
            assert ask(wide, "tools/call", read, 2) == 202 and "text of public" in data()
            assert ask(narrow, "tools/call", read, 3) == 202 and "scope.insufficient" in data()
            assert ask(make_token("bob"), "tools/call", read, 4) == 404
    finally:
        running.should_exit = True
        thread.join(10)
    assert RAN == ["public"]


def test_what_stands_in_for_stdio_never_answers_http() -> None:
    """Here nobody put an authentication before the server."""
    operator = ToolGuard(current, audience=AUDIENCE, identity=lambda: current().caller("user:anne"))
    server, guard = served(operator, token_verifier=None, auth=None)
    tools(server, guard)
    guard.protect(server)
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        for token in (None, "forged"):
            answer = post(client, token, "tools/call", {"name": "read", "arguments": {"document": "public"}})
            assert "guard.no_caller" in answer.text
            assert post(client, token, "tools/list", {}).json()["result"]["tools"] == []
    assert RAN == []

    async def at_home() -> None:
        async with Client(server) as client:
            assert sorted(tool.name for tool in (await client.list_tools()).tools) == ["pay", "read", "who"]
            result = await client.call_tool("read", {"document": "public"})
            assert not result.is_error and RAN == ["public"]

    asyncio.run(at_home())


# What has no rule.


def everything(server: Any, guard: ToolGuard) -> None:
    tools(server, guard)

    @server.tool()
    def open_tool() -> str:
        RAN.append("open_tool")
        return "SECRET"

    @server.resource("bank://open")
    def open_resource() -> str:
        RAN.append("open_resource")
        return "SECRET"

    @server.resource("bank://rates")
    @guard(ToolRule("can_read", "document:public"))
    def rates() -> str:
        return "rates"

    @server.resource("bank://secret")
    @guard(ToolRule("can_read", "document:secret"))
    def secret() -> str:
        RAN.append("secret")
        return "SECRET"

    @server.resource("bank://document/{document}")
    @guard(ToolRule("can_read", "document:{document}"))
    def text(document: str) -> str:
        RAN.append(("text", document))
        return f"text of {document}"

    @server.resource("bank://open/{document}")
    def open_template(document: str) -> str:
        RAN.append("open_template")
        return "SECRET"

    @server.prompt()
    def open_prompt() -> str:
        RAN.append("open_prompt")
        return "SECRET"

    @server.prompt()
    @guard(ToolRule("can_read", "document:{document}"))
    def ask(document: str) -> str:
        return f"about {document}"

    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Any:
        RAN.append("complete")
        return None


def test_every_method_has_a_rule_or_is_denied(make_token: Callable[..., str]) -> None:
    server, guard = served()
    everything(server, guard)
    guard.protect(server)
    anne = make_token("anne")
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:

        def asked(method: str, **params: Any) -> dict[str, Any]:
            found: dict[str, Any] = post(client, anne, method, params).json()
            return found

        def names(method: str, member: str, key: str) -> list[str]:
            return sorted(one[key] for one in asked(method)["result"][member])

        assert names("tools/list", "tools", "name") == ["pay", "read", "who"]
        assert names("resources/list", "resources", "uri") == ["bank://rates"]
        assert names("resources/templates/list", "resourceTemplates", "uriTemplate") == ["bank://document/{document}"]
        assert names("prompts/list", "prompts", "name") == ["ask"]
        assert "rates" in str(asked("resources/read", uri="bank://rates"))
        assert "text of public" in str(asked("resources/read", uri="bank://document/public"))
        assert "about public" in str(asked("prompts/get", name="ask", arguments={"document": "public"}))
        argument = {"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "document", "value": "s"}}
        for denied, code in (
            (asked("tools/call", name="open_tool", arguments={}), "guard.no_rule"),
            (asked("tools/call", name="nothing", arguments={}), "guard.no_rule"),
            (asked("resources/read", uri="bank://open"), "guard.no_rule"),
            (asked("resources/read", uri="bank://open/1"), "guard.no_rule"),
            (asked("resources/read", uri="bank://secret"), "subject.no_grant"),
            (asked("resources/read", uri="bank://document/secret"), "subject.no_grant"),
            (asked("prompts/get", name="open_prompt"), "guard.no_rule"),
            (asked("prompts/get", name="ask", arguments={"document": "secret"}), ""),
            (asked("completion/complete", **argument), "guard.no_rule"),
            (asked("resources/subscribe", uri="bank://rates"), "guard.no_rule"),
            (asked("tasks/list"), "guard.no_rule"),
            (asked("made/up"), "guard.no_rule"),
        ):
            assert ("error" in denied or denied["result"]["isError"]) and code in str(denied), denied
            assert "SECRET" not in str(denied)
    assert RAN == [("text", "public")]


def test_a_method_may_have_a_rule(make_token: Callable[..., str]) -> None:
    guard = ToolGuard(current, audience=AUDIENCE, methods={"completion/complete": None})
    server, guard = served(guard)
    everything(server, guard)
    guard.protect(server)
    argument = {"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "document", "value": "s"}}
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert "result" in post(client, make_token("anne"), "completion/complete", argument).json()
    assert RAN == ["complete"]


def test_a_guard_in_the_wrong_place_is_refused() -> None:
    server, guard = served()

    @guard(ToolRule("can_read", "document:{document}"))
    @server.tool()
    def read(document: str) -> str:
        return document

    with pytest.raises(MisuseError, match="without its guard"):
        guard.protect(server)
    with pytest.raises(MisuseError, match="no parameter `documnt`"):

        @guard(ToolRule("can_read", "document:{documnt}"))
        def other(document: str) -> str:
            return document

    with pytest.raises(MisuseError, match="no relation `can_raed`"):
        guard(ToolRule("can_raed", "document:{document}"))
    with pytest.raises(MisuseError):
        guard("can_read")  # type: ignore[arg-type]
    for wrong in ({"audience": None}, {"audience": ""}, {"audience": AUDIENCE, "identity": at_once}):
        with pytest.raises(MisuseError):
            ToolGuard(current, **wrong)
    with pytest.raises(MisuseError):
        PolicyTokenVerifier(current, audience=None)  # type: ignore[arg-type]


async def at_once() -> None: ...


def test_other_middleware_behind_the_guard_is_refused(make_token: Callable[..., str]) -> None:
    server, guard = served()
    tools(server, guard)
    guard.protect(server)

    async def behind(context: Any, call_next: Any) -> Any:
        return await call_next(context)

    server.middleware.append(behind)
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answer = post(client, make_token("anne"), "tools/call", {"name": "read", "arguments": {"document": "public"}})
        assert "guard.options" in answer.text and RAN == []


def test_a_task_that_outlives_its_request_is_nobodys(make_token: Callable[..., str]) -> None:
    server, guard = served()
    said: list[str] = []

    @server.tool()
    @guard(None)
    async def later() -> str:
        async def after() -> None:
            await asyncio.sleep(0.1)
            try:
                said.append(guard.caller().subject)
            except DeniedError as error:
                said.append(error.code)

        TASKS.append(asyncio.get_running_loop().create_task(after()))
        return guard.caller().subject

    guard.protect(server)
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert call(client, make_token("anne"), "later") == (True, "user:anne")
        time.sleep(0.3)
    assert said == ["guard.no_caller"]


TASKS: list[Any] = []


def test_without_a_request_nobody_calls(policy: Policy) -> None:
    guard = ToolGuard(policy, audience=AUDIENCE, identity=lambda: policy.caller("user:anne"))

    @guard(ToolRule("can_read", "document:{document}"))
    def read(document: str) -> str:
        return document

    with pytest.raises(Exception, match="guard.no_caller"):
        read("public")
    assert list(inspect.signature(read).parameters) == ["document"]
