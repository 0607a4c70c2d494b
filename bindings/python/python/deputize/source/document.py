"""A document as it comes, and what may be shown of where it comes from."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import InputError, MisuseError

__all__ = ["Fetched", "Redacting", "httpx_of", "misuse", "whole", "without_secrets"]


class Fetched(NamedTuple):
    """A document as it came, before anything in it is believed."""

    body: bytes
    """Its bytes."""
    headers: Mapping[str, str]
    """The response's headers; empty for a file."""


def misuse(said: str) -> MisuseError:
    return MisuseError("source.options", said)


def without_secrets(url: str) -> str:
    """Scheme, host and path: no name, password, query or fragment."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    except ValueError:
        raise misuse("the URL is malformed") from None


class Redacting(logging.Filter):
    """httpx writes each URL that it asks to its log."""

    def __init__(self, url: str, shown: str) -> None:
        super().__init__()
        self._shown = shown
        parts = urlsplit(url)
        self._asked = (parts.scheme, parts.hostname, parts.port, parts.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Redacting) and self._asked == other._asked

    def __hash__(self) -> int:
        return hash(self._asked)

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(self._redacted(one) for one in record.args)
        return True

    def _redacted(self, one: object) -> object:
        names = ("scheme", "host", "port", "path")
        ours = tuple(getattr(one, name, None) for name in names) == self._asked
        return self._shown if ours else one


def whole(fetched: Fetched) -> None:
    """The body is what its `Repr-Digest` says, where there is one (RFC 9530)."""
    if "content-encoding" in fetched.headers:
        return
    for name in ("repr-digest", "content-digest"):
        for field in fetched.headers.get(name, "").split(","):
            kind, _, value = field.strip().partition("=")
            if kind != "sha-256":
                continue
            own = base64.b64encode(hashlib.sha256(fetched.body).digest()).decode()
            if value.strip(":") != own:
                raise InputError("source.damaged", f"the body is not what its `{name}` says")


def httpx_of() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise ImportError("a URL needs httpx, which the extra `source` brings") from error
    return httpx
