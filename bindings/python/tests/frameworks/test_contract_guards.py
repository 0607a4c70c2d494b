"""The contract of guards, as every language runs it: `tests/vectors/guards.json`."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastmcp")

from deputize import MisuseError

from .contract.guards import DOORS, GUARDS, Answer, Guard
from .contract.world import FILE, World

HAS: dict[str, list[str]] = FILE["guards"]["python"]
# What only a failure of ours would tell.
SECRETS = ("secret-of", "user:anne", "document:1", "account:7", "Traceback")


def _cases() -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}: {case['name']}")
        for name, has in HAS.items()
        for case in FILE["cases"]
        if set(case.get("needs", ())) <= set(has)
    ]


def test_every_guard_is_there() -> None:
    assert list(GUARDS) == list(HAS)
    names = [case["name"] for case in FILE["cases"]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "case"), _cases())
def test_contract(name: str, case: dict[str, Any]) -> None:
    world = World(case)
    if "refused" in case:
        # A misspelt argument is Python's own to tell.
        with pytest.raises(TypeError if "option" in case or "rules" in case else MisuseError) as refusal, GUARDS[name](world):
            pass
        assert getattr(refusal.value, "code", case["refused"]) == case["refused"]
        return
    with GUARDS[name](world) as guard:
        for step in case["steps"]:
            _step(world, guard, step, name)


def _step(world: World, guard: Guard, step: dict[str, Any], name: str) -> None:
    has = HAS[name]
    if "policy" in step:
        world.in_force = step["policy"]
    elif "until" in step:
        world.until(step["until"])
    elif "shown" in step:
        if "lists" in has:
            assert sorted(guard.shown()) == step["shown"]
    elif "seen" in step:
        assert [ruling.reason for ruling in world.rulings] == step["seen"]
    elif "door" in step:
        assert DOORS[name](world) == step["door"]
    elif "listed" in step:
        assert guard.method(step["listed"], {}).names == step["names"]
    elif "method" in step:
        _came_to(guard.method(step["method"], step["params"]), step["code"])
    else:
        _call(world, guard, step, has)


def _came_to(answer: Answer, code: str | list[str] | None) -> None:
    """That an answer has this code, or one of these; without one, that it is refused, by whomever."""
    if code is None:
        assert answer.code != "allowed", answer
    else:
        assert answer.code in (code if isinstance(code, list) else [code]), answer


def _call(world: World, guard: Guard, step: dict[str, Any], has: list[str]) -> None:
    tool = step["call"]
    arguments = step.get("arguments", FILE["arguments"].get(tool, {}))
    before = len(world.ran)
    answer = guard.call(tool, arguments)
    _came_to(answer, step["code"])
    if "routes" in has and "status" in step:
        assert answer.status == step["status"], answer
    if answer.code == "allowed":
        [(ran, got)] = world.ran[before:]
        assert ran == tool and all(arguments[name] == value for name, value in got.items() if name in arguments)
    else:
        assert world.ran[before:] == []
        assert not any(secret in answer.told for secret in SECRETS), answer.told
