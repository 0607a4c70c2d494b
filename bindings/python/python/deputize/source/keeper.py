"""What both sources share: the policy in use, and what may take its place."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from .. import Policy
from ..callbacks import dropped, is_async
from ..errors import DeniedError, DeputizeError, InputError
from .document import Fetched, Redacting, httpx_of, misuse, whole, without_secrets

__all__ = ["Check", "Found", "Keeper", "Moment"]

log = logging.getLogger("deputize.source")

_COMPILED_MAGIC = b"DEPUTIZE"
# So many warnings of a policy are told one by one.
_SHOWN = 10

Check: TypeAlias = Callable[[Fetched], object]


class Moment(NamedTuple):
    """A moment, on a clock that may be set and on one that may stop while a machine sleeps."""

    wall: float
    steady: float

    @classmethod
    def now(cls) -> Moment:
        return cls(time.time(), time.monotonic())

    def age(self) -> float:
        """Seconds since then, by whichever clock says more."""
        now = Moment.now()
        return max(now.wall - self.wall, now.steady - self.steady)


class Held(NamedTuple):
    policy: Policy
    body: bytes
    """The digest of the bytes that it was read from."""
    tag: str | None
    confirmed: Moment


class Found(NamedTuple):
    """What a look found: nothing new, or a policy that is good in itself."""

    policy: Policy | None
    body: bytes
    tag: str | None


class Keeper:
    """What both sources share: the policy in use, and what may take its place."""

    def __init__(
        self,
        location: str | os.PathLike[str],
        *,
        refresh: float,
        max_age: float,
        timeout: float,
        digest: str | None,
        check: Check | None,
        max_bytes: int,
        on_error: Callable[[DeputizeError], object] | None,
    ) -> None:
        try:
            self._location = os.fspath(location)
        except TypeError:
            raise misuse("`location` must be a path or a URL") from None
        if not isinstance(self._location, str):
            raise misuse("`location` must be a text")
        self._is_url = self._location.lower().startswith(("http://", "https://"))
        if not self._is_url and "://" in self._location:
            raise misuse("a URL must begin with http:// or https://")
        self._interval = seconds("refresh", refresh)
        self._max_age = seconds("max_age", max_age, forever=True)
        self._timeout = seconds("timeout", timeout)
        if not self._max_age > self._interval:
            raise misuse("`max_age` must be more than `refresh`")
        if digest is not None and not isinstance(digest, str):
            raise misuse("`digest` must be a text")
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1:
            raise misuse("`max_bytes` must be a number of bytes")
        _function("check", check)
        _function("on_error", on_error)
        if on_error is not None and is_async(on_error):
            raise misuse("`on_error` must not be async: nothing would wait for it")
        self._digest = digest
        self._check = check
        self._max_bytes = max_bytes
        self._on_error = on_error
        self._shown = without_secrets(self._location) if self._is_url else self._location
        self._swapping = threading.Lock()
        self._held: Held | None = None
        self._error: DeputizeError | None = None
        if self._is_url and self._shown != self._location:
            logging.getLogger("httpx").addFilter(Redacting(self._location, self._shown))

    @property
    def policy(self) -> Policy:
        """The policy to use now. Take it once a request: it may be another one the next time.

        Raises DeniedError, `snapshot.stale`, where it is older than `max_age`
        allows.
        """
        held = self._held
        if held is None:
            raise DeniedError("snapshot.stale", f"`{self._shown}` was not read yet")
        age = held.confirmed.age()
        # Written so that no age at all is too old.
        if not age <= self._max_age:
            said = f"`{self._shown}` was last confirmed {age:.0f} s ago; {self._max_age:g} s are allowed"
            raise DeniedError("snapshot.stale", said)
        return held.policy

    @property
    def age(self) -> float | None:
        """Seconds since the policy was last read or confirmed; `None` before it was."""
        held = self._held
        return None if held is None else held.confirmed.age()

    @property
    def error(self) -> DeputizeError | None:
        """Why the last refresh failed; `None` where it did not."""
        return self._error

    def __repr__(self) -> str:
        held = self._held
        policy = "no policy" if held is None else f"{held.policy!r}, age={self.age:.0f}"
        failed = f", error={self._error.code!r}" if self._error else ""
        return f"{type(self).__name__}({self._shown!r}, {policy}{failed})"

    def _pause(self) -> float:
        # A little apart, so that many processes do not ask all at once.
        return self._interval * random.uniform(0.9, 1.1)

    def _asking(self) -> dict[str, str]:
        held = self._held
        return {} if held is None or held.tag is None else {"if-none-match": held.tag}

    def _read_file(self) -> tuple[Fetched | None, str | None]:
        """The file, or nothing where it is the one that is held."""
        try:
            with Path(self._location).open("rb") as file:
                now = os.fstat(file.fileno())
                tag = f"{now.st_dev}:{now.st_ino}:{now.st_size}:{now.st_mtime_ns}:{now.st_ctime_ns}"
                if self._held is not None and self._held.tag == tag:
                    return None, tag
                body = file.read(self._max_bytes + 1)
        except OSError as error:
            raise InputError("source.unreachable", str(error)) from error
        self._bounded(len(body))
        return Fetched(body, {}), tag

    def _bounded(self, size: int) -> None:
        if size > self._max_bytes:
            said = f"`{self._shown}` has more than the {self._max_bytes} bytes allowed"
            raise InputError("source.too_large", said)

    def _answered(self, status: int) -> bool:
        """Whether there is a body to read; else what is held is confirmed."""
        if status == 304 and self._held is not None:
            return False
        if 300 <= status < 400 and status != 304:
            raise InputError("source.redirect", f"`{self._shown}` answered {status}: redirects are not followed")
        if status != 200:
            raise InputError("source.unreachable", f"`{self._shown}` answered {status}")
        return True

    def _same(self, fetched: Fetched | None, tag: str | None) -> Found | None:
        """What a look found, where nothing has to be checked or compiled."""
        held = self._held
        if fetched is None:
            assert held is not None
            return Found(None, held.body, held.tag)
        whole(fetched)
        return None

    def _passed(self, said: object) -> None:
        if said is not None and said is not True:
            raise InputError("source.check", f"the check gave `{type(said).__name__}`: only nothing or True passes")

    def _compiled(self, fetched: Fetched, tag: str | None) -> Found:
        """The policy of a document, as far as that can be told without the one in use."""
        body = hashlib.sha256(fetched.body).digest()
        held = self._held
        if held is not None and held.body == body:
            return Found(None, body, tag)
        compiled = fetched.body.startswith(_COMPILED_MAGIC)
        policy = (Policy.from_compiled if compiled else Policy.from_json)(fetched.body)
        if self._digest is not None and policy.digest != self._digest.lower():
            said = f"the policy's digest is {policy.digest}, not {self._digest}"
            raise InputError("source.digest", said)
        return Found(policy, body, tag)

    def _swap(self, found: Found, asked: Moment) -> bool:
        """Puts what was found in use, unless it is older than what is in use by now."""
        with self._swapping:
            held = self._held
            if found.policy is None:
                assert held is not None
                # What a look confirmed may no longer be what is in use.
                if held.body == found.body and held.confirmed.steady < asked.steady:
                    self._held = held._replace(confirmed=asked, tag=found.tag)
                self._error = None
                return False
            if held is not None:
                old, new = held.policy.issued_at, found.policy.issued_at
                # An old document, replayed, would bring back what was taken away.
                if old is not None and (new is None or new < old):
                    raise InputError("source.rollback", f"it was issued at {new}, the one in use at {old}")
            self._held = Held(found.policy, found.body, found.tag, asked)
            self._error = None
            changed = held is None or found.policy.digest != held.policy.digest
        if changed:
            self._warn(found.policy)
        return changed

    def _warn(self, policy: Policy) -> None:
        """Says what of a new policy can have no effect: who wrote it should know."""
        warnings = policy.warnings
        for one in warnings[:_SHOWN]:
            log.warning("%s: %s: %s (at %s)", self._shown, one["code"], one["message"], one["pointer"])
        if len(warnings) > _SHOWN:
            log.warning("%s: and %d warnings more", self._shown, len(warnings) - _SHOWN)

    def _failed(self, error: DeputizeError) -> None:
        self._error = error
        log.warning("%s: %s", self._shown, error)
        if self._on_error is None:
            return
        try:
            said = self._on_error(error)
        except Exception as thrown:
            log.error("%s: `on_error` failed with a %s", self._shown, type(thrown).__name__)
            return
        if dropped(said):
            log.error("%s: `on_error` gave something to await, which nothing does", self._shown)

    def _as_ours(self, error: BaseException) -> DeputizeError:
        if isinstance(error, DeputizeError):
            return error
        if self._is_url and isinstance(error, httpx_of().TimeoutException):
            return self._too_late()
        # Its text may quote the URL.
        said = f"`{self._shown}` could not be read: {type(error).__name__}"
        return InputError("source.unreachable", said)

    def _too_late(self) -> InputError:
        said = f"`{self._shown}` was not read, checked and compiled within {self._timeout:g} s"
        return InputError("source.timeout", said)


def seconds(name: str, value: object, *, forever: bool = False) -> float:
    """A number of seconds; `math.inf` where a time may be without an end."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0 or (math.isinf(value) and not forever):  # type: ignore[operator,arg-type]
        never = ", or math.inf for never" if forever else ""
        raise misuse(f"`{name}` must be a number of seconds, more than 0{never}")
    return float(value)  # type: ignore[arg-type]


def _function(name: str, given: object) -> None:
    if given is not None and not callable(given):
        raise misuse(f"`{name}` must be a function")
