"""LangChain's retrievers and compressors, over stores that run."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.vectorstores import InMemoryVectorStore

from deputize import DeniedError, MisuseError, Policy
from deputize.identity import Token
from deputize.langchain import AuthorizationFilter, AuthorizedRetriever
from deputize.pushdown import FAISS, Chroma, LanceDB
from deputize.retrieval import Acl, Match, Named, Report

from .conftest import AUDIENCE, angle, snapshot, tuple_of


class Angles(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [angle(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return angle(text)


def asks(caller: Any) -> Any:
    return {"configurable": {"caller": caller}}


def texts(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


def of(resource: object, n: int, **more: Any) -> Document:
    metadata = {} if resource is None else {"source": resource}
    return Document(f"chunk {n}", metadata={**metadata, **more})


class Fixed(BaseRetriever):
    """A retriever that gives what it holds, whatever is asked."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self.documents


def over(documents: list[Document], **more: Any) -> AuthorizedRetriever:
    options = {"action": "can_read", "resource": "source", "k": 10, **more}
    return AuthorizedRetriever(inner=Fixed(documents=documents), **options)


@pytest.fixture(scope="session")
def chroma() -> Any:
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma as Store

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    store = Store("corpus", Angles(), client=client, collection_metadata={"hnsw:space": "cosine"})
    store.add_documents([of(f"document:{n}", n) for n in range(2000)])
    return store


@pytest.fixture(scope="session")
def faiss() -> Any:
    from langchain_community.vectorstores import FAISS as Store

    return Store.from_documents([of(f"document:{n}", n) for n in range(2000)], Angles())


@pytest.fixture(scope="session")
def lance(tmp_path_factory: Any) -> Any:
    from langchain_community.vectorstores import LanceDB as Store

    path = str(tmp_path_factory.mktemp("lance"))
    return Store.from_documents([of(f"document:{n}", n) for n in range(2000)], Angles(), uri=path)


@pytest.fixture(scope="session")
def memory() -> Any:
    store = InMemoryVectorStore(Angles())
    store.add_documents([of(f"document:{n}", n) for n in range(2000)])
    return store


NUMBERED = Named("source", types=("document",))
STORES = ["chroma", "faiss", "lance", "memory"]
PREFILTERS = {"chroma": Chroma(), "faiss": FAISS(), "lance": LanceDB("metadata.{}")}


# Who asks.


def test_identity_missing_on_a_direct_invoke_denies(policy: Policy) -> None:
    retriever = over([of("document:public", 1)])
    for config in (None, {}, {"configurable": {}}, {"configurable": {"caller": None}}):
        with pytest.raises(DeniedError) as caught:
            retriever.invoke("q", config)
        assert caught.value.code == "guard.no_caller"
        with pytest.raises(DeniedError):
            asyncio.run(retriever.ainvoke("q", config))
    with pytest.raises(DeniedError):
        retriever.batch(["q", "r"])
    with pytest.raises(DeniedError):
        list(retriever.stream("q"))


def test_identity_on_a_direct_invoke(policy: Policy) -> None:
    retriever = over([of("document:secret", 1), of("document:public", 2)])
    config = asks(policy.caller("user:anne"))
    assert texts(retriever.invoke("q", config)) == ["chunk 2"]
    assert texts(asyncio.run(retriever.ainvoke("q", config))) == ["chunk 2"]
    assert [texts(found) for found in retriever.batch(["q", "r"], config)] == [["chunk 2"]] * 2


def test_identity_within_a_chain(policy: Policy) -> None:
    retriever = over([of("document:secret", 1), of("document:public", 2)])
    chain = {"seen": retriever | texts, "query": RunnablePassthrough()} | RunnableLambda(dict)
    assert chain.invoke("q", asks(policy.caller("user:anne")))["seen"] == ["chunk 2"]
    assert chain.invoke("q", asks(policy.caller("user:bob")))["seen"] == ["chunk 1"]
    nested = RunnableLambda(lambda query: retriever.invoke(query))
    assert texts(nested.invoke("q", asks(policy.caller("user:anne")))) == ["chunk 2"]
    with pytest.raises(DeniedError):
        chain.invoke("q")


def test_identity_from_the_runtime_context_of_a_graph(policy: Policy) -> None:
    from dataclasses import dataclass

    from langgraph.graph import START, StateGraph
    from typing_extensions import TypedDict

    @dataclass
    class Context:
        caller: Any = None

    class State(TypedDict):
        seen: list[str]

    retriever = over([of("document:secret", 1), of("document:public", 2)])
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("search", lambda state: {"seen": texts(retriever.invoke("q"))})
    graph.add_edge(START, "search")
    app = graph.compile()
    anne, bob = policy.caller("user:anne"), policy.caller("user:bob")
    assert app.invoke({"seen": []}, context=Context(anne))["seen"] == ["chunk 2"]
    assert app.invoke({"seen": []}, asks(bob))["seen"] == ["chunk 1"]
    with pytest.raises(DeniedError) as caught:
        app.invoke({"seen": []})
    assert caught.value.code == "guard.no_caller"
    with pytest.raises(DeniedError) as caught:
        app.invoke({"seen": []}, asks(bob), context=Context(anne))
    assert caught.value.code == "guard.ambiguous"


