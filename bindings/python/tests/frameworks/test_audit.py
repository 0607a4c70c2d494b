"""The audit of each guard, and OpenTelemetry's spans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deputize import Policy
from deputize.audit import Audit, spans

from .test_dpop import call, mcp_app


class Kept:
    """An audit, what it wrote, and a switch that breaks it."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.broken = False
        self.audit = Audit(self.write, delay=5, attempts=1, wait=True, on_problem=lambda _: None)

    def write(self, records: Any) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.records.extend(records)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return [(one["actor"], one["resource"], one["reason"]) for one in self.records]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_fastapi(kept: Kept, policy: Policy, make_token: Callable[..., str]) -> None:
    from .test_fastapi import bearer, client

    api = client(policy, on_ruling=kept.audit.ruling)
    token = make_token("anne", act={"sub": "helper"})
    assert api.get("/documents/public", headers=bearer(token)).status_code == 200
    assert api.get("/documents/secret", headers=bearer(token)).status_code == 403
    assert api.get("/documents/public", headers=bearer("a.b.c")).status_code == 401
    assert kept.said == [
        ("agent:helper", "document:public", "allowed"), ("agent:helper", "document:secret", "subject.no_grant"),
        ("", "/documents/public", "token.malformed"),
    ]
    assert kept.records[0]["actingOnBehalfOf"] == "user:anne" and policy.replay(kept.records[0])
    kept.broken = True
    answer = api.get("/documents/public", headers=bearer(token))
    assert (answer.status_code, answer.json()["detail"]["code"]) == (503, "guard.callback")


def test_mcp(kept: Kept, policy: Policy, make_token: Callable[..., str]) -> None:
    from deputize.mcp import ToolGuard

    from .test_mcp import POLICIES, RAN, served, tools

    server, guard = served(ToolGuard(policy, audience="https://rag.example", on_ruling=kept.audit.ruling))
    POLICIES[:] = [policy]
    tools(server, guard)
    guard.protect(server)
    headers = {"Authorization": f"Bearer {make_token('anne')}"}
    with TestClient(server.streamable_http_app(json_response=True, stateless_http=True), base_url="http://127.0.0.1:8000") as client:
        assert "text of public" in call(client, headers, "public").text
        assert "subject.no_grant" in call(client, headers, "secret").text
        kept.broken = True
        assert "guard.callback" in call(client, headers, "public").text
    assert kept.said == [("user:anne", "document:public", "allowed"), ("user:anne", "document:secret", "subject.no_grant")]
    assert RAN == ["public"]


def test_fastmcp(kept: Kept, policy: Policy) -> None:
    from . import test_fastmcp as bank

    bank.RAN.clear()
    made = bank.server(policy, identity=lambda: policy.caller("user:anne"), on_ruling=kept.audit.ruling)
    assert bank.call(made, "read", document="public")[0] and not bank.call(made, "read", document="secret")[0]
    kept.broken = True
    assert "guard.callback" in bank.call(made, "read", document="public")[1]
    assert kept.said == [("user:anne", "document:public", "allowed"), ("user:anne", "document:secret", "subject.no_grant")]
    assert bank.RAN == ["public"]


def test_langchain(kept: Kept, policy: Policy) -> None:
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessage, ToolMessage
    from langchain_core.tools import tool

    from deputize.langchain.agents import ToolGate, ToolRule

    from .test_langchain_agents import Model

    ran: list[str] = []

    @tool
    def read(document: str) -> str:
        """Reads."""
        ran.append(document)
        return f"text of {document}"

    def calls(*documents: str) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "read", "args": {"document": one}, "id": str(n)} for n, one in enumerate(documents)])

    gate = ToolGate({"read": ToolRule("can_read", "document:{document}")}, on_ruling=kept.audit.ruling)

    def told(*documents: str) -> list[str]:
        model = Model(messages=iter([calls(*documents), AIMessage("done")]))
        agent = create_agent(model, [read], middleware=[gate])
        found = agent.invoke({"messages": [("user", "?")]}, {"configurable": {"caller": policy.caller("user:anne")}})
        return [str(one.content) for one in found["messages"] if isinstance(one, ToolMessage)]

    assert told("public", "secret") == ["text of public", "Denied: `read` is not permitted (subject.no_grant)."]
    assert sorted(kept.said) == [("user:anne", "document:public", "allowed"), ("user:anne", "document:secret", "subject.no_grant")]
    kept.broken = True
    assert told("public") == ["Denied: `read` is not permitted (guard.callback)."] and ran == ["public"]


def test_spans(policy: Policy) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    audit = Audit(observers=[spans()])
    caller = policy.caller(["user:anne", "agent:helper"])
    assert audit.can(caller, "can_read", "document:public")  # no span: nothing to write to
    with provider.get_tracer("t").start_as_current_span("allowed"):
        audit.can(caller, "can_read", "document:public")
    with provider.get_tracer("t").start_as_current_span("denied"):
        audit.can(caller, "can_read", "document:public")
        audit.can(caller, "can_read", "document:secret")
    allowed, denied = exporter.get_finished_spans()
    assert dict(allowed.attributes or {}) == {
        "deputize.actor": "agent:helper", "deputize.subject": "user:anne", "deputize.revision": policy.revision,
    }
    [event] = allowed.events
    record = caller.decide("can_read", "document:public").record
    said: dict[str, Any] = dict(event.attributes or {})
    assert event.name == "deputize.decision" and said.pop("deputize.chain") == ("user:anne", "agent:helper")
    assert said.pop("deputize.message") and len(said.pop("deputize.id")) == 64
    assert said == {
        "deputize.allowed": True, "deputize.reason": "allowed", "deputize.action": "can_read",
        "deputize.resource": "document:public", "deputize.digest": record["digest"],
    }
    assert (denied.attributes or {})["deputize.denied"] is True and len(denied.events) == 2
