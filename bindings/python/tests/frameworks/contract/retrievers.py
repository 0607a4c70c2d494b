"""Each retriever with its framework, as the cases ask it: over the framework's own store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from haystack import Document as HaystackDocument
from haystack import Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.vector_stores import SimpleVectorStore
from pydantic import PrivateAttr

from deputize.haystack import AuthorizationFilter as HaystackFilter
from deputize.haystack import AuthorizedRetriever as HaystackRetriever
from deputize.identity import acting
from deputize.langchain import AuthorizationFilter, AuthorizedRetriever
from deputize.llama_index import AuthorizationPostprocessor
from deputize.llama_index import AuthorizedRetriever as LlamaRetriever
from deputize.retrieval import Acl, Named, Report

from ..conftest import angle
from .world import AUDIENCE, Scene, function_of, read

FILE = read("retrieval")


@dataclass
class Found:
    """What a retriever gave: which chunks, by their place, and what it counted."""

    given: list[int]
    dropped: dict[str, int]
    stopped: str
    watched: str = ""


class Shelf(Scene):
    """One case's chunks, and what it says of whoever looks for them."""

    def __init__(self, case: dict[str, Any]) -> None:
        super().__init__(FILE, case)
        self.reports: list[Report] = []
        self.searches = 0
        chunks = case.get("chunks", [])
        if isinstance(chunks, dict):
            chunks = [{"source": f"document:{n}"} for n in range(chunks["documents"])]
        self.chunks: list[tuple[str, dict[str, Any]]] = []
        for place, chunk in enumerate(chunks):
            chunk = dict(chunk)
            name = chunk.pop("#", None)
            # A chunk that comes twice is the same in all.
            first = next((n for n, one in enumerate(chunks[:place]) if name is not None and one.get("#") == name), place)
            self.chunks.append((f"chunk {first}", chunk))

    def options(self, *, sink: bool = True) -> dict[str, Any]:
        """What a retriever is set up with, but for what it searches."""
        case = self.case
        found: dict[str, Any] = {"action": case.get("action", "can_read"), "policy": self.policy, "audience": AUDIENCE}
        if case.get("acl") is not None:
            found["acl"] = Acl(**case["acl"])
        if "resource" in case or "acl" not in case:
            found["resource"] = _resource(case.get("resource", "source"))
        if sink:
            found["on_report"] = self._sink
        if "option" in case:
            found[case["option"]] = "source"
        return found

    def _sink(self, report: Report) -> object:
        if self.case.get("sink") == "throws":
            raise OSError("the disk is full")
        if self.case.get("sink") == "false":
            return False
        self.reports.append(report)
        return None

    def searched(self, search: Callable[[], Any]) -> Any:
        """What a search gives, or what happens at it."""
        happens = self.case.get("store", {})
        self.searches += 1
        if happens.get("fails") == self.searches:
            raise ConnectionError("the store is gone")
        found = search()
        if happens.get("at") == self.searches:
            if "policy" in happens:
                self.in_force = happens["policy"]
            else:
                self.until(happens["until"])
        return found

    def found(self, texts: Sequence[str], report: Report | dict[str, Any], watched: str = "") -> Found:
        counted = report if isinstance(report, dict) else report.to_dict()
        return Found([int(text.split()[1]) for text in texts], counted["dropped"], counted["stopped"], watched)


def _resource(said: Any) -> Any:
    if not isinstance(said, dict):
        return said
    if "key" not in said:
        return function_of(said)
    return Named(said["key"], **{n: tuple(v) if n == "types" else v for n, v in said.items() if n != "key"})


