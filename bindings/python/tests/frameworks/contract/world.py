"""What the contract's cases are about: policies, tokens, who asks, rules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt

from deputize import Policy
from deputize.identity import Chain, Token
from deputize.tools import Ruling, ToolRule

VECTORS = Path(__file__).parents[5] / "tests" / "vectors"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    assert found["format"] == 1
    return found


FILE = read("guards")
AUDIENCE: str = FILE["audience"]


class Scene:
    """One case's policy in force, its tokens, and who asks."""

    def __init__(self, file: Mapping[str, Any], case: Mapping[str, Any]) -> None:
        self.file = file
        self.case = case
        self.now = int(time.time())
        self.in_force: str = case.get("policy", "today")
        self._policies: dict[str, Policy] = {}

    def until(self, token: str) -> None:
        """Waits until a token has ended."""
        time.sleep(max(0.0, self.now + self.file["tokens"][token]["exp"] - time.time()) + 0.05)

    def token(self, name: str) -> str:
        said = dict(self.file["tokens"][name])
        if "text" in said:
            return str(said["text"])
        header, secret = said.pop("header", {}), said.pop("secret", self.file["secret"])
        claims = {"iss": self.file["issuer"], "aud": AUDIENCE, "iat": -10, "exp": 300, **said}
        for time_of in ("iat", "exp", "nbf"):
            if time_of in claims:
                claims[time_of] += self.now
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": "test-secret", "typ": "at+jwt", **header}
        key = jwt.utils.base64url_decode(secret)
        if header.get("alg") == "none":
            return jwt.encode(claims, None, "none", header)
        return jwt.encode(claims, key, "HS256", header)

    def policy(self) -> Any:
        """What gives the policy in force."""
        if self.in_force == "throws":
            raise RuntimeError("there is none yet: secret-of-the-store")
        if self.in_force == "nothing":
            return None
        if self.in_force == "promise":
            return later(self._compiled("today"))
        return self._compiled(self.in_force)

    def _compiled(self, name: str) -> Policy:
        if name not in self._policies:
            members = {**self.file["policies"]["today"], **self.file["policies"][name]}
            times = {time: self.now + members[time] for time in ("issued_at", "not_after") if time in members}
            self._policies[name] = Policy.from_json({**members, **times})
        return self._policies[name]

    def identity(self) -> Any:
        """Who asks."""
        who = self.case["who"] if "who" in self.case else {"token": "anne"}
        if who is None:
            return None
        if "token" in who:
            return Token(self.token(who["token"]))
        if "chain" in who:
            return Chain(who["chain"])
        return self._compiled("today").verify(self.token(who["kept"]["token"]), audience=AUDIENCE)


class World(Scene):
    """A guard's case: its rules, what its tools did, and the rulings that were seen."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        super().__init__(FILE, case)
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.rulings: list[Ruling] = []

    def options(self) -> dict[str, Any]:
        """What a guard is set up with, but for its rules."""
        policy = self.case.get("policy", "")
        found: dict[str, Any] = {
            "policy": policy if policy is None or policy == "text" else self.policy,
            "audience": self.case.get("audience", AUDIENCE),
            "on_ruling": self._sink(),
        }
        if "option" in self.case:
            found[self.case["option"]] = AUDIENCE
        return found

    def rules(self) -> dict[str, ToolRule | None] | None:
        given = self.case.get("rules", {})
        if given is None:
            return None
        return {name: rule_of(rule) for name, rule in {**FILE["rules"], **given}.items()}

    def _sink(self) -> Any:
        kind = self.case.get("sink")

        async def awaited(ruling: Ruling) -> None: ...

        def sink(ruling: Ruling) -> object:
            if kind == "throws":
                raise OSError("the disk is full")
            if kind == "false":
                return False
            if kind == "promise":
                return awaited(ruling)
            if kind == "never":
                return Never()
            self.rulings.append(ruling)
            return None

        return None if kind is None else awaited if kind == "async" else sink


class Never:
    """What never settles."""

    def __await__(self) -> Any:
        while True:
            yield


async def later(value: Any) -> Any:
    return value


def rule_of(rule: Any) -> ToolRule | None:
    if rule == "any caller":
        return None
    members = dict(rule)
    if "context" in members:
        members["context"] = tuple(members["context"])
    if isinstance(members["resource"], dict):
        members["resource"] = function_of(members["resource"])
    return ToolRule(**members)


def function_of(how: Mapping[str, Any]) -> Callable[..., Any]:
    """What a case says that a function does."""
    if "async" in how:

        async def waits(arguments: Any) -> str:
            return "document:1"

        return waits

    def makes(arguments: Any) -> Any:
        if "throws" in how:
            raise ValueError("secret-of-the-call")
        if "promise" in how:
            return Never() if how["promise"] is None else later(how["promise"])
        return how["gives"]

    return makes
