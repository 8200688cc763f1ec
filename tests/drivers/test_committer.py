"""The committer gathers without a timer, keeps claims apart and in order, and answers everybody exactly once."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from contextvars import ContextVar

import pytest

from checkout_core.drivers.committer import Committer
from checkout_core.drivers.member import Member, Outcome
from checkout_core.errors import CheckoutTimeoutError, StorageUnavailableError
from checkout_core.ports.records import Applied, Transaction
from checkout_core.settings import Settings
from tests.drivers.toys import MOMENT, PATIENCE, GatedCommits, HandClock, Postbox, later, opening


class Bench:
    """A committer over a gated store, with one postbox."""

    def __init__(self, **settings: int) -> None:
        self.clock = HandClock()
        self.store = GatedCommits()
        self.committer = Committer(self.store, Settings(**settings), self.clock)
        self.box = Postbox()

    def member(self, transaction: Transaction, deadline: float = math.inf) -> Member[str]:
        return Member(transaction, deadline, self.box.post, transaction.commit_id)

    def submit(self, *transactions: Transaction) -> list[Member[str]]:
        members = [self.member(each) for each in transactions]
        for member in members:
            self.committer.submit(member)
        return members

    def begin_batch(self) -> Transaction:
        """A batch of one stays in flight until the gate is opened."""
        first = opening()
        self.store.gate.clear()
        self.submit(first)
        self.store.await_batch()
        return first

    def close(self) -> None:
        self.store.gate.set()
        self.committer.close(PATIENCE)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with closing(Bench()) as made:
        yield made


def test_a_lone_member_is_committed_at_once(bench: Bench) -> None:
    (member,) = bench.submit(opening())
    bench.box.await_members(1)
    assert member.outcome == Applied(version=1, at=MOMENT)
    assert member.asked_at == bench.clock.now


def test_while_one_batch_is_in_flight_the_next_gathers(bench: Bench) -> None:
    first = bench.begin_batch()
    others = [opening() for _ in range(20)]
    bench.submit(*others)
    bench.store.gate.set()
    bench.box.await_members(21)
    assert bench.store.batches == [[first], others]
    assert (bench.committer.batches, bench.committer.members) == (2, 21)


def test_everybody_of_a_batch_is_told_in_one_post(bench: Bench) -> None:
    bench.begin_batch()
    bench.submit(*(opening() for _ in range(20)))
    bench.store.gate.set()
    bench.box.await_members(21)
    assert [len(post) for post in bench.box.posts] == [1, 20]


def test_a_batch_holds_at_most_so_many_members() -> None:
    with closing(Bench(batch_most=8)) as bench:
        bench.begin_batch()
        bench.submit(*(opening() for _ in range(20)))
        bench.store.gate.set()
        bench.box.await_members(21)
        assert [len(batch) for batch in bench.store.batches] == [1, 8, 8, 4]


@pytest.mark.parametrize("shared", ["saga_id", "key", "cart"])
def test_members_of_one_claim_are_committed_one_by_one_in_order(bench: Bench, shared: str) -> None:
    bench.begin_batch()
    rivals = [opening(**{shared: "the same"}) for _ in range(5)]
    bystanders = [opening() for _ in range(5)]
    bench.submit(*(each for pair in zip(rivals, bystanders, strict=True) for each in pair))
    bench.store.gate.set()
    bench.box.await_members(11)
    assert bench.store.batches[1] == [rivals[0], *bystanders]
    assert bench.store.batches[2:] == [[each] for each in rivals[1:]]


def test_a_chain_of_different_claims_keeps_every_order(bench: Bench) -> None:
    bench.begin_batch()
    chain = [opening(key="k", cart="c1"), opening(key="k", cart="c2"), opening(cart="c2"), opening(cart="c1")]
    bench.submit(*chain)
    bench.store.gate.set()
    bench.box.await_members(5)
    assert bench.store.batches[1:] == [[chain[0]], [chain[1], chain[3]], [chain[2]]]


def test_a_claim_that_is_in_flight_holds_the_next_member_back_from_other_lanes() -> None:
    with closing(Bench(lanes=2)) as bench:
        bench.store.gate.clear()
        bench.submit(opening(key="k"))
        bench.store.await_batch()
        rival, other = opening(key="k"), opening()
        bench.submit(rival, other)
        bench.store.await_batch()
        assert bench.store.batches[1] == [other]
        bench.store.gate.set()
        bench.box.await_members(3)
        assert bench.store.batches[2] == [rival]


def test_no_claim_is_ever_in_flight_twice_whatever_the_lanes() -> None:
    bench = Bench(lanes=4, batch_most=4)
    flying: set[tuple[str, ...]] = set()
    clashes: list[tuple[str, ...]] = []
    order: dict[str, list[str]] = {}
    lock = threading.Lock()

    def watched(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        claims = [claim for each in batch for claim in each.claims()]
        with lock:
            clashes.extend(claim for claim in claims if claim in flying or claims.count(claim) > 1)
            flying.update(claims)
            for each in batch:
                order.setdefault(each.saga_id, []).append(each.commit_id)
        with lock:
            flying.difference_update(claims)
        return [Applied(version=1, at=MOMENT)] * len(batch)

    bench.store.answer = watched
    sagas = [[later(f"saga {number}") for _ in range(60)] for number in range(6)]
    with closing(bench):
        writers = [threading.Thread(target=bench.submit, args=each) for each in sagas]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(PATIENCE)
        bench.box.await_members(360)
    assert clashes == []
    assert order == {each[0].saga_id: [one.commit_id for one in each] for each in sagas}


def test_nothing_is_remembered_of_what_is_done(bench: Bench) -> None:
    bench.submit(*(opening(key="k") for _ in range(50)), *(opening() for _ in range(50)))
    bench.box.await_members(100)
    assert bench.committer.close(PATIENCE)
    assert bench.committer._lines == {}
    assert not bench.committer._ready


def test_a_member_whose_deadline_passes_in_the_queue_is_not_committed(bench: Bench) -> None:
    first = bench.begin_batch()
    late, punctual = bench.member(opening(), bench.clock.now + 5), bench.member(opening(), bench.clock.now + 7)
    bench.committer.submit(late)
    bench.committer.submit(punctual)
    bench.clock.now += 5
    bench.store.gate.set()
    bench.box.await_members(3)
    assert isinstance(late.outcome, CheckoutTimeoutError)
    assert punctual.outcome == Applied(version=1, at=MOMENT)
    assert bench.store.batches == [[first], [punctual.transaction]]


def test_a_queued_member_can_be_withdrawn_and_lets_those_behind_it_pass(bench: Bench) -> None:
    bench.begin_batch()
    head, middle, tail = bench.submit(*(opening(key="k") for _ in range(3)))
    assert bench.committer.withdraw(middle)
    bench.box.await_members(1)
    assert isinstance(middle.outcome, CheckoutTimeoutError)
    bench.store.gate.set()
    bench.box.await_members(4)
    assert bench.store.batches[1:] == [[head.transaction], [tail.transaction]]


def test_a_member_is_withdrawn_once(bench: Bench) -> None:
    bench.begin_batch()
    (member,) = bench.submit(opening())
    assert bench.committer.withdraw(member)
    assert not bench.committer.withdraw(member)
    assert [len(post) for post in bench.box.posts] == [1]


def test_what_has_begun_cannot_be_withdrawn(bench: Bench) -> None:
    bench.store.gate.clear()
    (member,) = bench.submit(opening())
    bench.store.await_batch()
    assert not bench.committer.withdraw(member)
    assert member.outcome is None
    bench.store.gate.set()
    bench.box.await_members(1)
    assert member.outcome == Applied(version=1, at=MOMENT)


def test_a_member_withdrawn_before_it_is_submitted_is_answered_and_not_committed(bench: Bench) -> None:
    member = bench.member(opening())
    assert bench.committer.withdraw(member)
    assert not bench.committer.offer(member)
    bench.committer.submit(member)
    bench.box.await_members(1)
    assert isinstance(member.outcome, CheckoutTimeoutError)
    assert bench.store.batches == []


def test_a_store_that_cannot_be_used_is_told_to_every_member(bench: Bench) -> None:
    bench.begin_batch()

    def down(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        raise StorageUnavailableError("down", applied="no")

    bench.store.answer = down
    members = bench.submit(opening(), opening())
    bench.store.gate.set()
    bench.box.await_members(3)
    assert [_applied(each) for each in members] == ["no", "no"]


@pytest.mark.parametrize("answers", [0, 1, 3])
def test_a_store_that_answers_a_wrong_number_leaves_everything_unknown(bench: Bench, answers: int) -> None:
    bench.begin_batch()
    bench.store.answer = lambda batch: [Applied(version=1, at=MOMENT)] * answers if len(batch) == 2 else []
    members = bench.submit(opening(), opening())
    bench.store.gate.set()
    bench.box.await_members(3)
    assert [_applied(each) for each in members] == ["unknown", "unknown"]


def test_an_exception_in_one_position_is_that_members_alone(bench: Bench) -> None:
    bench.begin_batch()
    fault = ValueError("too long")
    bench.store.answer = lambda batch: [fault, *[Applied(version=1, at=MOMENT)] * (len(batch) - 1)]
    bad, good = bench.submit(opening(), opening())
    bench.store.gate.set()
    bench.box.await_members(3)
    assert bad.outcome is fault
    assert good.outcome == Applied(version=1, at=MOMENT)


@pytest.mark.parametrize("fault", [RuntimeError("tok_secret"), SystemExit("tok_secret")])
def test_a_broken_store_leaves_the_outcome_unknown_and_the_lane_alive(
    bench: Bench, fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        raise fault

    healthy, bench.store.answer = bench.store.answer, broken
    (first,) = bench.submit(opening())
    bench.box.await_members(1)
    bench.store.answer = healthy
    (second,) = bench.submit(opening())
    bench.box.await_members(2)
    assert _applied(first) == "unknown"
    assert second.outcome == Applied(version=1, at=MOMENT)
    assert type(fault).__name__ in caplog.text
    assert "tok_secret" not in caplog.text + repr(first.outcome) + repr(vars(first.outcome))


def test_one_who_cannot_be_told_does_not_stop_the_others(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def gone(members: Sequence[Member[str]]) -> None:
        raise RuntimeError("the loop is closed")

    bench.begin_batch()
    bench.committer.submit(Member(opening(), math.inf, gone, "gone"))
    bench.submit(opening())
    bench.store.gate.set()
    bench.box.await_members(2)
    assert "RuntimeError" in caplog.text


def test_a_full_queue_holds_callers_back_until_there_is_room() -> None:
    with closing(Bench(queue_most=2)) as bench:
        bench.begin_batch()
        bench.submit(opening(), opening())
        held, offered = bench.member(opening()), bench.member(opening())
        assert not bench.committer.offer(offered)
        caller = threading.Thread(target=bench.committer.submit, args=(held,))
        caller.start()
        bench.store.gate.set()
        caller.join(PATIENCE)
        bench.box.await_members(4)
        assert held.outcome == Applied(version=1, at=MOMENT)
        assert bench.committer.offer(offered)
        bench.box.await_members(5)


def test_a_withdrawal_makes_room() -> None:
    with closing(Bench(queue_most=1)) as bench:
        bench.begin_batch()
        (waiting,) = bench.submit(opening())
        next_one = bench.member(opening())
        assert not bench.committer.offer(next_one)
        assert bench.committer.withdraw(waiting)
        assert bench.committer.offer(next_one)


def test_a_caller_held_back_past_its_deadline_is_refused() -> None:
    with closing(Bench(queue_most=1)) as bench:
        bench.begin_batch()
        bench.submit(opening())
        member = bench.member(opening(), bench.clock.now)
        bench.committer.submit(member)
        assert isinstance(member.outcome, CheckoutTimeoutError)
        assert [len(post) for post in bench.box.posts] == [1]


def test_close_finishes_what_is_queued_and_takes_nothing_more(bench: Bench) -> None:
    bench.begin_batch()
    queued = bench.submit(*(opening(key="k") for _ in range(3)))
    opener = threading.Thread(target=bench.store.gate.set)
    opener.start()
    assert bench.committer.close(PATIENCE)
    opener.join(PATIENCE)
    assert [each.outcome for each in queued] == [Applied(version=1, at=MOMENT)] * 3
    (late,) = bench.submit(opening())
    assert _applied(late) == "no"
    assert not bench.committer.offer(bench.member(opening()))


def test_close_answers_what_did_not_begin_in_time(bench: Bench) -> None:
    bench.begin_batch()
    queued = bench.submit(*(opening(key="k") for _ in range(3)), opening())
    assert not bench.committer.close(0.0)
    assert [_applied(each) for each in queued] == ["no"] * 4
    bench.store.gate.set()
    bench.box.await_members(5)
    assert len(bench.store.batches) == 1


def test_a_lane_sees_nothing_of_the_callers_context(bench: Bench) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    seen: list[str] = []

    def looking(batch: Sequence[Transaction]) -> Sequence[Outcome]:
        seen.append(tenant.get())
        return [Applied(version=1, at=MOMENT)] * len(batch)

    bench.store.answer = looking
    tenant.set("acme")
    bench.submit(opening())
    bench.box.await_members(1)
    assert seen == ["nobody"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_begins_anew_and_leaves_the_parents_members_to_the_parent(bench: Bench) -> None:
    bench.begin_batch()
    (queued,) = bench.submit(opening())
    reading, writing = os.pipe()
    with bench.committer._lock:  # the worst moment: a lock that no thread of the child will ever release
        child = os.fork()
    if child == 0:
        os._exit(_in_the_child(bench, queued, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"own 1, parent's untouched"
    assert os.waitpid(child, 0)[1] == 0
    bench.store.gate.set()
    bench.box.await_members(2)
    assert queued.outcome == Applied(version=1, at=MOMENT)


def _in_the_child(bench: Bench, parents: Member[str], writing: int) -> int:
    try:
        bench.store, bench.box = GatedCommits(), Postbox()
        bench.committer._commit = bench.store
        bench.submit(opening())
        bench.box.await_members(1)
        untouched = "untouched" if parents.outcome is None and len(bench.store.batches) == 1 else "answered"
        os.write(writing, f"own {bench.committer.members}, parent's {untouched}".encode())
        return 0
    except BaseException:
        return 1


def _applied(member: Member[str]) -> str:
    assert isinstance(member.outcome, StorageUnavailableError)
    return member.outcome.applied


def test_a_lane_that_could_not_be_started_is_started_for_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be served then is served with it."""

    def cannot_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    first, second = bench.member(opening()), bench.member(opening())
    with monkeypatch.context() as starved:
        starved.setattr(threading.Thread, "start", cannot_start)
        with pytest.raises(RuntimeError):
            bench.committer.submit(first)
    bench.committer.submit(second)
    bench.box.await_members(2)
    assert isinstance(first.outcome, Applied)
    assert isinstance(second.outcome, Applied)
