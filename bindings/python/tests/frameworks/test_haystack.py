"""Haystack's component, in pipelines over its own store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from deputize import DeniedError, MisuseError, Policy
from deputize.haystack import AuthorizationFilter, filters
from deputize.identity import Token
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
