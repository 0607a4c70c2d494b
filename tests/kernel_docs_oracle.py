#!/usr/bin/env python3
"""Who looks after which kernel document, read straight from the page.

Usage: kernel_docs_oracle.py PAGE DOCUMENTS

PAGE is `process/maintainers.html` of Debian's linux-doc packages. DOCUMENTS
is the folder `html/_sources` beside it, or a file with one document path a
line. Prints JSON: for each person (SHA-256 of the address in lower case, 16
digits) the documents that the person keeps, and those that the person reads.

A person reads a document when some entry with that person as maintainer or
reviewer has an `F:` or `N:` pattern that matches it and no `X:` pattern that
does. The person keeps it when that entry does not take in the whole tree.

This program is an oracle: it shares no code and no idea with the engine. It
has no groups, no parents and no tuples; it asks every entry about every
document. It needs Python's standard library only.
"""

import hashlib
import json
import os
import posixpath
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

PAGE_FOLDER = "process"


class Page(HTMLParser):
    """Collects, for each heading of the third level, field name -> values."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.entries = []
        self.inside_list = False
        self.field = None
        self.values = None
        self.label = None
        self.literal = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "section" and attrs.get("id") == "maintainers-list":
            self.inside_list = True
        elif not self.inside_list:
            return
        elif tag == "h3":
            self.entries.append({})
        elif tag == "dt":
            self.label = ""
        elif tag == "dd":
            self.values = self.entries[-1].setdefault(self.field, [])
        elif tag == "code":
            self.literal = ""
        elif tag == "a" and self.values is not None:
            self.link(attrs["href"])

    def link(self, target):
        if target.startswith("mailto:"):
            self.values.append(unquote(target[len("mailto:"):]).lower())
        elif "://" not in target:
            # A link to a document, relative to this page's own folder; a
            # link of the page to itself is only an anchor.
            target = target.split("#")[0] or "maintainers.html"
            path = posixpath.normpath(posixpath.join(PAGE_FOLDER, target))
            self.values.append("Documentation/" + path[: -len(".html")] + ".rst")

    def handle_data(self, data):
        if self.literal is not None:
            self.literal += data
        elif self.label is not None:
            self.label += data

    def handle_endtag(self, tag):
        if tag == "dt" and self.label is not None:
            self.field, self.label = self.label.rstrip(":"), None
        elif tag == "dd":
            self.values = None
        elif tag == "code" and self.literal is not None:
            if self.values is not None:
                self.values.append(self.literal)
            self.literal = None


def expression(pattern, folders):
    """A pattern as a regular expression over whole paths."""
    below = pattern.endswith("/") or pattern in folders
    pieces = re.findall(r"\[[^\]]*\]|.", pattern.rstrip("/"))
    rendered = ""
    for piece in pieces:
        if piece == "*":
            rendered += "[^/]*"
        elif piece == "?":
            rendered += "[^/]"
        elif len(piece) > 1:
            rendered += piece
        else:
            rendered += re.escape(piece)
    return re.compile(rendered + ("/.*" if below else ""))


def listed(source):
    if os.path.isfile(source):
        with open(source, encoding="utf-8") as lines:
            return sorted({line.strip() for line in lines if line.strip()})
    found = []
    for folder, _, names in os.walk(source):
        inside = os.path.relpath(folder, source).replace(os.sep, "/")
        for name in names:
            if name.endswith(".rst.txt"):
                path = posixpath.normpath(posixpath.join(inside, name[: -len(".txt")]))
                found.append("Documentation/" + path)
    # The translations repeat the same pages in other languages.
    return sorted(p for p in found if not p.startswith("Documentation/translations/"))


def main(page_file, source):
    page = Page()
    with open(page_file, encoding="utf-8") as text:
        page.feed(text.read())
    documents = listed(source)
    folders = set()
    for document in documents:
        parts = document.split("/")
        folders.update("/".join(parts[:n]) for n in range(1, len(parts)))

    keeps, reads, unkept = {}, {}, set(documents)
    for entry in page.entries:
        files = [expression(p, folders) for p in entry.get("Files", [])]
        excluded = [expression(p, folders) for p in entry.get("Excluded", [])]
        regexes = [re.compile(p) for p in entry.get("Regex", [])]
        # An entry takes in the whole tree when one pattern matches names that
        # no document has, at the top and further down.
        whole = any(
            f.fullmatch("Documentation/\0") and f.fullmatch("Documentation/\0/\0/\0")
            for f in files
        )
        matched = {
            d
            for d in documents
            if (any(f.fullmatch(d) for f in files) or any(r.search(d) for r in regexes))
            and not any(x.fullmatch(d) for x in excluded)
        }
        if not whole:
            unkept -= matched
        for address in entry.get("Mail", []) + entry.get("Reviewer", []):
            person = hashlib.sha256(address.encode()).hexdigest()[:16]
            kept = keeps.setdefault(person, set())
            reads.setdefault(person, set()).update(matched)
            if not whole:
                kept.update(matched)

    json.dump(
        {
            "documents": documents,
            "unkept": sorted(unkept),
            "people": {
                person: {"keeper": sorted(keeps[person]), "reader": sorted(reads[person])}
                for person in sorted(reads)
            },
        },
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
