"""What a check, a filter and a verified token cost from Python, at 100,000 tuples,
beside PyJWT, joserfc, cedarpy and pycasbin in the same run: `cargo xtask python
--bench`. Times are of this process's CPU, so that a busy machine counts for less.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deputize import Policy

DOCUMENTS, GROUPS, USERS, COUNT = 40_000, 2_000, 10_000, 20_000
MODEL = """model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, group#member]
"""
ISSUER, AUDIENCE = "https://issuer.example", "https://api.example"


def store(rng: random.Random) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    """100,000 pairs: groups on documents, users on documents, users in groups."""
    groups = [(f"g{rng.randrange(GROUPS)}", f"{n}") for n in range(DOCUMENTS)]

    def pairs(count: int, below: int, name: str) -> list[tuple[str, str]]:
        found: dict[tuple[str, str], None] = {}
        while len(found) < count:
            found[f"u{rng.randrange(USERS)}", f"{name}{rng.randrange(below)}"] = None
        return list(found)

    return groups, pairs(20_000, DOCUMENTS, ""), pairs(40_000, GROUPS, "g")


def snapshot(parts: Any, **more: Any) -> bytes:
    groups, users, members = parts
    tuples = [{"user": f"group:{g}#member", "relation": "viewer", "object": f"document:{d}"} for g, d in groups]
    tuples += [{"user": f"user:{u}", "relation": "viewer", "object": f"document:{d}"} for u, d in users]
    tuples += [{"user": f"user:{u}", "relation": "member", "object": f"group:{g}"} for u, g in members]
    return json.dumps({"deputize": 1, "model": MODEL, "tuples": tuples, **more}).encode()


def measure(what: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Seconds of CPU of the quickest of some rounds, and of the middle one."""
    times = []
    gc.collect()
    gc.disable()
    for number in range(rounds):
        start = time.process_time()
        what(number)
        times.append(time.process_time() - start)
    gc.enable()
    times.sort()
    return times[0], times[len(times) // 2]


def row(name: str, times: tuple[float, float], scale: float, unit: str, goal: str = "") -> None:
    best, middle = (seconds * scale for seconds in times)
    print(f"| {name} | {best:.2f} {unit} (middle {middle:.2f}) | {goal} |", flush=True)


def importing() -> tuple[float, float]:
    program = "import time; s = time.perf_counter(); import deputize; print(time.perf_counter() - s)"
    found = sorted(float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout) for _ in range(9))
    return found[0], found[4]


