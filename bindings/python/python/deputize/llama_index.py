"""LlamaIndex: a retriever that finds only what a caller may see, a postprocessor that drops the rest,
and filters for a store.

>>> from llama_index.core.schema import NodeWithScore, TextNode
>>> from deputize import Policy
>>> from deputize.identity import acting
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]",
...     "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:1"}]})
>>> nodes = [NodeWithScore(node=TextNode(text="Fees.", metadata={"source": "document:1"})),
...          NodeWithScore(node=TextNode(text="Secrets.", metadata={"source": "document:2"}))]
>>> postprocessor = AuthorizationPostprocessor(action="can_read", resource="source")
>>> with acting(policy.caller("user:anne")):
...     [node.text for node in postprocessor.postprocess_nodes(nodes)]
['Fees.']
"""

from __future__ import annotations

import asyncio
import copy
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, cast

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.callbacks import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)
from llama_index_instrumentation.dispatcher import DISPATCHER_SPAN_DECORATED_ATTR

from ._deputize import Caller
from .callbacks import plain_function
from .errors import DeniedError, MisuseError
from .identity import Audience, PolicySource, acting_now, audience_of, caller_of, is_identity, source_of
from .retrieval import Acl, Named, Report, Sieve, TopUp, report_to

__all__ = ["AuthorizationPostprocessor", "AuthorizedRetriever", "metadata_filters"]

_ROWS = ("_node_postprocessors", "node_postprocessors")
# How far up whoever runs the postprocessors may be.
_FRAMES = 30


