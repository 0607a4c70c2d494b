"""Haystack: a component that drops the documents a caller may not see.

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

from dataclasses import asdict
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.utils import deserialize_callable, serialize_callable

from ._deputize import Caller
from .errors import DeniedError, MisuseError
from .identity import ANY, Audience, PolicySource, audience_of, caller_of, source_of
from .retrieval import Acl, Named, Sieve, TopUp

__all__ = ["AuthorizationFilter", "filters"]


@component
class AuthorizationFilter:
    """Drops the documents that the caller may not see; rank is kept.

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
        search = TopUp(
            self._sieve, asks, count, most=count, fixed=True, identify=lambda document: (document.id, document.content)
        )
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
        policy = self.policy
        if policy is not None and not (callable(policy) and hasattr(policy, "__qualname__")):
            said = "to be written down, `policy` must be a function with a name, not a policy itself"
            raise MisuseError("guard.options", said)
        resource = self.resource
        written: dict[str, Any] = default_to_dict(
            self,
            action=self.action,
            resource=_listed(asdict(resource)) if isinstance(resource, Named) else resource,
            acl=None if self.acl is None else asdict(self.acl),
            policy=None if policy is None else serialize_callable(policy),
            # As an object, so that it is no audience's name.
            audience={"any": True} if self.audience is ANY else self.audience,
        )
        return written

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuthorizationFilter:
        """From YAML."""
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
        made: AuthorizationFilter = default_from_dict(cls, {**data, "init_parameters": given})
        return made


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
