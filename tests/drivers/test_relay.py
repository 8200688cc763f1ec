"""The relay: every event reaches every sink, in its order's order, whatever receivers do. One body for both colours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.checkout.notices import notice_of
from checkout_core.domain.buyer import Contact
from checkout_core.domain.event import Event, EventType
from checkout_core.domain.order import OrderStatus
from checkout_core.domain.value import evolve
from checkout_core.drivers.lending import in_threads
from checkout_core.drivers.relay import SinkLine
from checkout_core.drivers.relaying import CALLS_MOST, RelayReport, RelayTally, Verdict
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import (
    ConfigurationError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
    StorageUnavailableError,
)
from checkout_core.ports.notifier import NoticeKind
from checkout_core.ports.outbox import PendingEvent
from checkout_core.ports.payment import CallLimits
from tests.drivers.receivers import Postman, Receiver, ReceivingShop
from tests.drivers.test_facades import COLOURS, request_for
from tests.drivers.toys import PATIENCE

Opening = Callable[..., ReceivingShop]


@pytest.fixture(params=COLOURS)
def open_shop(request: pytest.FixtureRequest) -> Iterator[Opening]:
    opened: list[ReceivingShop] = []

    def opening(*publishers: Any, **keywords: Any) -> ReceivingShop:
        opened.append(ReceivingShop(request.param, *publishers, **keywords))
        return opened[-1]

    yield opening
    for shop in opened:
        shop.close()


def test_every_event_reaches_every_sink_once(open_shop: Opening) -> None:
    """EVENT-2: acknowledged, it does not come again."""
    first, second = Receiver("first"), Receiver("second")
    shop = open_shop(first, second)
    events = shop.events(3)
    assert shop.relay() == RelayReport(claimed=6, delivered=6)
    assert sorted(first.received) == sorted(second.received) == sorted(events)
    assert shop.relay() == RelayReport()


def test_events_of_one_order_come_in_its_order(open_shop: Opening) -> None:
    """EVENT-2: never two of them in one call."""
    receiver = Receiver()
    shop = open_shop(receiver)
    orders = [shop.till.opened() for _ in range(3)]
    for version in (1, 2, 3):
        for order in orders:
            shop.event(order, version)
    assert shop.relay().delivered == 9
    for events in shop.order_of_events().values():
        assert [each for each in receiver.received if each in events] == events
        assert all(len(set(call) & set(events)) <= 1 for call in receiver.calls)


def test_a_pass_is_bounded(open_shop: Opening) -> None:
    receiver = Receiver()
    shop = open_shop(receiver)
    shop.events(5)
    assert shop.relay(limit=2).claimed == 2
    assert shop.relay(limit=2).claimed == 2
    assert shop.relay(limit=2).claimed == 1


def test_a_web_process_without_publishers_loses_nothing(open_shop: Opening) -> None:
    """EVENT-1: the sink is known to the database, whichever process sells."""
    receiver = Receiver()
    shop = open_shop(receiver)
    with Checkout(shop.store, SandboxPayments()) as web:
        order_id = web.execute(request_for("k")).expect_confirmed().order_id
    assert shop.relay().delivered == 1
    assert receiver.received == [each.event_id for each in shop.store.outbox_of(order_id)]


def test_a_failing_event_blocks_its_order_alone(open_shop: Opening) -> None:
    """EVENT-2, LIVE-3: the others go on, and it comes again in time, with its id, before its followers."""
    receiver = Receiver()
    shop = open_shop(receiver)
    order = shop.till.opened()
    failing, follower = shop.event(order, 1), shop.event(order, 2)
    others = shop.events(3)
    receiver.faults[failing] = NotSentError("no connection")
    assert shop.relay() == RelayReport(claimed=4, delivered=3, failed=1)
    assert sorted(receiver.received) == sorted(others)
    assert shop.relay() == RelayReport()
    del receiver.faults[failing]
    shop.clock.now += 1.0
    assert shop.relay().delivered == 2
    assert receiver.received[-2:] == [failing, follower]


def test_a_call_that_raises_accepts_nothing_and_is_taken_apart(open_shop: Opening) -> None:
    """LIVE-3: a poison event takes nobody along but once."""
    receiver = Receiver()
    shop = open_shop(receiver)
    poison, *others = shop.events(4)
    receiver.raised[poison] = RuntimeError("poison")
    assert shop.relay() == RelayReport(claimed=4, failed=4)
    assert receiver.received == []
    shop.clock.now += 1.0
    assert shop.relay() == RelayReport(claimed=4, delivered=3, failed=1)
    assert sorted(receiver.received) == sorted(others)
    assert all(len(call) == 1 for call in receiver.calls[1:])


def test_one_rejected_among_several_kills_nobody(open_shop: Opening) -> None:
    """Raised for a call of several, nobody knows which event was meant; alone, it is meant."""
    receiver = Receiver()
    shop = open_shop(receiver)
    poison, *_ = shop.events(3)
    receiver.raised[poison] = RejectedError("malformed")
    assert shop.relay().failed == 3
    shop.clock.now += 1.0
    assert shop.relay() == RelayReport(claimed=3, delivered=2, dead=1)


def test_pauses_double_up_to_the_longest(open_shop: Opening) -> None:
    receiver = Receiver()
    shop = open_shop(receiver, delivery_retry_first_seconds=10.0, delivery_retry_most_seconds=25.0)
    (event,) = shop.events(1)
    receiver.faults[event] = OutcomeUnknownError("timed out")
    shop.relay()
    for pause in (10.0, 20.0, 25.0, 25.0):
        shop.clock.now += pause - 0.01
        assert shop.relay().claimed == 0
        shop.clock.now += 0.02
        assert shop.relay().failed == 1


def test_a_receiver_may_say_when_to_come_back(open_shop: Opening) -> None:
    receiver = Receiver()
    shop = open_shop(receiver)
    (event,) = shop.events(1)
    receiver.faults[event] = NotExecutedError("busy", retry_after_seconds=100.0)
    assert shop.relay().failed == 1
    shop.clock.now += 99.0
    assert shop.relay().claimed == 0
    shop.clock.now += 2.0
    assert shop.relay().claimed == 1


def test_after_so_many_tries_it_is_a_dead_letter_with_an_alarm(open_shop: Opening) -> None:
    """EVENT-2: followers wait for replay or skip; other orders and sinks do not."""
    receiver, other = Receiver(), Receiver("other")
    shop = open_shop(receiver, other, delivery_tries=2)
    order = shop.till.opened()
    dead, follower = shop.event(order, 1), shop.event(order, 2)
    receiver.faults[dead] = NotSentError("down")
    shop.relay()
    shop.clock.now += 10.0
    assert shop.relay().dead == 1
    (letter,) = shop.ask(shop.checkout.ops.dead_letters)
    assert (letter.sink, letter.event_id, letter.tries, letter.error) == ("receiver", dead, 2, "down")
    assert [each.kind for each in shop.ask(shop.checkout.ops.alarms)] == ["dead_letter"]
    assert other.received == [dead, follower]
    assert shop.relay().claimed == 0
    receiver.faults.clear()
    assert shop.ask(shop.checkout.ops.replay, "receiver", dead)
    shop.relay()
    assert receiver.received == [dead, follower]
    assert not shop.ask(shop.checkout.ops.replay, "receiver", dead)


def test_a_rejected_event_is_dead_at_once_and_can_be_skipped(open_shop: Opening) -> None:
    """EVENT-2."""
    receiver = Receiver()
    shop = open_shop(receiver)
    order = shop.till.opened()
    dead, follower = shop.event(order, 1), shop.event(order, 2)
    receiver.faults[dead] = RejectedError("no such topic")
    assert shop.relay().dead == 1
    (waiting,) = shop.ask(shop.checkout.ops.backlog)
    assert (waiting.sink, waiting.pending, waiting.dead) == ("receiver", 1, 1)
    assert shop.ask(shop.checkout.ops.skip, "receiver", dead)
    assert shop.relay().delivered == 1
    assert receiver.received == [follower]


@pytest.mark.parametrize("answer", [None, [], [None] * 3, "ok", [True, True]])
def test_an_answer_that_says_nothing_accepts_nothing(open_shop: Opening, answer: Any) -> None:
    """EVENT-2: acknowledged is only what was confirmed, by position."""

    class Sloppy(Receiver):
        def publish(self, events: Sequence[Event], limits: CallLimits) -> Any:
            return answer

    shop = open_shop(Sloppy())
    shop.events(2)
    assert shop.relay() == RelayReport(claimed=2, failed=2)


def test_errors_tell_operators_no_address(open_shop: Opening) -> None:
    """SAFE-1: of an exception the kind and place, of an adapter's own words what can be shown."""
    receiver = Receiver()
    shop = open_shop(receiver, delivery_tries=1)
    secret, foreign = shop.events(2)
    receiver.faults[secret] = NotSentError("zoe@example.org is unknown")
    receiver.faults[foreign] = "Am Graben 1"  # type: ignore[assignment]
    assert shop.relay().dead == 2
    errors = {each.event_id: each.error for each in shop.ask(shop.checkout.ops.dead_letters)}
    assert errors == {secret: "NotSentError", foreign: "answered with a str"}


