"""FastAPI's dependency, through its TestClient."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, WebSocket, WebSocketDisconnect
from fastapi.testclient import TestClient
from pydantic import AfterValidator

from deputize import Caller, MisuseError, Policy
from deputize.fastapi import Callers

from .conftest import AUDIENCE, TUPLES, snapshot, tuple_of

METADATA = "https://rag.example/.well-known/oauth-protected-resource"


def client(policy: Any, **more: Any) -> TestClient:
    callers = Callers(policy, audience=AUDIENCE, **more)
    app = FastAPI()

    @app.get("/me")
    def me(caller: Caller = Depends(callers)) -> dict[str, str]:
        return {"subject": caller.subject, "actor": caller.actor}

    reads = callers.may("can_read", "document:{document}", scope="documents:read")

    @app.get("/documents/{document}")
    def read(document: str, caller: Caller = Depends(reads)) -> dict[str, str]:
        return {"document": document}

    def broken(parameters: Any) -> str:
        raise KeyError("x")

    @app.get("/broken")
    def fails(caller: Caller = Depends(callers.may("can_read", broken))) -> str:
        return "seen"

    return TestClient(app)


@pytest.fixture
def api(policy: Policy) -> TestClient:
    return client(policy, resource_metadata=METADATA, realm="rag")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def challenge(more: str = "") -> str:
    own = f'realm="rag", resource_metadata="{METADATA}"{more}'
    return f'Bearer {own}, DPoP {own}, algs="ES256 ES384 EdDSA RS256 PS256"'


def test_a_caller(api: TestClient, make_token: Callable[..., str]) -> None:
    token = make_token("anne", act={"sub": "helper"})
    answer = api.get("/me", headers=bearer(token))
    assert answer.json() == {"subject": "user:anne", "actor": "agent:helper"}
    assert api.get("/me", headers={"Authorization": f"bearer  {token}"}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}])
def test_no_token_has_no_error_code(api: TestClient, headers: dict[str, str]) -> None:
    """RFC 6750 §3.1."""
    answer = api.get("/me", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge())


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", 'Bearer "a"'])
def test_what_is_no_bearer_token_is_a_bad_request(api: TestClient, header: str) -> None:
    answer = api.get("/me", headers={"Authorization": header})
    assert answer.status_code == 400
    assert answer.headers["www-authenticate"] == challenge(', error="invalid_request"')


def test_two_tokens_are_a_bad_request(api: TestClient, make_token: Callable[..., str]) -> None:
    token = make_token("anne")
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
    assert api.get("/me", headers=twice).status_code == 400


def test_a_token_in_the_query_is_not_looked_at(api: TestClient, make_token: Callable[..., str]) -> None:
    assert api.get("/me", params={"access_token": make_token("anne")}).status_code == 401


def test_a_refused_token(api: TestClient, make_token: Callable[..., str]) -> None:
    now = int(time.time())
    for token, code in [
        (make_token("anne", iat=now - 90, exp=now - 30), "token.expired"),
        (make_token("anne")[:-6] + "AAAAAA", "token.signature"),
        (make_token("anne", aud="https://other.example"), "audience.mismatch"),
        (make_token("bob", act={"sub": "helper"}), "chain.hop_not_permitted"),
        ("a.b.c", "token.malformed"),
    ]:
        answer = api.get("/me", headers=bearer(token))
        assert answer.status_code == 401
        expected = challenge(f', error="invalid_token", error_description="{code}"')
        assert answer.headers["www-authenticate"] == expected


def test_a_resource_of_the_path(api: TestClient, make_token: Callable[..., str]) -> None:
    anne = bearer(make_token("anne"))
    assert api.get("/documents/public", headers=anne).json() == {"document": "public"}
    for other in ("secret", "nothing", "a:public", "public%23reader", "public%20x", "*"):
        answer = api.get(f"/documents/{other}", headers=anne)
        assert answer.status_code == 403
        assert "www-authenticate" not in answer.headers
    assert api.get("/documents/public").status_code == 401
    answer = api.get("/broken", headers=anne)
    assert (answer.status_code, answer.json()) == (503, {"detail": {"code": "guard.error", "error": "guard.error"}})


def test_a_scope_that_lacks_is_named(api: TestClient, make_token: Callable[..., str]) -> None:
    answer = api.get("/documents/public", headers=bearer(make_token("anne", scope="chunks:read")))
    assert answer.status_code == 403
    expected = challenge(', error="insufficient_scope", scope="documents:read"')
    assert answer.headers["www-authenticate"] == expected


def test_a_stale_snapshot_is_not_the_clients_fault(make_token: Callable[..., str]) -> None:
    now = int(time.time())
    stale = Policy.from_json(snapshot(TUPLES, issued_at=now - 100, not_after=now - 10))
    answer = client(stale).get("/me", headers=bearer(make_token("anne")))
    assert answer.status_code == 503 and "retry-after" in answer.headers


def test_the_policy_of_now_is_asked(make_token: Callable[..., str]) -> None:
    policies = [Policy.from_json(snapshot(TUPLES))]
    api = client(lambda: policies[-1])
    token = bearer(make_token("anne", jti="t-2"))
    assert api.get("/me", headers=token).status_code == 200
    policies.append(Policy.from_json(snapshot(TUPLES, revoked={"tokens": ["t-2"]})))
    answer = api.get("/me", headers=token)
    assert answer.status_code == 401 and "revoked.token" in answer.headers["www-authenticate"]


def test_the_openapi_document_says_bearer(api: TestClient) -> None:
    said = api.get("/openapi.json").json()
    assert said["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    assert said["paths"]["/documents/{document}"]["get"]["security"] == [{"Bearer": []}]


def test_what_is_decided_is_what_the_endpoint_gets(make_token: Callable[..., str]) -> None:
    """B3, B24: granted are 42 and a UUID, and the text `0043`, which is 43 to an endpoint."""
    uuid = "6f1c1b1e-8f62-4c0a-9f0b-0d6a3f7c9d11"
    names = ["42", uuid, "0043", "pub"]
    callers = Callers(Policy.from_json(snapshot([tuple_of("user:anne", "reader", f"document:{n}") for n in names])), audience=AUDIENCE)
    app = FastAPI()
    may = callers.may("can_read", "document:{document}")

    @app.get("/int/{document}")
    def by_int(document: int, caller: Caller = Depends(may)) -> str:
        return str(document)

    @app.get("/uuid/{document:uuid}")
    def by_uuid(document: UUID, caller: Caller = Depends(may)) -> str:
        return str(document)

    @app.get("/lower/{document}")
    def lower(document: Annotated[str, AfterValidator(str.lower)], caller: Caller = Depends(may)) -> str:
        return document

    def other(document: str) -> str:
        return document

    @app.get("/two/{document}")
    def two(document: int, other: str = Depends(other), caller: Caller = Depends(may)) -> str:
        return str(document)

    anne = bearer(make_token("anne"))
    api = TestClient(app)
    for path, status, said in (
        ("int/42", 200, "42"), ("int/0042", 200, "42"), ("int/0043", 403, None), ("int/x", 403, None),
        (f"uuid/{uuid}", 200, uuid), (f"uuid/{uuid.upper()}", 200, uuid),
        ("lower/PUB", 200, "pub"), ("two/42", 200, "42"), ("two/0042", 403, None), ("two/0043", 403, None),
    ):
        answer = api.get("/" + path, headers=anne)
        assert answer.status_code in ((status, 422) if status == 403 else (status,)), path
        assert said is None or answer.json() == said
        assert status == 200 or answer.status_code == 422 or answer.headers["cache-control"] == "no-store"


def test_a_websocket(policy: Policy, make_token: Callable[..., str]) -> None:
    """B16."""
    callers = Callers(policy, audience=AUDIENCE)
    app = FastAPI()

    @app.websocket("/documents/{document}")
    async def talk(socket: WebSocket, document: str, caller: Caller = Depends(callers.may("can_read", "document:{document}"))) -> None:
        await socket.accept()
        await socket.send_text(f"{caller.subject} {document}")
        await socket.close()

    api = TestClient(app)
    with api.websocket_connect("/documents/public", headers=bearer(make_token("anne"))) as socket:
        assert socket.receive_text() == "user:anne public"
    for headers, document in (({}, "public"), (bearer("a.b.c"), "public"), (bearer(make_token("anne")), "secret")):
        with pytest.raises(WebSocketDisconnect) as caught, api.websocket_connect(f"/documents/{document}", headers=headers):
            pass
        assert caught.value.code == 1008


def test_what_is_set_up_wrong_is_told_at_once(policy: Policy) -> None:
    for audience in (None, "", 1):
        with pytest.raises(MisuseError):
            Callers(policy, audience=audience)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Callers(policy, audiance=AUDIENCE)  # type: ignore[call-arg]
    callers = Callers(policy, audience=AUDIENCE)
    for action, resource in (("can_raed", "document:{d}"), ("can_read", "documnt:{d}"), ("can_read", "{d}")):
        with pytest.raises(MisuseError):
            callers.may(action, resource)


def test_a_scope_that_does_not_cover_the_rule_is_told_of(policy: Policy, caplog: pytest.LogCaptureFixture) -> None:
    """D4: else every client is sent away for a scope that would not help."""
    callers = Callers(policy, audience=AUDIENCE)
    callers.may("can_read", "document:{d}", scope="documents:read")
    assert caplog.text == ""
    for scope in ("documents:raed", "chunks:read"):
        caplog.clear()
        callers.may("can_read", "document:{d}", scope=scope)
        assert f"`{scope}` does not cover `can_read`" in caplog.text
    with pytest.raises(MisuseError):
        callers.may("can_read", "document:{d}", scope="")