def test_an_identity_that_is_given(policy: Policy, make_token: Callable[..., str]) -> None:
    documents = [of("document:secret", 1), of("document:public", 2)]
    assert texts(over(documents, identity=policy.caller("user:bob")).invoke("q")) == ["chunk 1"]
    found = over(
        documents,
        policy=policy, audience=AUDIENCE,
        identity=lambda config: Token(config["configurable"]["bearer"]),
    )
    bearer = {"configurable": {"bearer": make_token("anne")}}
    assert texts(found.invoke("q", bearer)) == ["chunk 2"]
    nobody = over(documents, identity=lambda config: None)
    with pytest.raises(DeniedError):
        nobody.invoke("q", asks(policy.caller("user:anne")))


def test_a_token_is_verified_on_each_invoke(make_token: Callable[..., str]) -> None:
    from .conftest import AUDIENCE, TUPLES

    policies = [Policy.from_json(snapshot(TUPLES))]
    retriever = over([of("document:public", 1)], policy=lambda: policies[-1], audience=AUDIENCE)
    good = asks(Token(make_token("anne", jti="t-1")))
    assert texts(retriever.invoke("q", good)) == ["chunk 1"]
    policies.append(Policy.from_json(snapshot(TUPLES, revoked={"tokens": ["t-1"]})))
    with pytest.raises(DeniedError) as caught:
        retriever.invoke("q", good)
    assert caught.value.code == "revoked.token"


@pytest.mark.parametrize("bad", ["expired", "forged", "audience", "text"])
def test_expired_and_other_bad_tokens_deny(
    policy: Policy, make_token: Callable[..., str], bad: str
) -> None:
    now = int(time.time())
    retriever = over([of("document:public", 1)], policy=policy, audience=AUDIENCE)
    given, code = {
        "expired": (Token(make_token("anne", iat=now - 90, exp=now - 30)), "token.expired"),
        "forged": (Token(make_token("anne")[:-6] + "AAAAAA"), "token.signature"),
        "audience": (Token(make_token("anne", aud="https://other.example")), "audience.mismatch"),
        # A plain text would be copied into traces: it is refused, not verified.
        "text": (make_token("anne"), "guard.options"),
    }[bad]
    with pytest.raises((DeniedError, MisuseError)) as caught:
        retriever.invoke("q", asks(given))
    assert caught.value.code == code
    with pytest.raises((DeniedError, MisuseError)):
        asyncio.run(retriever.ainvoke("q", asks(given)))


def test_a_kept_caller_expires(policy: Policy, make_token: Callable[..., str]) -> None:
    now = int(time.time())
    token = make_token("anne", iat=now - 100, exp=now - 10)
    kept = policy.verify(token, now=now - 50)
    assert kept.can("can_read", "document:public", now=now - 50)
    with pytest.raises(DeniedError) as caught:
        over([of("document:public", 1)]).invoke("q", asks(kept))
    assert caught.value.code == "token.expired"


def test_a_stale_snapshot_denies(make_token: Callable[..., str]) -> None:
    from .conftest import AUDIENCE, TUPLES

    now = int(time.time())
    stale = Policy.from_json(snapshot(TUPLES, issued_at=now - 100, not_after=now - 10))
    kept = stale.caller("user:anne", now=now - 50)
    retriever = over([of("document:public", 1)], policy=stale, audience=AUDIENCE)
    for given in (kept, Token(make_token("anne"))):
        with pytest.raises(DeniedError) as caught:
            retriever.invoke("q", asks(given))
        assert caught.value.code == "snapshot.stale"


def test_a_source_that_is_stale_denies_a_kept_caller(policy: Policy) -> None:
    class Stale:
        @property
        def policy(self) -> Policy:
            raise DeniedError("snapshot.stale", "too old")

    retriever = over([of("document:public", 1)], policy=Stale(), audience=AUDIENCE)
    with pytest.raises(DeniedError) as caught:
        retriever.invoke("q", asks(policy.caller("user:anne")))
    assert caught.value.code == "snapshot.stale"


def test_an_unknown_user_sees_nothing(policy: Policy, make_token: Callable[..., str]) -> None:
    documents = [of("document:secret", 1), of("document:public", 2)]
    retriever = over(documents, policy=policy, audience=AUDIENCE)
    assert retriever.invoke("q", asks(policy.caller("user:nobody"))) == []
    assert retriever.invoke("q", asks(Token(make_token("nobody")))) == []


