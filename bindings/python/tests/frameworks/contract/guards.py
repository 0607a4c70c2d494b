"""Each guard with its framework, as the cases ask it: calls of the same tools, and lists of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from fastmcp import Client as FastClient
from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken as FastAccessToken
from fastmcp.server.auth import TokenVerifier
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from mcp import Client
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.types import Completion
from pydantic import AnyHttpUrl

from deputize.fastapi import Callers
from deputize.fastmcp import PolicyTokenVerifier as FastVerifier
from deputize.fastmcp import ToolGate as FastGate
from deputize.identity import Token
from deputize.langchain.agents import ToolGate
from deputize.mcp import PolicyTokenVerifier, ToolGuard
from deputize.tools import ToolRule

from .world import AUDIENCE, FILE, World

_TOLD = re.compile(r"`[\w/:]+` is not permitted \(([a-z_.]+)\)\.$")


@dataclass
class Answer:
    """What came of one request; `code` is `None` where the framework refused it by itself."""

    code: str | None
    told: str = ""
    status: int | None = None
    names: list[str] = field(default_factory=list)


def told(text: str) -> Answer:
    found = _TOLD.search(text)
    return Answer(found[1] if found else None, text)


def functions(world: World) -> dict[str, Callable[..., Any]]:
    """The tools, which say what they got."""

    def read(id: str) -> str:
        """Reads a document."""
        world.ran.append(("read", {"id": id}))
        return "ran"

    def pay(account: str, amount: int = 1000) -> str:
        """Pays."""
        world.ran.append(("pay", {"account": account, "amount": amount}))
        return "ran"

    def number(n: int) -> str:
        """Reads a document by its number."""
        world.ran.append(("number", {"n": n}))
        return "ran"

    def erase(id: str) -> str:
        """Erases a document."""
        world.ran.append(("erase", {"id": id}))
        return "ran"

    def bare(id: str) -> str:
        """Has no rule."""
        world.ran.append(("bare", {"id": id}))
        return "ran"

    def clock() -> str:
        """Tells the time."""
        world.ran.append(("clock", {}))
        return "ran"

    return {one.__name__: one for one in (read, pay, number, erase, bare, clock)}


class Guard:
    """A guard that is set up for one case."""

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        raise NotImplementedError

    def shown(self) -> list[str]:
        raise NotImplementedError

    def method(self, method: str, params: dict[str, Any]) -> Answer:
        raise NotImplementedError


class _OverHttp(Guard):
    """A server of MCP that takes any token: what it lets through, the guard looks at."""

    def __init__(self, client: TestClient, token: str | None) -> None:
        self._client = client
        self._token = token

    def _post(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._client.post("/mcp", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return cast("dict[str, Any]", answer.json())

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        body = self._post("tools/call", {"name": tool, "arguments": arguments})
        if "error" in body:
            return told(body["error"]["message"])
        text = body["result"]["content"][0]["text"]
        return told(text) if body["result"].get("isError") else Answer("allowed", text)

    def shown(self) -> list[str]:
        return [tool["name"] for tool in self._post("tools/list", {})["result"]["tools"]]

    def method(self, method: str, params: dict[str, Any]) -> Answer:
        body = self._post(method, params)
        if "error" in body:
            return told(body["error"]["message"])
        [listed] = [member for member in body["result"].values() if isinstance(member, list)] or [[]]
        return Answer("allowed", names=[one.get("name") or one.get("uri") for one in listed])


class _InMemory(Guard):
    """A server of MCP without HTTP."""

    def __init__(self, make: Callable[[], Any], **more: Any) -> None:
        self._make = make
        self._more = more

    def _ask(self, work: Callable[[Any], Any]) -> Any:
        async def ask() -> Any:
            async with self._make() as client:
                return await work(client)

        return asyncio.run(ask())

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        result = self._ask(lambda client: client.call_tool(tool, arguments, **self._more))
        text = result.content[0].text
        return told(text) if result.is_error else Answer("allowed", text)

    def shown(self) -> list[str]:
        listed = self._ask(lambda client: client.list_tools())
        return [tool.name for tool in getattr(listed, "tools", listed)]


def _extras(server: Any) -> None:
    """What no rule is about, besides tools."""

    @server.prompt()
    def hello() -> str:
        return "hello"

    @server.resource("docs://one")
    def one() -> str:
        return "text"


class _AnyToken:
    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id="somebody", scopes=[])


class _FastAnyToken(TokenVerifier):
    async def verify_token(self, token: str) -> FastAccessToken | None:
        return FastAccessToken(token=token, client_id="somebody", scopes=[])


def _stands_in(world: World) -> Any:
    """Who is given to a server of MCP for where there is no HTTP."""
    if "local" in world.case:
        return Token(world.token(world.case["local"]))
    return world.identity() if _is_local(world) else None


def _is_local(world: World) -> bool:
    who = world.case.get("who", {"token": "anne"})
    return who is not None and "token" not in who


def _bearer(world: World) -> str | None:
    who = world.case.get("who", {"token": "anne"})
    return None if who is None else world.token(who["token"])


@contextmanager
def mcp(world: World) -> Iterator[Guard]:
    who = _stands_in(world)
    guard = ToolGuard(**world.options(), **({} if who is None else {"identity": lambda: who}))
    authenticated: dict[str, Any] = {}
    if "who" not in world.case or world.case["who"] is not None:
        url = AnyHttpUrl(AUDIENCE)
        authenticated = {"token_verifier": _AnyToken(), "auth": AuthSettings(issuer_url=url, resource_server_url=url, validate_token_resource=False)}
    server: MCPServer[Any] = MCPServer("tools", **authenticated)
    rules = world.rules()
    assert rules is not None
    for name, function in functions(world).items():
        server.tool()(guard(rules[name])(function) if name in rules else function)
    _extras(server)

    @server.completion()
    async def complete(reference: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=["one", "two"])

    guard.protect(server)
    if _is_local(world):
        yield _InMemory(lambda: Client(server))
        return
    app = server.streamable_http_app(json_response=True, stateless_http=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield _OverHttp(client, _bearer(world))


@contextmanager
def fastmcp(world: World) -> Iterator[Guard]:
    who = _stands_in(world)
    options = {**world.options(), **({} if who is None else {"identity": lambda: who})}
    gate = FastGate(options.pop("policy"), cast("Any", world.rules()), **options)
    auth = _FastAnyToken() if world.case.get("who", "") is not None else None
    server: FastMCP[Any] = FastMCP("tools", middleware=[gate], auth=auth)
    for function in functions(world).values():
        server.tool(function)
    _extras(server)
    if _is_local(world):
        yield _InMemory(lambda: FastClient(server), raise_on_error=False)
        return
    app = server.http_app(stateless_http=True, json_response=True)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield _OverHttp(client, _bearer(world))


def _door(app: Any, world: World) -> int:
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    token = _bearer(world)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        return client.post("/mcp", headers=headers, json=body).status_code


def _mcp_door(world: World) -> int:
    url = AnyHttpUrl(AUDIENCE)
    auth = AuthSettings(issuer_url=url, resource_server_url=url, validate_token_resource=False)
    server: MCPServer[Any] = MCPServer("tools", token_verifier=PolicyTokenVerifier(world.policy, audience=AUDIENCE), auth=auth)
    return _door(server.streamable_http_app(json_response=True, stateless_http=True), world)


def _fastmcp_door(world: World) -> int:
    server: FastMCP[Any] = FastMCP("tools", auth=FastVerifier(world.policy, audience=AUDIENCE))
    return _door(server.http_app(stateless_http=True, json_response=True), world)


DOORS: dict[str, Callable[[World], int]] = {"mcp": _mcp_door, "fastmcp": _fastmcp_door}


class _Model(GenericFakeChatModel):
    """A model that makes the calls it was told to make."""

    seen: list[list[str]] = []

    def bind_tools(self, tools: Any, **more: Any) -> Any:
        self.seen.append([tool.name for tool in tools])
        return self


class _Agent(Guard):
    def __init__(self, world: World) -> None:
        self._gate = ToolGate(cast("Any", world.rules()), **world.options())
        self._tools = [langchain_tool(function) for function in functions(world).values()]
        self._config = {"configurable": {"caller": world.identity()}}

    def _run(self, calls: list[dict[str, Any]]) -> tuple[list[ToolMessage], list[list[str]]]:
        model = _Model(messages=iter([AIMessage("", tool_calls=cast("Any", calls)), AIMessage("done")]), seen=[])
        agent: Any = create_agent(model, self._tools, middleware=[self._gate])
        state = agent.invoke({"messages": [("user", "go")]}, self._config)
        return [one for one in state["messages"] if isinstance(one, ToolMessage)], model.seen

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        [message], _ = self._run([{"name": tool, "args": arguments, "id": "c1"}])
        text = str(message.content)
        return told(text) if message.status == "error" else Answer("allowed", text)

    def shown(self) -> list[str]:
        seen = self._run([])[1]
        # Where none may be called, the model is not even told that there are tools.
        return seen[0] if seen else []


@contextmanager
def langchain(world: World) -> Iterator[Guard]:
    yield _Agent(world)


class _Routes(Guard):
    def __init__(self, client: TestClient, token: str | None) -> None:
        self._client = client
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        path = "/".join(["", tool, *(quote(str(value), safe="") for value in arguments.values())])
        answer = self._client.get(path, headers=self._headers)
        if answer.status_code == 200:
            return Answer("allowed", answer.json(), 200)
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401 or "insufficient_scope" in answer.text)
        return Answer(answer.json()["detail"]["code"], answer.text, answer.status_code)


@contextmanager
def fastapi(world: World) -> Iterator[Guard]:
    options = world.options()
    callers = Callers(options.pop("policy"), **options)
    app = FastAPI()
    tools = functions(world)
    rule = (world.rules() or {})["read"]
    assert isinstance(rule, ToolRule)
    may = callers.may(rule.action, cast("Any", rule.resource))

    @app.get("/read/{id}")
    def read(id: str, caller: object = Depends(may)) -> str:
        return cast("str", tools["read"](id))

    @app.get("/clock")
    def clock(caller: object = Depends(callers)) -> str:
        return cast("str", tools["clock"]())

    with TestClient(app, raise_server_exceptions=False) as client:
        yield _Routes(client, _bearer(world))


GUARDS: dict[str, Callable[[World], Any]] = {"mcp": mcp, "fastmcp": fastmcp, "langchain": langchain, "fastapi": fastapi}

__all__ = ["AUDIENCE", "DOORS", "FILE", "GUARDS", "Answer", "Guard"]
