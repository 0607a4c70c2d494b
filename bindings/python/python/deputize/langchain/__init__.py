"""LangChain: retrievers and compressors that give a model only what its caller may see.

>>> from langchain_core.documents import Document
>>> from langchain_core.embeddings import DeterministicFakeEmbedding
>>> from langchain_core.vectorstores import InMemoryVectorStore
>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]",
...     "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:1"}]})
>>> store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
>>> _ = store.add_documents([Document("Fees.", metadata={"source": "document:1"}),
...                          Document("Secrets.", metadata={"source": "document:2"})])
>>> retriever = AuthorizedRetriever(inner=store, action="can_read", resource="source")
>>> config = {"configurable": {"caller": policy.caller("user:anne")}}
>>> [document.page_content for document in retriever.invoke("secrets?", config)]
['Fees.']

`deputize.langchain.agents` has the gate for an agent's tools.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
    Callbacks,
)
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tracers.base import BaseTracer
from langchain_core.vectorstores import VectorStore, VectorStoreRetriever
from pydantic import ConfigDict, Field, PrivateAttr

from .._deputize import Caller
from ..callbacks import plain_function
from ..errors import DeniedError, MisuseError
from ..identity import Audience, Identity, PolicySource, audience_of, caller_of, is_identity, source_of
from ..pushdown import Prefilter
from ..retrieval import Acl, Named, Report, Sieve, TopUp, allow_list, report_to

__all__ = ["AuthorizationFilter", "AuthorizedRetriever", "identity_in"]

Given = Identity | Callable[[RunnableConfig], Identity | None]
"""Who asks: a caller or a token, or a function that finds it in the config."""


def identity_in(
    config: RunnableConfig | None, key: str = "caller", context: object = None
) -> object:
    """The identity that stands under `key` in `config["configurable"]`, or in the
    runtime context of the graph that runs (a mapping's member, or an attribute).

    Raises DeniedError where the two name different ones.
    """
    configurable = (config or {}).get("configurable") or {}
    given = configurable.get(key)
    if context is None:
        context = _running()
    held = context.get(key) if isinstance(context, Mapping) else getattr(context, key, None)
    if given is not None and held is not None and given is not held:
        said = f"`{key}` in the config and in the runtime context are not the same"
        raise DeniedError("guard.ambiguous", said)
    return held if given is None else given


def _running() -> object:
    """The runtime context of the graph that runs, where one does."""
    runtimes = sys.modules.get("langgraph.runtime")
    if runtimes is None:
        return None
    try:
        runtime = runtimes.get_runtime()
    except (RuntimeError, KeyError):
        return None
    return getattr(runtime, "context", None)


def _asks(
    given: Given | None, key: str, config: RunnableConfig | None, policy: PolicySource | None,
    audience: Audience | None,
) -> Caller:
    return caller_of(asking(given, key, config), policy, audience=audience)


def asking(
    given: Given | None, key: str, config: RunnableConfig | None, context: object = None
) -> object:
    """Who asks: what was given, or what the config or the runtime context holds."""
    if given is None:
        return identity_in(config, key, context)
    return given if is_identity(given) else cast("Callable[..., object]", given)(config or {})


def options(given: Any, policy: Any, audience: Any, on_report: Any) -> None:
    """Checks what is read when something is set up.

    Raises MisuseError.
    """
    if given is not None and not is_identity(given):
        plain_function(given, "identity")
    plain_function(on_report, "on_report", "retrieval.options")
    if policy is not None:
        source_of(policy)
        audience_of(audience)


def _sieve(
    action: str, resource: str | Named | Callable[[Document], str | None] | None, acl: Acl | None
) -> Sieve[Document]:
    return Sieve(action, metadata=lambda document: document.metadata, resource=resource, acl=acl)


def _id(document: Document) -> Hashable | None:
    # Two stores may give two documents the same id.
    return None if document.id is None else (document.id, document.page_content)


class AuthorizedRetriever(BaseRetriever):
    """The k best documents that the caller may see, where there are k.

    Whoever asks is named under `identity_key` in `config["configurable"]` or in
    the runtime context, as a `Caller` or a `Token`, or is given as `identity`.
    A token is verified, and a caller looked at again, on each call. Without one
    there is a `DeniedError`.

    `inner` is a vector store, or a retriever. It is searched again for more
    until k allowed documents are found, it has no more, or `max_candidates` is
    reached. A retriever of another kind than a vector store's gives more only if
    it has a field `k` or `top_k`. With a `prefilter` the store is searched only
    for what may be seen. Whatever it gives is decided.

    What the search found is seen by no callback, tracer or instrumentation, since
    none is given it: `inner` is searched below LangChain's own `invoke`. So a
    retriever made of others, which would `invoke` them, is refused: put each of
    them into one of these. (What a retriever of your own invokes by itself,
    shows what it finds.) The run's metadata has the `Report` as `deputize`, and
    `on_report` is called with it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    inner: VectorStore | BaseRetriever = Field(repr=False)
    """What is searched."""
    action: str
    """What is done with a document, e.g. `can_read`."""
    resource: str | Named | Callable[[Document], str | None] | None = None
    """The metadata key that names a document's resource, or a function that does."""
    acl: Acl | None = None
    """Or how documents carry their readers."""
    policy: Any = Field(default=None, repr=False)
    """The policy to verify tokens with, or what gives the current one: a `PolicySource`."""
    audience: Any = None
    """The audience that tokens must name, or `ANY`: required with a `policy`."""
    identity: Any = Field(default=None, repr=False)
    """Who asks, in place of what the config says: a Caller, a Token, or a
    function that finds one in the config."""
    identity_key: str = "caller"
    k: int = Field(default=4, ge=1)
    """How many documents are wanted."""
    prefilter: Any = None
    """How the store is told what to search for: `deputize.pushdown.Chroma()`, say."""
    max_candidates: int = Field(default=10_000, ge=1)
    """The most documents that one search asks for."""
    max_pushed: int = Field(default=1_000, ge=0)
    """The most ids that a search is told. Beyond, it is told none."""
    on_report: Callable[[Report], None] | None = Field(default=None, repr=False)

    _sieve: Sieve[Document] = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Checks what does not depend on a call."""
        super().model_post_init(context)
        options(self.identity, self.policy, self.audience, self.on_report)
        _refuse_composed(self.inner)
        self._sieve = _sieve(self.action, self.resource, self.acl)
        self._sieve.known(self.policy)
        prefilter: Prefilter | None = self.prefilter
        if prefilter is not None:
            if not hasattr(prefilter, "search_kwargs"):
                raise MisuseError("retrieval.prefilter", "LangChain has no way to tell this store")
            if not isinstance(self.inner, (VectorStore, VectorStoreRetriever)):
                raise MisuseError("retrieval.prefilter", "only a vector store can be told what to search for")
            named = self._sieve.resource
            if self.acl is None and not (isinstance(named, Named) and (named.type or named.types)):
                said = "with a `prefilter`, `resource` must be a Named with `type` or `types`"
                raise MisuseError("retrieval.types", said)
        self.tags = [*(self.tags or []), "deputize"]
        self.metadata = {**(self.metadata or {}), "deputize_action": self.action}

    def invoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """The documents for a query.

        Raises DeniedError where nobody asks, or whoever does no longer counts.
        """
        # The retriever's own method is not given the config, and outside of a
        # chain cannot find it.
        return super().invoke(input, config, asking=ensure_config(config), **kwargs)

    async def ainvoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """As `invoke`."""
        return await super().ainvoke(input, config, asking=ensure_config(config), **kwargs)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        asking: RunnableConfig | None = None,
    ) -> list[Document]:
        search, pushed = self._start(asking)
        # Handlers of nobody: what is found here is not decided yet.
        nobody = CallbackManagerForRetrieverRun.get_noop_manager()
        while search.want:
            inner, more = self._searcher(search.want, pushed)
            search.take(inner._get_relevant_documents(query, run_manager=nobody, **more))
        return self._end(search, run_manager)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        asking: RunnableConfig | None = None,
    ) -> list[Document]:
        search, pushed = self._start(asking)
        nobody = AsyncCallbackManagerForRetrieverRun.get_noop_manager()
        while search.want:
            inner, more = self._searcher(search.want, pushed)
            search.take(await inner._aget_relevant_documents(query, run_manager=nobody, **more))
        return self._end(search, run_manager)

    def _start(self, asking: RunnableConfig | None) -> tuple[TopUp[Document], dict[str, Any]]:
        config = ensure_config() if asking is None else asking

        def asks() -> Caller:
            return _asks(self.identity, self.identity_key, config, self.policy, self.audience)

        caller = asks()
        told = None
        pushed: dict[str, Any] = {}
        if self.prefilter is not None:
            matches = allow_list(self._sieve, caller, self.max_pushed)
            if matches is not None:
                told = sum(len(match.values) for match in matches)
            if matches:
                store, own = self._store()
                pushed = self.prefilter.search_kwargs(store, matches, own)
        search = TopUp(
            self._sieve,
            asks,
            self.k,
            most=max(self.k, self.max_candidates),
            pushed=told,
            fixed=self._counted() is None,
            identify=_id,
        )
        return search, pushed

    def _store(self) -> tuple[Any, dict[str, Any]]:
        if isinstance(self.inner, VectorStoreRetriever):
            return self.inner.vectorstore, self.inner.search_kwargs
        return self.inner, {}

    def _counted(self) -> str | None:
        """The field of `inner` that says how many documents it gives."""
        if isinstance(self.inner, (VectorStore, VectorStoreRetriever)):
            return "search_kwargs"
        return next((n for n in ("k", "top_k") if n in type(self.inner).model_fields), None)

    def _searcher(self, n: int, pushed: dict[str, Any]) -> tuple[BaseRetriever, dict[str, Any]]:
        """What gives the best n, and what it is given besides the query."""
        if isinstance(self.inner, VectorStore):
            return VectorStoreRetriever(vectorstore=self.inner, search_kwargs={**pushed, "k": n}), {}
        if isinstance(self.inner, VectorStoreRetriever):
            kwargs = {**self.inner.search_kwargs, **pushed, "k": n}
            if self.inner.search_type == "mmr":
                kwargs["fetch_k"] = max(kwargs.get("fetch_k", 20), n)
            return self.inner.model_copy(update={"search_kwargs": kwargs}), {}
        name = self._counted()
        inner = self.inner if name is None else self.inner.model_copy(update={name: n})
        return inner, {}

    def _end(
        self,
        search: TopUp[Document],
        run: CallbackManagerForRetrieverRun | AsyncCallbackManagerForRetrieverRun,
    ) -> list[Document]:
        report = search.report()
        for handler in run.handlers:
            if isinstance(handler, BaseTracer):
                known = handler.run_map.get(str(run.run_id))
                if known is not None:
                    known.add_metadata({"deputize": report.to_dict()})
        report_to(self.on_report, report)
        return search.chosen


def _refuse_composed(inner: object) -> None:
    """Refuses a retriever that is made of others: it would show what they find to whoever traces them."""
    if isinstance(inner, (VectorStore, VectorStoreRetriever)) or not isinstance(inner, BaseRetriever):
        return
    for name in type(inner).model_fields:
        held: Any = getattr(inner, name, None)
        if isinstance(held, Mapping):
            held = list(held.values())
        parts = held if isinstance(held, (list, tuple, set)) else [held]
        if any(isinstance(part, Runnable) for part in parts):
            said = (
                f"`{type(inner).__name__}.{name}` is searched by itself, and traced before anything is decided: "
                "put each retriever of it into an AuthorizedRetriever, and those into it"
            )
            raise MisuseError("retrieval.options", said)


class AuthorizationFilter(BaseDocumentCompressor):
    """Drops the documents that the caller may not see; rank is kept.

    The last step of a pipeline of compressors, where documents come from
    elsewhere than a store. It searches for nothing more: `AuthorizedRetriever`
    does. Called outside of a chain or a graph, LangChain hands it no config, and
    it must be given an `identity`, which may be a function.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    action: str
    resource: str | Named | Callable[[Document], str | None] | None = None
    acl: Acl | None = None
    policy: Any = Field(default=None, repr=False)
    audience: Any = None
    identity: Any = Field(default=None, repr=False)
    identity_key: str = "caller"
    on_report: Callable[[Report], None] | None = Field(default=None, repr=False)

    _sieve: Sieve[Document] = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Checks what does not depend on a call."""
        super().model_post_init(context)
        options(self.identity, self.policy, self.audience, self.on_report)
        self._sieve = _sieve(self.action, self.resource, self.acl)
        self._sieve.known(self.policy)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """The documents that may be seen.

        Raises DeniedError where nobody asks, or whoever does no longer counts.
        """
        caller = _asks(self.identity, self.identity_key, ensure_config(), self.policy, self.audience)
        count = max(1, len(documents))
        search = TopUp(self._sieve, caller, count, most=count, fixed=True, identify=_id)
        search.take(documents)
        report_to(self.on_report, search.report())
        return search.chosen

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """As `compress_documents`."""
        return self.compress_documents(documents, query, callbacks)
