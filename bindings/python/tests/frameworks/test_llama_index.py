"""LlamaIndex's postprocessor and filters, over its own store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core import Settings, StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.llms import MockLLM
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters, SimpleVectorStore

from deputize import DeniedError, MisuseError, Policy
from deputize.identity import Token, acting
from deputize.llama_index import AuthorizationPostprocessor, AuthorizedRetriever, metadata_filters
from deputize.retrieval import Acl, Named, Report

from .conftest import AUDIENCE, angle


class Angles(BaseEmbedding):
    def _get_text_embedding(self, text: str) -> list[float]:
        return angle(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return angle(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return angle(query)


def node(resource: Any, n: int, **more: Any) -> NodeWithScore:
    metadata = {} if resource is None else {"source": resource}
    return NodeWithScore(node=TextNode(text=f"chunk {n}", metadata={**metadata, **more}), score=1 / (n + 1))


def texts(nodes: list[NodeWithScore]) -> list[str]:
    return [found.node.get_content() for found in nodes]


POST = AuthorizationPostprocessor(action="can_read", resource="source")


def test_identity_missing_denies(policy: Policy) -> None:
    with pytest.raises(DeniedError) as caught:
        POST.postprocess_nodes([node("document:public", 1)])
    assert caught.value.code == "guard.no_caller"
    with pytest.raises(DeniedError):
        asyncio.run(POST.apostprocess_nodes([node("document:public", 1)]))
    with acting(policy.caller("user:anne")):
        assert texts(POST.postprocess_nodes([node("document:public", 1)])) == ["chunk 1"]
    with pytest.raises(DeniedError):
        POST.postprocess_nodes([node("document:public", 1)])


def test_drops_and_keeps_rank(policy: Policy) -> None:
    reports: list[Report] = []
    post = AuthorizationPostprocessor(action="can_read", resource="source", on_report=reports.append)
    nodes = [node("document:secret", 0), node("document:public", 1), node(None, 2), node(7, 3),
             node("document:day", 4), node("document:loans", 5), node("document:public", 6)]
    with acting(policy.caller("user:anne")):
        assert texts(post.postprocess_nodes(nodes, query_str="q")) == ["chunk 1", "chunk 5", "chunk 6"]

    async def asks() -> list[NodeWithScore]:
        with acting(policy.caller("user:anne")):
            return await post.apostprocess_nodes(nodes)

    assert texts(asyncio.run(asks())) == ["chunk 1", "chunk 5", "chunk 6"]
    assert reports[0].dropped == {
        "condition.failed": 1, "resource.missing": 1, "resource.untyped": 1, "subject.no_grant": 1,
    }


def test_more_than_50_candidates(corpus_policy: Policy) -> None:
    nodes = [node(f"document:{n}", n) for n in reversed(range(500))]
    with acting(corpus_policy.caller("user:dora")):
        assert texts(POST.postprocess_nodes(nodes)) == [f"chunk {n}" for n in reversed(range(500)) if n % 2]


def test_duplicate_nodes(policy: Policy) -> None:
    same = node("document:public", 1)
    with acting(policy.caller("user:anne")):
        assert len(POST.postprocess_nodes([same, same, node("document:public", 1)])) == 2


def test_a_token_that_expired(policy: Policy, make_token: Callable[..., str]) -> None:
    now = int(time.time())
    post = AuthorizationPostprocessor(action="can_read", resource="source", policy=policy, audience=AUDIENCE)
    with acting(Token(make_token("anne"))):
        assert texts(post.postprocess_nodes([node("document:public", 1)])) == ["chunk 1"]
    with acting(Token(make_token("anne", iat=now - 90, exp=now - 30))), pytest.raises(DeniedError):
        post.postprocess_nodes([node("document:public", 1)])


def test_an_identity_that_is_given_and_never_written(policy: Policy, make_token: Callable[..., str]) -> None:
    token = make_token("anne")
    post = AuthorizationPostprocessor(
        action="can_read", resource="source", policy=policy, audience=AUDIENCE, identity=lambda: Token(token)
    )
    assert texts(post.postprocess_nodes([node("document:public", 1), node("document:secret", 2)])) == ["chunk 1"]
    fixed = AuthorizationPostprocessor(
        action="can_read", resource="source", policy=policy, audience=AUDIENCE, identity=Token(token)
    )
    for said in (str(fixed.to_dict()), fixed.to_json(), repr(fixed)):
        assert token not in said
    nobody = AuthorizationPostprocessor(action="can_read", resource="source", identity=lambda: None)
    with acting(policy.caller("user:anne")), pytest.raises(DeniedError):
        nobody.postprocess_nodes([node("document:public", 1)])


def test_readers_in_metadata(policy: Policy) -> None:
    acl = Acl("chunk", {"users": "user:{}", "groups": "team:{}#member"})
    post = AuthorizationPostprocessor(action="can_read", acl=acl)
    nodes = [node(None, 1, users=["bob"]), node(None, 2, groups=["loans"]), node(None, 3)]
    with acting(policy.caller("user:anne")):
        assert texts(post.postprocess_nodes(nodes)) == ["chunk 2"]


@pytest.fixture(scope="module")
def index() -> VectorStoreIndex:
    nodes = [TextNode(id_=str(n), text=f"chunk {n}", metadata={"source": f"document:{n}"},
                      excluded_embed_metadata_keys=["source"]) for n in range(2000)]
    nodes.append(TextNode(id_="none", text="chunk 0", metadata={}))
    storage = StorageContext.from_defaults(vector_store=SimpleVectorStore())
    return VectorStoreIndex(nodes, storage_context=storage, embed_model=Angles(), show_progress=False)


NUMBERED = Named("source", types=("document",))


def test_filters_find_k_of_k(corpus_policy: Policy, index: VectorStoreIndex) -> None:
    anne = corpus_policy.caller("user:anne")
    filters = metadata_filters(anne, "can_read", resource=NUMBERED)
    found = index.as_retriever(similarity_top_k=10, filters=filters).retrieve("query 0")
    assert texts(found) == [f"chunk {n}" for n in range(50, 1050, 100)]
    own = MetadataFilters(filters=[MetadataFilter(key="source", value="document:150")])
    beside = metadata_filters(anne, "can_read", resource=NUMBERED, own=own)
    found = index.as_retriever(similarity_top_k=10, filters=beside).retrieve("query 0")
    assert texts(found) == ["chunk 150"]


def test_an_empty_allow_list_is_no_filter_at_all(corpus_policy: Policy) -> None:
    with pytest.raises(DeniedError) as caught:
        metadata_filters(corpus_policy.caller("user:carl"), "can_read", resource=NUMBERED)
    assert caught.value.code == "retrieval.nothing_allowed"
    with pytest.raises(MisuseError):
        metadata_filters(corpus_policy.caller("user:anne"), "can_read")


def test_names_of_readers_are_searched_for(policy: Policy) -> None:
    nodes = [TextNode(id_="1", text="chunk 1", metadata={"groups": ["loans", "other"]}),
             TextNode(id_="2", text="chunk 2", metadata={"groups": ["other"]}),
             TextNode(id_="3", text="chunk 3", metadata={"users": ["anne"]}),
             TextNode(id_="4", text="chunk 4", metadata={})]
    index = VectorStoreIndex(nodes, embed_model=Angles())
    filters = metadata_filters(
        policy.caller("user:anne"), "can_read", acl=Acl("note", {"users": "user:{}", "groups": "team:{}#member"})
    )
    found = index.as_retriever(similarity_top_k=10, filters=filters).retrieve("query 0")
    assert sorted(texts(found)) == ["chunk 1", "chunk 3"]


def test_in_a_query_engine(corpus_policy: Policy, index: VectorStoreIndex) -> None:
    Settings.llm = MockLLM()
    engine = RetrieverQueryEngine(
        index.as_retriever(similarity_top_k=100),
        response_synthesizer=get_response_synthesizer(response_mode=ResponseMode.NO_TEXT),
        node_postprocessors=[POST],
    )
    with acting(corpus_policy.caller("user:anne")):
        assert texts(engine.query("query 0").source_nodes) == ["chunk 50"]

    async def asks() -> Any:
        with acting(corpus_policy.caller("user:anne")):
            return await engine.aquery("query 0")

    assert texts(asyncio.run(asks()).source_nodes) == ["chunk 50"]
    with pytest.raises(DeniedError):
        engine.query("query 0")


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("place", ["first", "last", "both"])
def test_what_comes_after_it_fetches_nothing_undecided(policy: Policy, place: str, way: str) -> None:
    """B5."""
    from llama_index.core.postprocessor import PrevNextNodePostprocessor
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeRelationship, QueryBundle, RelatedNodeInfo
    from llama_index.core.storage.docstore import SimpleDocumentStore

    Settings.llm = MockLLM()
    one = TextNode(id_="1", text="Fees.", metadata={"source": "document:public"})
    two = TextNode(id_="2", text="TOPSECRET", metadata={"source": "document:secret"})
    one.relationships[NodeRelationship.NEXT] = RelatedNodeInfo(node_id="2")
    docstore = SimpleDocumentStore()
    docstore.add_documents([one, two])

    class Fixed(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return [NodeWithScore(node=one, score=1.0)]

    neighbours = PrevNextNodePostprocessor(docstore=docstore, num_nodes=1, mode="next")
    row: list[Any] = {"first": [POST, neighbours], "last": [neighbours, POST], "both": [POST, neighbours, POST]}[place]
    engine = RetrieverQueryEngine(
        Fixed(), response_synthesizer=get_response_synthesizer(response_mode=ResponseMode.NO_TEXT), node_postprocessors=row
    )

    async def asks() -> Any:
        with acting(policy.caller("user:anne")):
            return await engine.aquery("q") if way == "async" else engine.query("q")

    if place == "first":
        with pytest.raises(MisuseError, match="last"):
            asyncio.run(asks())
    else:
        assert texts(asyncio.run(asks()).source_nodes) == ["Fees."]


class Seen:
    """Whoever looks at LlamaIndex's events, spans and callbacks."""

    def __init__(self) -> None:
        from llama_index.core.callbacks.base_handler import BaseCallbackHandler
        from llama_index.core.instrumentation.event_handlers import BaseEventHandler
        from llama_index.core.instrumentation.span_handlers import BaseSpanHandler

        self.text = seen = list[str]()

        class Events(BaseEventHandler):
            def handle(self, event: Any, **more: Any) -> None:
                seen.append(f"{type(event).__name__} {event!r}")

        class Spans(BaseSpanHandler[Any]):
            def new_span(self, id_: str, bound_args: Any, **more: Any) -> None:
                seen.append(f"span {id_} {bound_args!r}")

            def prepare_to_exit_span(self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **more: Any) -> None:
                seen.append(f"exit {id_} {bound_args!r} {result!r}")

            def prepare_to_drop_span(self, id_: str, bound_args: Any, instance: Any = None, err: Any = None, **more: Any) -> None:
                seen.append(f"drop {id_} {bound_args!r} {err!r}")

        class Callbacks(BaseCallbackHandler):
            def on_event_start(self, event_type: Any, payload: Any = None, **more: Any) -> str:
                seen.append(f"start {event_type} {payload!r}")
                return ""

            def on_event_end(self, event_type: Any, payload: Any = None, **more: Any) -> None:
                seen.append(f"end {event_type} {payload!r}")

            def start_trace(self, trace_id: Any = None) -> None: ...

            def end_trace(self, trace_id: Any = None, trace_map: Any = None) -> None: ...

        self.events, self.spans, self.callbacks = Events(), Spans(), Callbacks([], [])

    def __contains__(self, text: str) -> bool:
        return any(text in one for one in self.text)


