"""Haystack: a retriever that finds only what a caller may see, and a component that drops the rest.

>>> from haystack import Document
>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]",
...     "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:1"}]})
>>> documents = [Document(content="Fees.", meta={"source": "document:1"}),
...              Document(content="Secrets.", meta={"source": "document:2"})]
>>> sieve = AuthorizationFilter("can_read", resource="source")
>>> found = sieve.run(documents=documents, caller=policy.caller("user:anne"))
>>> [document.content for document in found["documents"]], found["report"]["dropped"]
(['Fees.'], {'subject.no_grant': 1})
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import asdict
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.core.pipeline.base import PipelineBase
from haystack.core.serialization import component_to_dict
from haystack.utils import deserialize_callable, serialize_callable

from ._deputize import Caller
from .errors import DeniedError, MisuseError
from .identity import ANY, Audience, PolicySource, audience_of, caller_of, source_of
from .retrieval import Acl, Named, Sieve, TopUp

__all__ = ["AuthorizationFilter", "AuthorizedRetriever", "filters"]


@component
class AuthorizationFilter:
    """Drops the documents that the caller may not see; rank is kept.

    What a retriever before it finds, a pipeline's tracer and snapshots see, where
    they are told to look at contents: where that must not be, use an
    `AuthorizedRetriever`.

    Who asks is an input of each run, a `Caller` or a `Token`, and no part of the
    component: written to YAML, a pipeline holds neither callers nor tokens, and
    of a policy only the name of the function that gives it. To read it again,
    Haystack wants `Pipeline.loads(text, allowed_modules=["deputize.haystack", …])`.
    """

    def __init__(
        self,
        action: str,
        *,
        resource: str | Named | None = None,
        acl: Acl | None = None,
        policy: PolicySource | None = None,
        audience: Audience | None = None,
    ) -> None:
        if policy is not None:
            source_of(policy)
            audience_of(audience)
        self.action = action
        self.resource = resource
        self.acl = acl
        self.policy = policy
        self.audience = audience
        self._sieve: Sieve[Document] = Sieve(
            action, metadata=lambda document: document.meta, resource=resource, acl=acl
        )
        self._sieve.known(policy)

    @component.output_types(documents=list[Document], report=dict[str, Any])
    def run(self, documents: list[Document], caller: Any) -> dict[str, Any]:
        """The documents that the caller, a `Caller` or a `Token`, may see.

        Raises DeniedError where nobody asks, or whoever does no longer counts.
        """
        asks = caller_of(caller, self.policy, audience=self.audience)
        count = max(1, len(documents))
        search = TopUp(self._sieve, asks, count, most=count, fixed=True, identify=_identify)
        search.take(documents)
        return {"documents": search.chosen, "report": search.report().to_dict()}

    @component.output_types(documents=list[Document], report=dict[str, Any])
    async def run_async(self, documents: list[Document], caller: Any) -> dict[str, Any]:
        """As `run`."""
        found: dict[str, Any] = self.run(documents, caller)
        return found

    def to_dict(self) -> dict[str, Any]:
        """For YAML.

        Raises MisuseError where the policy is not a function with a name.
        """
        written: dict[str, Any] = default_to_dict(self, **_written(self))
        return written

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuthorizationFilter:
        """From YAML."""
        made: AuthorizationFilter = default_from_dict(cls, _read(data))
        return made


@component
class AuthorizedRetriever:
    """Finds the documents that the caller may see, out of what another retriever finds.

    It takes the other's place in a pipeline, with the same inputs and `caller`. The
    other is no component of the pipeline, so that no tracer and no snapshot sees
    what it finds. Where it takes a `top_k`, it is asked for more until there are
    that many, it has no more, or `max_candidates` is reached. A pipeline within
    (a `SuperComponent`) would show its own: it is refused.

    The other arguments, and how it is written down, are `AuthorizationFilter`'s.
    """

    def __init__(
        self,
        retriever: Any,
        action: str,
        *,
        resource: str | Named | None = None,
        acl: Acl | None = None,
        policy: PolicySource | None = None,
        audience: Audience | None = None,
        max_candidates: int = 10_000,
    ) -> None:
        sockets = getattr(getattr(retriever, "__haystack_input__", None), "_sockets_dict", None)
        if sockets is None or "documents" not in retriever.__haystack_output__._sockets_dict:
            raise MisuseError("retrieval.options", "`retriever` must be a component that gives `documents`")
        if isinstance(getattr(retriever, "pipeline", None), PipelineBase):
            raise MisuseError("retrieval.options", "a pipeline within shows what it finds: give its retriever")
        if isinstance(max_candidates, bool) or not isinstance(max_candidates, int) or max_candidates < 1:
            raise MisuseError("retrieval.options", "`max_candidates` must be a whole number of 1 or more")
        if policy is not None:
            source_of(policy)
            audience_of(audience)
        self.retriever = retriever
        self.action = action
        self.resource = resource
        self.acl = acl
        self.policy = policy
        self.audience = audience
        self.max_candidates = max_candidates
        self._grows = "top_k" in sockets
        self._sieve: Sieve[Document] = Sieve(
            action, metadata=lambda document: document.meta, resource=resource, acl=acl
        )
        self._sieve.known(policy)
        for name, socket in sockets.items():
            component.set_input_type(self, name, socket.type, socket.default_value)
        component.set_input_type(self, "caller", Any)

    def warm_up(self) -> None:
        """Warms up the other retriever."""
        if hasattr(self.retriever, "warm_up"):
            self.retriever.warm_up()

    @component.output_types(documents=list[Document], report=dict[str, Any])
    def run(self, **inputs: Any) -> dict[str, Any]:
        """The documents that the caller, a `Caller` or a `Token`, may see.

        Raises DeniedError where nobody asks, or whoever does no longer counts.
        """
        search = self._search(inputs)
        while search.want:
            search.take(self.retriever.run(**self._wanted(inputs, search.want))["documents"])
        return {"documents": search.chosen, "report": search.report().to_dict()}

    @component.output_types(documents=list[Document], report=dict[str, Any])
    async def run_async(self, **inputs: Any) -> dict[str, Any]:
        """As `run`."""
        search = self._search(inputs)
        while search.want:
            wanted = self._wanted(inputs, search.want)
            if hasattr(self.retriever, "run_async"):
                found = await self.retriever.run_async(**wanted)
            else:
                found = await asyncio.to_thread(functools.partial(self.retriever.run, **wanted))
            search.take(found["documents"])
        return {"documents": search.chosen, "report": search.report().to_dict()}

    def _search(self, inputs: dict[str, Any]) -> TopUp[Document]:
        def caller() -> Caller:
            return caller_of(inputs.get("caller"), self.policy, audience=self.audience)

        k = inputs.get("top_k") or getattr(self.retriever, "top_k", None)
        known = self._grows and isinstance(k, int) and k > 0
        count: int = k if known and k is not None else self.max_candidates
        return TopUp(
            self._sieve, caller, count, most=max(count, self.max_candidates), fixed=not known, identify=_identify
        )

    def _wanted(self, inputs: dict[str, Any], want: int) -> dict[str, Any]:
        asked = {name: value for name, value in inputs.items() if name != "caller"}
        return {**asked, "top_k": want} if self._grows else asked

    def to_dict(self) -> dict[str, Any]:
        """For YAML.

        Raises MisuseError where the policy is not a function with a name.
        """
        written: dict[str, Any] = default_to_dict(
            self,
            **_written(self),
            retriever=component_to_dict(self.retriever, "retriever"),
            max_candidates=self.max_candidates,
        )
        return written

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuthorizedRetriever:
        """From YAML."""
        made: AuthorizedRetriever = default_from_dict(cls, _read(data))
        return made


def _identify(document: Document) -> tuple[str, str | None]:
    return document.id, document.content


def _written(of: AuthorizationFilter | AuthorizedRetriever) -> dict[str, Any]:
    """What both components are made with, for YAML."""
    policy = of.policy
    if policy is not None and not (callable(policy) and hasattr(policy, "__qualname__")):
        said = "to be written down, `policy` must be a function with a name, not a policy itself"
        raise MisuseError("guard.options", said)
    resource = of.resource
    return {
        "action": of.action,
        "resource": _listed(asdict(resource)) if isinstance(resource, Named) else resource,
        "acl": None if of.acl is None else asdict(of.acl),
        "policy": None if policy is None else serialize_callable(policy),
        # As an object, so that it is no audience's name.
        "audience": {"any": True} if of.audience is ANY else of.audience,
    }


def _read(data: dict[str, Any]) -> dict[str, Any]:
    given = dict(data["init_parameters"])
    if isinstance(given.get("resource"), dict):
        named = given["resource"]
        given["resource"] = Named(**{**named, "types": tuple(named.get("types") or ())})
    if isinstance(given.get("acl"), dict):
        given["acl"] = Acl(**given["acl"])
    if given.get("policy") is not None:
        given["policy"] = deserialize_callable(given["policy"])
    if given.get("audience") == {"any": True}:
        given["audience"] = ANY
    return {**data, "init_parameters": given}


def _listed(named: dict[str, Any]) -> dict[str, Any]:
    return {**named, "types": list(named["types"])}


def filters(
    caller: Caller, action: str, resource: Named, own: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What to search a document store for, beside its `own` filters; for a
    retriever's `filters`. The component still decides what is found.

    Raises DeniedError, `retrieval.nothing_allowed`, where the caller may see
    nothing: `None` would be no filter. Do not search then. Another code where
    what it may see is not known whole: search without these filters then, and
    for more.
    """
    matches = resource.matches(caller, action)
    if not matches:
        raise DeniedError("retrieval.nothing_allowed", "there is nothing to search for")
    [match] = matches
    ours = {"field": f"meta.{match.key}", "operator": "in", "value": list(match.values)}
    return ours if own is None else {"operator": "AND", "conditions": [own, ours]}
