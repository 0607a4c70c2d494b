"""DPoP (RFC 9449) in FastAPI and before MCP servers, with proofs that a client's library signs."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import Depends, FastAPI, Security, WebSocket, WebSocketDisconnect
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm

from deputize import Caller, DeniedError, MisuseError, Policy
from deputize.asgi import ProvenTokens
from deputize.dpop import Dpop, SqliteProofs
from deputize.fastapi import Callers

from .conftest import AUDIENCE, TUPLES, snapshot

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public(key: Any) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return {name: jwk[name] for name in ("crv", "kty", "x", "y")}


def thumbprint(key: Any) -> str:
    return encoded(hashlib.sha256(json.dumps(public(key), sort_keys=True, separators=(",", ":")).encode()).digest())


def proof(token: str, url: str, method: str = "GET", key: Any = KEY, age: int = 0, **more: Any) -> str:
    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time()) - age,
              "ath": encoded(hashlib.sha256(token.encode()).digest()), **more}
    return jwt.encode(claims, key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": public(key)})


@pytest.fixture
def bound(make_token: Callable[..., str]) -> str:
    return make_token("anne", cnf={"jkt": thumbprint(KEY)})


def shown(token: str, url: str = f"{AUDIENCE}/documents/public", scheme: str = "DPoP", **more: Any) -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}", "DPoP": proof(token, url, **more)}


def api(policy: Any, **more: Any) -> TestClient:
    callers = Callers(policy, audience=AUDIENCE, **more)
    app = FastAPI()
    may = callers.may("can_read", "document:{document}")

    @app.get("/documents/{document}")
    def read(document: str, caller: Caller = Depends(may), again: Caller = Security(callers, scopes=["x"]), other: Caller = Depends(callers, use_cache=False)) -> str:
        assert caller.subject == again.subject == other.subject
        return document

    @app.post("/documents/{document}")
    def write(document: str, caller: Caller = Depends(may)) -> str:
        return document

    @app.websocket("/documents/{document}")
    async def talk(socket: WebSocket, document: str, caller: Caller = Depends(may)) -> None:
        await socket.accept()
        async for _ in socket.iter_text():
            try:
                allowed = callers.now(caller).can("can_read", f"document:{document}")
            except DeniedError as error:
                await socket.close(1008, error.code)
                return
            await socket.send_text(str(allowed))

    return TestClient(app)


def test_a_bound_token_needs_a_proof_for_its_method_url_token_and_key(policy: Policy, bound: str, make_token: Callable[..., str]) -> None:
    client = api(policy)
    assert client.get("/documents/public?x=1", headers=shown(bound)).status_code == 200
    url = f"{AUDIENCE}/documents/public"
    for headers, code in (
        ({"Authorization": f"Bearer {bound}"}, "proof.missing"),
        ({"Authorization": f"DPoP {bound}"}, "proof.missing"),
        (shown(bound, scheme="Bearer"), "proof.missing"),
        (shown(bound, method="POST"), "proof.invalid"),
        (shown(bound, url=f"{AUDIENCE}/documents/other"), "proof.invalid"),
        (shown(bound, url="http://testserver/documents/public"), "proof.invalid"),
        (shown(bound, key=OTHER), "proof.mismatch"),
        (shown(bound, age=70), "proof.invalid"),
        (shown(bound, age=-30), "proof.invalid"),
        ({"Authorization": f"DPoP {bound}", "DPoP": proof("another", url)}, "proof.invalid"),
        ({"Authorization": f"DPoP {bound}", "DPoP": "x"}, "proof.invalid"),
        # RFC 9449 §7.1: whoever presents a token so, must present one that is bound.
        (shown(make_token("anne")), "proof.invalid"),
    ):
        answer = client.get("/documents/public", headers=headers)
        assert (answer.status_code, said(answer)["code"]) == (401, code), code
        assert answer.headers["cache-control"] == "no-store" and 'algs="ES256' in answer.headers["www-authenticate"]
    answer = client.get("/documents/public", headers={"Authorization": f"Bearer {make_token('anne')}"})
    assert answer.status_code == 200
    twice = [("Authorization", f"DPoP {bound}"), ("DPoP", proof(bound, url)), ("DPoP", proof(bound, url))]
    assert client.get("/documents/public", headers=twice).status_code == 400
    assert client.post("/documents/public", headers=shown(bound, method="POST")).status_code == 200


def test_a_proof_counts_once(policy: Policy, bound: str) -> None:
    client, headers = api(policy), shown(bound)
    assert client.get("/documents/public", headers=headers).status_code == 200
    answer = client.get("/documents/public", headers=headers)
    assert (answer.status_code, said(answer)) == (401, {"code": "guard.proof_used", "error": "invalid_dpop_proof", "error_description": "guard.proof_used"})
    assert answer.headers["www-authenticate"].startswith("DPoP ")


def test_two_servers_share_what_they_remember(policy: Policy, bound: str, tmp_path: Path) -> None:
    first, second = (api(policy, dpop=Dpop(store=SqliteProofs(tmp_path / "proofs"))) for _ in range(2))
    headers = shown(bound)
    assert first.get("/documents/public", headers=headers).status_code == 200
    assert second.get("/documents/public", headers=headers).status_code == 401
    assert second.get("/documents/public", headers=shown(bound)).status_code == 200

    class Broken:
        def take(self, use: Any, seconds: float) -> bool:
            raise OSError("no disk")

    answer = api(policy, dpop=Dpop(store=Broken())).get("/documents/public", headers=shown(bound))
    assert answer.status_code == 503 and said(answer)["code"] == "guard.error"


def test_nonces_and_required_proofs(policy: Policy, bound: str, make_token: Callable[..., str]) -> None:
    client = api(policy, dpop=Dpop(required=True, nonce=lambda: "n-1", algorithms=["ES256"]))
    answer = client.get("/documents/public", headers=shown(bound))
    assert (answer.status_code, said(answer)["error"], answer.headers["dpop-nonce"]) == (401, "use_dpop_nonce", "n-1")
    assert client.get("/documents/public", headers=shown(bound, nonce="n-1")).status_code == 200
    answer = client.get("/documents/public", headers=shown(bound, nonce="n-1", key=OTHER))
    assert said(answer)["error"] == "invalid_dpop_proof"
    answer = client.get("/documents/public", headers={"Authorization": f"Bearer {make_token('anne')}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'DPoP error="invalid_token", error_description="proof.missing", algs="ES256"')
    without = api(policy, dpop=False)
    assert without.get("/documents/public", headers=shown(bound)).status_code == 401
    for wrong in ({"dpop": {"required": True}}, {"dpop": None}, {"origin": "api.example"}, {"origin": "https://a?b"}):
        with pytest.raises(MisuseError):
            Callers(policy, audience=AUDIENCE, **wrong)


def test_behind_a_proxy_that_strips_a_prefix(policy: Policy, bound: str) -> None:
    client = api(policy, origin="https://www.example/rag")
    assert client.get("/documents/public", headers=shown(bound, url="https://www.example/rag/documents/public")).status_code == 200
    assert client.get("/documents/public", headers=shown(bound)).status_code == 401


def test_a_websocket_asks_again_while_it_is_open(bound: str) -> None:
    policies = [Policy.from_json(snapshot(TUPLES))]
    client = api(lambda: policies[-1])
    with client.websocket_connect("/documents/public", headers=shown(bound)) as socket:
        socket.send_text("?")
        assert socket.receive_text() == "True"
        policies.append(Policy.from_json(snapshot(TUPLES[1:])))
        socket.send_text("?")
        assert socket.receive_text() == "False"
        policies.append(Policy.from_json(snapshot(TUPLES, principals=[{"id": "user:anne", "disabled": True}])))
        socket.send_text("?")
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_text()
        assert (caught.value.code, caught.value.reason) == (1008, "principal.disabled")
    for headers in ({"Authorization": f"Bearer {bound}"}, shown(bound, method="POST"), {}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/documents/public", headers=headers):
            pass


def said(answer: Any) -> Any:
    """The body, which FastAPI wraps."""
    return answer.json()["detail"]


def mcp_app(policy: Any) -> Any:
    from .test_mcp import POLICIES, served, tools

    server, guard = served()
    POLICIES[:] = [policy]
    tools(server, guard)
    guard.protect(server)
    return server.streamable_http_app(json_response=True, stateless_http=True)


def fastmcp_app(policy: Any) -> Any:
    from .test_fastmcp import server

    return server(policy).http_app(json_response=True, stateless_http=True)


@pytest.fixture(params=["mcp", "fastmcp"])
def served_app(request: pytest.FixtureRequest, policy: Policy) -> Iterator[tuple[Any, Callable[..., TestClient]]]:
    opened: list[TestClient] = []

    def client(**more: Any) -> TestClient:
        app = (mcp_app if request.param == "mcp" else fastmcp_app)(policy)
        made = TestClient(ProvenTokens(app, policy, audience=AUDIENCE, **more), base_url="http://127.0.0.1:8000")
        made.__enter__()
        opened.append(made)
        return made

    yield policy, client
    for made in opened:
        made.__exit__(None, None, None)


def call(client: TestClient, headers: dict[str, str], document: str) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read", "arguments": {"document": document}}}
    own = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    return client.post("/mcp", headers={**own, **headers}, json=body)


def test_mcp_servers(served_app: Any, bound: str, make_token: Callable[..., str]) -> None:
    _, make = served_app
    client, url = make(), f"{AUDIENCE}/mcp"
    headers = shown(bound, url=url, method="POST")
    answer = call(client, headers, "public")
    assert answer.status_code == 200 and "text of public" in answer.text
    assert call(client, headers, "public").json()["code"] == "guard.proof_used"
    denied = call(client, shown(bound, url=url, method="POST"), "secret")
    assert denied.status_code == 200 and "subject.no_grant" in denied.text and "text of secret" not in denied.text
    # Without its proof a bound token is nobody's, also once it was here with one.
    for wrong in ({"Authorization": f"Bearer {bound}"}, shown(bound, url=url, method="GET"), shown(bound, url=url, method="POST", key=OTHER), {}):
        answer = call(client, wrong, "public")
        assert answer.status_code == 401 and "DPoP" in answer.headers["www-authenticate"], wrong
    assert "text of public" in call(client, {"Authorization": f"Bearer {make_token('anne')}"}, "public").text
    strict = make(dpop=Dpop(required=True))
    assert call(strict, {"Authorization": f"Bearer {make_token('anne')}"}, "public").status_code == 401
    assert "text of public" in call(strict, shown(bound, url=url, method="POST"), "public").text


def test_what_was_proved_for_another_audience_counts_for_nothing(policy: Policy, bound: str) -> None:
    from deputize.identity import ANY

    with TestClient(ProvenTokens(mcp_app(policy), policy, audience=ANY, origin=AUDIENCE), base_url="http://127.0.0.1:8000") as client:
        assert call(client, shown(bound, url=f"{AUDIENCE}/mcp", method="POST"), "public").status_code == 401


def test_a_proof_that_was_presented_is_no_older_when_it_is_looked_at_again(policy: Policy, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from deputize.identity import Token, caller_of

    url = f"{AUDIENCE}/documents/public"
    shown_now = {"proof": proof(bound, url, age=20), "method": "GET", "uri": url, "max_age": 30}
    token = Token(bound, dpop=shown_now)
    assert caller_of(token, policy, audience=AUDIENCE).can("can_read", "document:public")
    wall = time.time()
    # Of a run that lasts: the token is looked at again, after 25 seconds.
    late = Token(bound, dpop={**shown_now, "proof": proof(bound, url, age=45)})
    with pytest.raises(DeniedError, match="proof.invalid"):
        caller_of(late, policy, audience=AUDIENCE)
    monkeypatch.setattr(time, "time", lambda: wall + 25)
    assert caller_of(late, policy, audience=AUDIENCE).can("can_read", "document:public")
