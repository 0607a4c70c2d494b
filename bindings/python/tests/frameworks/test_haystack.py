"""Haystack's component, in pipelines over its own store."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from deputize import DeniedError, MisuseError, Policy
from deputize.haystack import AuthorizationFilter, AuthorizedRetriever, filters
from deputize.identity import ANY, Token
from deputize.retrieval import Acl, Named

from .conftest import AUDIENCE, TUPLES, angle, snapshot


def current_policy() -> Policy:
    return Policy.from_json(snapshot(TUPLES))


def document(resource: Any, n: int) -> Document:
    meta = {} if resource is None else {"source": resource}
    return Document(content=f"chunk {n}", meta=meta, embedding=angle(f"x {n}"))


def texts(found: dict[str, Any]) -> list[str]:
    return [one.content for one in found["documents"]]


NUMBERED = Named("source", types=("document",))


def pipeline(store: InMemoryDocumentStore, sieve: AuthorizationFilter) -> Any:
    made = Pipeline()
    made.add_component("search", InMemoryEmbeddingRetriever(store, top_k=100))
    made.add_component("sieve", sieve)
    made.connect("search.documents", "sieve.documents")
    return made


@pytest.fixture(scope="module")
def store() -> InMemoryDocumentStore:
    made = InMemoryDocumentStore(embedding_similarity_function="cosine")
    made.write_documents([document(f"document:{n}", n) for n in range(2000)] + [document(None, 0)])
    return made


def test_drops_and_keeps_rank(policy: Policy) -> None:
    documents = [document("document:secret", 0), document("document:public", 1), document(None, 2),
                 document(7, 3), document("document:day", 4), document("document:loans", 5)]
    sieve = AuthorizationFilter("can_read", resource="source")
    found = sieve.run(documents=documents, caller=policy.caller("user:anne"))
    assert texts(found) == ["chunk 1", "chunk 5"]
    assert found["report"]["dropped"] == {
        "condition.failed": 1, "resource.untyped": 1, "resource.missing": 1, "subject.no_grant": 1,
    }
    again = asyncio.run(sieve.run_async(documents=documents, caller=policy.caller("user:anne")))
    assert texts(again) == texts(found)


def test_in_a_pipeline(corpus_policy: Policy, store: InMemoryDocumentStore) -> None:
    made = pipeline(store, AuthorizationFilter("can_read", resource="source"))
    asked = {"search": {"query_embedding": angle("x 0")}}
    found = made.run({**asked, "sieve": {"caller": corpus_policy.caller("user:dora")}})["sieve"]
    # The hundred nearest are the one without a resource and 0 to 98.
    assert texts(found) == [f"chunk {n}" for n in range(1, 99, 2)]
    waiting = pipeline(store, AuthorizationFilter("can_read", resource="source"))
    given = {**asked, "sieve": {"caller": corpus_policy.caller("user:dora")}}
    assert texts(asyncio.run(waiting.run_async(given))["sieve"]) == texts(found)


def test_identity_missing_denies(store: InMemoryDocumentStore) -> None:
    made = pipeline(store, AuthorizationFilter("can_read", resource="source"))
    asked = {"search": {"query_embedding": angle("x 0")}}
    with pytest.raises(Exception, match="caller"):
        made.run(asked)
    with pytest.raises(DeniedError) as caught:
        AuthorizationFilter("can_read", resource="source").run(documents=[], caller=None)
    assert caught.value.code == "guard.no_caller"


def test_filters_find_k_of_k(corpus_policy: Policy, store: InMemoryDocumentStore) -> None:
    made = pipeline(store, AuthorizationFilter("can_read", resource=NUMBERED))
    anne = corpus_policy.caller("user:anne")
    search = {"query_embedding": angle("x 0"), "top_k": 10, "filters": filters(anne, "can_read", NUMBERED)}
    found = made.run({"search": search, "sieve": {"caller": anne}})["sieve"]
    assert texts(found) == [f"chunk {n}" for n in range(50, 1050, 100)]
    own = {"field": "meta.source", "operator": "==", "value": "document:150"}
    search["filters"] = filters(anne, "can_read", NUMBERED, own)
    assert texts(made.run({"search": search, "sieve": {"caller": anne}})["sieve"]) == ["chunk 150"]
    with pytest.raises(DeniedError) as caught:
        filters(corpus_policy.caller("user:carl"), "can_read", NUMBERED)
    assert caught.value.code == "retrieval.nothing_allowed"


def test_tokens(policy: Policy, make_token: Callable[..., str], store: InMemoryDocumentStore) -> None:
    now = int(time.time())
    sieve = AuthorizationFilter("can_read", resource="source", policy=policy, audience=AUDIENCE)
    documents = [document("document:public", 1)]
    assert texts(sieve.run(documents=documents, caller=Token(make_token("anne")))) == ["chunk 1"]
    old = Token(make_token("anne", iat=now - 90, exp=now - 30))
    with pytest.raises(DeniedError):
        sieve.run(documents=documents, caller=old)
    made = pipeline(store, sieve)
    asked = {"search": {"query_embedding": angle("x 0")}, "sieve": {"caller": Token(make_token("anne"))}}
    assert texts(made.run(asked)["sieve"]) == []


def test_written_to_yaml_and_read_again(policy: Policy, store: InMemoryDocumentStore) -> None:
    acl = Acl("chunk", {"users": "user:{}"}, links={"parent": "document"})
    for sieve in (
        AuthorizationFilter("can_read", resource="source", policy=current_policy, audience="a"),
        AuthorizationFilter("can_read", resource=NUMBERED),
        AuthorizationFilter("can_read", acl=acl),
    ):
        made = pipeline(store, sieve)
        text = made.dumps()
        again = Pipeline.loads(text, allowed_modules=["deputize.haystack", __name__]).get_component("sieve")
        assert (again.action, again.resource, again.acl) == (sieve.action, sieve.resource, sieve.acl)
        assert (again.policy, again.audience) == (sieve.policy, sieve.audience)
    with pytest.raises(MisuseError):
        AuthorizationFilter("can_read", resource="source", policy=policy, audience=AUDIENCE).to_dict()


def test_no_token_is_ever_written(policy: Policy, make_token: Callable[..., str], store: InMemoryDocumentStore) -> None:
    token = make_token("anne")
    sieve = AuthorizationFilter("can_read", resource="source", policy=current_policy, audience=AUDIENCE)
    made = pipeline(store, sieve)
    made.run({"search": {"query_embedding": angle("x 0")}, "sieve": {"caller": Token(token)}})
    assert token not in made.dumps() and token not in str(sieve.to_dict())


class Spy:
    """A tracer that looks at contents, as Langfuse's does."""

    def __init__(self) -> None:
        from haystack import tracing

        class _Span(tracing.Span):
            def set_tag(own, key: str, value: Any) -> None:
                self.seen.append(f"{key}={value!r}")

        class _Tracer(tracing.Tracer):
            @contextlib.contextmanager
            def trace(own, operation_name: str, tags: Any = None, parent_span: Any = None) -> Iterator[Any]:
                self.seen.append(f"{operation_name} {tags!r}")
                yield _Span()

            def current_span(own) -> None:
                return None

        self.seen: list[str] = []
        self.tracer = _Tracer()


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    from haystack import tracing

    made = Spy()
    monkeypatch.setattr(tracing.tracer, "is_content_tracing_enabled", True)
    tracing.enable_tracing(made.tracer)
    yield made
    tracing.disable_tracing()


