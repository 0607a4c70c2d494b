"""LangChain's agents: the gate before their tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from langchain.agents import AgentState, create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.prebuilt import InjectedState
from pydantic import BaseModel, ConfigDict, Field

from deputize import DeniedError, MisuseError, Policy
from deputize.identity import Token
from deputize.langchain.agents import ToolGate, ToolRule
from deputize.tools import Ruling

from .conftest import AUDIENCE, snapshot, tuple_of


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
    said: list[Ruling] = []
    app = agent(calls, on_ruling=said.append)
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
        "guard.no_resource", "guard.no_resource", "guard.no_rule",
        "subject.no_grant", "subject.no_grant", "subject.no_grant",
    ]
    # With the records, since somebody looks.
    assert all(a.decisions for a in said if a.reason == "subject.no_grant")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_nobody_or_an_expired_token_runs_nothing_and_every_call_is_answered(
    policy: Policy, make_token: Callable[..., str], way: str
) -> None:
    """B17: a thread with a call that has no answer is refused by models from then on."""
    calls = [("clock", {}), ("read", {"document": "public"}), ("erase", {})]
    old = Token(make_token("anne", iat=1000, exp=2000))
    for given, code in ((None, "guard.no_caller"), (old, "token.expired"), ("user:anne", "guard.options")):
        app = agent(calls, policy=policy, audience=AUDIENCE)
        config = {"configurable": {"caller": given}}
        state = app.invoke(ASK, config) if way == "sync" else asyncio.run(app.ainvoke(ASK, config))
        assert answers(state) == [
            ("error", f"Denied: `clock` is not permitted ({code})."),
            ("error", f"Denied: `read` is not permitted ({code})."),
            ("error", "Denied: `erase` is not permitted (guard.no_rule)."),
        ]
    assert RAN == []


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    doc_id: str = Field(alias="docId")


@tool(args_schema=Aliased)
def aliased(doc_id: str) -> str:
    """Reads."""
    RAN.append(("aliased", doc_id))
    return doc_id


@tool
def close(account: Annotated[str, InjectedState("account")], why: str = "") -> str:
    """Closes."""
    RAN.append(("close", account))
    return account


@tool
def number(n: int) -> str:
    """Reads by number."""
    RAN.append(("number", n))
    return str(n)


class Own(BaseTool):
    name: str = "own"
    description: str = "Reads."

    def _run(self, document: str = "secret", **_: Any) -> str:
        RAN.append(("own", document))
        return document


class State(AgentState[Any]):
    account: str


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(
    ("call", "arguments", "ran", "code"),
    [
        ("aliased", {"doc_id": "public", "docId": "secret"}, None, "guard.arguments"),
        ("aliased", {"docId": "secret"}, None, "subject.no_grant"),
        ("aliased", {"docId": "public"}, "public", None),
        ("aliased", {"doc_id": "public"}, "public", None),
        ("close", {"account": "mine"}, None, "subject.no_grant"),
        ("close", {}, None, "subject.no_grant"),
        ("number", {"n": "0042"}, 42, None),
        ("number", {"n": "+43"}, None, "subject.no_grant"),
        ("number", {"n": 42, "m": 1}, None, "guard.arguments"),
        ("own", {}, None, "subject.no_grant"),
        ("own", {"document": "public"}, "public", None),
    ],
)
def test_what_is_decided_is_what_runs(
    way: str, call: str, arguments: dict[str, Any], ran: object, code: str | None
) -> None:
    """B3. Granted are `public`, `mine`, 42 and, to be told apart, the text `+43`."""
    names = ["document:public", "document:42", "document:0042", "document:+43", "account:mine"]
    policy = Policy.from_json(snapshot([tuple_of("user:anne", "reader" if n[0] == "d" else "owner", n) for n in names]))
    rules = {
        "aliased": ToolRule("can_read", "document:{doc_id}"),
        "close": ToolRule("owner", "account:{account}"),
        "number": ToolRule("can_read", "document:{n}"),
        "own": ToolRule("can_read", "document:{document}"),
    }
    asked = AIMessage("", tool_calls=[{"name": call, "args": arguments, "id": "1"}])
    app = create_agent(
        Model(messages=iter([asked, AIMessage("done")])), [aliased, close, number, Own()],
        middleware=[ToolGate(rules)], state_schema=State,
    )
    config: Any = {"configurable": {"caller": policy.caller("user:anne")}}
    ask: Any = {**ASK, "account": "theirs"}
    state = app.invoke(ask, config) if way == "sync" else asyncio.run(app.ainvoke(ask, config))
    assert [what for _, what in RAN] == ([] if ran is None else [ran]), answers(state)
    assert code is None or code in answers(state)[0][1], answers(state)


def test_the_model_is_shown_what_it_may_call(policy: Policy) -> None:
    shown: list[list[str]] = []

    class Looks(Model):
        def bind_tools(self, tools: Any, **more: Any) -> Any:
            shown.append(sorted(tool.name for tool in tools))
            return self

    rules = {"read": ToolRule("can_read", "document:{document}"), "clock": None,
             "pay": ToolRule("owner", "account:{account}")}
    for who, names in (("anne", ["clock", "pay", "read"]), ("bob", ["clock", "read"]), ("carl", ["clock"])):
        app = create_agent(Looks(messages=iter([AIMessage("done")])), [read, pay, clock, erase], middleware=[ToolGate(rules)])
        app.invoke(ASK, {"configurable": {"caller": policy.caller(f"user:{who}")}})
        assert shown.pop() == names


async def _later(_: object) -> None: ...


def fails(_: object) -> None:
    raise ValueError("SECRET")


@pytest.mark.parametrize("callback", [fails, lambda _: False, lambda _: _later(_)], ids=["raises", "false", "awaitable"])
def test_a_callback_that_must_see_a_ruling_denies_where_it_does_not(policy: Policy, callback: Any, caplog: Any) -> None:
    app = agent([("read", {"document": "public"})], on_ruling=callback)
    state = app.invoke(ASK, {"configurable": {"caller": policy.caller("user:anne")}})
    assert answers(state) == [("error", "Denied: `read` is not permitted (guard.callback).")] and RAN == []
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("wrong", [
    {"on_ruling": _later}, {"identity": _later}, {"identity": "user:anne"}, {"identity_key": ""},
], ids=str)
def test_what_is_set_up_wrong_is_told_at_once(wrong: dict[str, Any], policy: Policy) -> None:
    with pytest.raises(MisuseError) as caught:
        ToolGate(RULES, **wrong)
    assert caught.value.code == "guard.options"
    for rules in ({"x": "can_read"}, {"x": ("can_read", "document:1")}, ["read"]):
        with pytest.raises(MisuseError):
            ToolGate(rules)  # type: ignore[arg-type]
    for action, resource in (("can_raed", "document:{d}"), ("can_read", "documnt:{d}")):
        with pytest.raises(MisuseError):
            ToolGate({"x": ToolRule(action, resource)}, policy=policy, audience=AUDIENCE)
    with pytest.raises(MisuseError):
        ToolGate(RULES, policy=policy)
    for action, resource, context in (
        ("", "document:1", ()), ("a", "{d}", ()), ("a", "document", ()), ("a", "document:{d", ()),
        ("a", "document:{d}", "amount"), ("a", _later, ()), (1, "document:1", ()), ("a", 1, ()),
    ):
        with pytest.raises((MisuseError, TypeError)):
            ToolRule(action, resource, context)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("ended", ["revoked", "stale", "gone"])
def test_a_run_in_whose_midst_rights_end_leaves_a_whole_thread(make_token: Callable[..., str], way: str, ended: str) -> None:
    """B17, also where a tool asks itself: every call has its answer, and the thread goes on."""
    from langchain_core.documents import Document
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_core.tools import create_retriever_tool
    from langchain_core.vectorstores import InMemoryVectorStore
    from langgraph.checkpoint.memory import InMemorySaver

    from deputize.langchain import AuthorizedRetriever

    policies: list[Any] = [Policy.from_json(snapshot([tuple_of("user:anne", "reader", "document:public")]))]

    def current() -> Policy:
        if policies[-1] is None:
            raise DeniedError("snapshot.stale", "SECRET URL")
        found: Policy = policies[-1]
        return found

    @tool
    def end() -> str:
        """Ends somebody's rights."""
        policies.append({
            "revoked": Policy.from_json(snapshot([], revoked={"tokens": ["t-9"]})), "stale": None, "gone": Policy.from_json({"deputize": 1}),
        }[ended])
        return "ended"

    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents([Document("for anne", metadata={"source": "document:public"})])
    given: Any = {"policy": current, "audience": AUDIENCE}
    search = create_retriever_tool(AuthorizedRetriever(inner=store, action="can_read", resource="source", **given), "search", "Searches.")
    query = {"name": "search", "args": {"query": "q"}}
    turns = [
        AIMessage("", tool_calls=[{**query, "id": "1"}]),
        AIMessage("", tool_calls=[{"name": "end", "args": {}, "id": "2"}]),
        AIMessage("", tool_calls=[{**query, "id": "3"}, {"name": "read", "args": {"document": "public"}, "id": "4"}]),
        AIMessage("done"), AIMessage("and on"),
    ]

    # The gate's own policy still lets it search; the search asks for itself.
    gate = ToolGate({**RULES, "end": None, "search": None}, policy=lambda: policies[0], audience=AUDIENCE)
    app: Any = create_agent(Model(messages=iter(turns)), [search, read, end], middleware=[gate], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1", "caller": Token(make_token("anne", jti="t-9"))}}
    if way == "sync":
        app.invoke(ASK, config)
        state = app.invoke(ASK, config)
    else:
        asyncio.run(app.ainvoke(ASK, config))
        state = asyncio.run(app.ainvoke(ASK, config))
    called = [call["id"] for one in state["messages"] if isinstance(one, AIMessage) for call in one.tool_calls]
    answered = [one.tool_call_id for one in state["messages"] if isinstance(one, ToolMessage)]
    assert sorted(called) == sorted(answered) == ["1", "2", "3", "4"] and state["messages"][-1].content == "and on"
    said = {one.tool_call_id: str(one.content) for one in state["messages"] if isinstance(one, ToolMessage)}
    code = {"revoked": "revoked.token", "stale": "snapshot.stale", "gone": "issuer.unknown"}[ended]
    assert said["1"] == "for anne" and said["3"] == f"Denied: `search` is not permitted ({code})."
    assert said["4"] == "text of public"
    assert "SECRET" not in str(state["messages"])
