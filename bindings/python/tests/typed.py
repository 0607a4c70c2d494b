"""A program that type checkers read: what each answer is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np
from typing_extensions import assert_type

from deputize import (
    Caller,
    CheckAnswer,
    Checked,
    Decision,
    DeputizeError,
    Explanation,
    Filtered,
    Policy,
    inspect,
)
from deputize.arrow import Rows, filter_table
from deputize.audit import Audit, Counts, append_to, fusion_auth, json_lines, spans
from deputize.dpop import Dpop, MemoryProofs, SqliteProofs
from deputize.shapes import (
    AuditRecord,
    ClientCredentials,
    Evaluation,
    ExchangeClaims,
    Expansion,
    Inspection,
    Party,
    Question,
    Tuple,
)
from deputize.source import AsyncSource, Source


def relationships(policy: Policy) -> None:
    mine: Tuple = {"user": "user:anne", "relation": "reader", "object": "document:1"}
    assert_type(policy.check("user:anne", "reader", "document:1", contextual_tuples=[mine]), bool)
    assert_type(policy.batch_check([{"user": "a:b", "relation": "c", "object": "d:e"}]), list[CheckAnswer])
    assert_type(policy.list_objects("user:anne", "reader", "document", tenant="acme"), list[str])
    assert_type(policy.expand("reader", "document:1"), Expansion)
    assert_type(policy.explain("user:anne", "reader", "document:1"), Explanation)
    assert_type(policy.filter("user:anne", "reader", ["document:1"]), Filtered[list[bool]])
    policy.check("user:anne", "reader", "document:1", tenat="acme")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    policy.check("user:anne", "reader", 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def callers(policy: Policy, token: str) -> Caller:
    caller = policy.verify(token, audience="https://api.example", now=datetime.now(timezone.utc))
    assert_type(caller, Caller)
    assert_type(caller.can("reader", "document:1", {"hour": 9}), bool)
    assert_type(caller.check("reader", "document:1"), Checked)
    assert_type(caller.chain, list[Party])
    assert_type(caller.until, int | None)
    decision = caller.decide("reader", "document:1")
    assert_type(decision, Decision)
    assert_type(decision.record, AuditRecord)
    assert_type(decision.record["delegatedBy"], str | None)
    question: Question = {"action": "reader", "resource": "document:1"}
    assert_type(policy.decide({"tokens": [token]}, question), Decision)
    assert_type(caller.delegate("agent:helper", scope="document:read"), ExchangeClaims)
    assert_type(policy.exchange(token, actor={"principal": "agent:helper"}), ExchangeClaims)
    assert_type(policy.client_credentials("entity:mailer", scope="target-entity:email"), ClientCredentials)
    assert_type(policy.evaluate({"subject": {}}), Evaluation)
    assert_type(inspect(token), Inspection)
    assert_type(caller.under(policy), Caller)
    return caller.at()


class Table:
    """What pyarrow's tables are like; they have no types themselves."""

    schema: Any = None

    def column(self, i: Any) -> Any: ...

    def filter(self, mask: Any) -> Any: ...

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def bulk(policy: Policy, caller: Caller, table: Table) -> None:
    found = caller.filter("reader", ["document:1"])
    assert_type(found.mask, list[bool])
    assert_type(found.dropped, dict[str, int])
    assert_type(found.select([1, 2]), list[int])
    assert_type(caller.filter("reader", np.array(["document:1"])), Filtered[Any])
    assert_type(caller.filter("reader", table), Filtered[Any])
    caller.filter("reader", "document:1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert_type(filter_table(caller, "reader", table, "document"), Table)
    Rows(policy, "reader", "document", chain="user:anne").batches([table])


def errors() -> str | None:
    try:
        Policy.from_json(b"{}")
    except DeputizeError as error:
        assert_type(error.code, str)
        return error.pointer
    return None


async def sources() -> None:
    with Source("snapshot.json", max_age=300) as source:
        assert_type(source.policy, Policy)
    async with AsyncSource("https://policy.example/snapshot.json") as other:
        assert_type(other.policy, Policy)


def audits(caller: Caller) -> None:
    audit = Audit(json_lines(append_to("audit.jsonl")), observers=[spans()], wait=True)
    assert_type(audit.decide(caller, "reader", "document:1"), Decision)
    assert_type(audit.counts, Counts)
    Audit(fusion_auth(url="https://auth.example", api_key="key"), bach=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Dpop(store=SqliteProofs("proofs.db"))
    Dpop(store=MemoryProofs(), max_age="60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Dpop(store="proofs.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
