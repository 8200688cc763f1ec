"""Recovery: claimed sagas run side by side, a poison one delays nobody, and the loop outlives the database."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from checkout_core.adapters.memory.store import MemoryStore
from checkout_core.adapters.memory.tables import StoredCommit
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.domain.order import OrderStatus
from checkout_core.drivers.recovery import Claimed, Idling, RecoveryReport, Setbacks
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import SchemaVersionError, StorageUnavailableError
from checkout_core.ports.payment import CallLimits, ChargeRequest, LookupAnswer, PaymentAnswer, PaymentQuery
from checkout_core.ports.records import CommitAnswer, Transaction
from checkout_core.ports.store import SagaFile
from checkout_core.settings import Settings
from tests.drivers.test_facades import COLOURS, Shop, request_for
from tests.drivers.toys import PATIENCE, Doorstep, HandClock


class TroubledStore(MemoryStore):
    """A memory store in which single sagas cannot be loaded, and which can be away."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.poison: dict[str, Exception] = {}
        self.claim_faults: list[Exception] = []
        self.claims: list[int] = []
        self._committed = threading.Condition()

    def load(self, saga_id: str) -> SagaFile | None:
        if saga_id in self.poison:
            raise self.poison[saga_id]
        return super().load(saga_id)

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        self.claims.append(limit)
        if self.claim_faults:
            raise self.claim_faults.pop()
        return super().claim_due(token=token, lease_seconds=lease_seconds, limit=limit)

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        answers = super().commit(batch)
        with self._committed:
            self._committed.notify_all()
        return answers

    def garble(self, saga_id: str) -> StoredCommit:
        """Make the first row of its journal unreadable, and give what stood there."""
        good, *_ = self._tables.sagas[saga_id].journal
        self.restore(saga_id, replace(good, row=replace(good.row, entries='[{"entry":"nonsense"}]')))
        return good

    def restore(self, saga_id: str, first: StoredCommit) -> None:
        saga = self._tables.sagas[saga_id]
        self._tables.sagas[saga_id] = replace(saga, journal=(first, *saga.journal[1:]))

    def status(self, order_id: str) -> OrderStatus:
        file = super().load(order_id)
        assert file is not None
        assert file.order is not None
        return file.order.status

    def await_status(self, order_ids: list[str], status: OrderStatus) -> None:
        with self._committed:
            assert self._committed.wait_for(lambda: all(self.status(each) is status for each in order_ids), PATIENCE)