SECRETS = [Document(content="Fees.", meta={"source": "document:public"}, embedding=angle("x 1")),
           Document(content="TOPSECRET", meta={"source": "document:secret"}, embedding=angle("x 0"))]


@pytest.mark.parametrize("way", ["run", "run_async"])
def test_no_tracer_sees_what_is_not_decided(policy: Policy, spy: Spy, way: str) -> None:
    """P3, B4's kind: the retriever's own output is what content tracing, snapshots and partial outputs show."""
    store = InMemoryDocumentStore()
    store.write_documents(SECRETS)
    inner = InMemoryEmbeddingRetriever(store, top_k=1)

    def asked(made: Pipeline, name: str, caller: Any) -> Any:
        data = {name: {"query_embedding": angle("x 0"), "caller": caller}}
        if way == "run":
            return made.run(data, include_outputs_from={name})
        return asyncio.run(made.run_async(data, include_outputs_from={name}))

    made = Pipeline()
    made.add_component("search", AuthorizedRetriever(inner, "can_read", resource="source"))
    # The best one is secret: one more is searched for.
    found = asked(made, "search", policy.caller("user:anne"))["search"]
    assert texts(found) == ["Fees."] and found["report"]["searched"] == 2
    assert "Fees." in "".join(spy.seen) and "TOPSECRET" not in "".join(spy.seen)
    with pytest.raises(Exception, match="guard.no_caller"):
        asked(made, "search", None)
    # As it was before: the tracer sees it.
    old = pipeline(store, AuthorizationFilter("can_read", resource="source"))
    old.run({"search": {"query_embedding": angle("x 0")}, "sieve": {"caller": policy.caller("user:anne")}})
    assert "TOPSECRET" in "".join(spy.seen)