def asking(policy: Policy, rng: random.Random) -> list[str]:
    import numpy as np
    import pyarrow as pa

    users = [f"user:u{rng.randrange(USERS)}" for _ in range(COUNT)]
    documents = [f"document:{rng.randrange(DOCUMENTS)}" for _ in range(COUNT)]
    pairs = list(zip(users, documents))
    check = policy.check

    def empty(_: int) -> None:
        for user, document in pairs:
            pass

    def random_checks(_: int) -> None:
        for user, document in pairs:
            check(user, "viewer", document)

    def same(_: int) -> None:
        for _user, _document in pairs:
            check("user:u1", "viewer", "document:1")

    def border(_: int) -> None:
        for user, _document in pairs:
            check(user, "viewer", "document:none")

    each = 1e6 / COUNT
    row("check, random users and documents", measure(random_checks, 25), each, "µs", "0.6 µs")
    row("check, the same question", measure(same, 25), each, "µs")
    row("of which the border, at most (a document nobody knows)", measure(border, 25), each, "µs")
    row("of which this program's own loop", measure(empty, 25), each, "µs")
    row("check with options (a tenant)", measure(lambda _: [check(u, "viewer", d, tenant="a") for u, d in pairs[:2000]], 10), 1e6 / 2000, "µs")

    anne = policy.caller("user:u1")

    def can(_: int) -> None:
        for _user, document in pairs:
            anne.can("viewer", document)

    row("caller.can, random documents", measure(can, 25), each, "µs")
    row("caller.decide, random documents", measure(lambda _: [anne.decide("viewer", d) for d in documents[:500]], 5), 1e6 / 500, "µs")

    ids = documents[:10_000]
    callers = [policy.caller(f"user:u{n}") for n in range(60)]
    forms = {
        "a list": (ids, ["document:1"] * 10_000, "1.8 ms"),
        "NumPy, fixed width": (np.array(ids), np.array(["document:1"] * 10_000), ""),
        "NumPy, objects": (np.array(ids, dtype=object), np.array(["document:1"] * 10_000, dtype=object), ""),
        "Arrow, string": (pa.array(ids), pa.array(["document:1"] * 10_000), "1 ms"),
        "Arrow, string_view": (pa.array(ids, pa.string_view()), pa.array(["document:1"] * 10_000, pa.string_view()), ""),
        "Arrow, dictionary": (pa.array(ids).dictionary_encode(), pa.array(["document:1"] * 10_000).dictionary_encode(), ""),
    }
    for name, (given, one, goal) in forms.items():
        row(f"policy.filter, 10,000 ids from {name}", measure(lambda n: policy.filter(f"user:u{n}", "viewer", given), 60), 1e3, "ms", goal)
        row("of which the border, at most (one id, and nobody asks)", measure(lambda _: policy.filter("user:nobody", "viewer", one), 60), 1e3, "ms")
        row(f"caller.filter, 10,000 ids from {name}", measure(lambda n: callers[n].filter("viewer", given), 60), 1e3, "ms")
    row("10,000 calls of check in a loop, for comparison", measure(lambda n: [check(f"user:u{n}", "viewer", i) for i in ids], 15), 1e3, "ms")
    return documents


def verifying() -> None:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from joserfc import jwk
    from joserfc import jwt as jose

    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + 600, "scope": "document:read"}
    keys: dict[str, Any] = {
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "RS256": rsa.generate_private_key(65537, 2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
    }
    public = {name: key.public_key() for name, key in keys.items()}
    pem = {name: key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo) for name, key in public.items()}
    imported = {name: jwk.import_key(text, {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}[name]) for name, text in pem.items()}
    issuer = {
        "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": list(keys), "subject": "user:{sub}", "scopes": "required",
        "keys": {"keys": [{**imported[name].as_dict(private=False), "kid": name, "alg": name} for name in keys]},
    }
    policy = Policy.from_json({"deputize": 1, "model": MODEL, "issuers": [issuer]})
    # It says that EdDSA's name is deprecated, once a token.
    warnings.simplefilter("ignore")
    registry = jose.JWTClaimsRegistry(iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True})

    for name, key in keys.items():
        # A token of its own for each call: nothing is remembered.
        tokens = [jwt.encode({**claims, "jti": str(n)}, key, algorithm=name, headers={"kid": name}) for n in range(200)]

        def ours(_: int) -> None:
            for token in tokens:
                policy.verify(token, audience=AUDIENCE)

        def pyjwt(_: int) -> None:
            for token in tokens:
                jwt.decode(token, public[name], algorithms=[name], audience=AUDIENCE, issuer=ISSUER, options={"require": ["exp", "aud", "iss"]})

        def joserfc(_: int) -> None:
            for token in tokens:
                registry.validate(jose.decode(token, imported[name], algorithms=[name]).claims)

        for who, verify in (("deputize", ours), (f"PyJWT {version('pyjwt')}", pyjwt), (f"joserfc {version('joserfc')}", joserfc)):
            row(f"{name} verified, {who}", measure(verify, 15), 1e6 / len(tokens), "µs", "both peers" if who == "deputize" else "")


