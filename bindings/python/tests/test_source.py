"""Sources against a real server: what is good is swapped in, nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import threading
import time
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import SNAPSHOT

from deputize import DeniedError, DeputizeError, InputError, MisuseError, Policy

pytest.importorskip("httpx")
from deputize.source import AsyncSource, Fetched, Source  # noqa: E402
from deputize.source.keeper import Moment  # noqa: E402


def snapshot(revision: str, **more: Any) -> bytes:
    return json.dumps({**SNAPSHOT, "revision": revision, **more}).encode()


class Server(ThreadingHTTPServer):
    """What it answers is set by the test."""

    body = b""
    status = 200
    headers: dict[str, str] = {}
    claimed: int | None = None
    asked: list[str | None] = []
    slow = 0.0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        etag = '"' + hashlib.sha256(server.body).hexdigest()[:12] + '"'
        known = self.headers.get("if-none-match")
        server.asked.append(known)
        time.sleep(server.slow)
        if server.status == 200 and known == etag:
            self.send_response(304)
            self.end_headers()
            return
        body = server.body
        self.send_response(server.status)
        self.send_header("etag", etag)
        self.send_header("content-length", str(server.claimed or len(body)))
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.body, server.asked, server.headers = snapshot("1"), [], {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/snapshot.json"


class Both:
    """The same test for both kinds of source."""

    def __init__(self, kind: str, location: Any, **options: Any) -> None:
        self.loop = asyncio.new_event_loop() if kind == "async" else None
        try:
            if self.loop is None:
                self.source: Any = Source(location, **options)
            else:
                self.source = AsyncSource(location, **options)
                self.loop.run_until_complete(self.source.__aenter__())
        except BaseException:
            if self.loop is not None:
                self.loop.close()
            raise

    def refresh(self) -> bool:
        found: bool = self.source.refresh() if self.loop is None else self.loop.run_until_complete(self.source.refresh())
        return found

    def __enter__(self) -> Both:
        return self

    def __exit__(self, *_: object) -> None:
        if self.loop is None:
            self.source.close()
        else:
            self.loop.run_until_complete(self.source.aclose())
            self.loop.close()

    @property
    def revision(self) -> str:
        found: str = self.source.policy.revision
        return found


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_a_new_snapshot_is_swapped_in_and_an_old_one_confirmed(kind: str, server: Server, url: str) -> None:
    with Both(kind, url, refresh=60) as both:
        assert both.revision == "1" and "revision='1'" in repr(both.source)
        assert both.refresh() is False
        assert server.asked[0] is None and server.asked[1] is not None
        server.body = snapshot("2")
        assert both.refresh() is True and both.revision == "2"
        server.body = Policy.from_json(snapshot("3")).to_compiled()
        assert both.refresh() is True and both.revision == "3"


def damage(server: Server, how: str) -> None:
    good = snapshot("2")
    if how == "cut off":
        server.body = good[:-20]
    elif how == "cut off on the way":
        server.body, server.claimed = good[:-20], len(good)
    elif how == "another byte":
        digest = base64.b64encode(hashlib.sha256(good).digest()).decode()
        server.body, server.headers = good.replace(b"anne", b"anna"), {"Repr-Digest": f"sha-256=:{digest}:"}
    elif how == "a page":
        server.body = b"<html>maintenance</html>"
    elif how == "empty":
        server.body = b""
    elif how == "a damaged image":
        image = bytearray(Policy.from_json(good).to_compiled())
        image[len(image) // 2] ^= 1
        server.body = bytes(image)
    elif how == "an older one":
        server.body = snapshot("0", issued_at=99)
    elif how == "one without a time":
        server.body = snapshot("0")
    elif how == "too large":
        server.body = good + b" " * 20_000
    elif how == "elsewhere":
        server.status, server.headers = 302, {"location": "/other"}
    else:
        server.status = int(how)


DAMAGES = {
    "cut off": "snapshot.json",
    "cut off on the way": "source.unreachable",
    "another byte": "source.damaged",
    "a page": "snapshot.json",
    "empty": "snapshot.json",
    "a damaged image": "compiled.",
    "an older one": "source.rollback",
    "one without a time": "source.rollback",
    "too large": "source.too_large",
    "elsewhere": "source.redirect",
    "500": "source.unreachable",
    "404": "source.unreachable",
    "304": "source.unreachable",
    "204": "source.unreachable",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_what_is_damaged_changes_nothing(kind: str, how: str, server: Server, url: str) -> None:
    server.body = snapshot("1", issued_at=100)
    failed: list[DeputizeError] = []
    with Both(kind, url, refresh=60, max_age=300, max_bytes=16_000, on_error=failed.append) as both:
        damage(server, how)
        if how == "304":  # It confirms what is there, and what is there is good.
            assert both.refresh() is False
        else:
            with pytest.raises(InputError) as caught:
                both.refresh()
            assert caught.value.code.startswith(DAMAGES[how]), caught.value
            assert failed == [caught.value] and both.source.error is caught.value
        assert both.revision == "1" and both.source.policy.check("user:anne", "reader", "document:1")
        server.status, server.headers, server.claimed = 200, {}, None
        server.body = snapshot("2", issued_at=101)
        assert both.refresh() is True and both.source.error is None and both.revision == "2"


@pytest.mark.parametrize("how", [how for how in DAMAGES if how not in ("an older one", "one without a time")])
def test_what_is_damaged_at_first_is_refused(kind: str, how: str, server: Server, url: str) -> None:
    damage(server, how)
    with pytest.raises(InputError):
        Both(kind, url, max_bytes=16_000)


def test_a_policy_too_old_denies_until_it_is_confirmed(kind: str, server: Server, url: str) -> None:
    with Both(kind, url, refresh=1, max_age=1.5) as both:
        server.status = 503
        with pytest.raises(InputError):
            both.refresh()
        assert both.revision == "1"
        time.sleep(1.6)
        with pytest.raises(DeniedError) as caught:
            both.source.policy.check("user:anne", "reader", "document:1")
        assert caught.value.code == "snapshot.stale"
        server.status = 200
        assert both.refresh() is False
        assert both.revision == "1" and both.source.age < 1


def test_only_the_policy_of_a_digest(kind: str, server: Server, url: str) -> None:
    digest = Policy.from_json(snapshot("1")).digest
    with Both(kind, url, digest=digest.upper()) as both:
        server.body = snapshot("2")
        with pytest.raises(InputError) as caught:
            both.refresh()
        assert caught.value.code == "source.digest" and both.revision == "1"
    with pytest.raises(InputError):
        Both(kind, url, digest=digest)


def test_a_signature(kind: str, server: Server, url: str) -> None:
    def sign(body: bytes) -> str:
        return hmac.new(b"secret", body, "sha256").hexdigest()

    def check(fetched: Fetched) -> None:
        if not hmac.compare_digest(fetched.headers.get("x-signature", ""), sign(fetched.body)):
            raise ValueError("wrong signature")

    server.headers = {"X-Signature": sign(server.body)}
    with Both(kind, url, check=check) as both:
        server.body = snapshot("2")
        with pytest.raises(InputError) as caught:
            both.refresh()
        assert caught.value.code == "source.check" and both.revision == "1"
        server.headers = {"X-Signature": sign(server.body)}
        assert both.refresh() and both.revision == "2"


def test_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    with pytest.raises(InputError) as caught:
        Both(kind, path)
    assert caught.value.code == "source.unreachable"
    path.write_bytes(snapshot("1"))
    with Both(kind, path) as both:
        assert both.refresh() is False
        path.write_bytes(snapshot("22"))
        assert both.refresh() is True and both.revision == "22"
        path.write_bytes(b"{")
        with pytest.raises(InputError):
            both.refresh()
        path.unlink()
        with pytest.raises(InputError):
            both.refresh()
        assert both.revision == "22"


def test_nobody_there(kind: str, server: Server, url: str) -> None:
    with Both(kind, url) as both:
        server.shutdown()
        server.server_close()
        with pytest.raises(InputError) as caught:
            both.refresh()
        assert caught.value.code == "source.unreachable" and "ConnectError" in caught.value.message
        assert both.revision == "1"


def consistent(policy: Policy) -> bool:
    """Revision n lets n documents be read: a mixture would show."""
    wanted = int(policy.revision)
    return policy.filter("user:anne", "reader", [f"document:{n}" for n in range(50)]).allowed == wanted


def numbered(revision: int) -> bytes:
    tuples = [{"user": "user:anne", "relation": "reader", "object": f"document:{n}"} for n in range(revision)]
    return snapshot(str(revision), tuples=tuples)


def test_swaps_under_load_from_the_background(server: Server, url: str) -> None:
    server.body = numbered(1)
    wrong: list[object] = []
    seen: set[str] = set()
    with Source(url, refresh=0.01, max_age=5) as source:
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                policy = source.policy
                seen.add(policy.revision)
                if not consistent(policy):
                    wrong.append(policy)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for revision in range(1, 21):
            server.body = numbered(revision) if revision % 5 else b"damaged"
            time.sleep(0.05)
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong and len(seen) > 8


def test_swaps_under_load_in_asyncio(server: Server, url: str) -> None:
    server.body = numbered(1)

    async def run() -> set[str]:
        seen: set[str] = set()
        async with AsyncSource(url, refresh=0.01) as source:
            for revision in range(1, 16):
                server.body = numbered(revision)
                for _ in range(10):
                    assert consistent(source.policy)
                    seen.add(source.policy.revision)
                    await asyncio.sleep(0.004)
        return seen

    assert len(asyncio.run(run())) > 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_refreshes_on(server: Server, url: str) -> None:
    with Source(url, refresh=0.02) as source:
        out, into = os.pipe()
        forked = os.fork()
        if forked == 0:
            try:
                end = time.monotonic() + 5
                while source.policy.revision != "2" and time.monotonic() < end:
                    time.sleep(0.01)
                os.write(into, source.policy.revision.encode())
            finally:
                os._exit(0)
        time.sleep(0.1)
        server.body = snapshot("2")
        os.waitpid(forked, 0)
        assert os.read(out, 10) == b"2"


async def _nothing(_: object) -> None: ...


WRONG: list[dict[str, Any]] = [
    {"refresh": 0}, {"refresh": -1}, {"refresh": float("nan")}, {"refresh": "30"}, {"refresh": True},
    {"refresh": float("inf")}, {"max_age": 0}, {"max_age": None}, {"max_age": 30}, {"timeout": 0},
    {"timeout": None}, {"max_bytes": 0}, {"max_bytes": 1.5}, {"digest": b"ab"}, {"check": "yes"},
    {"on_error": 1}, {"on_error": _nothing},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_arguments(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(MisuseError) as caught:
        Both(kind, "x", **wrong)
    assert caught.value.code == "source.options"
    with pytest.raises(MisuseError):
        Both(kind, "ftp://example/x")
    with pytest.raises(TypeError):
        Both(kind, "x", chek=lambda _: True)


def test_an_older_policy_does_not_come_back_from_a_refresh_that_was_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    tuples = [{"user": "user:mallory", "relation": "reader", "object": f"document:{n}"} for n in range(60_000)]
    path.write_bytes(snapshot("1", issued_at=1))

    async def run() -> None:
        async with AsyncSource(path, refresh=60) as source:
            path.write_bytes(snapshot("2", issued_at=2, tuples=tuples))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(source.refresh(), 0.02)
            path.write_bytes(snapshot("3", issued_at=3))
            assert await source.refresh() is True and source.policy.revision == "3"
            for _ in range(60):
                await asyncio.sleep(0.05)
                assert source.policy.revision == "3"

    asyncio.run(run())


def test_of_two_looks_the_older_one_never_wins(tmp_path: Path) -> None:
    """The same between threads: what is compiled late is compared with what is in use by then."""
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1", issued_at=1))
    with Source(path, refresh=60) as source:
        path.write_bytes(snapshot("2", issued_at=2))
        asked = Moment.now()
        late = source._find()
        path.write_bytes(snapshot("3", issued_at=3))
        assert source.refresh() is True
        with pytest.raises(InputError) as caught:
            source._swap(late, asked)
        assert caught.value.code == "source.rollback" and source.policy.revision == "3"


ANSWERS = [False, 0, 1, "yes", [], object(), Policy]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_only_nothing_or_true_passes_a_check(kind: str, answer: object, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1"))
    with Both(kind, path, check=lambda _: None), Both(kind, path, check=lambda _: True):
        pass
    with pytest.raises(InputError) as caught:
        Both(kind, path, check=lambda _: answer)
    assert caught.value.code == "source.check"


def test_an_async_check_is_awaited_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1"))
    seen: list[bytes] = []

    async def refuses(fetched: Fetched) -> None:
        await asyncio.sleep(0)
        seen.append(fetched.body)
        raise ValueError("forged")

    async def passes(fetched: Fetched) -> bool:
        return True

    async def never(fetched: Fetched) -> None:
        await asyncio.sleep(100)

    with pytest.raises(MisuseError):
        Source(path, check=refuses)
    # Nor one that only gives something to await.
    with pytest.raises(InputError) as caught:
        Source(path, check=lambda fetched: passes(fetched))
    assert caught.value.code == "source.check"
    for check in (refuses, lambda fetched: refuses(fetched)):
        with pytest.raises(InputError) as caught:
            Both("async", path, check=check)
        assert caught.value.code == "source.check"
    assert len(seen) == 2
    with Both("async", path, check=passes) as both:
        assert both.revision == "1"
    with pytest.raises(InputError) as caught:
        Both("async", path, check=never, timeout=0.2)
    assert caught.value.code == "source.timeout"


def test_a_check_that_hangs_does_not_end_the_refreshing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1"))
    release, hang = threading.Event(), [False]

    def check(_: Fetched) -> None:
        if hang[0]:
            release.wait(20)

    try:
        with Both(kind, path, check=check, timeout=0.3) as both:
            hang[0] = True
            path.write_bytes(snapshot("2"))
            with pytest.raises(InputError) as caught:
                both.refresh()
            assert caught.value.code == "source.timeout" and both.source.error is caught.value
            hang[0] = False
            path.write_bytes(snapshot("33"))
            assert both.refresh() is True and both.revision == "33"
            release.set()
            time.sleep(0.2)
            assert both.revision == "33"
    finally:
        release.set()


class Drip(BaseHTTPRequestHandler):
    """A byte now and then, in the body or in the headers, without an end."""

    def do_GET(self) -> None:
        head = b"HTTP/1.1 200 OK\r\n" if "headers" in self.path else b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
        try:
            self.wfile.write(head)
            for _ in range(200):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("where", ["body", "headers"])
def test_a_server_that_drips_is_left_in_time(kind: str, where: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    begun = time.monotonic()
    with pytest.raises(InputError) as caught:
        Both(kind, f"http://127.0.0.1:{server.server_address[1]}/{where}", timeout=0.5)
    assert caught.value.code == "source.timeout" and time.monotonic() - begun < 3
    server.shutdown()
    server.server_close()


def test_no_secret_of_a_url_is_told(kind: str, server: Server, url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secret = url.replace("http://", "http://reader:PASSWORD@") + "?sig=PRESIGNED#FRAGMENT"
    told: list[str] = []
    with Both(kind, secret, refresh=0.2, max_age=0.4) as both:
        told.append(repr(both.source))
        for status in (500, 302):
            server.status = status
            with pytest.raises(InputError) as caught:
                both.refresh()
            told.append("".join(traceback.format_exception(caught.value)))
        time.sleep(0.5)
        with pytest.raises(DeniedError) as stale:
            _ = both.source.policy
        told.append(str(stale.value))
        server.shutdown()
        server.server_close()
        with pytest.raises(InputError) as caught:
            both.refresh()
        told += [repr(caught.value), "".join(traceback.format_exception(caught.value)), repr(both.source)]
    with pytest.raises(DeputizeError) as wrong:
        Both(kind, "http://reader:PASSWORD@[::1/?sig=PRESIGNED")
    assert wrong.value.__suppress_context__
    told += [repr(wrong.value), caplog.text]
    for said in told:
        for one in ("PASSWORD", "PRESIGNED", "FRAGMENT"):
            assert one not in said


def test_a_redirect_is_not_followed_though_the_client_would(kind: str, server: Server, url: str) -> None:
    import httpx

    server.status, server.headers = 302, {"location": url}
    client: Any = (httpx.Client if kind == "sync" else httpx.AsyncClient)(follow_redirects=True)
    with pytest.raises(InputError) as caught:
        Both(kind, url, client=client)
    assert caught.value.code == "source.redirect"


def test_age_is_by_whichever_clock_says_more(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1"))
    with Both(kind, path) as both:
        now = time.time
        # The machine slept for ten minutes, and the steady clock with it.
        monkeypatch.setattr(time, "time", lambda: now() + 600)
        with pytest.raises(DeniedError) as caught:
            _ = both.source.policy
        assert caught.value.code == "snapshot.stale"


def test_on_error_that_fails_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(snapshot("1"))

    def fails(_: object) -> None:
        raise ValueError("SECRET")

    for on_error, said in ((fails, "ValueError"), (lambda _: _nothing(_), "something to await")):
        with Source(path, on_error=on_error) as source:
            path.unlink()
            with pytest.raises(InputError):
                source.refresh()
            assert said in caplog.text and "SECRET" not in caplog.text
            path.write_bytes(snapshot("1"))


def test_a_mounted_link_that_is_swapped_is_seen(kind: str, tmp_path: Path) -> None:
    """As Kubernetes swaps a ConfigMap: the file, its link and its folder's link."""
    for n in "12":
        (tmp_path / n).mkdir()
        (tmp_path / n / "p.json").write_bytes(snapshot(n))
    data, outside = tmp_path / "..data", tmp_path / "outside.json"
    data.symlink_to("1")
    outside.symlink_to(data / "p.json")
    with Both(kind, outside) as both:
        assert both.revision == "1"
        (tmp_path / "new").symlink_to("2")
        (tmp_path / "new").rename(data)
        assert both.refresh() is True and both.revision == "2"
