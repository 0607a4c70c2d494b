"""The modules for frameworks: their types, and the examples in their docs."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import tempfile

import pytest


@pytest.mark.parametrize(
    "name", ["fastapi", "haystack", "langchain", "langchain.agents", "llama_index"]
)
def test_examples_in_the_docs(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"deputize.{name}"))
    assert found.failed == 0 and found.attempted > 0


def test_mypy() -> None:
    pytest.importorskip("mypy")
    words = [sys.executable, "-m", "mypy", "--strict", "-p", "deputize"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tempfile.gettempdir())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["langchain_core", "llama_index", "haystack", "mcp", "fastapi", "pydantic"])
def test_importing_the_package_pulls_in_nothing(name: str) -> None:
    program = f"import deputize, deputize.retrieval, deputize.pushdown, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
