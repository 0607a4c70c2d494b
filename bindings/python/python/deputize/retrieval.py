"""Chunks before a model sees them: which may be seen, and how to find k of them.

Frameworks' modules are thin around this room. Nothing here searches or waits.

>>> from deputize import Policy
>>> policy = Policy.from_json({"deputize": 1,
...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]",
...     "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:1"}]})
>>> sieve = Sieve("can_read", resource="source", metadata=lambda chunk: chunk)
>>> chunks = [{"source": "document:1"}, {"source": "document:2"}, {}]
>>> sifted = sieve.sift(policy.caller("user:anne"), chunks)
>>> sifted.mask, sifted.dropped
([True, False, False], {'resource.missing': 1, 'subject.no_grant': 1})
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast

from . import _json
from ._deputize import Caller, Policy
from .callbacks import dropped, plain_function
from .errors import DeniedError, DeputizeError, MisuseError
from .identity import PolicySource, current
from .ids import id_text
from .shapes import Tuple
from .tools import unknown_in

__all__ = ["Acl", "Match", "Named", "Report", "Sieve", "Sifted", "TopUp"]

_T = TypeVar("_T")
_log = logging.getLogger("deputize")

Metadata = Mapping[str, Any]
Readers = tuple[tuple[str, str], ...]
Stopped = Literal["enough", "exhausted", "bound", "fixed", "nothing_allowed"]


# What drops every chunk alike where something is set up wrong.
_CONFIGURED = frozenset({
    "acl.malformed", "acl.missing", "request.unknown_relation", "request.unknown_type",
    "resource.error", "resource.malformed", "resource.missing", "resource.untyped",
})


class Sifted(NamedTuple):
    """Which chunks may be seen, and how many may not, by reason."""

    mask: list[bool]
    dropped: dict[str, int]


class Match(NamedTuple):
    """What a store must find under `key`: one of `values`, or, where it keeps a
    list there, a list with one of them."""

    key: str
    values: list[str]
    listed: bool


@dataclass(frozen=True)
class Named:
    """A chunk that names its resource in its metadata.

    `Named("source")` finds `document:42` there. With a `type`, the key holds the
    rest: `Named("doc", type="document")` finds `42`. `types` says of which types
    the whole names may be; a store can be searched only for types that are known.
    """

    key: str
    type: str | None = None
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not self.key:
            raise MisuseError("retrieval.options", "`key` must be a metadata key")
        types = (self.type,) if self.type is not None else self.types
        if isinstance(self.types, str) or not all(isinstance(one, str) and one and ":" not in one for one in types):
            raise MisuseError("retrieval.options", "`type` is a type's name, and `types` a tuple of them")
        if self.type is not None and self.types:
            raise MisuseError("retrieval.options", "either `type` or `types`")

    def of(self, metadata: Metadata) -> str | None:
        """The resource; `None` where the key is missing. A value that is no name gives ""."""
        value = metadata.get(self.key)
        if value is None:
            return None
        value = id_text(value)
        if value is None:
            return ""
        if self.type is not None:
            return "" if ":" in value else f"{self.type}:{value}"
        if self.types and value.partition(":")[0] not in self.types:
            return ""
        return value

    def matches(self, caller: Caller, action: str) -> list[Match]:
        """Where the chunks are that the caller may see."""
        types = self.types if self.type is None else (self.type,)
        if not types:
            said = "`types` of the resources must be given, to search a store for them"
            raise MisuseError("retrieval.options", said)
        names = list(dict.fromkeys(name for kind in types for name in caller.list(action, kind)))
        if self.type is not None:
            names = [name.partition(":")[2] for name in names]
        return [Match(self.key, names, listed=False)] if names else []


@dataclass(frozen=True)
class Acl:
    """A chunk that carries its own readers in its metadata.

    They become contextual tuples about an object of `type`, named after what
    they say: `grants` says which metadata key holds names for which subjects
    (`{"users": "user:{}", "groups": "team:{}#member"}`; a subject without `{}`
    is for a key that holds true or false), `links` which key holds whole
    objects, and by which relation they stand to the chunk
    (`{"document": "parent"}`).

    A chunk with none of the keys is nobody's. One with a value that is no name is dropped.
    """

    type: str
    grants: Mapping[str, str]
    relation: str = "reader"
    links: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if not self.grants and not self.links:
            raise MisuseError("retrieval.options", "`grants` or `links` must name a metadata key")
        for key, subject in self.grants.items():
            if subject.count("{}") > 1 or ":" not in subject:
                said = f"the subject of `{key}` must be like `user:{{}}` or `team:{{}}#member`"
                raise MisuseError("retrieval.options", said)

    def of(self, metadata: Metadata) -> Readers | None:
        """Pairs of subject and relation, sorted; `None` where no key is there.

        Raises ValueError for a value that is no name.
        """
        pairs: set[tuple[str, str]] = set()
        found = False
        for key, subject in self.grants.items():
            value = metadata.get(key)
            if value is None:
                continue
            found = True
            if "{}" not in subject:
                if not isinstance(value, bool):
                    raise ValueError(key)
                if value:
                    pairs.add((subject, self.relation))
                continue
            pairs.update((subject.format(name), self.relation) for name in _names(key, value, _PART))
        for key, relation in self.links.items():
            value = metadata.get(key)
            if value is None:
                continue
            found = True
            pairs.update((name, relation) for name in _names(key, value, _WHOLE))
        return tuple(sorted(pairs)) if found else None

    def named(self, readers: Readers) -> str:
        """The object that stands for chunks with these readers: what they say, hashed."""
        said = "\n".join([f"{user} {by}" for user, by in readers])
        return f"{self.type}:acl-{hashlib.sha256(said.encode()).hexdigest()}"

    def matches(self, caller: Caller, action: str) -> list[Match]:
        """Where the chunks are that may be the caller's."""
        if self.links:
            said = "with `links` a store cannot be searched for readers alone: it would find too little"
            raise MisuseError("retrieval.options", said)
        terms = caller.terms(action, self.type)
        found: list[Match] = []
        for key, subject in self.grants.items():
            before, hole, after = subject.partition("{}")
            if not hole:
                # A flag is not a text, which is what stores are asked for here.
                said = f"`{key}` is a flag: a store cannot be searched for it"
                raise MisuseError("retrieval.options", said)
            names = [
                term[len(before) : len(term) - len(after)]
                for term in terms
                if term.startswith(before) and term.endswith(after)
                and len(term) > len(before) + len(after)
            ]
            names = [name for name in names if name != "*" and not _PART & set(name)]
            if names:
                found.append(Match(key, names, listed=True))
        return found


