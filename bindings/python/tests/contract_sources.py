"""An origin for the cases of `tests/vectors/sources.json`: a server, or a file, that does what a step says."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deputize import Policy

MODEL = "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user]"


def body_of(said: Mapping[str, Any]) -> bytes:
    """The bytes of what a step says that is served."""
    if "text" in said:
        return str(said["text"]).encode()
    revision = said.get("revision", "1")
    # Who may read it tells which revision this is.
    tuples = [{"user": f"user:of-{revision}", "relation": "viewer", "object": "document:1"}]
    members: dict[str, Any] = {"deputize": 1, "revision": revision, "model": MODEL, "tuples": tuples, **said.get("more", {})}
    if "issued_at" in said:
        members["issued_at"] = said["issued_at"]
    body = json.dumps(members).encode()
    if said.get("compiled"):
        body = Policy.from_json(body).to_compiled()
    if said.get("damaged"):
        body = body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]
    return body + b" " * max(0, said.get("bytes", 0) - len(body))


class Files:
    """A file, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self.location = str(folder / "policy.json")
        self._next = folder / "next"
        self.serve({})

    def serve(self, said: Mapping[str, Any]) -> None:
        path = Path(self.location)
        if said.get("gone"):
            path.unlink()
            return
        self._next.write_bytes(body_of(said))
        self._next.replace(path)

    def close(self) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server whose URL holds secrets, and another one, to which nobody is to go."""

    daemon_threads = True

    def __init__(self, elsewhere: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: Mapping[str, Any] = {}
        self.answered: list[int] = []
        self.elsewhere = elsewhere
        port = self.server_address[1]
        self.location = f"http://reader:PASSWORD@127.0.0.1:{port}/policy.json?sig=SIGNED-SECRET"
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def serve(self, said: Mapping[str, Any]) -> None:
        self.said = said

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self._answer(self.server.said)

    def _answer(self, said: Mapping[str, Any]) -> None:
        server = self.server
        if said.get("gone"):
            self.connection.close()
            return
        server.closing.wait(said.get("slow", 0))
        if "redirect" in said:
            here = f"http://127.0.0.1:{server.server_address[1]}/other.json"
            self._head(302, {"location": server.elsewhere if said["redirect"] == "elsewhere" else here, "content-length": "0"})
            return
        body = body_of(said)
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        status = said.get("status", 200)
        if status == 200 and said.get("etag", True) and self.headers.get("if-none-match") == etag:
            status = 304
        headers = {} if said.get("etag") is False else {"etag": etag}
        if "digest" in said:
            own = hashlib.sha256(body if said["digest"] == "right" else b"another").digest()
            headers["repr-digest"] = f"sha-256=:{base64.b64encode(own).decode()}:"
        if status in (204, 304):
            self._head(status, headers)
            return
        if said.get("drips"):
            self._head(status, headers)
            while not server.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()
            return
        if not said.get("chunked"):
            headers["content-length"] = str(len(body))
        self._head(status, headers)
        self.wfile.write(body[: len(body) // 2] if said.get("cut") else body)

    def _head(self, status: int, headers: Mapping[str, str | None]) -> None:
        self.server.answered.append(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.send_header("connection", "close")
        self.end_headers()


def waited(holds: Any, limit: float = 8.0) -> None:
    """Waits until something holds."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
