"""The corpus: chunks of the kernel's documents, their vectors, and who may see what.

Everything comes from what `cargo xtask kernel-docs` has left in
`target/kernel-docs`: Debian's package, unpacked, and the snapshot of its
MAINTAINERS page. Vectors are kept beside it, since they take a while.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import wordllama

ROOT = Path(__file__).resolve().parents[2]
WORDS = 120
RELATION = "keeper"

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]


@dataclass(frozen=True)
class Chunk:
    document: str
    """The resource that it is part of, `document:Documentation/…`."""
    text: str


class Corpus:
    def __init__(self, target: Path) -> None:
        self.folder = target / "kernel-docs"
        self.kept = target / "kernel-docs-rag"
        snapshot = self.folder / "snapshot.json"
        sources = sorted(self.folder.glob("*/usr/share/doc/linux-doc-6.1/html/_sources"))
        if not snapshot.exists() or not sources:
            sys.exit(f"the package and its snapshot are not in {self.folder}: run `cargo xtask kernel-docs` first, or give its --target")
        self.snapshot = snapshot.read_bytes()
        self.sources = sources[-1]
        self.kept.mkdir(exist_ok=True)

    @cached_property
    def chunks(self) -> list[Chunk]:
        return [Chunk(f"document:{path}", text) for path, source in self._documents() for text in pieces(source)]

    @cached_property
    def titles(self) -> list[str]:
        """Titles of sections, each once, in an order that is the same everywhere but no alphabet's."""
        found = {title for _, source in self._documents() for title in headings(source)}
        return sorted(found, key=lambda title: sha256(title.encode()).digest())

    def _documents(self) -> Iterator[tuple[str, str]]:
        known = set(self.oracle["documents"])
        for file in sorted(self.sources.rglob("*.rst.txt")):
            path = "Documentation/" + str(file.relative_to(self.sources)).removesuffix(".txt")
            if path in known:
                yield path, file.read_text(errors="replace")

    @cached_property
    def oracle(self) -> dict:
        """Who may see what, by a program that shares nothing with the engine."""
        kept = self.kept / "oracle.json"
        if not kept.exists():
            program = [sys.executable, ROOT / "tests/kernel_docs_oracle.py"]
            page = self.sources.parent / "process/maintainers.html"
            kept.write_bytes(subprocess.run([*program, page, self.sources], check=True, capture_output=True).stdout)
        return json.loads(kept.read_bytes())

    def may_see(self, person: str) -> set[str]:
        return {f"document:{path}" for path in self.oracle["people"].get(person, {}).get(RELATION, [])}

    @cached_property
    def people(self) -> list[str]:
        """A hundred people who look after something: the ten with the most, and ninety across the rest."""
        reach = {person: len(reach[RELATION]) for person, reach in self.oracle["people"].items() if reach[RELATION]}
        most = sorted(reach, key=lambda person: (-reach[person], person))
        rest = most[10:]
        return most[:10] + [rest[place * len(rest) // 90] for place in range(90)]

    @cached_property
    def access_lists(self) -> dict[str, list[str]]:
        """What an ingestion job stores with each chunk: the groups whose members may come to its document.

        It looks no further than the entries that cover a document or a folder
        above it, so it lets through too many (the entries' exceptions are not
        in it), and never too few.
        """
        above: dict[str, list[str]] = defaultdict(list)
        entries: dict[str, list[str]] = defaultdict(list)
        for tuple_ in json.loads(self.snapshot)["tuples"]:
            user, relation, name = tuple_["user"], tuple_["relation"], tuple_["object"]
            if relation == "parent":
                above[name].append(user)
            elif relation in ("covered_by", "entry"):
                entries[name].append(user)

        def walk(name: str) -> set[str]:
            found: set[str] = set()
            for user in entries[name]:
                found |= {f"{user}#member"} if user.startswith("subsystem:") else walk(user)
            for folder in above[name]:
                found |= walk(folder)
            return found

        return {document: sorted(walk(document)) for document in {chunk.document for chunk in self.chunks}}

    @cached_property
    def _model(self) -> wordllama.inference.WordLlamaInference:
        place = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(cache_dir=place, disable_download=True)

    def embed(self, texts: list[str]) -> Vectors:
        return np.ascontiguousarray(self._model.embed(texts, norm=True), dtype=np.float32)

    @cached_property
    def vectors(self) -> Vectors:
        kept = self.kept / f"vectors-{len(self.chunks)}.npy"
        if not kept.exists():
            np.save(kept, self.embed([chunk.text for chunk in self.chunks]))
        return np.load(kept)


def pieces(source: str) -> Iterator[str]:
    words = source.split()
    for start in range(0, len(words), WORDS):
        yield " ".join(words[start : start + WORDS])


def headings(source: str) -> Iterator[str]:
    for title, line in re.findall(r"^(\S[^\n]{12,80})\n([=~^\"*+-])\2{11,}$", source, re.MULTILINE):
        yield title.strip()