def test_a_retriever_finds_k_of_k_and_is_written_down(corpus_policy: Policy, store: InMemoryDocumentStore) -> None:
    retriever = AuthorizedRetriever(InMemoryEmbeddingRetriever(store, top_k=10), "can_read", resource=NUMBERED, policy=current_policy, audience=ANY)
    found = retriever.run(query_embedding=angle("x 0"), caller=corpus_policy.caller("user:anne").under(corpus_policy))
    assert texts(found) == [] and found["report"]["stopped"] == "exhausted"  # by the policy in force
    plain = AuthorizedRetriever(InMemoryEmbeddingRetriever(store, top_k=10), "can_read", resource=NUMBERED)
    anne = corpus_policy.caller("user:anne")
    assert texts(plain.run(query_embedding=angle("x 0"), caller=anne)) == [f"chunk {n}" for n in range(50, 1050, 100)]
    assert len(texts(plain.run(query_embedding=angle("x 0"), caller=anne, top_k=3))) == 3
    few = AuthorizedRetriever(InMemoryEmbeddingRetriever(store, top_k=10), "can_read", resource=NUMBERED, max_candidates=100)
    assert few.run(query_embedding=angle("x 0"), caller=anne)["report"]["stopped"] == "bound"
    made = Pipeline()
    made.add_component("search", retriever)
    again = Pipeline.loads(made.dumps(), allowed_modules=["deputize.haystack", "frameworks.test_haystack"])
    own = again.get_component("search")
    assert isinstance(own, AuthorizedRetriever) and own.audience is ANY and own.resource == NUMBERED
    assert isinstance(own.retriever, InMemoryEmbeddingRetriever) and own.retriever.top_k == 10


def test_what_would_show_its_own_is_refused(store: InMemoryDocumentStore) -> None:
    from haystack import SuperComponent

    made = Pipeline()
    made.add_component("search", InMemoryEmbeddingRetriever(store))
    within = SuperComponent(made, output_mapping={"search.documents": "documents"})
    for wrong in (within, store, AuthorizationFilter, None):
        with pytest.raises(MisuseError):
            AuthorizedRetriever(wrong, "can_read", resource="source")
    with pytest.raises(MisuseError):
        AuthorizedRetriever(InMemoryEmbeddingRetriever(store), "can_raed", resource=NUMBERED, policy=current_policy(), audience=AUDIENCE)
    with pytest.raises(TypeError):
        AuthorizedRetriever(InMemoryEmbeddingRetriever(store), "can_read", resuorce="source")  # type: ignore[call-arg]