class Crashed(Shop):
    """A shop whose first life ended before each charge was answered; its bank holds the charges all the same."""

    def __init__(self, colour: str, orders: int) -> None:
        self.clock = HandClock()
        self.troubled = TroubledStore(self.clock)
        super().__init__(colour, self.troubled)
        self.order_ids = [self._left_behind(f"k{number}") for number in range(orders)]

    def _left_behind(self, key: str) -> str:
        charging = self.payments.charge

        def dying(request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
            charging(request, limits)
            raise SystemExit

        self.payments.charge = dying  # type: ignore[method-assign]
        with Checkout(self.troubled, self.payments) as dead, pytest.raises(SystemExit):
            dead.execute(request_for(key))
        self.payments.charge = charging  # type: ignore[method-assign]
        found = self.troubled.find("", key)
        assert found is not None
        return found.saga.saga_id

    def leases_run_out(self) -> None:
        self.clock.now += 61.0


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(colour: str) -> Iterator[Crashed]:
    made = Crashed(colour, 3)
    yield made
    made.close()


def recover(shop: Shop, **keywords: Any) -> RecoveryReport:
    report: RecoveryReport = shop.ask(shop.checkout.recover, **keywords)
    return report


def test_a_live_lease_is_left_alone(shop: Crashed) -> None:
    assert recover(shop) == RecoveryReport()


def test_what_a_dead_process_left_is_finished(shop: Crashed) -> None:
    shop.leases_run_out()
    report = recover(shop)
    assert (report.claimed, report.unfinished, report.left_alone) == (3, 0, ())
    assert report.finished + report.waiting == 3
    while report.claimed:
        shop.clock.now += 1.0
        report = recover(shop)
    assert {shop.troubled.status(each) for each in shop.order_ids} == {OrderStatus.CONFIRMED}
    assert len(shop.payments.bank.ledger()) == 3


def test_a_pass_is_bounded(shop: Crashed) -> None:
    shop.leases_run_out()
    assert recover(shop, limit=2).claimed == 2
    assert recover(shop, limit=2).claimed == 1


def test_a_pass_may_be_larger_than_what_runs_at_once(colour: str) -> None:
    shop = Crashed(colour, 40)
    shop.leases_run_out()
    assert recover(shop, limit=100).claimed == 40
    assert max(shop.troubled.claims) <= 32
    shop.close()


def test_a_poison_saga_delays_nobody_and_is_put_back_for_longer_each_time(
    shop: Crashed, caplog: pytest.LogCaptureFixture
) -> None:
    poison, *healthy = shop.order_ids
    shop.troubled.poison[poison] = ValueError("tok_secret")
    shop.leases_run_out()
    report = recover(shop)
    assert report.finished + report.waiting == 2
    assert [left.order_id for left in report.left_alone] == [poison]
    assert report.left_alone[0].reason.startswith("ValueError at ")
    assert "ValueError" in caplog.text
    assert "tok_secret" not in caplog.text + repr(report)
    shop.troubled.await_status(healthy, OrderStatus.CONFIRMED)
    waited = []
    for _ in range(3):
        waited.append(0.0)
        while recover(shop).claimed == 0:
            shop.clock.now += 0.5
            waited[-1] += 0.5
    assert waited == [1.0, 2.0, 4.0]


def test_a_saga_that_goes_on_failing_is_parked_and_an_operator_gives_it_back(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """LIVE-1, LIVE-3: whichever process tries; what was poison is listed, and tried again when somebody says so."""
    shop = Crashed(colour, 1)
    (order_id,) = shop.order_ids
    garbled = shop.troubled.garble(order_id)
    shop.leases_run_out()
    tries = 0
    while not shop.ask(shop.checkout.ops.parked):
        process = Shop(colour, shop.troubled, shop.payments, park_after_seconds=100.0)
        assert len(recover(process).left_alone) == 1
        process.close()
        tries += 1
        shop.clock.now += 300.0
    assert tries == 8, "pauses of 1, 2, 4 ... 64 seconds"
    assert [order.order_id for order in shop.ask(shop.checkout.ops.parked)] == [order_id]
    assert [alarm.kind for alarm in shop.ask(shop.checkout.ops.alarms)] == ["run_fails"]
    assert "is parked: 8 runs in a row failed" in caplog.text
    shop.troubled.restore(order_id, garbled)
    shop.ask(shop.checkout.ops.retry, order_id, note="the row was mended")
    recover(shop)
    shop.troubled.await_status([order_id], OrderStatus.CONFIRMED)
    shop.close()


def test_a_schema_that_does_not_fit_is_no_fault_of_the_saga(shop: Crashed) -> None:
    """Protocol 3.7: what fails for all alike is never counted."""
    shop.troubled.poison = dict.fromkeys(shop.order_ids, SchemaVersionError("migrate first"))
    shop.leases_run_out()
    assert len(recover(shop).left_alone) == 3
    shop.clock.now += 30.0
    assert recover(shop).claimed == 0, "their leases have to run out"


def test_a_saga_whose_storage_is_away_keeps_its_lease(shop: Crashed) -> None:
    away = shop.order_ids[0]
    shop.troubled.poison[away] = StorageUnavailableError("down", applied="no")
    shop.leases_run_out()
    assert [left.order_id for left in recover(shop).left_alone] == [away]
    shop.clock.now += 30.0
    assert recover(shop).claimed == 0
    shop.clock.now += 31.0
    assert recover(shop).claimed == 1


def test_a_saga_of_another_account_is_left_alone_with_its_reason(shop: Crashed, colour: str) -> None:
    shop.leases_run_out()
    stranger = Shop(colour, shop.troubled, SandboxPayments(account="another"))
    report = recover(stranger)
    assert {left.order_id for left in report.left_alone} == set(shop.order_ids)
    assert {left.reason for left in report.left_alone} == {"this process has no payment account sandbox/sandbox"}
    stranger.close()
    shop.clock.now += 30.0
    assert recover(shop).claimed == 3, "they were put back, not held until the lease ran out"


def test_the_worker_goes_on_by_itself_until_it_is_stopped(shop: Crashed) -> None:
    stop, stopping = shop.stop_event()
    worker = threading.Thread(target=shop.ask, args=(shop.checkout.run_worker,), kwargs={"stop": stop})
    worker.start()
    shop.leases_run_out()
    shop.troubled.await_status(shop.order_ids, OrderStatus.CONFIRMED)
    stopping()
    worker.join(PATIENCE)
    assert not worker.is_alive()


def test_a_hanging_provider_delays_only_its_own_order(shop: Crashed) -> None:
    provider = Doorstep(None)
    hanging, *others = shop.order_ids
    sending = shop.payments.charge

    def charge(request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        if request.order_id == hanging:
            provider(request, limits)
        return sending(request, limits)

    shop.payments.charge = charge  # type: ignore[method-assign]
    stop, stopping = shop.stop_event()
    worker = threading.Thread(target=shop.ask, args=(shop.checkout.run_worker,), kwargs={"stop": stop})
    worker.start()
    shop.leases_run_out()
    provider.await_request()
    shop.troubled.await_status(others, OrderStatus.CONFIRMED)
    assert shop.troubled.status(hanging) is OrderStatus.PENDING
    provider.opens.set()
    shop.troubled.await_status([hanging], OrderStatus.CONFIRMED)
    stopping()
    worker.join(PATIENCE)


def test_close_waits_for_the_recoveries_under_way(colour: str) -> None:
    shop = Crashed(colour, 1)
    provider = Doorstep(None)
    looking = shop.payments.lookup

    def lookup(query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        provider(query, limits)
        return looking(query, limits)

    shop.payments.lookup = lookup  # type: ignore[method-assign]
    shop.payments.charge = lookup  # type: ignore[method-assign, assignment]
    stop, stopping = shop.stop_event()
    worker = threading.Thread(target=shop.ask, args=(shop.checkout.run_worker,), kwargs={"stop": stop})
    worker.start()
    shop.leases_run_out()
    provider.await_request()
    assert not shop.ask(shop.checkout.close, timeout_seconds=0.0)
    provider.opens.set()
    stopping()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    shop.close()


def test_the_worker_outlives_a_database_that_is_away(shop: Crashed, caplog: pytest.LogCaptureFixture) -> None:
    shop.troubled.claim_faults = [StorageUnavailableError("down", applied="no"), ValueError("tok_secret")]
    stop, stopping = shop.stop_event()
    worker = threading.Thread(target=shop.ask, args=(shop.checkout.run_worker,), kwargs={"stop": stop})
    worker.start()
    shop.leases_run_out()
    shop.troubled.await_status(shop.order_ids, OrderStatus.CONFIRMED)
    stopping()
    worker.join(PATIENCE)
    assert "ValueError" in caplog.text
    assert "tok_secret" not in caplog.text


def test_a_background_worker_ends_with_its_checkout(colour: str) -> None:
    shop = Crashed(colour, 2)

    async def begin() -> Any:
        return shop.checkout.background()

    background = shop.checkout.background() if colour == "threads" else shop.ask(begin)
    shop.leases_run_out()
    shop.troubled.await_status(shop.order_ids, OrderStatus.CONFIRMED)
    shop.ask(background.stop)
    again = shop.checkout.background() if colour == "threads" else shop.ask(begin)
    shop.ask(shop.checkout.close)
    shop.ask(again.stop)
    shop.close()


def test_a_saga_that_cannot_be_loaded_is_remembered_until_it_passes() -> None:
    setbacks = Setbacks(Settings(retry_first_seconds=1.0, retry_most_seconds=5.0))
    claimed = Claimed("saga", "token", 0.0)

    def due() -> float:
        put_back = setbacks.unloadable(claimed, ValueError())
        effect: Any = put_back.send(None)
        put_back.close()
        return float(effect.due_seconds)

    assert [due() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    setbacks.passed(claimed)
    assert due() == 1.0


def test_idling_grows_and_starts_anew_when_something_was_found() -> None:
    idling = Idling()
    pauses = [idling.pause_seconds() for _ in range(20)]
    assert pauses[0] < 0.1
    assert 0.8 <= pauses[-1] <= 1.2
    idling.found()
    assert idling.pause_seconds() < 0.1
