"""What langchain-spicedb does with many chunks of few documents.

    python -m venv peer && peer/bin/pip install langchain-spicedb==0.2.0
    peer/bin/python bindings/python/tests/peers/spicedb.py

No SpiceDB runs here: its bulk check is answered in place, and allows all.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from langchain_spicedb.core import SpiceDBAuthorizer


class Allowing(SpiceDBAuthorizer):
    async def _batch_check_permissions(self, *, resource_ids: list[str], **_: object) -> list[str]:
        return resource_ids


async def main() -> None:
    chunks = [SimpleNamespace(page_content=f"chunk {n}", metadata={"resource_id": f"d{n % 2}"}) for n in range(5)]
    found = await Allowing().filter_documents(chunks, "anne")
    said = [document.page_content for document in found.authorized_documents]
    print(f"5 chunks of 2 documents, all allowed: {said}")


asyncio.run(main())
