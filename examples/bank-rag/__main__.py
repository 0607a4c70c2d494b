"""One question, put to a bank's documents by different people: what does each one's model see?

    python examples/bank-rag
    python examples/bank-rag --question "what does a second card cost?" -k 2

The bank is that of `examples/bank`. Chroma holds the chunks, wordllama embeds
them, and everybody comes with a token. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["ANONYMIZED_TELEMETRY"] = "False"

import chromadb
import jwt
import wordllama
import yaml
from chromadb.config import Settings
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import RunnableConfig
from wordllama import WordLlama

from deputize import Policy, pushdown
from deputize.identity import Token
from deputize.langchain import AuthorizedRetriever
from deputize.retrieval import Acl, Named, Report

HERE = Path(__file__).parent
BANK = HERE.parent / "bank"
ISSUER = "https://id.bank.example"
AUDIENCE = "https://documents.bank.example"

# Who asks, and through which agents, the first that was called first.
ASKING: list[tuple[str, str, list[str]]] = [
    ("carla", "a customer", []),
    ("tom", "a teller, the one of case 118", []),
    ("sara", "support", []),
    ("frank", "fraud", []),
    ("dina", "disputes", []),
    ("leo", "loans", []),
    ("nora", "legal", []),
    ("nora", "legal, through the document agent", ["coordinator", "documents"]),
    ("sara", "support, through the document agent", ["coordinator", "documents"]),
    ("eve", "unknown to the bank", []),
]

QUESTIONS = [
    "When do we refund a disputed card payment?",
    "Is there an inquiry into missing cash at the counter?",
    "What is the interest rate of Carla's loan?",
]


class Words(Embeddings):
    """wordllama's vectors, from the weights in its package."""

    def __init__(self) -> None:
        home = Path(wordllama.__file__).parent
        self._model = WordLlama.load(cache_dir=home, disable_download=True)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.embed(texts, norm=True).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class Bank:
    """The policy of `examples/bank`, with a key of its own that signs tokens."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        trust = json.loads((BANK / "trust.json").read_text("utf-8"))
        trust["issuers"][0]["keys"] = {"keys": [{**public, "kid": "bank", "alg": "EdDSA"}]}
        self.policy = Policy.from_json(
            {
                "deputize": 1,
                "revision": "bank",
                "model": (BANK / "model.fga").read_text("utf-8"),
                "tuples": yaml.safe_load((BANK / "tuples.yaml").read_text("utf-8")),
                **trust,
            }
        )

    def token(self, person: str, agents: list[str]) -> Token:
        """A token of five minutes, to read documents with."""
        act: dict[str, Any] = {}
        for agent in agents:
            act = {"sub": agent, **({"act": act} if act else {})}
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": person, "aud": AUDIENCE, "iat": now, "exp": now + 300}
        claims |= {"scope": "documents:read", **({"act": act} if act else {})}
        return Token(jwt.encode(claims, self._key, "EdDSA", {"kid": "bank", "typ": "at+jwt"}))


def shelve() -> Chroma:
    """The chunks in Chroma. Each names its source, and carries its readers."""
    settings = Settings(anonymized_telemetry=False)
    store = Chroma(
        "bank",
        Words(),
        client=chromadb.EphemeralClient(settings),
        collection_metadata={"hnsw:space": "cosine"},
    )
    store.reset_collection()
    documents = []
    for entry in json.loads((HERE / "corpus.json").read_text("utf-8")):
        named = {} if entry["source"] is None else {"source": entry["source"]}
        for place, text in enumerate(entry["texts"], 1):
            metadata = {**named, **entry["readers"], "part": place}
            documents.append(Document(text, metadata=metadata))
    store.add_documents(documents)
    return store


@dataclass
class Seen:
    """What one person's model sees, and how it was found."""

    person: str
    role: str
    documents: list[Document]
    report: Report


def ask(bank: Bank, store: Chroma, question: str, k: int) -> tuple[list[Document], list[Seen]]:
    """What is found without a filter, and what each person's model sees.

    Everybody is asked about twice: by what the policy says of each source, told
    to Chroma beforehand, and by the readers that each chunk carries. The two
    must agree.
    """
    reports: list[Report] = []
    asking: dict[str, Any] = {
        "inner": store,
        "action": "can_read",
        "policy": bank.policy,
        "audience": AUDIENCE,
        "k": k,
        "on_report": reports.append,
    }
    by_source = AuthorizedRetriever(
        resource=Named("source", types=("document", "section")),
        prefilter=pushdown.Chroma(),
        **asking,
    )
    by_readers = AuthorizedRetriever(
        acl=Acl(
            "section",
            {"groups": "team:{}#member", "agents": "agent:{}"},
            links={"document": "document", "open_in": "open_in"},
        ),
        **asking,
    )
    everybody = []
    for person, role, agents in ASKING:
        config: RunnableConfig = {"configurable": {"caller": bank.token(person, agents)}}
        documents = by_source.invoke(question, config)
        report = reports[-1]
        if names(by_readers.invoke(question, config)) != names(documents):
            raise SystemExit(f"the two ways disagree about {person}")
        everybody.append(Seen(person, role, documents, report))
    return store.similarity_search(question, k), everybody


def name(document: Document) -> str:
    source = document.metadata.get("source", "?:a page without a source")
    return f"{source.partition(':')[2]} ({document.metadata['part']})"


def names(documents: list[Document]) -> list[str]:
    return [name(document) for document in documents]


def show(question: str, unfiltered: list[Document], everybody: list[Seen]) -> None:
    """One question, as a person reads it: who sees the same stands together."""
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if color else text

    def wrap(text: str, first: str, code: str = "0") -> None:
        lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first))
        print(paint(code, "\n".join(lines)))

    def quote(documents: list[Document]) -> None:
        for place, document in enumerate(documents, 1):
            wrap(f"{name(document)}: {document.page_content}", f"    {place}. ")

    print("\n" + paint("1;36", f"“{question}”") + "\n")
    print(paint("1;31", "  Without a filter, everybody's model sees"))
    quote(unfiltered)
    groups: dict[tuple[str, ...], list[Seen]] = {}
    for seen in everybody:
        groups.setdefault(tuple(names(seen.documents)), []).append(seen)
    for own, group in groups.items():
        print()
        wrap(", ".join(f"{s.person.capitalize()} ({s.role})" for s in group), "  ", "1;32")
        if list(own) == names(unfiltered):
            print("    the same")
            continue
        quote(group[0].documents)
        left = sum(found in own for found in names(unfiltered))
        print(paint("2", f"    (of the {len(unfiltered)} above, a filter alone would have left {left})"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--question", action="append", help="ask this instead")
    parser.add_argument("-k", type=int, default=3, help="how many chunks a model is given")
    given = parser.parse_args()
    bank, store = Bank(), shelve()
    for question in given.question or QUESTIONS:
        show(question, *ask(bank, store, question, given.k))
    print(f"\nBoth ways, by the policy's sources and by each chunk's own readers, agree for all {len(ASKING)}.")


if __name__ == "__main__":
    main()
