"""Every wrong argument is an error of one hierarchy; nothing wrong allows."""

from __future__ import annotations

import ast
import inspect as signatures
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SNAPSHOT
from hypothesis import given, settings
from hypothesis import strategies as st

import deputize
from deputize import (
    Caller,
    DeniedError,
    DeputizeError,
    InputError,
    InternalError,
    MisuseError,
    Policy,
    errors,
)

POLICY = Policy.from_json(SNAPSHOT)
ANNE = POLICY.caller("user:anne")
WRONG = [None, 1, 1.5, True, b"user:anne", object(), ["user:anne"], {"a": 1}, "\ud800", print, type]

# Each method, and how many texts it takes first.
TEXTS: list[tuple[Any, str, int]] = [
    (POLICY, "check", 3),
    (POLICY, "list_objects", 3),
    (POLICY, "list_users", 3),
    (POLICY, "expand", 2),
    (POLICY, "explain", 3),
    (POLICY, "filter", 2),
    (POLICY, "verify", 1),
    (POLICY, "exchange", 1),
    (POLICY, "client_credentials", 1),
    (ANNE, "can", 2),
    (ANNE, "check", 2),
    (ANNE, "decide", 2),
    (ANNE, "filter", 1),
    (ANNE, "list", 2),
    (ANNE, "terms", 2),
    (ANNE, "delegate", 1),
]


@pytest.mark.parametrize(("owner", "method", "count"), TEXTS, ids=lambda one: str(one))
def test_a_text_must_be_one(owner: Any, method: str, count: int) -> None:
    good = ["user:anne"] * count + ([["document:1"]] if method == "filter" else [])
    for place in range(count):
        for wrong in WRONG:
            given_ = [*good]
            given_[place] = wrong  # type: ignore[call-overload]
            with pytest.raises(MisuseError) as caught:
                getattr(owner, method)(*given_)
            assert caught.value.code == "call.type"
            assert "`" in caught.value.message


@pytest.mark.parametrize("wrong", [None, 1, 1.5, True, print, object(), {1, 2}])
def test_a_document_must_be_one(wrong: Any) -> None:
    for read in (Policy.from_json, Policy.from_compiled, POLICY.evaluate, POLICY.replay):
        with pytest.raises((MisuseError, InputError)):
            read(wrong)
    for read in (Policy.from_compiled, Policy.from_json, POLICY.evaluate):
        for damaged in (b"", b"{", b"DEPUTIZE", b"\xff\xfe", POLICY.to_compiled()[:-1], b"[]", b"null"):
            with pytest.raises(InputError):
                read(damaged)  # type: ignore[operator]
    if wrong is not True and wrong != 1:
        with pytest.raises(MisuseError):
            Policy.from_file(wrong)
    with pytest.raises(FileNotFoundError):
        Policy.from_file("no/such/file")


@pytest.mark.parametrize(
    "wrong",
    [[{}], {}, "user:anne", 1, [1], [{"user": "user:anne"}], None],
)
def test_a_batch_must_be_one(wrong: Any) -> None:
    with pytest.raises(MisuseError):
        POLICY.batch_check(wrong)


@pytest.mark.parametrize("wrong", [{}, {"token": 1}, [], 1, None, {"chain": "user:anne"}, {"token": "a", "chain": []}])
def test_whoever_asks_must_be_somebody(wrong: Any) -> None:
    with pytest.raises(MisuseError):
        POLICY.decide(wrong, {"action": "reader", "resource": "document:1"})
    with pytest.raises(MisuseError):
        POLICY.decide({"chain": ["user:anne"]}, wrong)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"tenat": "acme"}, "/tenat"),
        ({"tenant": 1}, "/tenant"),
        ({"context": []}, "/context"),
        ({"contextual_tuples": [{"user": "user:anne"}]}, "/contextual_tuples/0"),
        ({"limits": {"stepz": 1}}, "/limits/stepz"),
        ({"limits": {"steps": -1}}, "/limits/steps"),
    ],
)
def test_options_are_read_strictly(options: dict[str, Any], pointer: str) -> None:
    for ask in (POLICY.check, POLICY.explain, POLICY.list_objects, POLICY.list_users):
        with pytest.raises(MisuseError) as caught:
            ask("user:anne", "reader", "document:1", **options)
        assert caught.value.code == "call.options"
        assert pointer.startswith(caught.value.pointer or "/")
    with pytest.raises(MisuseError):
        POLICY.filter("user:anne", "reader", ["document:1"], **options)


class Odd:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def circle() -> Any:
    own: list[Any] = []
    own.append(own)
    return own


def deep() -> Any:
    own: Any = 1
    for _ in range(100_000):
        own = [own]
    return own


