"""What auth0-ai-langchain does with the cases that `tests/frameworks` has for ours.

    python -m venv peer && peer/bin/pip install auth0-ai-langchain==1.0.1
    peer/bin/python bindings/python/tests/peers/auth0.py

Its retriever asks an OpenFGA server. The one here answers batch checks over
HTTP, and allows `document:public` only.
"""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from auth0_ai_langchain import FGARetriever
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from openfga_sdk import ClientConfiguration
from openfga_sdk.client.models import ClientBatchCheckItem


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        result = {
            check["correlation_id"]: {"allowed": check["tuple_key"]["object"] == "document:public"}
            for check in asked["checks"]
        }
        body = json.dumps({"result": result}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class Fixed(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        return self.documents


def retriever(url: str, *named: tuple[str, str | None]) -> FGARetriever:
    documents = [Document(source, id=own, metadata={"source": f"document:{source}"}) for source, own in named]
    return FGARetriever(
        Fixed(documents=documents),
        lambda d: ClientBatchCheckItem(user="user:anne", relation="can_read", object=d.metadata["source"]),
        ClientConfiguration(api_url=url, store_id="01J0000000000000000000000A"),
    )


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"

    def said(name: str, ask: object) -> None:
        try:
            print(f"{name}: {[d.page_content for d in ask()]}")  # type: ignore[operator]
        except Exception as error:
            print(f"{name}: raises {type(error).__name__}: {error}")

    both = (("secret", "1"), ("public", "2"))
    unnamed = (("secret", None), ("public", None))
    said("chunks with ids", lambda: retriever(url, *both).invoke("q"))
    said("chunks without ids", lambda: retriever(url, *unnamed).invoke("q"))
    said("chunks with ids, async", lambda: asyncio.run(retriever(url, *both).ainvoke("q")))


main()