def test_an_agent_sees_what_both_may_see(policy: Policy, make_token: Callable[..., str]) -> None:
    retriever = over([of("document:loans", 1), of("document:public", 2)], policy=policy, audience=AUDIENCE)
    assert texts(retriever.invoke("q", asks(Token(make_token("anne"))))) == ["chunk 1", "chunk 2"]
    acting = Token(make_token("anne", act={"sub": "helper"}))
    assert texts(retriever.invoke("q", asks(acting))) == ["chunk 2"]
    narrow = Token(make_token("anne", scope="chunks:read"))
    assert retriever.invoke("q", asks(narrow)) == []


# What a chunk says of itself.


def test_chunks_without_an_id(policy: Policy) -> None:
    documents = [of("document:secret", 1), of("document:public", 2)]
    assert [document.id for document in documents] == [None, None]
    found = over(documents).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 2"]


def test_duplicate_chunks(policy: Policy) -> None:
    """Each copy is decided by what it says itself, and one id comes once."""
    reports: list[Report] = []
    documents = [
        Document("same", id="a", metadata={"source": "document:secret"}),
        Document("same", id="a", metadata={"source": "document:public"}),
        Document("same", id="a", metadata={"source": "document:public"}),
        Document("same", metadata={"source": "document:public"}),
        Document("same", metadata={"source": "document:public"}),
        Document("same", metadata={"source": "document:secret"}),
    ]
    found = over(documents, on_report=reports.append).invoke("q", asks(policy.caller("user:anne")))
    assert [document.metadata["source"] for document in found] == ["document:public"] * 3
    assert reports[0].dropped == {"duplicate": 1, "subject.no_grant": 2}


def test_many_chunks_of_one_document(policy: Policy) -> None:
    documents = [of("document:public" if n % 2 else "document:loans", n) for n in range(5)]
    found = over(documents).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == [f"chunk {n}" for n in range(5)]


def test_missing_and_malformed_resources_are_dropped(policy: Policy) -> None:
    reports: list[Report] = []
    bad = [None, "", 42, ["document:public"], "public", "document:", "document:pub lic", "nothing:1", "document:*"]
    documents = [of(resource, n) for n, resource in enumerate(bad)] + [of("document:public", 99)]
    found = over(documents, on_report=reports.append).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 99"]
    assert reports[0].dropped["resource.missing"] == 1
    assert sum(reports[0].dropped.values()) == len(bad)


def test_an_error_in_one_check_drops_that_chunk(policy: Policy) -> None:
    reports: list[Report] = []
    documents = [of("document:public", 1), of("document:day", 2), of("document:loans", 3)]
    found = over(documents, on_report=reports.append).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 1", "chunk 3"]
    assert reports[0].dropped == {"condition.failed": 1}

    def named(document: Document) -> str:
        return {"chunk 1": "document:public"}[document.page_content]

    found = over(documents, resource=named, on_report=reports.append).invoke(
        "q", asks(policy.caller("user:anne"))
    )
    assert texts(found) == ["chunk 1"]
    assert reports[1].dropped == {"resource.error": 2}


def test_the_same_object_under_two_relations(policy: Policy) -> None:
    found = over([of("document:loans", 1)]).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 1"]


def test_more_than_50_candidates_and_rank_kept(corpus_policy: Policy) -> None:
    documents = [of(f"document:{n}", n) for n in reversed(range(1000))]
    found = over(documents, k=500).invoke("q", asks(corpus_policy.caller("user:dora")))
    assert texts(found) == [f"chunk {n}" for n in reversed(range(1000)) if n % 2]


# Chunks that carry their readers.

ACL = Acl(
    "chunk",
    {"users": "user:{}", "groups": "team:{}#member", "public": "user:*"},
    links={"parent": "document"},
)


def carrying(n: int, **metadata: Any) -> Document:
    return Document(f"chunk {n}", metadata=metadata)


def test_chunks_that_carry_their_readers(policy: Policy) -> None:
    reports: list[Report] = []
    documents = [
        carrying(0, users=["anne", "bob"]),
        carrying(1, users="bob"),
        carrying(2, groups=["loans"]),
        carrying(3, groups=[]),
        carrying(4),
        carrying(5, public=True),
        carrying(6, public=False),
        carrying(7, parent="document:loans"),
        carrying(8, parent="document:secret"),
        carrying(9, users=["anne#x"]),
        carrying(10, users=["*"]),
        carrying(11, users={"anne": 1}),
        carrying(12, public="yes"),
        carrying(13, users=["anne", 7]),
        carrying(14, users="anne, bob"),
    ]
    retriever = over(documents, resource=None, acl=ACL, k=20, on_report=reports.append)
    found = retriever.invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 0", "chunk 2", "chunk 5", "chunk 7", "chunk 13"]
    assert reports[0].dropped == {"acl.malformed": 5, "acl.missing": 1, "subject.no_grant": 4}
    found = retriever.invoke("q", asks(policy.caller("user:bob")))
    assert texts(found) == ["chunk 0", "chunk 1", "chunk 5", "chunk 8"]