@pytest.fixture
def seen() -> Any:
    import llama_index.core.instrumentation as instrument

    made, root = Seen(), instrument.get_dispatcher()
    root.add_event_handler(made.events)
    root.add_span_handler(made.spans)
    yield made
    root.event_handlers.remove(made.events)
    root.span_handlers.remove(made.spans)


def secrets(**more: Any) -> Any:
    from llama_index.core.callbacks import CallbackManager

    nodes = [TextNode(id_="0", text="TOPSECRET 0", metadata={"source": "document:secret"}), TextNode(id_="1", text="Fees 1", metadata={"source": "document:public"})]
    index = VectorStoreIndex(nodes, embed_model=Angles(), callback_manager=CallbackManager([more["handler"]]) if more else None)
    return index.as_retriever(similarity_top_k=1)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_nobody_sees_what_is_not_decided(policy: Policy, seen: Seen, way: str) -> None:
    """B4's kind: an inner retriever's own events, spans and callbacks show what it finds."""
    from llama_index.core.callbacks import CallbackManager

    Settings.llm = MockLLM()
    inner = secrets(handler=seen.callbacks)
    seen.text.clear()  # what the index was made of
    retriever = AuthorizedRetriever(inner, action="can_read", resource="source", callback_manager=CallbackManager([seen.callbacks]))
    engine = RetrieverQueryEngine(
        retriever, response_synthesizer=get_response_synthesizer(response_mode=ResponseMode.NO_TEXT), node_postprocessors=[POST]
    )

    async def asks(of: Any) -> Any:
        with acting(policy.caller("user:anne")):
            return await of.aquery("query 0") if way == "async" else of.query("query 0")

    # The best one is secret: one more is searched for.
    assert texts(asyncio.run(asks(engine)).source_nodes) == ["Fees 1"]
    assert "Fees 1" in seen and "RetrievalEndEvent" in seen and "TOPSECRET" not in seen
    with pytest.raises(DeniedError):
        engine.query("query 0")
    assert "TOPSECRET" not in seen
    # As it was before: everybody sees it. The postprocessor shows nothing of its own.
    plain = RetrieverQueryEngine(
        inner, response_synthesizer=get_response_synthesizer(response_mode=ResponseMode.NO_TEXT), node_postprocessors=[POST]
    )
    asyncio.run(asks(plain))
    assert "TOPSECRET" in seen and not any("Postprocessor" in one and "TOPSECRET" in one for one in seen.text)