def cedar(parts: Any, rng: random.Random) -> None:
    import cedarpy

    groups, users, members = parts
    viewers: dict[str, list[dict[str, Any]]] = {}
    for group, document in groups:
        viewers.setdefault(document, []).append({"__entity": {"type": "Group", "id": group}})
    for user, document in users:
        viewers.setdefault(document, []).append({"__entity": {"type": "User", "id": user}})
    parents: dict[str, list[dict[str, str]]] = {f"u{n}": [] for n in range(USERS)}
    for user, group in members:
        parents[user].append({"type": "Group", "id": group})
    entities = [{"uid": {"type": "Group", "id": f"g{n}"}, "attrs": {}, "parents": []} for n in range(GROUPS)]
    entities += [{"uid": {"type": "User", "id": u}, "attrs": {}, "parents": p} for u, p in parents.items()]
    entities += [{"uid": {"type": "Document", "id": d}, "attrs": {"viewers": v}, "parents": []} for d, v in viewers.items()]
    text = json.dumps(entities)
    policies = cedarpy.PolicySet.from_str('permit(principal, action == Action::"view", resource) when { principal in resource.viewers };')
    held: list[Any] = []
    row(f"cedarpy {version('cedarpy')}, entities loaded", measure(lambda _: held.append(cedarpy.Entities.from_json_str(text)), 1), 1e3, "ms")
    graph = held[0]

    def request(user: int, document: int) -> dict[str, Any]:
        return {"principal": f'User::"u{user}"', "action": 'Action::"view"', "resource": f'Document::"{document}"', "context": {}}

    asked = [request(rng.randrange(USERS), rng.randrange(DOCUMENTS)) for _ in range(300)]
    row("cedarpy, is_authorized, handles reused", measure(lambda _: [cedarpy.is_authorized(one, policies, graph) for one in asked], 5), 1e6 / 300, "µs")
    many = [request(1, rng.randrange(DOCUMENTS)) for _ in range(10_000)]
    row("cedarpy, is_authorized_batch of 10,000", measure(lambda _: cedarpy.is_authorized_batch(many, policies, graph), 2), 1e3, "ms")


def casbin_(parts: Any, rng: random.Random) -> None:
    import logging

    import casbin

    logging.disable(logging.CRITICAL)
    groups, users, members = parts
    rules = (
        "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj\n[role_definition]\ng = _, _\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.obj == p.obj && g(r.sub, p.sub)\n"
    )
    folder = tempfile.TemporaryDirectory()
    model = Path(folder.name, "model.conf")
    model.write_text(rules, "utf-8")
    held: list[Any] = []

    def load(_: int) -> None:
        enforcer = casbin.FastEnforcer(str(model), cache_key_order=(1,))
        enforcer.add_policies([[sub, doc] for sub, doc in [*groups, *users]])
        enforcer.add_grouping_policies([list(pair) for pair in members])
        held.append(enforcer)

    row(f"pycasbin {version('casbin')} (FastEnforcer by object), policy loaded", measure(load, 1), 1e3, "ms")
    enforcer = held[0]
    asked = [(f"u{rng.randrange(USERS)}", f"{rng.randrange(DOCUMENTS)}") for _ in range(300)]
    row("pycasbin, enforce", measure(lambda _: [enforcer.enforce(*one) for one in asked], 3), 1e6 / 300, "µs")
    ids = [f"{rng.randrange(DOCUMENTS)}" for _ in range(1_000)]
    row("pycasbin, 10,000 ids filtered (1,000 asked, times ten)", measure(lambda _: [enforcer.enforce("u1", d) for d in ids], 1), 1e4, "ms")


def main() -> None:
    rng = random.Random(7)
    print(f"Python {sys.version.split()[0]}, {datetime.now(timezone.utc):%Y-%m-%d}\n\n| what | best round | goal |\n|---|---|---|")
    row("import deputize", importing(), 1e3, "ms (by the clock)", "30 ms")
    parts = store(rng)
    text = snapshot(parts)
    row("JSON read and compiled, 100,000 tuples", measure(lambda _: Policy.from_json(text), 5), 1e3, "ms")
    policy = Policy.from_json(text)
    image = policy.to_compiled()
    row("compiled form opened", measure(lambda _: Policy.from_compiled(image), 9), 1e3, "ms")
    assert policy.tuple_count == 100_000
    asking(policy, rng)
    verifying()
    for peer in (cedar, casbin_):
        try:
            peer(parts, rng)
        except ImportError as error:
            print(f"| {error.name} is not installed | | |")


if __name__ == "__main__":
    main()
