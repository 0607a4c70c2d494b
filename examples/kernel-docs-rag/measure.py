"""Five ways to put an authorization filter before a model, measured on real documents.

    python measure.py [--target FOLDER] [--people 100] [--queries 200]

Prints a table, writes `measured.json` and `measured.png`, and fails where a
chunk leaks or is withheld against the word of the independent oracle.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import faiss
import numpy as np
from corpus import RELATION, ROOT, Corpus
from deputize import Caller, Policy
from deputize.retrieval import Sieve, TopUp
from tqdm import tqdm

K = 10
FETCHED = 20
"""What a filter without top-up fetches: twice what is asked for, as is usual."""

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]


class Store:
    """An exact store: every vector is looked at, or every one of those that are named."""

    def __init__(self, corpus: Corpus) -> None:
        self.index = faiss.IndexFlatIP(corpus.vectors.shape[1])
        self.index.add(corpus.vectors)

    def search(self, query: np.ndarray, n: int, among: Ids | None = None) -> list[int]:
        selector = None if among is None else faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))
        found = self.index.search(query[None, :], min(n, self.index.ntotal), params=selector)[1][0]
        return [int(chunk) for chunk in found if chunk >= 0]


@dataclass
class Retrieval:
    """What one query gave: the chunks, best first, and what it took."""

    chosen: list[int]
    searches: int = 1
    seconds_filtering: float = 0.0


class Arms:
    """Each arm is a way from a caller and a query to at most k chunks."""

    def __init__(self, corpus: Corpus, store: Store) -> None:
        self.store = store
        documents = [chunk.document for chunk in corpus.chunks]
        self.sieve = Sieve[int](RELATION, resource=lambda chunk: documents[chunk], metadata=lambda _: None)
        # What a store keeps as its index over metadata.
        self.of_document: dict[str, list[int]] = {}
        self.of_name: dict[str, list[int]] = {}
        for chunk, document in enumerate(documents):
            self.of_document.setdefault(document, []).append(chunk)
            for name in corpus.access_lists[document]:
                self.of_name.setdefault(name, []).append(chunk)

    def unfiltered(self, _: Caller, query: np.ndarray) -> Retrieval:
        return Retrieval(self.store.search(query, K))

    def fetched_once(self, caller: Caller, query: np.ndarray) -> Retrieval:
        """Twice as many as are asked for, then the filter, and no second search."""
        return self._sifted(caller, query, self.store.search(query, FETCHED))

    def topped_up(self, caller: Caller, query: np.ndarray) -> Retrieval:
        """The filter, and further searches until there are k."""
        search = TopUp(self.sieve, caller, K, most=self.store.index.ntotal)
        filtering = 0.0
        while search.want:
            found = self.store.search(query, search.want)
            start = perf_counter()
            search.take(found)
            filtering += perf_counter() - start
        return Retrieval(search.chosen, search.report().searches, filtering)

    def by_ids(self, caller: Caller, query: np.ndarray) -> Retrieval:
        """The store searches among the caller's documents; then the filter."""
        return self._pushed(caller, query, lambda: caller.list(RELATION, "document"), self.of_document)

    def by_terms(self, caller: Caller, query: np.ndarray) -> Retrieval:
        """The store searches by the groups stored with each chunk; then the filter, and a top-up."""
        return self._pushed(caller, query, lambda: caller.terms(RELATION, "document"), self.of_name)

    def _pushed(
        self, caller: Caller, query: np.ndarray, names: Callable[[], list[str]], chunks: dict[str, list[int]]
    ) -> Retrieval:
        start = perf_counter()
        among = {chunk for name in names() for chunk in chunks.get(name, ())}
        filtering = perf_counter() - start
        if not among:
            return Retrieval([], 0, filtering)
        ids = np.fromiter(among, np.int64, len(among))
        search = TopUp(self.sieve, caller, K, most=len(among), pushed=len(among)) if len(among) >= K else None
        if search is None:
            return self._sifted(caller, query, self.store.search(query, len(among), ids), filtering)
        while search.want:
            found = self.store.search(query, search.want, ids)
            start = perf_counter()
            search.take(found)
            filtering += perf_counter() - start
        return Retrieval(search.chosen, search.report().searches, filtering)

    def _sifted(self, caller: Caller, query: np.ndarray, found: Sequence[int], before: float = 0.0) -> Retrieval:
        start = perf_counter()
        mask = self.sieve.sift(caller, found).mask
        chosen = [chunk for chunk, allowed in zip(found, mask, strict=True) if allowed][:K]
        return Retrieval(chosen, 1, before + perf_counter() - start)


