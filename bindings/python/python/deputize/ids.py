"""Ids of any text: an encoder, and how values that are no texts are read.

A resource or a principal is `type:id`, and an id holds no white space, no
control character and none of `:`, `#`, `*`. What a database calls its rows may
hold any of them; and an id of `*` would mean everybody.

>>> "user:" + encode_id("Anne Müller:1"), encode_id("anne+x@example.com")
('user:Anne%20Müller%3A1', 'anne+x@example.com')
>>> decode_id("Anne%20Müller%3A1")
'Anne Müller:1'
"""

from __future__ import annotations

import re
from numbers import Integral
from uuid import UUID

from .errors import MisuseError

__all__ = ["decode_id", "encode_id", "id_text"]

# The percent sign too, so that no two texts are one id. The same set in every
# language: what the core takes in an id stays as it is, but for `%`.
_ENCODED = re.compile(
    "[%:#*\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]"
)
_ESCAPES = re.compile("(?:%[0-9A-F]{2})+")


def _utf8(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise MisuseError("guard.options", "an id is made of a str that is not empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MisuseError("guard.options", "an id is made of a str without lone surrogates") from None
    return str.__str__(text)


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def encode_id(text: str) -> str:
    """An id for any text: percent-encoded UTF-8 in uppercase for `%`, `:`, `#`, `*`,
    white space and control characters, and every other character as it is.

    Different texts give different ids. Letter case and Unicode's normal forms
    are not touched: make them one before, where they mean one.

    Raises MisuseError for the empty text, and one with lone surrogates.
    """
    return _ENCODED.sub(_escaped, _utf8(text))


def decode_id(id: str) -> str:
    """The text of an encoded id.

    Raises MisuseError where `encode_id` gives no such id.
    """
    wrong = MisuseError("guard.options", "it is no encoded id")
    try:
        text = _ESCAPES.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(), _utf8(id))
    except ValueError:
        raise wrong from None
    # So that two spellings never stand for one text.
    if not text or encode_id(text) != id:
        raise wrong
    return text


def id_text(value: object) -> str | None:
    """A value as the text of an id: a str, an int (also NumPy's), a UUID; `None` for
    anything else, and for what is empty."""
    if isinstance(value, str):
        return str.__str__(value) or None
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, UUID):
        return str(value)
    return None
