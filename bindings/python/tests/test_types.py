"""The types: clean under mypy and pyright, the stubs true to the module, and what they say of a program."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import deputize

PROGRAM = Path(__file__).with_name("typed.py")
PACKAGE = Path(deputize.__file__).parent

# These need what they are for: `tests/frameworks` looks at them.
FRAMEWORKS = {"fastapi", "fastmcp", "haystack", "langchain", "llama_index", "mcp"}
MODULES = ["deputize"] + [
    f"deputize.{module.name}" for module in pkgutil.iter_modules([str(PACKAGE)]) if module.name not in FRAMEWORKS
]


def run(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=tempfile.gettempdir())
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy() -> None:
    pytest.importorskip("mypy")
    for name in ("httpx", "pyarrow"):
        pytest.importorskip(name)
    run("mypy", "--strict", "--python-version", "3.10", *(word for name in MODULES for word in ("-m", name)))
    run("mypy", "--strict", "--python-version", "3.10", "--warn-unused-ignores", str(PROGRAM))


def test_stubs_are_true_to_the_module() -> None:
    pytest.importorskip("mypy")
    run("mypy.stubtest", "deputize._deputize")


def test_pyright() -> None:
    pytest.importorskip("pyright")
    settings = {"typeCheckingMode": "strict", "reportMissingTypeStubs": False, "pythonVersion": "3.10"}
    # Options are checked at run time too: not everybody has a type checker.
    settings["reportUnnecessaryIsInstance"] = False
    with tempfile.TemporaryDirectory() as folder:
        # It looks at nothing that is named by an absolute path.
        ignored = shutil.ignore_patterns("__pycache__", *FRAMEWORKS, *(f"{name}.py" for name in FRAMEWORKS))
        shutil.copytree(PACKAGE, Path(folder, "deputize"), ignore=ignored)
        shutil.copy(PROGRAM, folder)
        file = Path(folder, "pyrightconfig.json")
        file.write_text(json.dumps({**settings, "include": ["deputize", PROGRAM.name]}), "utf-8")
        run("pyright", "--pythonpath", sys.executable, "-p", str(file))


@pytest.mark.parametrize("name", ["deputize", "deputize._deputize", "deputize.errors", "deputize.source", "deputize.arrow", "deputize.identity", "deputize.retrieval", "deputize.pushdown", "deputize.tools", "deputize.ids", "deputize.dpop", "deputize.audit"])
def test_examples_in_the_docs(name: str) -> None:
    if name.endswith(("source", "arrow")):
        pytest.importorskip("pyarrow")
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0 and found.attempted > 0


def test_examples_in_the_readme() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    found = doctest.testfile(str(readme), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0 and found.attempted > 5


def test_everything_public_says_what_it_is() -> None:
    for name in deputize.__all__:
        value = getattr(deputize, name)
        if not isinstance(value, str):
            assert value.__doc__, name
        if isinstance(value, type):
            for member, own in vars(value).items():
                if not member.startswith("_") and not (isinstance(own, str) or own is None):
                    assert own.__doc__, f"{name}.{member}"
