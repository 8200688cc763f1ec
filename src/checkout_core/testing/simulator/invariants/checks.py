"""Which property is looked at when."""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.testing.simulator.invariants.liveness import everything_ends, sold_exactly_what_was_there
from checkout_core.testing.simulator.invariants.money import (
    at_most_one_send_without_idempotency,
    charges_are_ours,
    confirmed_only_when_covered,
    each_operation_at_most_once,
    every_charge_has_its_order,
    ledgers_agree,
    new_attempt_only_after_a_definite_end,
    nothing_is_charged_that_is_being_undone,
    one_key_one_request,
    one_paid_order_per_cart_revision,
    refunds_within_captures_within_total,
    refused_callers_owe_nothing,
    sent_as_intended,
)
from checkout_core.testing.simulator.invariants.orders import (
    accepted_terms_stand,
    charges_ask_for_the_total,
    one_answer_per_key,
    one_live_order_per_cart,
    one_order_per_key,
    other_request_is_refused,
)
from checkout_core.testing.simulator.invariants.states import (
    failed_means_undone,
    journal_is_the_history,
    one_event_per_marked_move,
    statuses_follow_the_table,
)
from checkout_core.testing.simulator.invariants.stock import all_lines_or_none, holds_follow_the_order, units_add_up
from checkout_core.testing.simulator.invariants.view import Property, PropertyViolatedError, View

ALWAYS: tuple[tuple[str, Property], ...] = (
    ("ORDER-1", one_order_per_key),
    ("ORDER-3", one_live_order_per_cart),
    ("ORDER-4", accepted_terms_stand),
    ("MONEY-1", refunds_within_captures_within_total),
    ("MONEY-2", each_operation_at_most_once),
    ("MONEY-3", confirmed_only_when_covered),
    ("MONEY-5", charges_are_ours),
    ("MONEY-6", new_attempt_only_after_a_definite_end),
    ("STOCK-1", units_add_up),
    ("STOCK-3", holds_follow_the_order),
    ("STOCK-4", all_lines_or_none),
    ("STATE-1", statuses_follow_the_table),
    ("STATE-3", journal_is_the_history),
    ("STATE-4", failed_means_undone),
    ("EVENT-1", one_event_per_marked_move),
)
"""After every effect that changed anything."""

ON_SEND: tuple[tuple[str, Property], ...] = (
    ("MONEY-5", sent_as_intended),
    ("MONEY-5", one_key_one_request),
    ("MONEY-8", nothing_is_charged_that_is_being_undone),
    ("MONEY-2", at_most_one_send_without_idempotency),
    ("ORDER-4", charges_ask_for_the_total),
)
"""At the moment when a request for money leaves."""

AT_REST: tuple[tuple[str, Property], ...] = (
    ("LIVE-1", everything_ends),
    ("STOCK-2", sold_exactly_what_was_there),
    ("ORDER-1", one_answer_per_key),
    ("ORDER-2", other_request_is_refused),
    ("MONEY-2", ledgers_agree),
    ("MONEY-9", one_paid_order_per_cart_revision),
    ("MONEY-4", every_charge_has_its_order),
    ("MONEY-4", refused_callers_owe_nothing),
)
"""When faults have stopped and nothing is due any more."""


def check(view: View, properties: Sequence[tuple[str, Property]]) -> None:
    """Raise :class:`PropertyViolatedError` for the first property that does not hold."""
    for property_id, holds in properties:
        for found in holds(view):
            raise PropertyViolatedError(*_named(property_id, found))


def _named(property_id: str, found: str) -> tuple[str, str]:
    """A function that looks at several properties names the one it found broken."""
    own, colon, rest = found.partition(": ")
    return (own, rest) if colon and own.startswith("MONEY-") else (property_id, found)
