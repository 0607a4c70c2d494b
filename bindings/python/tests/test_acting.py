"""Who acts: never another's, and nobody's once it is over."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import hmac
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from conftest import SNAPSHOT

from deputize import Caller, DeniedError, MisuseError, Policy
from deputize.identity import Chain, Token, acting, acting_now, caller_of

POLICY = Policy.from_json(SNAPSHOT)
PEOPLE = [f"user:{n}" for n in range(10)]


def now() -> str | None:
    who = acting_now()
    return None if who is None else caller_of(who, POLICY).subject


async def answer(who: str, steps: int = 3) -> AsyncIterator[str]:
    for _ in range(steps):
        await asyncio.sleep(0)
        yield f"{who} {now()}"


def sync_answer(who: str, steps: int = 3) -> Iterator[str]:
    for _ in range(steps):
        yield f"{who} {now()}"


def test_a_generator_may_not_enter() -> None:
    def generator() -> Iterator[None]:
        with acting(POLICY.caller("user:anne")):
            yield

    async def asynchronous() -> AsyncIterator[None]:
        with acting(POLICY.caller("user:anne")):
            yield

    def by_a_stack() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(acting(POLICY.caller("user:anne")))
            yield

    @contextlib.contextmanager
    def manager() -> Iterator[None]:
        with acting(POLICY.caller("user:anne")):
            yield

    for enter in (lambda: next(generator()), lambda: asyncio.run(anext(asynchronous())), lambda: next(by_a_stack()), lambda: manager().__enter__()):
        with pytest.raises(MisuseError, match="stream"):
            enter()
        assert acting_now() is None


@pytest.mark.parametrize("wrong", [None, "user:anne", 1, lambda: None], ids=str)
def test_only_an_identity_acts(wrong: Any) -> None:
    with pytest.raises(MisuseError):
        acting(wrong)


def test_generators_stepped_in_turns_never_see_another() -> None:
    streams = [acting(POLICY.caller(who)).stream(sync_answer(who)) for who in PEOPLE]
    for _ in range(3):
        for who, stream in zip(PEOPLE, streams, strict=True):
            assert next(stream) == f"{who} {who}" and acting_now() is None
    assert [list(stream) for stream in streams] == [[]] * 10


def test_a_generator_that_is_left_early_leaves_nothing() -> None:
    async def run() -> None:
        async for said in acting(POLICY.caller("user:anne")).stream(answer("user:anne")):
            assert said == "user:anne user:anne"
            break
        assert acting_now() is None
        stream = acting(Chain("user:anne")).stream(answer("user:anne"))
        assert await anext(stream) == "user:anne user:anne"
        await stream.aclose()
        assert acting_now() is None

    asyncio.run(run())
    for said in acting(POLICY.caller("user:anne")).stream(sync_answer("user:anne")):
        assert said == "user:anne user:anne"
        break
    assert acting_now() is None


def test_a_hundred_streams_of_ten_people_interleaved() -> None:
    """Some left early, some cancelled, some consumed by another task, some in threads."""
    chance = random.Random(7)
    wrong: list[str] = []

    async def consume(who: str, n: int) -> None:
        stream = acting(POLICY.caller(who)).stream(answer(who, 6))
        for step in range(6):
            # Another task asks for more, as a server does that streams a response.
            said = await asyncio.create_task(_next(stream)) if n % 2 else await anext(stream)
            if said != f"{who} {who}" or acting_now() is not None:
                wrong.append(said)
            await asyncio.sleep(chance.random() / 1000)
            if step == n % 5 and n % 3 == 0:
                return
        await stream.aclose()

    async def threads(who: str) -> None:
        for _ in range(5):
            said = await asyncio.to_thread(acting(POLICY.caller(who)).run, now)
            if said != who:
                wrong.append(str(said))

    async def run() -> None:
        tasks = [asyncio.create_task(consume(PEOPLE[n % 10], n)) for n in range(100)]
        tasks += [asyncio.create_task(threads(who)) for who in PEOPLE]
        await asyncio.sleep(0.005)
        for task in tasks[::17]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert acting_now() is None

    asyncio.run(run())
    assert wrong == []


async def _next(stream: Any) -> str:
    found: str = await anext(stream)
    return found


def test_what_was_entered_holds_for_its_task_alone() -> None:
    async def child() -> None:
        with pytest.raises(DeniedError) as caught:
            acting_now()
        assert caught.value.code == "guard.no_caller"

    async def later(out: list[Any]) -> None:
        await asyncio.sleep(0.02)
        out.append(acting_now())

    async def run() -> None:
        out: list[Any] = []
        with acting(POLICY.caller("user:anne")):
            assert now() == "user:anne"
            await asyncio.create_task(child())
            with pytest.raises(DeniedError):
                await asyncio.to_thread(acting_now)
            task = asyncio.create_task(later(out))
        await task
        # It outlived what it was begun in.
        assert out == [None]

    asyncio.run(run())


def test_a_copied_context_does_not_outlive_it() -> None:
    with acting(POLICY.caller("user:anne")):
        copied = contextvars.copy_context()
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(acting_now()))
        thread.start()
        thread.join()
        assert found == [None]
    assert copied.run(acting_now) is None


def test_run_and_what_it_awaits() -> None:
    async def work(a: int, *, b: int) -> tuple[str | None, int]:
        await asyncio.sleep(0.001)
        try:
            await asyncio.wait_for(asyncio.sleep(1), 0.001)
        except asyncio.TimeoutError:
            pass
        return now(), a + b

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError(now())

    async def run() -> None:
        assert await acting(POLICY.caller("user:anne")).run(work, 1, b=2) == ("user:anne", 3)
        with pytest.raises(KeyError, match="user:bob"):
            await acting(POLICY.caller("user:bob")).run(fails)
        assert acting_now() is None

    asyncio.run(run())
    assert acting(POLICY.caller("user:bob")).run(now) == "user:bob"
    for generator in (sync_answer, answer):
        with pytest.raises(MisuseError, match="stream"):
            acting(POLICY.caller("user:bob")).run(generator, "user:bob")
    with pytest.raises(MisuseError):
        acting(POLICY.caller("user:bob")).stream([1])  # type: ignore[call-overload]


def test_a_generator_is_sent_and_thrown_to() -> None:
    def talk() -> Any:
        try:
            said = yield now()
            yield f"{said} {now()}"
        except ValueError:
            yield f"caught {now()}"
        return

    stream = acting(POLICY.caller("user:anne")).stream(talk())
    assert next(stream) == "user:anne" and stream.send("hello") == "hello user:anne"
    assert stream.throw(ValueError("x")) == "caught user:anne"
    assert list(stream) == []


def test_a_chain_asks_the_policy_in_force() -> None:
    """B28: a kept caller stays with its policy; principals are looked at again."""
    policies = [POLICY]
    chain = Chain("user:anne")
    assert caller_of(chain, lambda: policies[-1]).can("reader", "document:1")
    policies.append(Policy.from_json({**SNAPSHOT, "tuples": []}))
    assert not caller_of(chain, lambda: policies[-1]).can("reader", "document:1")
    for wrong in ((), (1,), ("user:anne", None)):
        with pytest.raises(MisuseError):
            Chain(wrong)  # type: ignore[arg-type]
    with pytest.raises(MisuseError):
        Chain("user:anne", {"now": 1})
    with pytest.raises(MisuseError):
        Token(None)  # type: ignore[arg-type]


def signed(kid: str, secret: bytes, **claims: object) -> str:
    def encoded(part: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    now = int(time.time())
    body = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid})}.{encoded({'iss': 'https://id.example', 'aud': 'https://api.example', 'iat': now - 1, 'exp': now + 60, **claims})}"
    return body + "." + base64.urlsafe_b64encode(hmac.new(secret, body.encode(), "sha256").digest()).rstrip(b"=").decode()


SECRET = b"a secret of thirty-two bytes or more, for tests only"


def trusting(secret: bytes = SECRET, **more: Any) -> Policy:
    key = {"kty": "oct", "kid": "k1", "alg": "HS256", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}
    issuer = {"issuer": "https://id.example", "audiences": ["https://api.example"], "algorithms": ["HS256"], "keys": {"keys": [key]},
              "subject": "user:{sub}", "scopes": "ignore", "max_lifetime": 3600, **more.pop("issuer", {})}
    return Policy.from_json({**SNAPSHOT, "issuers": [issuer], **more})


def test_a_kept_caller_asks_the_policy_in_force() -> None:
    """B28: what was revoked, removed or re-keyed since counts for a caller that is kept."""
    old = trusting()
    policies = [old]
    kept = old.verify(signed("k1", SECRET, sub="anne", jti="t1", scope="nothing"))
    vouched = old.caller("user:anne")
    tupled = old.caller("user:carol").with_tuples([{"user": "user:carol", "relation": "reader", "object": "document:9"}])

    def code(caller: Caller) -> str | None:
        try:
            return caller_of(caller, lambda: policies[-1]).check("reader", "document:1").reason
        except DeniedError as error:
            return error.code

    assert code(kept) == code(vouched) == "allowed"
    # Another policy with the same data, and one in which the grant is gone.
    for policy, of_kept, of_vouched in (
        (trusting(), "allowed", "allowed"),
        (trusting(tuples=[]), "subject.no_grant", "subject.no_grant"),
        (trusting(revoked={"tokens": ["t1"]}), "revoked.token", "allowed"),
        (trusting(revoked={"principals": {"user:anne": int(time.time()) + 5}}), "revoked.principal", "revoked.principal"),
        (trusting(principals=[{"id": "user:anne", "disabled": True}]), "principal.disabled", "principal.disabled"),
        # What the token says is read as its issuer's entry has it now.
        (trusting(secret=SECRET[::-1]), "token.signature", "allowed"),
        (trusting(issuer={"scopes": "required"}), "scope.insufficient", "allowed"),
        (trusting(issuer={"audiences": ["https://other.example"]}), "audience.mismatch", "allowed"),
        (trusting(issuer={"subject": "user:x-{sub}"}), "subject.no_grant", "allowed"),
        (trusting(issuer={"max_lifetime": 30}), "token.lifetime", "allowed"),
        (Policy.from_json(SNAPSHOT), "issuer.unknown", "allowed"),
        (trusting(not_after=int(time.time()) - 5), "snapshot.stale", "snapshot.stale"),
    ):
        policies.append(policy)
        assert (code(kept), code(vouched)) == (of_kept, of_vouched), policy
    policies.append(trusting())
    assert caller_of(tupled, policies[-1]).can("reader", "document:9")
    assert not caller_of(old.caller("user:carol"), policies[-1]).can("reader", "document:9")


def test_a_kept_caller_grows_old_under_another_policy_too() -> None:
    now = int(time.time())
    old, new = trusting(), trusting()
    kept = old.verify(signed("k1", SECRET, sub="anne"))
    assert kept.under(new).can("reader", "document:1") and kept.fresh_until == kept.under(new).fresh_until
    with pytest.raises(DeniedError, match="token.expired"):
        kept.under(new, now=now + 120)
    vouched = old.caller("user:anne")
    with pytest.raises(DeniedError, match="caller.expired"):
        vouched.under(new, now=now + 3_700)
    # One that was given its time is asked by the host's clock where a guard asks.
    long_ago = old.caller("user:anne", now=now - 3_700)
    for policy in (None, old, new):
        with pytest.raises(DeniedError, match="caller.expired"):
            caller_of(long_ago, policy)
