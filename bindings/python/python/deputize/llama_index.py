"""LlamaIndex: a postprocessor that drops the nodes a caller may not see, and filters for a store.

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

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from ._deputize import Caller
from .callbacks import plain_function
from .errors import DeniedError, MisuseError
from .identity import acting_now, audience_of, caller_of, is_identity, source_of
from .retrieval import Acl, Named, Report, Sieve, TopUp, report_to

__all__ = ["AuthorizationPostprocessor", "metadata_filters"]

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
    be, give it first as well.
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

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        self._refuse_not_last(sys._getframe(1))
        return self._decided(nodes)

    async def _apostprocess_nodes(
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
        given = self.identity() if callable(self.identity) else self.identity
        caller = caller_of(acting_now() if self.identity is None else given, self.policy, audience=self.audience)
        count = max(1, len(nodes))
        search = TopUp(
            self._sieve,
            caller,
            count,
            most=count,
            fixed=True,
            identify=lambda node: (node.node.node_id, node.node.get_content()),
        )
        search.take(nodes)
        report_to(self.on_report, search.report())
        return search.chosen


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
