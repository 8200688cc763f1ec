"""A run performs every effect, survives its caller, and tells it what may be assumed. One body for both colours."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from checkout_core.adapters.memory.store import MemoryStore
from checkout_core.drivers.committer import Committer
from checkout_core.drivers.inline import InlineCommitter
from checkout_core.drivers.member import Outcome
from checkout_core.effect import Effect, Program
from checkout_core.errors import (
    CheckoutTimeoutError,
    InvariantError,
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    SchemaVersionError,
    StorageUnavailableError,
)
from checkout_core.ports.payment import CallLimits, NotFound
from checkout_core.ports.records import DuplicateKey, GuardTaken, Transaction
from checkout_core.saga.effects import (
    Call,
    Claim,
    Commit,
    KeyMismatch,
    Load,
    NotExecuted,
    NotSent,
    OutcomeUnknown,
    PutBack,
    Rejected,
    Wait,
)
from checkout_core.settings import Settings
from tests.drivers.colours import COLOURS, AsyncHarness, Harness, Parts, ThreadHarness
from tests.drivers.toys import CHARGE, PAID, PATIENCE, Doorstep, GatedCommits, applied, later, opening


class Shop:
    """A harness of one colour over a gated store and an adapter that the test writes."""

    def __init__(self, colour: str, **settings: float) -> None:
        self.commits = GatedCommits()
        self.adapter: dict[str, Callable[[Any, CallLimits], Any]] = {
            "charge": lambda request, limits: PAID,
            "lookup": lambda request, limits: NotFound(),
        }
        chosen = Settings(**settings)  # type: ignore[arg-type]
        self.committer = Committer(self.commits, chosen)
        self.store = MemoryStore()
        self.parts = Parts(self.store, self.committer, self.adapter, chosen)
        self.clock = self.parts.clock
        self.committer._clock = self.clock
        self.harness: Harness = COLOURS[colour](self.parts)

    def run(self, program: Program[Any]) -> Any:
        return self.harness.begin(program).result(PATIENCE)

    def close(self) -> None:
        self.commits.gate.set()
        self.harness.close()
        self.committer.close(PATIENCE)


@pytest.fixture(params=list(COLOURS))
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(colour: str) -> Iterator[Shop]:
    made = Shop(colour)
    yield made
    made.close()


async def buy(transaction: Transaction) -> Any:
    stored = await Commit(transaction)
    answer = await charge(stored.asked_at + 60.0)
    await Commit(later(transaction.saga_id))
    return answer


async def charge(send_before: float = math.inf) -> Any:
    return await Call("p", "charge", CHARGE, 10.0, send_before)


async def one(effect: Effect[Any]) -> Any:
    return await effect


def test_a_program_runs_to_its_end(shop: Shop) -> None:
    first = opening()
    assert shop.run(buy(first)) == PAID
    assert shop.commits.sagas == [[first.saga_id], [first.saga_id]]


def test_what_a_program_raises_reaches_its_caller(shop: Shop) -> None:
    async def broken() -> None:
        await Commit(opening())
        raise InvariantError("a bug")

    with pytest.raises(InvariantError, match="a bug"):
        shop.run(broken())


def test_a_commit_is_stamped_with_the_moment_before_it_was_asked(shop: Shop) -> None:
    began = shop.clock.now

    def slow(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        shop.clock.now += 7.0
        return applied(batch)

    shop.commits.answer = slow
    assert shop.run(one(Commit(opening()))).asked_at == began


def test_reading_and_claiming_go_straight_to_the_store(shop: Shop) -> None:
    first = opening(key="k")
    shop.store.commit([first])

    async def reading() -> list[Any]:
        by_id = await Load(saga_id=first.saga_id)
        by_key = await Load(scope="", key="k")
        nobody = await Load(saga_id="nobody")
        held = await Claim(first.saga_id, "thief", 60.0)
        await PutBack(first.saga_id, first.token, 0.0)
        free = await Claim(first.saga_id, "heir", 60.0)
        assert by_id.value is not None
        assert by_key.value is not None
        return [by_id.value.saga.saga_id, by_key.value.saga.saga_id, nobody.value, held.value, free.value]

    assert shop.run(reading()) == [first.saga_id, first.saga_id, None, False, True]
    assert shop.run(one(Load(saga_id="nobody"))).asked_at == shop.clock.now


def test_waiting_sleeps_and_answers_the_clock(shop: Shop) -> None:
    began = shop.clock.now
    assert shop.run(one(Wait(2.5))) == began + 2.5
    assert shop.run(one(Wait(0))) == began + 2.5
    assert shop.clock.slept == [2.5]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (NotSentError("refused"), NotSent("refused")),
        (NotExecutedError("busy", retry_after_seconds=3.0), NotExecuted("busy", 3.0)),
        (RejectedError("malformed"), Rejected("malformed")),
        (KeyMismatchError("other request"), KeyMismatch("other request")),
        (OutcomeUnknownError("reset"), OutcomeUnknown("reset")),
    ],
)
def test_the_declared_errors_of_an_adapter_are_values(shop: Shop, error: Exception, failure: object) -> None:
    shop.adapter["charge"] = raising(error)
    assert shop.run(charge()) == failure


@pytest.mark.parametrize("error", [ValueError("tok_secret"), TimeoutError(), ConnectionRefusedError(), KeyError("x")])
def test_every_other_error_of_an_adapter_leaves_the_outcome_unknown(shop: Shop, error: Exception) -> None:
    shop.adapter["charge"] = raising(error)
    answer = shop.run(charge())
    assert isinstance(answer, OutcomeUnknown)
    assert answer.detail.startswith(type(error).__name__)
    assert "tok_secret" not in answer.detail


@pytest.mark.parametrize("garbage", [None, "ok", {"status": "paid"}, NotFound()])
def test_an_answer_that_the_port_does_not_know_leaves_the_outcome_unknown(shop: Shop, garbage: object) -> None:
    shop.adapter["charge"] = lambda request, limits: garbage
    assert isinstance(shop.run(charge()), OutcomeUnknown)


@pytest.mark.parametrize("said", ["no such token tok_secret", "card 4242 4242 4242 4242 refused", "odd\x00byte"])
def test_what_an_adapter_says_is_kept_only_if_it_tells_no_secret(shop: Shop, said: str) -> None:
    shop.adapter["charge"] = raising(RejectedError(said))
    assert shop.run(charge()) == Rejected("RejectedError")


def test_the_adapter_gets_the_request_and_its_limit(shop: Shop) -> None:
    seen: list[object] = []

    def noting(request: object, limits: CallLimits) -> object:
        seen.extend([request, limits])
        return PAID

    shop.adapter["charge"] = noting
    shop.run(charge())
    assert seen == [CHARGE, CallLimits(timeout_seconds=10.0)]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.04])
def test_a_call_that_is_too_late_is_not_made(shop: Shop, seconds: float) -> None:
    shop.adapter["charge"] = raising(AssertionError("it was sent"))
    assert shop.run(charge(shop.clock.now + seconds)) == NotSent("too late to send", too_late=True)


def test_a_program_cannot_call_what_was_never_composed(shop: Shop) -> None:
    with pytest.raises(InvariantError, match=r"p\.void"):
        shop.run(one(Call("p", "void", CHARGE, 10.0, math.inf)))
    with pytest.raises(InvariantError, match=r"q\.charge"):
        shop.run(one(Call("q", "charge", CHARGE, 10.0, math.inf)))


def test_charges_stop_while_the_circuit_is_open_and_lookups_go_on(shop: Shop) -> None:
    shop.adapter["charge"] = raising(OutcomeUnknownError("reset"))
    for _ in range(3):
        shop.run(charge())
    assert shop.parts.circuit.is_open()
    assert shop.run(charge()) == NotSent("the provider's circuit is open")
    assert shop.run(one(Call("p", "lookup", CHARGE, 10.0, math.inf))) == NotFound()
    shop.clock.now += 10.0
    shop.adapter["charge"] = raising(RejectedError("malformed"))
    assert shop.run(charge()) == Rejected("malformed")
    assert not shop.parts.circuit.is_open()


def test_a_driver_that_does_not_know_an_effect_says_so(shop: Shop) -> None:
    with pytest.raises(InvariantError, match="Effect"):
        shop.run(one(Effect()))


def test_the_callers_context_is_the_runs(shop: Shop) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    seen: list[str] = []

    def looking(request: object, limits: CallLimits) -> object:
        seen.append(tenant.get())
        tenant.set("changed by the adapter")
        return PAID

    shop.adapter["charge"] = looking
    context = copy_context()
    context.run(tenant.set, "acme")
    if isinstance(shop.harness, ThreadHarness):
        runs, deadline = shop.harness.runs, shop.clock.now + 60.0
        assert context.run(runs.result, charge(), deadline, str) == PAID
    else:
        assert context.run(shop.run, charge()) == PAID
    assert seen == ["acme"]
    assert context[tenant] == "acme"


# A caller that leaves.


def test_a_caller_that_leaves_while_the_commit_queues_has_stored_nothing(shop: Shop) -> None:
    blocker = opening()
    shop.commits.gate.clear()
    blocked = shop.harness.whole(one(Commit(blocker)))
    shop.commits.await_batch()
    shop.harness.hold()
    waiting = opening()
    caller = shop.harness.begin(buy(waiting), timeout_seconds=5.0)
    await_queued(shop, 1)
    shop.harness.pass_time(5.0)
    with pytest.raises(CheckoutTimeoutError):
        caller.result(PATIENCE)
    shop.commits.gate.set()
    blocked.result(PATIENCE)
    shop.harness.drain(PATIENCE)
    assert shop.commits.sagas == [[blocker.saga_id]]


def test_a_caller_that_leaves_while_the_commit_is_in_flight_does_not_know(shop: Shop) -> None:
    shop.commits.gate.clear()
    shop.harness.hold()
    first = opening()
    caller = shop.harness.begin(buy(first), timeout_seconds=5.0)
    shop.commits.await_batch()
    shop.harness.pass_time(5.0)
    with pytest.raises(StorageUnavailableError) as told:
        caller.result(PATIENCE)
    assert told.value.applied == "unknown"
    shop.commits.gate.set()
    assert shop.harness.drain(PATIENCE)
    assert shop.commits.sagas == [[first.saga_id], [first.saga_id]], "the run went on without its caller"


def test_a_caller_that_leaves_while_the_provider_thinks_gets_its_order(shop: Shop) -> None:
    shop.adapter["charge"] = provider = Doorstep(PAID)
    shop.harness.hold()
    first = opening()
    caller = shop.harness.begin(calling(first), timeout_seconds=5.0)
    provider.await_request()
    shop.harness.pass_time(5.0)
    assert caller.result(PATIENCE) == f"pending {first.saga_id}"
    provider.opens.set()
    assert shop.harness.drain(PATIENCE)
    assert shop.commits.sagas == [[first.saga_id], [first.saga_id]], "the run went on without its caller"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (DuplicateKey(order_id="another", fingerprint="same"), "pending another"),
        (DuplicateKey(order_id="another", fingerprint="different"), None),
        (GuardTaken(order_id="another", owner="somebody"), None),
    ],
)
def test_a_caller_that_leaves_is_told_of_its_own_order_only(shop: Shop, answer: Outcome, told: str | None) -> None:
    shop.commits.answer = lambda batch: [answer] * len(batch)
    shop.adapter["charge"] = provider = Doorstep(PAID)
    shop.harness.hold()
    caller = shop.harness.begin(calling(opening()), timeout_seconds=5.0)
    provider.await_request()
    shop.harness.pass_time(5.0)
    if told is None:
        with pytest.raises(CheckoutTimeoutError):
            caller.result(PATIENCE)
    else:
        assert caller.result(PATIENCE) == told
    provider.opens.set()


def test_a_run_that_fails_after_its_caller_left_is_logged_without_secrets(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:

    async def failing() -> None:
        await Commit(opening())
        await charge()
        raise InvariantError("tok_secret")

    shop.adapter["charge"] = provider = Doorstep(PAID)
    shop.harness.hold()
    caller = shop.harness.begin(failing(), timeout_seconds=5.0)
    provider.await_request()
    shop.harness.pass_time(5.0)
    caller.result(PATIENCE)
    provider.opens.set()
    assert shop.harness.drain(PATIENCE)
    assert "InvariantError" in caplog.text
    assert "tok_secret" not in caplog.text


# A store that cannot be used (LIVE-4).


def test_a_commit_is_tried_again_while_the_database_is_away(shop: Shop) -> None:
    began = shop.clock.now
    down = failing_times(3, StorageUnavailableError("down", applied="no"))
    shop.commits.answer = down
    first = opening()
    stored = shop.run(one(Commit(first)))
    assert shop.commits.batches == [[first]] * 4, "the same transaction, with the same ids"
    assert shop.clock.slept == [0.05, 0.1, 0.2]
    assert stored.asked_at == began, "what is stored may be the first try's"


def test_opening_is_tried_until_the_caller_leaves_and_then_told(shop: Shop) -> None:
    shop.commits.answer = failing_times(10**6, StorageUnavailableError("down", applied="no"))
    with pytest.raises(StorageUnavailableError) as told:
        shop.run(one(Commit(opening())))
    assert told.value.applied == "no"
    assert sum(shop.clock.slept) < 60.0


def test_a_commit_whose_answer_was_lost_stays_unknown_whatever_follows(shop: Shop) -> None:
    faults = iter([StorageUnavailableError("lost", applied="unknown")])

    def lost_then_down(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        raise next(faults, StorageUnavailableError("down", applied="no"))

    shop.commits.answer = lost_then_down
    with pytest.raises(StorageUnavailableError) as told:
        shop.run(one(Commit(opening())))
    assert told.value.applied == "unknown"


def test_a_later_commit_outlives_the_callers_deadline_and_is_tried_for_a_lease(shop: Shop) -> None:
    shop.commits.answer = failing_times(10**6, StorageUnavailableError("down", applied="no"))
    with pytest.raises(StorageUnavailableError):
        shop.run(one(Commit(later("saga"))))
    assert 58.0 < sum(shop.clock.slept) < 60.0


def test_a_later_commit_never_expires_in_the_queue(shop: Shop) -> None:
    async def slow_payment() -> Any:
        await Commit(opening("saga"))
        await Wait(500.0)
        await Commit(later("saga"))

    shop.run(slow_payment())
    assert shop.harness.drain(PATIENCE)
    assert shop.commits.sagas == [["saga"], ["saga"]]


def test_an_opening_whose_deadline_has_passed_is_not_stored(shop: Shop) -> None:
    async def late() -> None:
        await Wait(61.0)
        await Commit(opening())

    with pytest.raises(CheckoutTimeoutError):
        shop.run(late())
    assert shop.commits.batches == []


def test_an_error_that_is_no_outage_is_told_at_once(shop: Shop) -> None:
    shop.commits.answer = failing_times(1, SchemaVersionError("run migrate"))
    with pytest.raises(SchemaVersionError):
        shop.run(one(Commit(opening())))
    assert shop.clock.slept == []


def test_callers_of_one_failed_batch_do_not_share_an_exception(shop: Shop) -> None:
    shop.commits.gate.clear()
    shop.commits.answer = failing_times(10**6, StorageUnavailableError("down", applied="no"))
    first = shop.harness.begin(one(Commit(opening())))
    shop.commits.await_batch()
    others = [shop.harness.begin(one(Commit(opening()))) for _ in range(2)]
    await_queued(shop, 2)
    shop.commits.gate.set()
    errors = [caller.exception(PATIENCE) for caller in (first, *others)]
    assert len({id(error) for error in errors}) == 3


# Bounds.


def test_a_full_house_refuses_before_the_first_commit(colour: str) -> None:
    shop = Shop(colour, runs_most=1)
    shop.adapter["charge"] = provider = Doorstep(PAID)
    first = shop.harness.begin(charge())
    provider.await_request()
    refused = shop.harness.begin(buy(opening()), timeout_seconds=-1.0)
    with pytest.raises(CheckoutTimeoutError):
        refused.result(PATIENCE)
    waiting = shop.harness.begin(buy(opening()))
    provider.opens.set()
    assert (first.result(PATIENCE), waiting.result(PATIENCE)) == (PAID, PAID)
    assert len(shop.commits.batches) == 2
    shop.close()


def test_a_full_queue_holds_runs_back_and_loses_none(colour: str) -> None:
    shop = Shop(colour, queue_most=1)
    shop.commits.gate.clear()
    callers = [shop.harness.begin(buy(opening()))]
    shop.commits.await_batch()
    callers += [shop.harness.begin(buy(opening())) for _ in range(12)]
    await_queued(shop, 1)
    shop.commits.gate.set()
    assert [caller.result(PATIENCE) for caller in callers] == [PAID] * 13
    assert sum(len(batch) for batch in shop.commits.batches) == 26
    shop.close()


def test_after_draining_nothing_is_begun(shop: Shop) -> None:
    assert shop.harness.drain(PATIENCE)
    with pytest.raises(StorageUnavailableError) as told:
        shop.run(buy(opening()))
    assert told.value.applied == "no"
    assert shop.commits.batches == []


def test_draining_reports_what_does_not_end(shop: Shop) -> None:
    shop.commits.gate.clear()
    caller = shop.harness.begin(buy(opening()))
    shop.commits.await_batch()
    if isinstance(shop.harness, AsyncHarness):
        shop.clock.now += 1.0
    assert not shop.harness.drain(0.0)
    shop.commits.gate.set()
    assert caller.result(PATIENCE) == PAID


# The inline committer.


def test_an_inline_store_serves_the_same_programs(colour: str) -> None:
    shop = Shop(colour)
    shop.parts.commits = inline = InlineCommitter(shop.commits, shop.clock)
    harness = COLOURS[colour](shop.parts)
    first = opening()
    assert harness.begin(buy(first)).result(PATIENCE) == PAID
    assert shop.commits.sagas == [[first.saga_id], [first.saga_id]]
    harness.close()
    assert inline.close(PATIENCE)
    shop.close()


# What only one colour has.


def test_asyncio_cancellation_detaches_the_caller_and_never_cancels_the_run() -> None:
    shop = Shop("asyncio")
    assert isinstance(shop.harness, AsyncHarness)
    shop.commits.gate.clear()
    first = opening()
    caller = shop.harness.begin(buy(first))
    shop.commits.await_batch()
    assert caller.cancel()
    shop.commits.gate.set()
    assert shop.harness.drain(PATIENCE)
    assert shop.commits.sagas == [[first.saga_id], [first.saga_id]]
    shop.close()


def test_asyncio_wakes_the_loop_once_per_batch() -> None:
    shop = Shop("asyncio")
    assert isinstance(shop.harness, AsyncHarness)
    shop.commits.gate.clear()
    callers = [shop.harness.begin(one(Commit(opening())))]
    shop.commits.await_batch()
    callers += [shop.harness.begin(one(Commit(opening()))) for _ in range(30)]
    await_queued(shop, 30)
    woken: list[int] = []
    loop = shop.harness.loop
    wake = loop.call_soon_threadsafe

    def counting(callback: Callable[..., Any], *args: Any, **keywords: Any) -> asyncio.Handle:
        if args and isinstance(args[0], list):
            woken.append(len(args[0]))
        return wake(callback, *args, **keywords)

    loop.call_soon_threadsafe = counting  # type: ignore[method-assign, assignment]
    shop.commits.gate.set()
    for caller in callers:
        caller.result(PATIENCE)
    assert woken == [1, 30]
    shop.close()


def test_an_async_adapter_that_overruns_its_limit_leaves_the_outcome_unknown() -> None:
    shop = Shop("asyncio")
    shop.adapter["charge"] = provider = Doorstep(PAID)
    caller = shop.harness.begin(charge())
    provider.await_request()
    shop.harness.pass_time(10.0)
    assert caller.result(PATIENCE) == OutcomeUnknown("no answer within 10 s")
    provider.opens.set()
    shop.close()


def test_an_async_adapter_that_cancels_something_of_its_own_does_not_cancel_the_run() -> None:
    shop = Shop("asyncio")
    shop.adapter["charge"] = raising(asyncio.CancelledError())
    assert isinstance(shop.run(charge()), OutcomeUnknown)
    shop.close()


def test_an_exit_in_an_adapter_drops_the_run_like_a_crash() -> None:
    shop = Shop("threads")
    shop.adapter["charge"] = raising(SystemExit("stop"))
    with pytest.raises(SystemExit):
        shop.run(buy(opening()))
    assert len(shop.commits.batches) == 1
    shop.close()


async def calling(transaction: Transaction) -> Any:
    """Like :func:`buy`, with a call that is never too late."""
    await Commit(transaction)
    answer = await charge()
    await Commit(later(transaction.saga_id))
    return answer


def raising(error: BaseException) -> Callable[[Any, CallLimits], Any]:
    def failing(request: object, limits: CallLimits) -> object:
        raise error

    return failing


def failing_times(number: int, error: Exception) -> Callable[[Sequence[Transaction]], Sequence[Outcome]]:
    left = iter(range(number))

    def answer(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        if next(left, None) is not None:
            raise error
        return applied(batch)

    return answer


def await_queued(shop: Shop, number: int) -> None:
    """Until so many members wait in the committer's queue."""
    committer = shop.committer
    arrived = threading.Event()
    entering = committer._enter

    def noting(member: Any) -> None:
        entering(member)
        if committer._queued >= number:
            arrived.set()

    with committer._lock:
        committer._enter = noting  # type: ignore[method-assign]
        if committer._queued >= number:
            arrived.set()
    assert arrived.wait(PATIENCE)