@pytest.mark.parametrize("wrong", [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {"a": b"x"}, {(1, 2): 1}, circle(), deep(), {"a": Odd()}])
def test_what_is_not_json(wrong: Any) -> None:
    with pytest.raises(MisuseError):
        POLICY.check("user:anne", "reader", "document:1", context=wrong)
    with pytest.raises(MisuseError):
        ANNE.can("reader", "document:1", wrong)
    with pytest.raises((MisuseError, InputError)):
        Policy.from_json(wrong)


def test_a_panic_is_our_error_and_no_answer() -> None:
    with pytest.raises(InternalError) as caught:
        deputize._deputize._panic()
    assert (caught.value.kind, caught.value.code) == ("internal", "internal")


def test_the_hierarchy() -> None:
    for error, kind in ((MisuseError, "misuse"), (InputError, "input"), (DeniedError, "denied"), (InternalError, "internal")):
        assert issubclass(error, DeputizeError) and error.kind == kind
        one = error("a.b", "said", pointer="/a", line=1, column=2, oauth_error="x")
        again = pickle.loads(pickle.dumps(one))
        assert type(again) is error and again.to_dict() == one.to_dict()
        assert str(one) == "a.b: said (at /a)"
    assert issubclass(MisuseError, TypeError) and issubclass(InputError, ValueError)
    with pytest.raises(InputError) as caught:
        Policy.from_json({"deputize": 1, "model": "model\n  schema 1.1\ntype user\n  relatoins"})
    assert caught.value.line is not None and caught.value.column is not None
    assert caught.value.pointer == "/model"


def test_a_refused_exchange_says_so_to_oauth(token: tuple[Policy, dict[str, Any]]) -> None:
    policy, request = token
    with pytest.raises(DeniedError) as caught:
        policy.exchange("no.token.here", now=request["now"])
    assert caught.value.oauth_error == "invalid_request" or caught.value.oauth_error
    assert caught.value.to_dict()["oauth_error"] == caught.value.oauth_error


def methods() -> Iterator[tuple[Any, str]]:
    for owner in (POLICY, ANNE):
        for name, value in vars(type(owner)).items():
            if callable(value) and not name.startswith("_") and not isinstance(value, (staticmethod, classmethod)):
                yield owner, name


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.dictionaries(st.text(), st.text()), st.lists(st.text())),
        max_size=4,
    )
)
def test_whatever_is_given_it_is_an_answer_or_an_error_of_ours(given_: list[Any]) -> None:
    for owner, name in methods():
        method: Callable[..., Any] = getattr(owner, name)
        try:
            signatures.signature(method).bind(*given_)
        except TypeError:
            continue
        try:
            answer = method(*given_)
        except DeputizeError as error:
            assert error.kind != "internal", (name, error)
        except OSError:
            assert name == "from_file"
        else:
            # Nobody but these has a relation on anything.
            if isinstance(answer, (bool, deputize.Decision, deputize.Checked)):
                assert not answer


STUB = Path(deputize.__file__).with_name("_deputize.pyi")


def test_the_signatures_and_the_stubs_name_every_option_and_no_other() -> None:
    """E6. The options of a method are known to the core alone: it lists them when it meets another."""
    classes = {node.name: node for node in ast.parse(STUB.read_text("utf-8")).body if isinstance(node, ast.ClassDef)}
    seen = 0
    for owner, name in methods():
        stubs = [n for n in classes[type(owner).__name__].body if isinstance(n, ast.FunctionDef) and n.name == name]
        own = signatures.signature(getattr(owner, name)).parameters.values()
        assert not any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in own), name
        named = {p.name for p in own if p.kind is p.KEYWORD_ONLY}
        for stub in stubs:
            assert {argument.arg for argument in stub.args.kwonlyargs} == named, name
        firsts = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
        sample: dict[str, Any] = {"items": [], "chain": "user:anne", "tokens": [], "asking": "x", "objects": [], "record": {}, "request": {}}
        sample["question"] = {"action": "a", "resource": "b"}
        arguments = [sample.get(p.name, "user:anne") for p in firsts]
        try:
            getattr(owner, name)(*arguments, no_such_option=1)
        except MisuseError as error:
            listed = set(re.findall(r"`(\w+)`", error.message)) - {"no_such_option"} - {p.name for p in firsts}
            assert named - {"now"} == listed - {"now"}, name
            seen += 1
        except TypeError:
            pass  # Python knows its options itself
    assert seen >= 18


def test_a_place_stands_once_and_a_file_is_named(tmp_path: Path) -> None:
    """E5."""
    with pytest.raises(InputError) as caught:
        deputize.Policy.from_json({"deputize": 1, "principals": {}})
    assert str(caught.value).count("/principals") == 1 and caught.value.pointer == "/principals"
    broken = tmp_path / "broken.json"
    broken.write_text('{"deputize": 1, "tuple": []}')
    with pytest.raises(InputError, match="broken.json"):
        deputize.Policy.from_file(broken)
    with pytest.raises(FileNotFoundError) as lost:
        deputize.Policy.from_file(tmp_path / "none.json")
    assert lost.value.filename == str(tmp_path / "none.json")