class _Angles(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [angle(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return angle(text)


class _Store(InMemoryVectorStore):
    """LangChain's own store, at one of whose searches something happens."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(_Angles())
        self._shelf = shelf

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        found: list[Document] = self._shelf.searched(lambda: super(_Store, self).similarity_search(query, k, **kwargs))
        return found

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return self.similarity_search(query, k, **kwargs)


@dataclass
class _Watcher(BaseCallbackHandler):
    """Keeps whatever any callback is told."""

    told: list[str] = field(default_factory=list)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        return lambda *given, **more: self.told.append(repr((given, more)))


def _documents(shelf: Shelf) -> list[Document]:
    return [Document(text, id=f"id of {text}", metadata=metadata) for text, metadata in shelf.chunks]


def _langchain(waiting: bool) -> Callable[[Shelf], Callable[[], Found]]:
    def make(shelf: Shelf) -> Callable[[], Found]:
        store = _Store(shelf)
        bounds = {"max_candidates": shelf.case["most"]} if "most" in shelf.case else {}
        retriever = AuthorizedRetriever(inner=store, k=shelf.case.get("k", 10), **bounds, **shelf.options())

        def ask() -> Found:
            store.add_documents(_documents(shelf))
            watcher = _Watcher()
            config: Any = {"configurable": {"caller": shelf.identity()}, "callbacks": [watcher]}
            found = asyncio.run(retriever.ainvoke("q", config)) if waiting else retriever.invoke("q", config)
            return shelf.found([one.page_content for one in found], shelf.reports[-1], " ".join(watcher.told))

        return ask

    return make


def _compressor(shelf: Shelf) -> Callable[[], Found]:
    compressor = AuthorizationFilter(identity=lambda config: shelf.identity(), **shelf.options())

    def ask() -> Found:
        found = compressor.compress_documents(_documents(shelf), "q")
        return shelf.found([one.page_content for one in found], shelf.reports[-1])

    return ask


def _llama_index(shelf: Shelf) -> Callable[[], Found]:
    post = AuthorizationPostprocessor(**shelf.options())

    def ask() -> Found:
        nodes = [
            NodeWithScore(node=TextNode(id_=f"id of {text}", text=text, metadata=metadata), score=1.0)
            for text, metadata in shelf.chunks
        ]
        who = shelf.identity()
        if who is None:
            found = post.postprocess_nodes(nodes)
        else:
            with acting(who):
                found = post.postprocess_nodes(nodes)
        return shelf.found([one.node.get_content() for one in found], shelf.reports[-1])

    return ask


def _haystack(shelf: Shelf) -> Callable[[], Found]:
    made = Pipeline()
    made.add_component("sieve", HaystackFilter(**shelf.options(sink=False)))

    def ask() -> Found:
        documents = [HaystackDocument(id=f"id of {text}", content=text, meta=metadata) for text, metadata in shelf.chunks]
        found = made.run({"sieve": {"documents": documents, "caller": shelf.identity()}})["sieve"]
        return shelf.found([one.content for one in found["documents"]], found["report"])

    return ask


class _Index(SimpleVectorStore):
    """LlamaIndex's own store, at one of whose searches something happens."""

    _shelf: Any = PrivateAttr()

    def query(self, query: Any, **kwargs: Any) -> Any:
        return self._shelf.searched(lambda: super(_Index, self).query(query, **kwargs))


class _IndexAngles(BaseEmbedding):
    def _get_text_embedding(self, text: str) -> list[float]:
        return angle(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return angle(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return angle(query)


def _llama_index_retriever(shelf: Shelf) -> Callable[[], Found]:
    store = _Index()
    store._shelf = shelf
    nodes = [
        TextNode(id_=f"id of {text}", text=text, metadata={name: value for name, value in metadata.items()},
                 excluded_embed_metadata_keys=list(metadata))
        for text, metadata in shelf.chunks
    ]
    index = VectorStoreIndex(
        nodes, embed_model=_IndexAngles(), storage_context=StorageContext.from_defaults(vector_store=store)
    )
    bounds = {"max_candidates": shelf.case["most"]} if "most" in shelf.case else {}
    inner = index.as_retriever(similarity_top_k=shelf.case.get("k", 10))
    retriever = LlamaRetriever(inner, identity=lambda: shelf.identity(), **bounds, **shelf.options())

    def ask() -> Found:
        found = retriever.retrieve("q")
        return shelf.found([one.node.get_content() for one in found], shelf.reports[-1])

    return ask


class _Documents(InMemoryDocumentStore):
    """Haystack's own store, at one of whose searches something happens."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(embedding_similarity_function="cosine")
        self._shelf = shelf

    def embedding_retrieval(self, *args: Any, **kwargs: Any) -> Any:
        return self._shelf.searched(lambda: super(_Documents, self).embedding_retrieval(*args, **kwargs))


def _haystack_retriever(shelf: Shelf) -> Callable[[], Found]:
    store = _Documents(shelf)
    store.write_documents([
        HaystackDocument(id=f"id of {text}", content=text, meta=metadata, embedding=angle(text))
        for text, metadata in shelf.chunks
    ])
    bounds = {"max_candidates": shelf.case["most"]} if "most" in shelf.case else {}
    inner = InMemoryEmbeddingRetriever(store, top_k=shelf.case.get("k", 10))
    options = shelf.options(sink=False)
    made = Pipeline()
    made.add_component("search", HaystackRetriever(inner, options.pop("action"), **bounds, **options))

    def ask() -> Found:
        found = made.run({"search": {"query_embedding": angle("q"), "caller": shelf.identity()}})["search"]
        return shelf.found([one.content for one in found["documents"]], found["report"])

    return ask


RETRIEVERS: dict[str, Callable[[Shelf], Callable[[], Found]]] = {
    "langchain": _langchain(False),
    "langchain, waiting": _langchain(True),
    "langchain's compressor": _compressor,
    "llama index": _llama_index,
    "haystack": _haystack,
    "llama index, a retriever": _llama_index_retriever,
    "haystack, a retriever": _haystack_retriever,
}