def test_readers_that_the_model_refuses_drop_one_chunk(policy: Policy) -> None:
    reports: list[Report] = []
    acl = Acl("chunk", {"users": "user:{}", "robots": "agent:{}"})
    documents = [carrying(0, users=["anne"]), carrying(1, robots=["helper"], users=["anne"])]
    documents += [carrying(2, users=["anne"])]
    retriever = over(documents, resource=None, acl=acl, on_report=reports.append)
    assert texts(retriever.invoke("q", asks(policy.caller("user:anne")))) == ["chunk 0", "chunk 2"]
    assert reports[0].dropped == {"acl.malformed": 1}


def test_two_chunks_of_one_id_do_not_share_readers(policy: Policy) -> None:
    documents = [
        Document("hers", id="x", metadata={"users": ["anne"]}),
        Document("his", id="x", metadata={"users": ["bob"]}),
    ]
    retriever = over(documents, resource=None, acl=ACL)
    assert texts(retriever.invoke("q", asks(policy.caller("user:bob")))) == ["his"]


def test_a_chunk_cannot_give_beyond_itself(policy: Policy) -> None:
    """Metadata that names another object's relations gives nothing there."""
    documents = [carrying(0, parent=["document:secret#reader"]), carrying(1, parent="team:loans")]
    retriever = over(documents, resource=None, acl=ACL)
    assert retriever.invoke("q", asks(policy.caller("user:anne"))) == []


def test_5000_chunks_with_readers_of_their_own(policy: Policy) -> None:
    documents = [carrying(n, users=["anne" if n % 10 == 0 else f"u{n}"]) for n in range(5000)]
    retriever = over(documents, resource=None, acl=ACL, k=500)
    found = retriever.invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == [f"chunk {n}" for n in range(0, 5000, 10)]


# Searching until there are k.


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("kind", STORES)
def test_k_of_k_wherever_k_allowed_exist(
    kind: str, pushed: bool, corpus_policy: Policy, request: pytest.FixtureRequest
) -> None:
    """1 % of 2,000 chunks may be seen: 20."""
    if pushed and kind not in PREFILTERS:
        pytest.skip("nothing to push down to")
    store = request.getfixturevalue(kind)
    reports: list[Report] = []
    expected = [f"chunk {n}" for n in range(50, 2000, 100)]
    for k in (1, 5, 10, 20, 25):
        retriever = AuthorizedRetriever(
            inner=store,
            action="can_read",
            resource=NUMBERED,
            k=k,
            prefilter=PREFILTERS[kind] if pushed else None,
            on_report=reports.append,
        )
        anne = asks(corpus_policy.caller("user:anne"))
        found = retriever.invoke("query 0", anne)
        assert texts(found) == expected[:k]
        assert texts(asyncio.run(retriever.ainvoke("query 0", anne))) == expected[:k]
        assert reports[-1] == reports[-2]
        assert reports[-1].stopped == ("enough" if k <= 20 else "exhausted")
        if pushed and k <= 20:
            assert (reports[-1].searches, reports[-1].searched) == (1, k)
            assert reports[-1].pushed == 20


