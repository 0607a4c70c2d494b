"""The example `bank-rag`: who sees what."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[4] / "examples" / "bank-rag"

if not EXAMPLE.exists():
    pytest.skip("there is no examples/bank-rag", allow_module_level=True)
pytest.importorskip("wordllama")


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("bank_rag", EXAMPLE / "__main__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bank_rag"] = module
    spec.loader.exec_module(module)
    return module


FEES = {"fees"}
HANDBOOK = {"counter-guide", "dispute-policy-1"}
EVERYTHING = {
    "carla": FEES | {"loan-letter-carla"},
    "tom": FEES | HANDBOOK,
    "sara": FEES | HANDBOOK | {"loan-letter-carla"},
    "frank": FEES | HANDBOOK | {"case-118"},
    "dina": FEES | HANDBOOK | {"dispute-policy-2"},
    "leo": FEES | HANDBOOK | {"loan-rules", "loan-letter-carla"},
    "nora": FEES | HANDBOOK | {"dispute-policy-2", "dispute-policy-3", "case-118"},
    "nora, legal, through the document agent": FEES | HANDBOOK | {"dispute-policy-2", "dispute-policy-3"},
    # Her agent may read lending's shelf, and she the one letter on it.
    "sara, support, through the document agent": FEES | HANDBOOK | {"loan-letter-carla"},
    "eve": FEES,
}


def test_everybody_sees_all_that_is_theirs_and_nothing_else(example: Any) -> None:
    """With room for every chunk, whatever was asked."""
    _, everybody = example.ask(example.Bank(), example.shelve(), "anything", 30)
    found = {}
    for seen in everybody:
        key = f"{seen.person}, {seen.role}" if "through" in seen.role else seen.person
        found[key] = {document.metadata["source"].partition(":")[2] for document in seen.documents}
        assert seen.report.stopped == "exhausted"
    assert found == EVERYTHING


def test_the_best_three_that_each_may_see(example: Any) -> None:
    bank, store = example.Bank(), example.shelve()
    question = "When do we refund a disputed card payment?"
    unfiltered, everybody = example.ask(bank, store, question, 3)
    best = ["dispute-policy-2 (1)", "dispute-policy-2 (2)", "dispute-policy-2 (3)"]
    assert example.names(unfiltered) == best
    for seen in everybody:
        own = example.names(seen.documents)
        assert len(own) == 3
        assert (own == best) == (seen.person in ("dina", "nora"))
        assert not set(own) & set(best) or seen.person in ("dina", "nora")
    question = "Is there an inquiry into missing cash at the counter?"
    _, everybody = example.ask(bank, store, question, 3)
    may = [seen.role for seen in everybody if "case-118 (1)" in example.names(seen.documents)]
    assert may == ["fraud", "legal"]


def test_it_runs_with_one_command() -> None:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=120, check=True
    )
    assert "Eve (unknown to the bank)" in ran.stdout
    assert "agree for all 10" in ran.stdout
    assert ran.stdout.count("“") == 3