ARMS = {
    "unfiltered": Arms.unfiltered,
    f"filter of {FETCHED}": Arms.fetched_once,
    "filter and top-up": Arms.topped_up,
    "ids pushed down": Arms.by_ids,
    "terms pushed down": Arms.by_terms,
}


EVERY = {"filter and top-up": 10}
"""Who may see one document in a thousand has the whole store looked at for each query: so only every tenth is tried."""


@dataclass
class Tally:
    leaks: int = 0
    withheld: int = 0
    returned: int = 0
    possible: int = 0
    short: int = 0
    recalled: int = 0
    searches: int = 0
    filtering: list[float] = field(default_factory=list)
    by_person: dict[str, list[float]] = field(default_factory=dict)
    """The recall of each query of a person."""


def compare(corpus: Corpus, arms: Arms, callers: dict[str, Caller], queries: np.ndarray) -> dict[str, Tally]:
    """Every arm, person and query, against brute force over what the oracle allows."""
    tallies = {name: Tally() for name in ARMS}
    scores = queries @ corpus.vectors.T
    rankings = np.argsort(-scores, axis=1, kind="stable")
    documents = np.array([chunk.document for chunk in corpus.chunks])
    for person, caller in tqdm(callers.items(), unit="person", mininterval=1 if sys.stderr.isatty() else 60):
        may_see = np.isin(documents, sorted(corpus.may_see(person)))
        # With k chunks allowed, an arm that answers right gives each of the best k.
        best = [ranking[may_see[ranking]][:K] for ranking in rankings]
        for name, arm in ARMS.items():
            tally = tallies[name]
            for place in range(0, len(queries), EVERY.get(name, 1)):
                found = arm(arms, caller, queries[place])
                right = set(best[place].tolist())
                tally.leaks += sum(not may_see[chunk] for chunk in found.chosen)
                allowed = [chunk for chunk in found.chosen if may_see[chunk]]
                # Chunks of one score may stand in any order.
                worst = scores[place, best[place][-1]] if len(right) else np.inf
                hit = sum(chunk in right or scores[place, chunk] >= worst - 1e-6 for chunk in allowed)
                tally.recalled += min(hit, len(right))
                tally.possible += len(right)
                tally.returned += len(allowed)
                tally.short += len(allowed) < len(right)
                tally.searches += found.searches
                tally.filtering.append(found.seconds_filtering)
                tally.by_person.setdefault(person, []).append(min(hit, len(right)) / max(1, len(right)))
    return tallies


def withheld(corpus: Corpus, callers: dict[str, Caller]) -> tuple[int, int]:
    """Leaks and over-denials of the filter itself, over every chunk, against the oracle."""
    documents = [chunk.document for chunk in corpus.chunks]
    leaks = denials = 0
    for person, caller in callers.items():
        may_see = corpus.may_see(person)
        for document, allowed in zip(documents, caller.filter(RELATION, documents).mask, strict=True):
            leaks += allowed and document not in may_see
            denials += not allowed and document in may_see
    return leaks, denials


def timed(corpus: Corpus, arms: Arms, callers: dict[str, Caller]) -> list[dict[str, float]]:
    """What the filter adds to a search that gives n candidates, per call, in microseconds."""
    rows = []
    chance = np.random.default_rng(7)
    for n in (10, 100, 1_000, 10_000):
        whole, bare, border = [], [], []
        for caller in callers.values():
            chosen = [int(chunk) for chunk in chance.choice(len(corpus.chunks), n, replace=False)]
            names = [corpus.chunks[chunk].document for chunk in chosen]
            nowhere = [f"nothing:{place}" for place in range(n)]
            for _ in range(5):
                for times, run in (
                    (whole, lambda: arms.sieve.sift(caller, chosen)),
                    (bare, lambda: caller.filter(RELATION, names)),
                    (border, lambda: caller.filter(RELATION, nowhere)),
                ):
                    start = perf_counter()
                    run()
                    times.append((perf_counter() - start) * 1e6)
        row = {"candidates": n}
        for name, times in (("chunks", whole), ("names", bare), ("unknown names", border)):
            row |= {f"{name} p{p}": float(np.percentile(times, p)) for p in (50, 95, 99)}
        rows.append(row)
    return rows