_PART = frozenset(":#* \t\r\n")
_WHOLE = frozenset("#* \t\r\n")


def _names(key: str, value: object, refused: frozenset[str]) -> list[str]:
    one = id_text(value)
    if one is not None:
        # Some stores keep a list as its JSON.
        value = _listed(one) if one.startswith("[") else [one]
    elif hasattr(value, "tolist") and type(value).__module__.partition(".")[0] == "numpy":
        value = cast("Any", value).tolist()
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError(key)
    names: list[str] = []
    for each in cast("Iterable[object]", value):
        name = id_text(each)
        # A comma: several names, kept as one text, would be one that nobody has.
        if name is None or refused & set(name) or "," in name or name.startswith("["):
            raise ValueError(key)
        names.append(name)
    return names


def _listed(text: str) -> object:
    try:
        return _json.read(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Report:
    """What one retrieval did. Counts only: nothing of what was dropped."""

    action: str
    subject: str
    actor: str
    asked: int
    """How many chunks were asked for."""
    searches: int
    searched: int
    """How many chunks the last search gave."""
    allowed: int
    """How many of them may be seen, at most `asked`."""
    dropped: dict[str, int]
    """How many may not, by reason."""
    stopped: Stopped
    """Why there was no further search: `enough` were found, the store is
    `exhausted`, the `bound` on candidates is reached, the retriever's number is
    `fixed`, or there is `nothing_allowed` to search for."""
    pushed: int | None = None
    """How many ids or names the store was searched with; `None` where it was
    searched without."""

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return dict(vars(self))


class Sieve(Generic[_T]):
    """Decides chunks by the resource that each names, or the readers that each carries."""

    def __init__(
        self,
        action: str,
        *,
        metadata: Callable[[_T], Metadata | None],
        resource: str | Named | Callable[[_T], str | None] | None = None,
        acl: Acl | None = None,
    ) -> None:
        if (resource is None) == (acl is None):
            said = "either `resource` or `acl` must say whose a chunk is"
            raise MisuseError("retrieval.options", said)
        if not action:
            raise MisuseError("retrieval.options", "`action` must say what is done with a chunk")
        if not isinstance(action, str) or not (acl is None or isinstance(acl, Acl)):
            raise MisuseError("retrieval.options", "`action` is a text, and `acl` an Acl")
        self.action = action
        self.acl = acl
        self.resource = Named(resource) if isinstance(resource, str) else resource
        if self.resource is not None and not isinstance(self.resource, Named):
            plain_function(self.resource, "resource", "retrieval.options")
        self._metadata = metadata
        self._warned: set[str] = set()
        self._policy: PolicySource | None = None
        self._last: Policy | None = None

    def known(self, policy: PolicySource | None) -> None:
        """Refuses an action or a type that the policy at hand does not have; where
        another one comes into force, it is told of.

        Raises MisuseError.
        """
        if policy is None:
            return
        self._policy = policy
        try:
            self._last = current(policy)
        except Exception:
            return  # none is at hand yet
        for unknown in self._unknown_in(self._last):
            raise MisuseError("retrieval.options", unknown)

    def _unknown_in(self, policy: Policy) -> list[str]:
        named = self.resource if isinstance(self.resource, Named) else None
        if self.acl is not None:
            kinds: tuple[str, ...] = (self.acl.type,)
        else:
            kinds = () if named is None else named.types if named.type is None else (named.type,)
        return [said for kind in kinds if (said := unknown_in(policy, self.action, kind)) is not None]

    def _look_again(self) -> None:
        if self._policy is None or isinstance(self._policy, Policy):
            return
        try:
            policy = current(self._policy)
        except Exception:
            return  # whoever asks is told
        if policy is not self._last:
            self._last = policy
            for unknown in self._unknown_in(policy):
                _log.warning("the policy in force, `%s`, drops every chunk: %s", policy.revision, unknown)

    def matches(self, caller: Caller) -> list[Match]:
        """What to search a store for; nothing where the caller may see nothing."""
        if self.acl is not None:
            return self.acl.matches(caller, self.action)
        if not isinstance(self.resource, Named):
            said = "a store cannot be searched for resources that a function names"
            raise MisuseError("retrieval.options", said)
        return self.resource.matches(caller, self.action)

    def sift(self, caller: Caller, chunks: Sequence[_T]) -> Sifted:
        """Which chunks the caller may see.

        A chunk without resource or readers, with malformed ones, or whose check
        errs, is dropped and counted.

        Raises DeniedError for what is wrong with the call as a whole.
        """
        self._look_again()
        dropped: Counter[str] = Counter()
        names: list[str | None] = []
        readers: dict[Readers, str] = {}
        for chunk in chunks:
            name, reason = self._name(chunk, readers)
            names.append(name)
            if name is None:
                dropped[reason] += 1
        tuples: dict[str, list[Tuple]] = {
            name: [{"user": user, "relation": by, "object": name} for user, by in pairs]
            for pairs, name in readers.items()
        }
        allowed = self._allowed(caller, [name for name in names if name is not None], tuples, dropped)
        verdicts = iter(allowed)
        mask = [name is not None and next(verdicts) for name in names]
        if len(dropped) == 1 and chunks and not any(mask):
            self._tell(next(iter(dropped)), len(chunks))
        return Sifted(mask, dict(sorted(dropped.items())))

    def _tell(self, reason: str, count: int) -> None:
        """Warns, once a reason, where all that was found was dropped for what a setting says."""
        if reason not in _CONFIGURED or reason in self._warned:
            return
        self._warned.add(reason)
        _log.warning(
            "all of %d chunks were dropped for `%s`: what says their resource, the action or a type may be wrong",
            count, reason,
        )

    def _name(self, chunk: _T, readers: dict[Readers, str]) -> tuple[str | None, str]:
        """The chunk's resource, or why it has none."""
        found: Any
        try:
            if self.acl is not None:
                try:
                    pairs = self.acl.of(self._metadata(chunk) or {})
                except ValueError:
                    return None, "acl.malformed"
                if pairs is None:
                    return None, "acl.missing"
                if pairs not in readers:
                    readers[pairs] = self.acl.named(pairs)
                return readers[pairs], ""
            if isinstance(self.resource, Named):
                found = self.resource.of(self._metadata(chunk) or {})
            else:
                found = self.resource(chunk) if self.resource is not None else None
                if dropped(found):
                    raise TypeError("`resource` gave something to await")
        except Exception as error:
            # Its text may quote the chunk.
            _log.warning("a chunk's resource could not be read (%s): it is dropped", type(error).__name__)
            return None, "resource.error"
        if found is None:
            return None, "resource.missing"
        if not isinstance(found, str) or not found:
            return None, "resource.malformed"
        if ":" not in found and "/" not in found:
            return None, "resource.untyped"
        return found, ""

    def _allowed(
        self,
        caller: Caller,
        names: list[str],
        tuples: dict[str, list[Tuple]],
        dropped: Counter[str],
    ) -> list[bool]:
        if not tuples:
            filtered = caller.filter(self.action, names)
            dropped.update(filtered.dropped)
            return filtered.mask
        try:
            every = [t for tuples_of in tuples.values() for t in tuples_of]
            filtered = caller.with_tuples(every).filter(self.action, names)
        except DeputizeError as error:
            if error.code != "request.contextual_tuple":
                raise
        else:
            dropped.update(filtered.dropped)
            return filtered.mask
        # One chunk's readers cannot stand. It alone is dropped for it.
        verdicts: dict[str, tuple[bool, dict[str, int]]] = {}
        for name, tuples_of in tuples.items():
            try:
                alone = caller.with_tuples(tuples_of).filter(self.action, [name])
                verdicts[name] = (alone.mask[0], alone.dropped)
            except DeputizeError as error:
                if error.code != "request.contextual_tuple":
                    raise
                verdicts[name] = (False, {"acl.malformed": 1})
        for name in names:
            dropped.update(verdicts[name][1])
        return [verdicts[name][0] for name in names]


class TopUp(Generic[_T]):
    """Finds k allowed chunks: says how many to search for, and looks at what was found.

    A search gives the best n, so a later one gives what an earlier one gave and
    more: each answer stands for itself, and no chunk comes twice. Chunks of one
    id are one chunk.

    >>> from deputize import Policy
    >>> policy = Policy.from_json({"deputize": 1,
    ...     "model": "model\\n  schema 1.1\\ntype user\\ntype document\\n  relations\\n    define can_read: [user]",
    ...     "tuples": [{"user": "user:anne", "relation": "can_read", "object": "document:90"}]})
    >>> sieve = Sieve("can_read", resource=lambda n: f"document:{n}", metadata=lambda n: {})
    >>> search = TopUp(sieve, policy.caller("user:anne"), 1)
    >>> while search.want:
    ...     search.take(range(100)[: search.want])
    >>> search.chosen, search.report().searches, search.report().stopped
    ([90], 3, 'enough')
    """

    def __init__(
        self,
        sieve: Sieve[_T],
        caller: Caller | Callable[[], Caller],
        k: int,
        *,
        most: int = 10_000,
        pushed: int | None = None,
        fixed: bool = False,
        identify: Callable[[_T], Hashable | None] = lambda _chunk: None,
    ) -> None:
        if k < 1 or most < k:
            raise MisuseError("retrieval.options", f"`k` must be from 1 to `most`, {most}")
        self._sieve = sieve
        # Asked for anew after each search: rights may end in the midst.
        self._asks: Callable[[], Caller] = caller if callable(caller) else lambda: caller
        self._caller = self._asks()
        self._k = k
        self._most = most
        self._pushed = pushed
        self._fixed = fixed
        self._identify = identify
        self._searches = 0
        self._searched = 0
        self._dropped: dict[str, int] = {}
        self._short = False
        self._stopped: Stopped | None = "nothing_allowed" if pushed == 0 else None
        first = k if pushed is not None else min(most, max(4 * k, 20))
        self.chosen: list[_T] = []
        """The allowed chunks, best first."""
        self.want = 0 if self._stopped else first
        """How many chunks to search for next; 0 when the search is over."""

    def take(self, found: Sequence[_T]) -> None:
        """Looks at the best `want` chunks, best first, or at as many as there are."""
        self._caller = self._asks()
        sifted = self._sieve.sift(self._caller, found)
        chosen: list[_T] = []
        seen: set[Hashable] = set()
        dropped = Counter(sifted.dropped)
        for chunk, allowed in zip(found, sifted.mask, strict=True):
            if not allowed:
                continue
            # Only among the allowed: what is dropped must not stand for what is not.
            own = self._identify(chunk)
            if own is not None and own in seen:
                dropped["duplicate"] += 1
                continue
            seen.add(own)
            chosen.append(chunk)
        grew = len(found) > self._searched
        self._searches += 1
        self._searched = len(found)
        self._dropped = dict(sorted(dropped.items()))
        self.chosen = chosen[: self._k]
        short = len(found) < self.want
        if len(chosen) >= self._k:
            self._stopped = "enough"
        elif self._fixed:
            self._stopped = "fixed"
        elif not found or (short and self._short and not grew):
            # A store may leave some out and still hold more: one that gave too
            # few is asked once more.
            self._stopped = "exhausted"
        elif self.want >= self._most:
            self._stopped = "exhausted" if short else "bound"
        self._short = short
        self.want = 0 if self._stopped else self._next(len(chosen), len(found))

    def _next(self, allowed: int, found: int) -> int:
        """As many as would do if the rest were allowed as often as these, and some more."""
        share = self._k / allowed * 1.25 if allowed else 4.0
        return min(self._most, max(2 * self.want, int(found * min(share, 16.0))))

    def report(self) -> Report:
        """What was done."""
        return Report(
            action=self._sieve.action,
            subject=self._caller.subject,
            actor=self._caller.actor,
            asked=self._k,
            searches=self._searches,
            searched=self._searched,
            allowed=len(self.chosen),
            dropped=self._dropped,
            stopped=self._stopped or "bound",
            pushed=self._pushed,
        )


def allow_list(sieve: Sieve[Any], caller: Caller, most: int) -> list[Match] | None:
    """What to search a store for, or `None` where that would be more than `most`
    values, or is not known whole: then it is searched without, and what it
    finds is decided.
    """
    try:
        matches = sieve.matches(caller)
    except DeniedError:
        # What is wrong with the call as a whole, the filter says too.
        return None
    return matches if sum(len(match.values) for match in matches) <= most else None


def report_to(on_report: Callable[[Report], object] | None, report: Report) -> None:
    """Tells a report, where somebody wants it.

    Raises DeniedError, `guard.callback`, where that fails, says no, or would have
    to be waited for: what nobody could note down is not given out.
    """
    if on_report is None:
        return
    try:
        said = on_report(report)
    except Exception as error:
        raise DeniedError("guard.callback", f"`on_report` failed with a {type(error).__name__}") from error
    if dropped(said):
        raise DeniedError("guard.callback", "`on_report` gave something to await")
    if said is False:
        raise DeniedError("guard.callback", "`on_report` gave False")
