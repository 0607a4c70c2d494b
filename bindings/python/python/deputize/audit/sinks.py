"""Where records go: JSON lines, OpenTelemetry's active span, FusionAuth's audit log."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urljoin, urlsplit

from .. import _json
from .._deputize import Decision
from ..callbacks import options_error
from ..shapes import AuditRecord

if TYPE_CHECKING:
    from .keeping import Observer, Sink

__all__ = ["FusionAuthEntry", "append_to", "fusion_auth", "fusion_auth_entry", "json_lines", "spans"]


def json_lines(write: Callable[[str], object]) -> Sink:
    """A sink of JSON lines, one a record, as `deputize replay` reads them; `write`
    takes the text of a batch, e.g. `append_to(path)`, and may be async."""
    if not callable(write):
        raise options_error("`write` must be a function, e.g. `append_to(path)`")

    def sink(records: Sequence[AuditRecord]) -> object:
        return write("".join(_json.write(record) + "\n" for record in records))

    return sink


def append_to(path: str | os.PathLike[str]) -> Callable[[str], None]:
    """Appends to a file, which its owner alone may read if it is new. Several
    processes may share it: a batch is written whole, or not at all."""
    place = os.fspath(path)

    def append(text: str) -> None:
        file = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            with _alone(file):
                before = os.fstat(file).st_size
                left = memoryview(text.encode())
                try:
                    while left:
                        left = left[os.write(file, left) :]
                except OSError:
                    # It is offered again: half a line must not stand before it.
                    os.ftruncate(file, before)
                    raise
        finally:
            os.close(file)

    return append


@contextlib.contextmanager
def _alone(file: int) -> Generator[None]:
    """Nobody else appends meanwhile, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def spans(trace: Any = None) -> Observer:
    """An observer that writes to OpenTelemetry's active span: an event
    `deputize.decision` for each decision, and attributes that say who acted, and
    for whom. `deputize.denied` is set from the first denial on.

    `trace` is by default `opentelemetry.trace`.
    """
    # Under its name alone, since the package is there only where it is used.
    api: Any = importlib.import_module("opentelemetry.trace") if trace is None else trace

    def observe(decision: Decision) -> None:
        span = api.get_current_span()
        if not span.is_recording():
            return
        record = decision.record
        chain = list(record["chain"])
        span.set_attribute("deputize.actor", record["actor"])
        span.set_attribute("deputize.subject", chain[0] if chain else record["actor"])
        span.set_attribute("deputize.revision", record["revision"])
        if not decision:
            span.set_attribute("deputize.denied", True)
        attributes: dict[str, Any] = {
            "deputize.allowed": bool(decision),
            "deputize.reason": decision.reason,
            "deputize.message": decision.message,
            "deputize.action": record["action"],
            "deputize.resource": record["resource"],
            "deputize.chain": chain,
            "deputize.digest": record["digest"],
            "deputize.id": record["id"],
        }
        if record["tenant"] is not None:
            attributes["deputize.tenant"] = record["tenant"]
        span.add_event("deputize.decision", attributes)

    return observe


class _AuditLog(TypedDict):
    insertUser: str
    message: str
    reason: str
    data: AuditRecord


class FusionAuthEntry(TypedDict):
    """An entry of FusionAuth's audit log (`POST /api/system/audit-log`)."""

    auditLog: _AuditLog


def fusion_auth_entry(record: AuditRecord) -> FusionAuthEntry:
    """A record as an entry of FusionAuth's audit log."""
    whose = "" if record["actingOnBehalfOf"] is None else f" for {record['actingOnBehalfOf']}"
    verdict = "allowed" if record["allowed"] else "denied"
    message = f"{verdict}: {record['actor']}{whose}, {record['action']} on {record['resource']}"
    return {"auditLog": {"insertUser": record["actor"], "message": message, "reason": record["reason"], "data": record}}


def fusion_auth(*, url: str, api_key: str, client: Any = None) -> Sink:
    """A sink that writes to FusionAuth's audit log, an entry a record.

    Args:
        url: Where FusionAuth is, e.g. `https://auth.example`.
        api_key: A key that may `POST /api/system/audit-log`.
        client: The `httpx.Client` to use; it is not closed.

    Raises:
        MisuseError: `guard.options`.
    """
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise options_error("`url` must begin with http:// or https://")
    if not isinstance(api_key, str) or not api_key:
        raise options_error("`api_key` must be a text")
    target = urljoin(url, "/api/system/audit-log")
    headers = {"authorization": api_key, "content-type": "application/json"}
    made: list[Any] = [] if client is None else [client]
    # A batch that failed half-way goes on where it failed.
    batch: Sequence[AuditRecord] | None = None
    done = 0

    def sink(records: Sequence[AuditRecord]) -> None:
        nonlocal batch, done
        if not made:
            import httpx

            made.append(httpx.Client(timeout=10.0))
        if batch is not records:
            batch, done = records, 0
        while done < len(records):
            body = _json.write(fusion_auth_entry(records[done]))
            response = made[0].post(target, content=body, headers=headers, follow_redirects=False)
            if not 200 <= response.status_code < 300:
                raise RuntimeError(f"FusionAuth answered {response.status_code}")
            done += 1

    return sink