class AuthorizationPostprocessor(BaseNodePostprocessor):
    """Drops the nodes that the caller may not see; rank is kept.

    LlamaIndex hands no request on: the caller is who acts (`identity.acting`),
    or the `identity` that is given, which may be a function. A token is
    verified, and a caller looked at again, on each call.

    Give it last among the postprocessors: what comes after it could fetch more
    (`PrevNextNodePostprocessor` does), which nobody decides. Where it is not
    last it raises. What stands before it sees every node: where that must not
    be, give it first as well. What a retriever finds, LlamaIndex shows to
    callbacks, event and span handlers before any postprocessor: where that must
    not be, retrieve with an `AuthorizedRetriever`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    action: str
    resource: Any = None
    """The metadata key that names a node's resource, a `Named`, or a function of
    the `NodeWithScore`."""
    acl: Any = None
    """Or how nodes carry their readers: an `Acl`."""
    policy: Any = Field(default=None, repr=False, exclude=True)
    audience: Any = None
    """The audience that tokens must name, or `ANY`: required with a `policy`."""
    identity: Any = Field(default=None, repr=False, exclude=True)
    """A Caller, a Token, or a function without arguments that gives one."""
    on_report: Callable[[Report], None] | None = Field(default=None, repr=False, exclude=True)

    _sieve: Sieve[NodeWithScore] = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Checks what does not depend on a call."""
        super().model_post_init(context)
        plain_function(self.on_report, "on_report", "retrieval.options")
        if self.identity is not None and not is_identity(self.identity):
            plain_function(self.identity, "identity")
        if self.policy is not None:
            source_of(self.policy)
            audience_of(self.audience)
        self._sieve = Sieve(
            self.action,
            metadata=lambda node: node.node.metadata,
            resource=self.resource,
            acl=self.acl,
        )
        self._sieve.known(self.policy)

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex knows it."""
        return "AuthorizationPostprocessor"

    # These and not the private ones, which LlamaIndex shows, with all nodes, to
    # whoever looks at its spans.
    def postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        query_str: str | None = None,
    ) -> list[NodeWithScore]:
        """The nodes that the caller may see."""
        self._refuse_not_last(sys._getframe(1))
        return self._decided(nodes)

    async def apostprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        query_str: str | None = None,
    ) -> list[NodeWithScore]:
        """As `postprocess_nodes`."""
        self._refuse_not_last(sys._getframe(1))
        return self._decided(nodes)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        self._refuse_not_last(sys._getframe(1))
        return self._decided(nodes)

    def _refuse_not_last(self, frame: FrameType | None) -> None:
        """Looks for whoever runs a row of postprocessors, this one among them: LlamaIndex says to none where it stands."""
        for _ in range(_FRAMES):
            if frame is None:
                return
            row = _row_of(frame)
            if any(one is self for one in row):
                last = row[-1]
                if last is not self and not isinstance(last, AuthorizationPostprocessor):
                    said = f"it must be the last of the postprocessors, and `{type(last).__name__}` is"
                    raise MisuseError("guard.options", said)
                return
            frame = frame.f_back

    def _decided(self, nodes: list[NodeWithScore]) -> list[NodeWithScore]:
        caller = _asking(self.identity, self.policy, self.audience)
        count = max(1, len(nodes))
        search = TopUp(self._sieve, caller, count, most=count, fixed=True, identify=_identify)
        search.take(nodes)
        report_to(self.on_report, search.report())
        return search.chosen


def _asking(identity: Any, policy: Any, audience: Any) -> Caller:
    given = identity() if callable(identity) else identity
    return caller_of(acting_now() if identity is None else given, policy, audience=audience)


def _identify(node: NodeWithScore) -> tuple[str, str]:
    return node.node.node_id, node.node.get_content()


class AuthorizedRetriever(BaseRetriever):
    """A retriever that finds what the caller may see, out of what `inner` finds.

    Callbacks, event and span handlers see what may be seen, and nothing else of
    what `inner` finds. Where `inner` has a `similarity_top_k`, it is asked for
    more until there are that many, it has no more, or `max_candidates` is
    reached. A retriever made of others would show what they find; it is refused:
    authorize each of them. What an allowed `IndexNode` stands for is not fetched.

    The other arguments are `AuthorizationPostprocessor`'s.

    Raises:
        MisuseError: `retrieval.options`, `guard.options`.
    """

    def __init__(
        self,
        inner: BaseRetriever,
        *,
        action: str,
        resource: Any = None,
        acl: Acl | None = None,
        policy: PolicySource | None = None,
        audience: Audience | None = None,
        identity: Any = None,
        max_candidates: int = 10_000,
        on_report: Callable[[Report], None] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager=callback_manager)
        _refuse_showing(inner)
        plain_function(on_report, "on_report", "retrieval.options")
        if identity is not None and not is_identity(identity):
            plain_function(identity, "identity")
        if policy is not None:
            source_of(policy)
            audience_of(audience)
        if isinstance(max_candidates, bool) or not isinstance(max_candidates, int) or max_candidates < 1:
            raise MisuseError("retrieval.options", "`max_candidates` must be a whole number of 1 or more")
        self._inner = inner
        self._identity, self._policy, self._audience = identity, policy, audience
        self._most, self._on_report = max_candidates, on_report
        self._sieve: Sieve[NodeWithScore] = Sieve(
            action, metadata=lambda node: node.node.metadata, resource=resource, acl=acl
        )
        self._sieve.known(policy)

    def _search(self) -> TopUp[NodeWithScore]:
        def caller() -> Caller:
            return _asking(self._identity, self._policy, self._audience)

        k = getattr(self._inner, "similarity_top_k", None)
        if isinstance(k, int):
            return TopUp(self._sieve, caller, k, most=max(k, self._most), identify=_identify)
        return TopUp(self._sieve, caller, self._most, most=self._most, fixed=True, identify=_identify)

    def _asked(self, want: int) -> BaseRetriever:
        """The inner retriever, asked for so many."""
        if not isinstance(getattr(self._inner, "similarity_top_k", None), int):
            return self._inner
        inner: Any = copy.copy(self._inner)
        inner.similarity_top_k = want
        return cast("BaseRetriever", inner)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        search = self._search()
        while search.want:
            inner = self._asked(search.want)
            search.take(_bare(type(inner)._retrieve)(inner, query_bundle))
        report_to(self._on_report, search.report())
        return search.chosen

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        search = self._search()
        while search.want:
            inner = self._asked(search.want)
            own = _bare(type(inner)._aretrieve)
            if own is _bare(BaseRetriever._aretrieve):
                found = await asyncio.to_thread(_bare(type(inner)._retrieve), inner, query_bundle)
            else:
                found = await own(inner, query_bundle)
            search.take(found)
        report_to(self._on_report, search.report())
        return search.chosen

    # What an allowed node stands for would be fetched after all was decided.
    def _handle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        return nodes

    async def _ahandle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        return nodes


def _bare(method: Any) -> Any:
    """A method without the spans around it, which show what it gives."""
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    return method


_SHOWN = ("_retrieve", "_aretrieve")


def _refuse_showing(inner: object) -> None:
    """Refuses a retriever that would show what it finds on its way here."""
    if not isinstance(inner, BaseRetriever):
        raise MisuseError("retrieval.options", f"`inner` must be a retriever, not a `{type(inner).__name__}`")
    name = type(inner).__name__
    if isinstance(inner, AuthorizedRetriever) or _made_of_others(inner):
        said = f"`{name}` is made of retrievers, which would show what they find: authorize each of them"
        raise MisuseError("retrieval.options", said)
    for method in _SHOWN:
        own = [vars(kind)[method] for kind in type(inner).__mro__ if kind is not BaseRetriever and method in vars(kind)]
        if len([one for one in own if not getattr(one, "__isabstractmethod__", False)]) > 1:
            said = f"`{name}.{method}` is another's, made anew: where it calls that one, LlamaIndex shows what it finds"
            raise MisuseError("retrieval.options", said)
    for kind in type(inner).__mro__:
        for attribute, value in vars(kind).items():
            # Every retriever's own are known: prompts, and the methods that are not called.
            if hasattr(value, DISPATCHER_SPAN_DECORATED_ATTR) and not hasattr(BaseRetriever, attribute):
                raise MisuseError("retrieval.options", f"LlamaIndex shows what `{name}.{attribute}` gives")


def _made_of_others(inner: BaseRetriever) -> bool:
    def within(value: object, depth: int) -> bool:
        if isinstance(value, (BaseRetriever, BaseQueryEngine)):
            return True
        if depth and isinstance(value, Mapping):
            return any(within(one, depth - 1) for one in value.values())
        return bool(depth) and isinstance(value, (list, tuple, set)) and any(within(one, depth - 1) for one in value)

    return any(within(value, 2) for value in vars(inner).values())


def _row_of(frame: FrameType) -> list[Any]:
    """The postprocessors that a frame runs one after the other, if it does."""
    held = frame.f_locals
    owner = held.get("self")
    rows = [held.get("node_postprocessors"), *(getattr(owner, name, None) for name in _ROWS if owner is not None)]
    return next((list(row) for row in rows if isinstance(row, (list, tuple)) and row), [])


def metadata_filters(
    caller: Caller,
    action: str,
    *,
    resource: Named | None = None,
    acl: Acl | None = None,
    own: MetadataFilters | None = None,
) -> MetadataFilters:
    """What to search a store for, beside its `own` filters. The postprocessor
    still decides what is found.

    Raises DeniedError, `retrieval.nothing_allowed`, where the caller may see
    nothing: `None` would be no filter. Do not search then. Another code where
    what it may see is not known whole: search without these filters then, and
    for more.
    """
    sieve: Sieve[Any] = Sieve(action, metadata=lambda _node: None, resource=resource, acl=acl)
    matches = sieve.matches(caller)
    if not matches:
        raise DeniedError("retrieval.nothing_allowed", "there is nothing to search for")
    filters = [
        MetadataFilter(
            key=match.key,
            value=list(match.values),
            operator=FilterOperator.ANY if match.listed else FilterOperator.IN,
        )
        for match in matches
    ]
    ours = MetadataFilters(filters=list(filters), condition=FilterCondition.OR)
    if own is None or not own.filters:
        return ours
    if len(filters) == 1 and own.condition in (None, FilterCondition.AND):
        # Some stores know no filters within filters.
        return MetadataFilters(filters=[*own.filters, *filters], condition=FilterCondition.AND)
    return MetadataFilters(filters=[own, ours], condition=FilterCondition.AND)
