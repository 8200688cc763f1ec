"""The relay, but for the waiting: what is published together, what a failure means, what a pass reports.

Both colours use this. The order of things is theirs and the same: claim, publish outside any transaction, and only
then acknowledge; a process that dies between publishes again, with the same ids (EVENT-2).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from checkout_core.domain.event import Event
from checkout_core.domain.payment import holds_card_number
from checkout_core.drivers.failures import described
from checkout_core.errors import NotExecutedError, RejectedError, RemoteError
from checkout_core.ports.outbox import Failure, PendingEvent
from checkout_core.settings import Settings

CALLS_MOST = 8
"""Calls that one process makes to one sink at once."""

_SAID_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayReport:
    """One pass of the relay over all sinks.

    Of the ``claimed`` events, ``delivered`` were accepted and acknowledged, ``failed`` come again later, ``dead`` wait
    for an operator, ``unfinished`` were on their way when the pass ended, or could not be acknowledged: they come again
    when their lease ends.
    """

    claimed: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    unfinished: int = 0


class RelayTally:
    """Counts one pass while it goes on; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = self._delivered = self._failed = self._dead = 0

    def claimed(self, number: int) -> None:
        with self._lock:
            self._claimed += number

    def settled(self, delivered: int, failures: Sequence[Failure]) -> None:
        dead = sum(each.retry_seconds is None for each in failures)
        with self._lock:
            self._delivered += delivered
            self._dead += dead
            self._failed += len(failures) - dead

    def report(self) -> RelayReport:
        with self._lock:
            settled = self._delivered + self._failed + self._dead
            return RelayReport(
                claimed=self._claimed,
                delivered=self._delivered,
                failed=self._failed,
                dead=self._dead,
                unfinished=self._claimed - settled,
            )


def chunks(claimed: Sequence[PendingEvent], together: int) -> Iterator[tuple[PendingEvent, ...]]:
    """What goes out in one call each: whatever failed before goes alone, so that it takes nobody along (LIVE-3)."""
    fresh = [each for each in claimed if each.tries == 1]
    for start in range(0, len(fresh), together):
        yield tuple(fresh[start : start + together])
    for each in claimed:
        if each.tries > 1:
            yield (each,)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to acknowledge, and what failed."""

    accepted: tuple[Event, ...] = ()
    failures: tuple[Failure, ...] = ()


class Judge:
    """What an answer means for each event of a call. ``new_id`` names alarms."""

    def __init__(self, settings: Settings, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._new_id = new_id

    def exhausted(self, chunk: Sequence[PendingEvent]) -> Verdict | None:
        """What ended its worker, or hung, each time that it was published: it is published no more."""
        if all(each.tries <= self._settings.delivery_tries for each in chunk):
            return None
        return Verdict((), tuple(self._dead(each, "it was handed out too often and never settled") for each in chunk))

    def answered(self, chunk: Sequence[PendingEvent], answer: object) -> Verdict:
        """By position; an answer that the port does not allow accepts nothing."""
        answers = _positions(answer)
        if len(answers) != len(chunk):
            return self.failed(chunk, answers)
        pairs = list(zip(chunk, answers, strict=True))
        return Verdict(
            tuple(each.event for each, said in pairs if said is None),
            tuple(self._failure(each, said, is_final=True) for each, said in pairs if said is not None),
        )

    def failed(self, chunk: Sequence[PendingEvent], error: object) -> Verdict:
        """Nothing of the call is known to be accepted. Of several events nobody knows which one was rejected."""
        return Verdict((), tuple(self._failure(each, error, is_final=len(chunk) == 1) for each in chunk))

    def _failure(self, each: PendingEvent, error: object, *, is_final: bool) -> Failure:
        said = _said(error)
        if each.tries >= self._settings.delivery_tries or (is_final and isinstance(error, RejectedError)):
            return self._dead(each, said)
        first, most = self._settings.delivery_retry_first_seconds, self._settings.delivery_retry_most_seconds
        pause = min(most, first * 2.0 ** min(each.tries - 1, 32))
        wished = error.retry_after_seconds if isinstance(error, NotExecutedError) else None
        if wished is not None and wished > pause:
            pause = min(most, wished)
        return Failure(event=each.event, error=said, retry_seconds=pause)

    def _dead(self, each: PendingEvent, said: str) -> Failure:
        return Failure(event=each.event, error=said, retry_seconds=None, alarm_id=self._new_id())


def _positions(answer: object) -> list[object]:
    return list(cast("Sequence[object]", answer)) if isinstance(answer, list | tuple) else []


def _said(error: object) -> str:
    """For operators: an adapter's own words if they can be shown, otherwise kind and place of the error (SAFE-1)."""
    if not isinstance(error, RemoteError):
        return described(error) if isinstance(error, BaseException) else f"answered with a {type(error).__name__}"
    text = " ".join(str(error).split())
    if not text or "@" in text or holds_card_number(text) or not text.isprintable():
        return type(error).__name__
    return text[:_SAID_MOST]