def test_a_retriever_finds_k_of_k(corpus_policy: Policy, index: VectorStoreIndex) -> None:
    reports: list[Report] = []
    retriever = AuthorizedRetriever(index.as_retriever(similarity_top_k=10), action="can_read", resource="source", on_report=reports.append)
    with acting(corpus_policy.caller("user:anne")):
        assert texts(retriever.retrieve("query 0")) == [f"chunk {n}" for n in range(50, 1050, 100)]
    assert reports[0].stopped == "enough" and reports[0].searches > 1
    few = AuthorizedRetriever(index.as_retriever(similarity_top_k=10), action="can_read", resource="source", max_candidates=100, on_report=reports.append)
    with acting(corpus_policy.caller("user:anne")):
        assert texts(few.retrieve("query 0")) == ["chunk 50"] and reports[1].stopped == "bound"


def test_what_an_allowed_node_stands_for_is_not_fetched(policy: Policy, seen: Seen) -> None:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import IndexNode, QueryBundle

    class Fixed(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            pointer = IndexNode(index_id="i", text="Fees.", metadata={"source": "document:public"}, obj=TextNode(text="TOPSECRET", metadata={"source": "document:secret"}))
            return [NodeWithScore(node=pointer, score=1.0)]

    retriever = AuthorizedRetriever(Fixed(), action="can_read", resource="source")

    async def asks() -> list[NodeWithScore]:
        with acting(policy.caller("user:anne")):
            assert texts(retriever.retrieve("q")) == ["Fees."]
            return await retriever.aretrieve("q")

    assert texts(asyncio.run(asks())) == ["Fees."]


def test_a_retriever_that_would_show_what_it_finds_is_refused(policy: Policy) -> None:
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever, RecursiveRetriever, VectorIndexRetriever
    from llama_index.core.schema import QueryBundle

    dispatcher = get_dispatcher(__name__)

    class Anew(VectorIndexRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return super()._retrieve(query_bundle)

    class Shows(BaseRetriever):
        @dispatcher.span
        def look(self) -> list[NodeWithScore]:
            return []

        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            return self.look()

    inner = secrets()
    Settings.llm = MockLLM()
    for wrong in (
        Anew(inner._index), Shows(), QueryFusionRetriever([inner], llm=MockLLM()), RecursiveRetriever("a", {"a": inner}),
        AuthorizedRetriever(inner, action="can_read", resource="source"), "x", None,
    ):
        with pytest.raises(MisuseError):
            AuthorizedRetriever(wrong, action="can_read", resource="source")  # type: ignore[arg-type]
    for more in ({"action": "can_raed"}, {"policy": policy, "audience": None}, {"max_candidates": 0}, {"identity": 5}):
        with pytest.raises(MisuseError):
            AuthorizedRetriever(inner, **{"action": "can_read", "resource": Named("source", types=("document",)), "policy": policy, "audience": AUDIENCE, **more})