@pytest.mark.parametrize("kind", [*PREFILTERS])
def test_an_empty_allow_list_never_reaches_the_store(
    kind: str, corpus_policy: Policy, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = request.getfixturevalue(kind)
    reports: list[Report] = []
    searched: list[Any] = []
    search = type(store).similarity_search
    monkeypatch.setattr(
        type(store),
        "similarity_search",
        lambda self, *args, **kwargs: searched.append(kwargs) or search(self, *args, **kwargs),
    )
    retriever = AuthorizedRetriever(
        inner=store, action="can_read", resource=NUMBERED, prefilter=PREFILTERS[kind],
        on_report=reports.append,
    )
    assert retriever.invoke("query 0", asks(corpus_policy.caller("user:carl"))) == []
    assert asyncio.run(retriever.ainvoke("query 0", asks(corpus_policy.caller("user:carl")))) == []
    assert searched == []
    assert reports[0].stopped == "nothing_allowed" and reports[0].searches == 0
    with pytest.raises(MisuseError):
        PREFILTERS[kind].where([])
    with pytest.raises(MisuseError):
        PREFILTERS[kind].where([Match("source", [], listed=False)])
    retriever.invoke("query 0", asks(corpus_policy.caller("user:dora")))
    assert searched


def test_the_final_check_holds_what_a_store_lets_through(corpus_policy: Policy, chroma: Any) -> None:
    class Wrong:
        def search_kwargs(self, store: Any, matches: Any, own: Any) -> dict[str, Any]:
            return dict(own)

    retriever = AuthorizedRetriever(
        inner=chroma, action="can_read", resource=NUMBERED, prefilter=Wrong(), k=5
    )
    found = retriever.invoke("query 0", asks(corpus_policy.caller("user:anne")))
    assert texts(found) == [f"chunk {n}" for n in (50, 150, 250, 350, 450)]


def test_the_stores_own_filter_goes_on(corpus_policy: Policy, chroma: Any, faiss: Any) -> None:
    """What the search leaves out by itself stays out, with our filter beside it."""
    only = {"source": {"$in": ["document:150", "document:151"]}}
    inner = chroma.as_retriever(search_kwargs={"filter": only})
    for prefilter in (None, Chroma()):
        retriever = AuthorizedRetriever(
            inner=inner, action="can_read", resource=NUMBERED, prefilter=prefilter
        )
        found = retriever.invoke("query 0", asks(corpus_policy.caller("user:anne")))
        assert texts(found) == ["chunk 150"]
    # By itself FAISS looks only at the 20 that it fetched first.
    assert faiss.similarity_search("query 0", k=4, filter={"source": "document:150"}) == []
    inner = faiss.as_retriever(
        search_kwargs={"filter": lambda m: m["source"] == "document:150", "fetch_k": 2000}
    )
    retriever = AuthorizedRetriever(
        inner=inner, action="can_read", resource=NUMBERED, prefilter=FAISS()
    )
    found = retriever.invoke("query 0", asks(corpus_policy.caller("user:anne")))
    assert texts(found) == ["chunk 150"]


def test_mmr_is_topped_up_too(corpus_policy: Policy, memory: Any) -> None:
    inner = memory.as_retriever(search_type="mmr", search_kwargs={"k": 4, "fetch_k": 10})
    retriever = AuthorizedRetriever(
        inner=inner, action="can_read", resource="source", k=3, max_candidates=200
    )
    found = retriever.invoke("query 0", asks(corpus_policy.caller("user:dora")))
    assert len(found) == 3


def test_the_bound_is_reported(corpus_policy: Policy, chroma: Any) -> None:
    reports: list[Report] = []
    retriever = AuthorizedRetriever(
        inner=chroma, action="can_read", resource="source", k=5, max_candidates=160,
        on_report=reports.append,
    )
    found = retriever.invoke("query 0", asks(corpus_policy.caller("user:anne")))
    assert texts(found) == ["chunk 50", "chunk 150"]
    assert (reports[0].stopped, reports[0].asked, reports[0].searched) == ("bound", 5, 160)
    assert reports[0].allowed == 2 and reports[0].dropped == {"subject.no_grant": 158}


def test_too_many_ids_are_not_pushed(corpus_policy: Policy, chroma: Any) -> None:
    reports: list[Report] = []
    retriever = AuthorizedRetriever(
        inner=chroma, action="can_read", resource=NUMBERED, prefilter=Chroma(), max_pushed=10,
        on_report=reports.append,
    )
    found = retriever.invoke("query 0", asks(corpus_policy.caller("user:anne")))
    assert texts(found) == [f"chunk {n}" for n in (50, 150, 250, 350)]
    assert reports[0].pushed is None


def test_records_that_lack_the_key_are_not_found_by_a_pushed_filter(policy: Policy) -> None:
    """Chroma's `$ne` and `$nin` match what lacks the key. Ours never asks so, and
    what comes is decided."""
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma as Store

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    store = Store(f"c{uuid.uuid4().hex}", Angles(), client=client)
    store.add_documents([of("document:public", 1), of("document:secret", 2), Document("no key 3", metadata={"x": 1})])
    lacking = store.similarity_search("query 0", k=3, filter={"source": {"$ne": "document:secret"}})
    assert sorted(texts(lacking)) == ["chunk 1", "no key 3"]
    anne = asks(policy.caller("user:anne"))
    inner = store.as_retriever(search_kwargs={"filter": {"source": {"$ne": "document:secret"}}})
    for prefilter in (None, Chroma()):
        retriever = AuthorizedRetriever(
            inner=inner, action="can_read", resource=NUMBERED, prefilter=prefilter, k=3
        )
        assert texts(retriever.invoke("query 0", anne)) == ["chunk 1"]


def test_names_pushed_to_lists_of_readers(policy: Policy) -> None:
    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma as Store

    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    store = Store(f"c{uuid.uuid4().hex}", Angles(), client=client)
    store.add_documents(
        [
            carrying(1, users=["bob"]),
            carrying(2, users=["anne", "bob"]),
            carrying(3, groups=["loans", "other"]),
            carrying(4, groups="loans"),
            carrying(5, groups=["other"]),
            carrying(6, other="x"),
        ]
    )
    # `$contains` does not find a text that stands alone; ours does.
    alone = store.similarity_search("query 0", k=6, filter={"groups": {"$contains": "loans"}})
    assert texts(alone) == ["chunk 3"]
    reports: list[Report] = []
    retriever = AuthorizedRetriever(
        inner=store, action="can_read", acl=Acl("note", {"users": "user:{}", "groups": "team:{}#member"}),
        prefilter=Chroma(), on_report=reports.append,
    )
    found = retriever.invoke("query 0", asks(policy.caller("user:anne")))
    assert texts(found) == ["chunk 2", "chunk 3", "chunk 4"]
    assert reports[0].dropped == {} and reports[0].searched == 3
    # Where the names are not known whole, here because a condition on some
    # document cannot be answered, the store is searched without them.
    unknown = AuthorizedRetriever(
        inner=store, action="can_read", acl=Acl("chunk", {"users": "user:{}", "groups": "team:{}#member"}),
        prefilter=Chroma(), on_report=reports.append,
    )
    assert unknown.invoke("query 0", asks(policy.caller("user:anne"))) == found
    assert reports[1].pushed is None and reports[1].dropped == {"acl.missing": 1, "subject.no_grant": 2}
    with pytest.raises(MisuseError):
        AuthorizedRetriever(
            inner=store, action="can_read", acl=ACL, prefilter=Chroma()
        ).invoke("query 0", asks(policy.caller("user:anne")))


# What others see of it.


class Listening(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_retriever_end(self, documents: Sequence[Document], **more: Any) -> None:
        self.seen += texts(documents)


def test_no_callback_or_tracer_sees_what_is_dropped(policy: Policy) -> None:
    store = InMemoryVectorStore(Angles())
    store.add_documents([of("document:secret", 1), of("document:public", 2)])
    retriever = AuthorizedRetriever(
        inner=store.as_retriever(callbacks=[]), action="can_read", resource="source", tags=["mine"]
    )
    listening, runs = Listening(), RunCollectorCallbackHandler()
    config = {**asks(policy.caller("user:anne")), "callbacks": [listening, runs]}
    chain = retriever | texts
    assert chain.invoke("q", config) == ["chunk 2"]
    assert listening.seen == ["chunk 2"]
    [root] = runs.traced_runs
    [run] = [child for child in root.child_runs if child.run_type == "retriever"]
    assert run.child_runs == []
    assert set(run.tags or []) >= {"deputize", "mine"}
    report = run.extra["metadata"]["deputize"]
    assert report["dropped"] == {"subject.no_grant": 1} and report["allowed"] == 1
    assert run.extra["metadata"]["deputize_action"] == "can_read"
    assert "chunk 2" in str(root.outputs) + str(run.outputs)
    assert "chunk 1" not in str(root.model_dump())

    async def events() -> list[str]:
        return [str(event) async for event in chain.astream_events("q", asks(policy.caller("user:anne")))]

    streamed = asyncio.run(events())
    assert any("chunk 2" in event for event in streamed)
    assert not any("chunk 1" in event for event in streamed)


def test_langsmith_is_sent_nothing_that_is_dropped(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with LANGSMITH_TRACING, to a client that keeps what it would send."""
    import langsmith.run_trees
    from langsmith import Client, tracing_context

    sent: list[str] = []

    class Session:
        def __init__(self) -> None:
            self.headers: dict[str, str] = {}

        def mount(self, *_: Any) -> None: ...

        def close(self) -> None: ...

        def request(self, method: str, url: str, **more: Any) -> Any:
            import requests

            sent.append(str(more.get("data")))
            answer = requests.Response()
            answer.status_code, answer._content = 200, b"{}"
            return answer

    store = InMemoryVectorStore(Angles())
    store.add_documents([of("document:secret", 1), of("document:public", 2)])
    retriever = AuthorizedRetriever(inner=store, action="can_read", resource="source")
    client = Client(
        api_url="http://127.0.0.1:9", api_key="x", session=Session(), auto_batch_tracing=False
    )
    # What a run without a parent is sent with.
    monkeypatch.setattr(langsmith.run_trees, "_CLIENT", client)
    with tracing_context(enabled=True, client=client):
        store.as_retriever().invoke("q")
        assert any("chunk 1" in body for body in sent), "an ordinary retriever sends it"
        sent.clear()
        retriever.invoke("q", asks(policy.caller("user:anne")))
        asyncio.run(retriever.ainvoke("q", asks(policy.caller("user:anne"))))
    assert any("chunk 2" in body for body in sent)
    assert any("subject.no_grant" in body for body in sent), "the report"
    assert not any("chunk 1" in body for body in sent)


def test_a_token_stands_in_no_trace(policy: Policy, make_token: Callable[..., str]) -> None:
    token = make_token("anne")
    runs = RunCollectorCallbackHandler()
    retriever = over([of("document:public", 1)], policy=policy, audience=AUDIENCE)
    (retriever | texts).invoke("q", {**asks(Token(token)), "callbacks": [runs]})
    assert token not in repr(runs.traced_runs) and token not in repr(retriever)
    assert token not in repr(over([], identity=Token(token), policy=policy, audience=AUDIENCE))


def test_misuse_is_told_when_it_is_made() -> None:
    fixed = Fixed(documents=[])
    for wrong in (
        {"action": "can_read"},
        {"action": "", "resource": "source"},
        {"action": "can_read", "resource": "source", "acl": ACL},
        {"action": "can_read", "resource": NUMBERED, "prefilter": Chroma()},
    ):
        with pytest.raises(MisuseError):
            AuthorizedRetriever(inner=fixed, **wrong)
    store = InMemoryVectorStore(Angles())
    with pytest.raises(MisuseError):
        AuthorizedRetriever(inner=store, action="can_read", resource="source", prefilter=Chroma())


# The compressor.


def test_the_filter_within_a_chain_and_with_an_identity(policy: Policy) -> None:
    documents = [of("document:secret", 1), of(None, 2), of("document:public", 3), of("document:loans", 4)]
    reports: list[Report] = []
    sieve = AuthorizationFilter(action="can_read", resource="source", on_report=reports.append)
    chain = RunnableLambda(lambda query: sieve.compress_documents(documents, query))
    assert texts(chain.invoke("q", asks(policy.caller("user:anne")))) == ["chunk 3", "chunk 4"]
    assert reports[0].dropped == {"resource.missing": 1, "subject.no_grant": 1}
    with pytest.raises(DeniedError):
        sieve.compress_documents(documents, "q")
    with pytest.raises(DeniedError):
        asyncio.run(sieve.acompress_documents(documents, "q"))
    given = AuthorizationFilter(
        action="can_read", resource="source", identity=policy.caller("user:bob")
    )
    assert texts(given.compress_documents(documents, "q")) == ["chunk 1"]
    assert texts(asyncio.run(given.acompress_documents(documents, "q"))) == ["chunk 1"]
    assert given.compress_documents([], "q") == []


def test_the_filter_in_a_compression_retriever(policy: Policy) -> None:
    from langchain_classic.retrievers import ContextualCompressionRetriever

    documents = [of("document:secret", 1), of("document:public", 2)]
    sieve = AuthorizationFilter(action="can_read", resource="source")
    retriever = ContextualCompressionRetriever(
        base_compressor=sieve, base_retriever=Fixed(documents=documents)
    )
    # LangChain hands a compressor no config when its retriever is invoked directly.
    with pytest.raises(DeniedError):
        retriever.invoke("q", asks(policy.caller("user:anne")))
    within = RunnableLambda(lambda query: retriever.invoke(query))
    assert texts(within.invoke("q", asks(policy.caller("user:anne")))) == ["chunk 2"]


# What is not decided yet is seen by nobody.


class Everything(BaseCallbackHandler):
    seen: list[str] = []

    def on_retriever_end(self, documents: Sequence[Document], **_: Any) -> None:
        Everything.seen += texts(documents)


@pytest.mark.parametrize("inner", ["store", "retriever", "own"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_no_hook_or_instrumentation_sees_what_is_not_decided(policy: Policy, inner: str, way: str, monkeypatch: Any) -> None:
    """B4."""
    from contextvars import ContextVar

    from langchain_core.callbacks.base import BaseCallbackManager
    from langchain_core.tracers.context import collect_runs, register_configure_hook

    hook: ContextVar[Any] = ContextVar("hook", default=None)
    register_configure_hook(hook, inheritable=True)
    hook.set(Everything())
    init = BaseCallbackManager.__init__

    def patched(self: Any, *args: Any, **kwargs: Any) -> None:  # as instrumentations do
        init(self, *args, **kwargs)
        self.add_handler(Everything(), True)

    monkeypatch.setattr(BaseCallbackManager, "__init__", patched)
    documents = [of("document:public", 1), of("document:secret", 2)]
    store = InMemoryVectorStore(Angles())
    store.add_documents(documents)
    searched: Any = {"store": store, "retriever": store.as_retriever(), "own": Fixed(documents=documents)}[inner]
    retriever = AuthorizedRetriever(inner=searched, action="can_read", resource="source")
    Everything.seen = []
    config = asks(policy.caller("user:anne"))
    with collect_runs() as collected:
        found = retriever.invoke("q", config) if way == "sync" else asyncio.run(retriever.ainvoke("q", config))
    assert texts(found) == ["chunk 1"]
    assert Everything.seen and "chunk 2" not in Everything.seen
    runs = str([run.model_dump() if hasattr(run, "model_dump") else run.dict() for run in collected.traced_runs])
    assert "chunk 2" not in runs and ("chunk 1" in runs or way == "async")


def test_an_installed_instrumentation_sees_only_what_may_be_seen(policy: Policy) -> None:
    """B4: openinference-instrumentation-langchain, as installed."""
    instrumentation = pytest.importorskip("openinference.instrumentation.langchain")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = instrumentation.LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        store = InMemoryVectorStore(Angles())
        store.add_documents([of("document:public", 1), of("document:secret", 2)])
        retriever = AuthorizedRetriever(inner=store, action="can_read", resource="source")
        assert texts(retriever.invoke("q", asks(policy.caller("user:anne")))) == ["chunk 1"]
    finally:
        instrumentor.uninstrument()
    spans = str([span.attributes for span in exporter.get_finished_spans()])
    assert "chunk 1" in spans and "chunk 2" not in spans


def test_a_retriever_of_others_is_refused_and_each_of_them_authorized(policy: Policy) -> None:
    from langchain_classic.retrievers import EnsembleRetriever

    parts: list[Any] = [Fixed(documents=[of("document:public", 1), of("document:secret", 2)]), Fixed(documents=[of("document:loans", 3)])]
    with pytest.raises(MisuseError, match="retrievers"):
        AuthorizedRetriever(inner=EnsembleRetriever(retrievers=parts), action="can_read", resource="source")
    ensemble = EnsembleRetriever(retrievers=[AuthorizedRetriever(inner=one, action="can_read", resource="source") for one in parts])
    assert sorted(texts(ensemble.invoke("q", asks(policy.caller("user:anne"))))) == ["chunk 1", "chunk 3"]


def test_equal_ids_of_two_stores_are_two_documents(policy: Policy) -> None:
    """B25."""
    reports: list[Report] = []
    documents = [Document("first", id="1", metadata={"source": "document:public"}),
                 Document("second", id="1", metadata={"source": "document:public"}),
                 Document("first", id="1", metadata={"source": "document:public"})]
    found = over(documents, on_report=reports.append).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["first", "second"] and reports[0].dropped == {"duplicate": 1}


def test_ids_that_are_no_texts(policy: Policy) -> None:
    """B24."""
    import numpy as np

    named = Named("doc", type="document")
    world = Policy.from_json(snapshot([tuple_of("user:anne", "reader", f"document:{n}") for n in (42, uuid.UUID(int=7))]))
    documents = [Document(f"{n}", metadata={"doc": n}) for n in (42, np.int64(42), uuid.UUID(int=7), 43, True, 42.0, [42])]
    found = over(documents, resource=named).invoke("q", asks(world.caller("user:anne")))
    assert len(found) == 3
    acl = Acl("note", {"users": "user:{}"})
    carried = [["anne", 7], np.array(["anne", "bob"]), '["anne"]', "anne,bob", '["bob"]', np.array([[1]]), "[anne"]
    documents = [Document(f"{n}", metadata={"users": one}) for n, one in enumerate(carried)]
    found = over(documents, resource=None, acl=acl).invoke("q", asks(policy.caller("user:anne")))
    assert texts(found) == ["0", "1", "2"]


@pytest.mark.parametrize(("resource", "reason"), [("sorce", "resource.missing"), ("bare", "resource.untyped")])
def test_all_dropped_for_a_setting_is_warned_of_once(policy: Policy, resource: str, reason: str, caplog: Any) -> None:
    """E3."""
    retriever = over([of("document:public", n, bare="public") for n in range(3)], resource=resource)
    for _ in range(2):
        assert retriever.invoke("q", asks(policy.caller("user:anne"))) == []
    assert [reason in record.getMessage() for record in caplog.records if record.name == "deputize"] == [True]


def test_a_resource_that_fails_tells_nothing_of_the_chunk(policy: Policy, caplog: Any) -> None:
    def fails(document: Document) -> str:
        raise ValueError(document.page_content)

    assert over([Document("TOPSECRET")], resource=fails).invoke("q", asks(policy.caller("user:anne"))) == []
    assert "ValueError" in caplog.text and "TOPSECRET" not in caplog.text


def test_what_is_set_up_wrong_is_told_at_once(policy: Policy) -> None:
    async def later(_: object) -> None: ...

    for wrong in ({"policy": policy}, {"policy": policy, "audience": ""}, {"identity": later}, {"on_report": later},
                  {"action": "can_raed", "resource": NUMBERED, "policy": policy, "audience": AUDIENCE},
                  {"resource": Named("d", type="documnt"), "policy": policy, "audience": AUDIENCE}):
        with pytest.raises(MisuseError):
            over([], **wrong)
    for named in ({"key": ""}, {"key": "d", "types": "document"}, {"key": "d", "type": "a:b"}, {"key": "d", "type": "a", "types": ("b",)}):
        with pytest.raises(MisuseError):
            Named(**named)  # type: ignore[arg-type]