def plot(corpus: Corpus, tallies: dict[str, Tally], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    documents = [chunk.document for chunk in corpus.chunks]
    share = {
        person: 100 * sum(document in may_see for document in documents) / len(documents)
        for person in corpus.people
        for may_see in [corpus.may_see(person)]
    }
    figure, (recall, time) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for colour, (name, tally) in zip(("#999999", "#d1495b", "#00798c", "#edae49", "#30638e"), tallies.items(), strict=True):
        people = [person for person in share if person in tally.by_person]
        order = sorted(people, key=share.__getitem__)
        x = [share[person] for person in order]
        recall.plot(x, [np.mean(tally.by_person[person]) for person in order], "o", ms=3.5, alpha=0.8, color=colour, label=name)
        if name != "unfiltered":
            places = {person: place for place, person in enumerate(tally.by_person)}
            queries = len(tally.filtering) // len(places)
            medians = [1e3 * np.median(tally.filtering[places[p] * queries : (places[p] + 1) * queries]) for p in order]
            time.plot(x, medians, "o", ms=3.5, alpha=0.8, color=colour, label=name)
    for axis in (recall, time):
        axis.set_xscale("log")
        axis.set_xlabel("share of the chunks that the person may see, %")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    recall.set_ylabel(f"recall@{K} against brute force over what is allowed")
    recall.set_ylim(-0.03, 1.03)
    time.set_yscale("log")
    time.set_ylabel("added by the filter, median, ms a query")
    recall.legend(loc="center left", frameon=False)
    figure.savefig(path, dpi=110)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--target", type=Path, default=ROOT / "target", help="where `cargo xtask kernel-docs` left its files")
    words.add_argument("--people", type=int, default=100)
    words.add_argument("--queries", type=int, default=200)
    words.add_argument("--out", type=Path, default=Path("."), help="where to write `measured.json` and `measured.png`")
    given = words.parse_args()
    if given.people < 1 or given.queries < 1 or not given.out.is_dir():
        words.error("--people and --queries must be at least 1, and --out a folder")

    faiss.omp_set_num_threads(1)
    corpus = Corpus(given.target)
    policy = Policy.from_json(corpus.snapshot)
    callers = {person: policy.caller(f"user:{person}") for person in corpus.people[: given.people]}
    queries = corpus.embed(corpus.titles[: given.queries])
    arms = Arms(corpus, Store(corpus))
    print(f"{len(corpus.chunks)} chunks of {len(set(c.document for c in corpus.chunks))} documents, {len(callers)} people, {len(queries)} queries")

    leaks, denials = withheld(corpus, callers)
    print(f"\nthe filter over every chunk: {leaks} leaks, {denials} over-denials\n")
    tallies = compare(corpus, arms, callers, queries)
    print(f"| arm | queries | leaks | recall@{K} | returned of possible | queries that fell short | searches a query | filter, p50 | p95 | p99 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        asked = len(tally.filtering)
        p50, p95, p99 = (1e3 * np.percentile(tally.filtering, p) for p in (50, 95, 99))
        times = "| | |" if name == "unfiltered" else f"{p50:.3f} ms | {p95:.3f} ms | {p99:.3f} ms |"
        print(
            f"| {name} | {asked} | {tally.leaks} | {tally.recalled / tally.possible:.4f} | {tally.returned / tally.possible:.1%} "
            f"| {tally.short / asked:.1%} | {tally.searches / asked:.2f} | {times}"
        )

    rows = timed(corpus, arms, callers)
    print("\n| candidates | sieve over chunks, p50 | p95 | p99 | the call with names, p50 | of which the border, at most |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['candidates']:.0f} | {row['chunks p50']:.0f} µs | {row['chunks p95']:.0f} µs | {row['chunks p99']:.0f} µs "
            f"| {row['names p50']:.0f} µs | {row['unknown names p50']:.0f} µs |"
        )
    facts = {name: {"leaks": t.leaks, "recall": t.recalled / t.possible, "short": t.short, "searches": t.searches} for name, t in tallies.items()}
    about = {"python": platform.python_version(), "people": len(callers), "queries": len(queries)}
    given.out.joinpath("measured.json").write_text(json.dumps({"about": about, "arms": facts, "filter": rows}, indent=1))
    plot(corpus, tallies, given.out / "measured.png")
    wrong = leaks + denials + sum(t.leaks + t.short for name, t in tallies.items() if name not in ("unfiltered", f"filter of {FETCHED}"))
    if wrong:
        print(f"\n{wrong} differences from the oracle")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
