"""LangChain's agents: the gate before their tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool

from deputize import DeniedError, Policy
from deputize.identity import Token
from deputize.langchain.agents import ToolGate, ToolRule
from deputize.tools import ToolAnswer

RAN: list[tuple[str, Any]] = []


@tool
def read(document: str) -> str:
    """Reads a document."""
    RAN.append(("read", document))
    return f"text of {document}"


@tool
def pay(account: int, amount: int) -> str:
    """Pays from an account."""
    RAN.append(("pay", (account, amount)))
    return "paid"


@tool
def clock() -> str:
    """Tells the time."""
    RAN.append(("clock", None))
    return "noon"


@tool
def erase() -> str:
    """Has no rule."""
    RAN.append(("erase", None))
    return "gone"


RULES = {
    "read": ToolRule("can_read", "document:{document}"),
    "pay": ToolRule("can_pay", "account:{account}", context=("amount",)),
    "clock": None,
}


class Model(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **more: Any) -> Any:
        return self


@pytest.fixture(autouse=True)
def _fresh() -> None:
    RAN.clear()


@dataclass
class Context:
    caller: Any = None


def agent(calls: list[tuple[str, dict[str, Any]]], **more: Any) -> Any:
    asked = AIMessage(
        "", tool_calls=[{"name": n, "args": a, "id": f"c{i}"} for i, (n, a) in enumerate(calls)]
    )
    return create_agent(
        Model(messages=iter([asked, AIMessage("done")])),
        [read, pay, clock, erase],
        middleware=[ToolGate(RULES, **more)],
        context_schema=Context,
    )


def answers(state: dict[str, Any]) -> list[tuple[str, str]]:
    tools = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    return [(m.status, str(m.content)) for m in tools]


ASK = {"messages": [("user", "go")]}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_only_what_is_allowed_runs(policy: Policy, way: str) -> None:
    calls = [
        ("read", {"document": "public"}),
        ("read", {"document": "secret"}),
        ("read", {"document": "public#x"}),
        ("read", {"document": "a:public"}),
        ("pay", {"account": 7, "amount": 100}),
        ("pay", {"account": 7, "amount": 101}),
        ("pay", {"account": 8, "amount": 1}),
        ("clock", {}),
        ("erase", {}),
    ]
    said: list[ToolAnswer] = []
    app = agent(calls, on_answer=said.append)
    config = {"configurable": {"caller": policy.caller("user:anne")}}
    state = app.invoke(ASK, config) if way == "sync" else asyncio.run(app.ainvoke(ASK, config))
    assert sorted(map(str, RAN)) == sorted(
        map(str, [("read", "public"), ("pay", (7, 100)), ("clock", None)])
    )
    statuses = [status for status, _ in answers(state)]
    assert statuses == [
        "success", "error", "error", "error", "success", "error", "error", "success", "error",
    ]
    assert "subject.no_grant" in answers(state)[1][1]
    assert sorted(a.reason for a in said if not a) == [
        "subject.no_grant", "subject.no_grant", "subject.no_grant",
        "tool.arguments", "tool.arguments", "tool.unlisted",
    ]


def test_nobody_or_an_expired_token_runs_nothing(policy: Policy, make_token: Callable[..., str]) -> None:
    app = agent([("clock", {}), ("read", {"document": "public"})], policy=policy)
    with pytest.raises(DeniedError) as caught:
        app.invoke(ASK)
    assert caught.value.code == "caller.missing"
    old = Token(make_token("anne", iat=1000, exp=2000))
    app = agent([("clock", {}), ("read", {"document": "public"})], policy=policy)
    with pytest.raises(DeniedError) as caught:
        app.invoke(ASK, {"configurable": {"caller": old}})
    assert caught.value.code == "token.expired"
    assert RAN == []


def test_the_caller_of_the_runtime_context(policy: Policy) -> None:
    app = agent([("read", {"document": "secret"})])
    app.invoke(ASK, context=Context(policy.caller("user:bob")))
    assert RAN == [("read", "secret")]


def test_an_agent_that_acts_for_a_person(policy: Policy) -> None:
    app = agent([("read", {"document": "loans"}), ("read", {"document": "public"})])
    acting = policy.caller(["user:anne", "agent:helper"])
    state = app.invoke(ASK, {"configurable": {"caller": acting}})
    assert RAN == [("read", "public")]
    assert "actor.no_grant" in answers(state)[0][1]


def test_a_retriever_as_a_tool_of_an_agent(policy: Policy) -> None:
    """A tool that searches finds its caller in the graph's own config."""
    from langchain_core.documents import Document
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_core.tools import create_retriever_tool
    from langchain_core.vectorstores import InMemoryVectorStore

    from deputize.langchain import AuthorizedRetriever

    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents(
        [Document("for all", metadata={"source": "document:public"}),
         Document("for bob", metadata={"source": "document:secret"})]
    )
    search = create_retriever_tool(
        AuthorizedRetriever(inner=store, action="can_read", resource="source"), "search", "Searches."
    )
    asked = AIMessage("", tool_calls=[{"name": "search", "args": {"query": "q"}, "id": "1"}])

    def seen(**given: Any) -> str:
        app = create_agent(
            Model(messages=iter([asked, AIMessage("done")])), [search], context_schema=Context
        )
        return answers(app.invoke(ASK, **given))[0][1]

    anne = {"configurable": {"caller": policy.caller("user:anne")}}
    assert seen(config=anne) == "for all"
    assert seen(context=Context(policy.caller("user:bob"))) == "for bob"
    with pytest.raises(DeniedError):
        seen()