def test_what_could_not_be_acknowledged_comes_again_with_its_id(
    open_shop: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVENT-2: as after a crash between publishing and acknowledging."""
    receiver = Receiver()
    shop = open_shop(receiver)
    (event,) = shop.events(1)
    with monkeypatch.context() as patched:
        patched.setattr(shop.store.outbox, "acknowledge", _unavailable)
        assert shop.relay() == RelayReport(claimed=1, unfinished=1)
    assert shop.relay().claimed == 0
    shop.clock.now += 61.0
    assert shop.relay().delivered == 1
    assert receiver.received == [event, event]


def test_what_ends_its_worker_each_time_is_dead_after_so_many_tries(
    open_shop: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVE-3: nobody was left to tell of the failure, but the claims are counted."""
    receiver = Receiver()
    shop = open_shop(receiver, delivery_tries=3)
    shop.events(1)
    with monkeypatch.context() as patched:
        patched.setattr(shop.store.outbox, "acknowledge", _unavailable)
        for _ in range(3):
            assert shop.relay().unfinished == 1
            shop.clock.now += 61.0
    assert shop.relay() == RelayReport(claimed=1, dead=1)
    assert len(receiver.received) == 3


def test_a_sink_that_hangs_delays_no_other(open_shop: Opening) -> None:
    """LIVE-3: and stopping does not wait for ever."""
    released, reached = threading.Event(), threading.Semaphore(0)

    class Hanging(Receiver):
        def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
            reached.release()
            assert released.wait(PATIENCE)
            return super().publish(events, limits)

    class Counting(Receiver):
        def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
            answer = super().publish(events, limits)
            for _ in events:
                arrived.release()
            return answer

    arrived = threading.Semaphore(0)
    hanging, other = Hanging("hanging"), Counting("other")
    shop = open_shop(hanging, other)
    stop = shop.at_work()
    for _ in range(CALLS_MOST):
        shop.events(1)
        assert reached.acquire(timeout=PATIENCE)
        assert arrived.acquire(timeout=PATIENCE)
    assert hanging.received == []
    released.set()
    stop()
    assert sorted(set(hanging.received)) == sorted(other.received)


def test_a_closed_checkout_claims_nothing() -> None:
    """It could not deliver, and would keep others from it for a lease."""
    receiver = Receiver()
    shop = ReceivingShop("threads", receiver)
    shop.events(1)
    shop.checkout.close()  # type: ignore[unused-coroutine]
    assert shop.relay() == RelayReport()
    with Checkout(shop.store, SandboxPayments(), publishers=[receiver]) as other:
        assert other.relay().delivered == 1


def test_a_worker_outlives_the_database(open_shop: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIVE-4."""
    arrived = threading.Event()

    class Telling(Receiver):
        def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
            arrived.set()
            return super().publish(events, limits)

    shop = open_shop(Telling())
    shop.events(1)
    claim, away = shop.store.outbox.claim, [True, True]

    def claiming(*args: Any, **keywords: Any) -> Any:
        if away:
            away.pop()
            raise StorageUnavailableError("away", applied="no")
        return claim(*args, **keywords)

    monkeypatch.setattr(shop.store.outbox, "claim", claiming)
    with pytest.raises(StorageUnavailableError):
        shop.relay()
    stop = shop.at_work()
    assert arrived.wait(PATIENCE)
    stop()


def test_buyers_are_told_of_what_is_committed(open_shop: Opening) -> None:
    """EVENT-3: with recipient and locale of the order, under the event's id."""
    postman = Postman()
    shop = open_shop(notifier=postman)
    contact = Contact(email="zoe@example.org", name="Zoe", locale="de-AT")
    paid = shop.ask(shop.checkout.execute, evolve(request_for("paid"), contact=contact))
    shop.ask(shop.checkout.execute, evolve(request_for("declined", token="tok_decline"), contact=None))
    assert postman.sent == []
    assert shop.relay().delivered == 2
    told = {each.kind: each for each in postman.sent}
    assert set(told) == {NoticeKind.CONFIRMATION, NoticeKind.FAILURE}
    notice = told[NoticeKind.CONFIRMATION]
    assert (notice.recipient, notice.locale) == (contact, "de-AT")
    assert (notice.order_id, notice.order.status) == (paid.order_id, OrderStatus.CONFIRMED)
    assert [notice.notice_id] == [each.event_id for each in shop.store.outbox_of(paid.order_id)]
    assert told[NoticeKind.FAILURE].recipient is None
    assert "zoe" not in repr(notice).lower()


def test_a_failing_notifier_changes_no_order(open_shop: Opening) -> None:
    """EVENT-3."""
    postman = Postman()
    postman.fault = RuntimeError("smtp is down")
    shop = open_shop(notifier=postman)
    result = shop.ask(shop.checkout.execute, request_for("k"))
    before = shop.ask(shop.checkout.get_order, result.order_id)
    assert shop.relay().failed == 1
    assert shop.ask(shop.checkout.get_order, result.order_id) == before
    assert before.status is OrderStatus.CONFIRMED
    postman.fault = None
    shop.clock.now += 1.0
    assert shop.relay().delivered == 1


def test_a_request_to_act_is_left_out_once_there_is_nothing_to_do(open_shop: Opening) -> None:
    """The buyer has acted, or it is too late: only an order that waits is told so."""
    shop = open_shop()
    result = shop.ask(shop.checkout.execute, request_for("k"))
    order = shop.ask(shop.checkout.get_order, result.order_id)
    (stored,) = shop.store.outbox_of(order.order_id)
    event = Event(
        event_id=stored.event_id,
        type=EventType.ORDER_ACTION_REQUIRED,
        order_id=order.order_id,
        sequence=1,
        occurred_at=order.created_at,
        payload="{}",
    )
    waiting = notice_of(event, evolve(order, status=OrderStatus.REQUIRES_ACTION))
    assert waiting is not None
    assert waiting.kind is NoticeKind.ACTION_REQUIRED
    assert notice_of(event, order) is None
    assert notice_of(evolve(event, type=EventType.ORDER_PAYMENT_LOST), order) is None


@pytest.mark.parametrize(
    "publishers",
    [
        [Receiver("a"), Receiver("a")],
        [Receiver("notices")],
        [Receiver("")],
        [Receiver("x" * 65)],
        [object()],
        [in_threads(Receiver())],
    ],
)
def test_what_is_no_publisher_is_refused(publishers: Any) -> None:
    with pytest.raises(ConfigurationError):
        Checkout(MemoryStore(), SandboxPayments(), publishers=publishers)


def test_a_relay_that_acknowledges_first_is_found() -> None:
    """EVENT-2: the planted bug; what it loses is seen by the same body that the right relay passes."""
    with pytest.raises(AssertionError, match="lost"):
        _nothing_is_lost(_AcknowledgesFirst)
    _nothing_is_lost(SinkLine)


class _AcknowledgesFirst(SinkLine):
    def verdict(self, chunk: tuple[PendingEvent, ...]) -> Verdict:
        self.published = super().verdict
        return Verdict(tuple(each.event for each in chunk))

    def settle(self, verdict: Verdict, token: str, tally: RelayTally) -> None:
        super().settle(verdict, token, tally)
        self.published(tuple(PendingEvent(event=each, tries=1) for each in verdict.accepted))


def _nothing_is_lost(line: type[SinkLine]) -> None:
    receiver = Receiver()
    shop = ReceivingShop("threads", receiver)
    shop.checkout._relay._lines = [  # type: ignore[union-attr]
        line(each._sink, each._outbox, each._settings, each._new_id)
        for each in shop.checkout._relay._lines  # type: ignore[union-attr]
    ]
    events = shop.events(3)
    receiver.raised = {events[0]: RuntimeError("down")}
    shop.relay()
    receiver.raised = {}
    shop.clock.now += 100.0
    shop.relay()
    shop.close()
    assert sorted(receiver.received) == sorted(events), "lost"


def _unavailable(*_args: Any, **_keywords: Any) -> int:
    raise StorageUnavailableError("away", applied="unknown")
