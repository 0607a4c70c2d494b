"""Ids of any text."""

from __future__ import annotations

import json
from uuid import UUID

import numpy as np
import pytest
from conftest import VECTORS
from hypothesis import given
from hypothesis import strategies as st

from deputize import MisuseError, Policy
from deputize.ids import decode_id, encode_id, id_text

MODEL = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define reader: [user, user:*]"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=24)  # an object has at most 256 bytes


@given(TEXTS)
def test_an_id_is_taken_and_is_one_texts_alone(text: str) -> None:
    id = encode_id(text)
    assert decode_id(id) == text
    policy = Policy.from_json({"deputize": 1, "model": MODEL, "tuples": [
        {"user": f"user:{id}", "relation": "reader", "object": f"document:{id}"}]})
    assert policy.check(f"user:{id}", "reader", f"document:{id}")
    # Neither everybody nor a set of users.
    assert not policy.check("user:somebody-else", "reader", f"document:{id}")


@given(TEXTS, TEXTS)
def test_two_texts_are_two_ids(one: str, other: str) -> None:
    assert (encode_id(one) == encode_id(other)) == (one == other)


def test_what_is_encoded() -> None:
    assert encode_id("anne+x@example.com/ä") == "anne+x@example.com/ä"
    assert encode_id("*") == "%2A" and encode_id("a#b:c%d e\n") == "a%23b%3Ac%25d%20e%0A"
    assert encode_id("\u00a0\u2028\ufeff") == "%C2%A0%E2%80%A8\ufeff"
    for wrong in ("", "\ud800", None, 1):
        with pytest.raises(MisuseError):
            encode_id(wrong)  # type: ignore[arg-type]
    for wrong in ("%41", "%2a", "%", "%2", "a b", "%C2", "*", "", "%FF"):
        with pytest.raises(MisuseError):
            decode_id(wrong)


@pytest.mark.skipif(not VECTORS.exists(), reason="there is no tests/vectors")
def test_the_same_ids_in_every_language() -> None:
    file = json.loads((VECTORS / "ids.json").read_text("utf-8"))
    for text, id in file["ids"]:
        assert encode_id(text) == id and decode_id(id) == text
    for wrong in file["not_encoded"]:
        with pytest.raises(MisuseError):
            decode_id(wrong)


def test_what_is_read_as_an_id() -> None:
    uuid = UUID("6f1c1b1e-8f62-4c0a-9f0b-0d6a3f7c9d11")
    for value, text in ((7, "7"), (np.int64(7), "7"), (np.str_("a"), "a"), (uuid, str(uuid)), ("a", "a")):
        assert id_text(value) == text
        json.dumps(id_text(value))
    for value in (None, "", True, np.bool_(True), 1.0, b"a", ["a"], object()):
        assert id_text(value) is None
