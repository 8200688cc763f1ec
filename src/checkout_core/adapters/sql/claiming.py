"""Who owns a key or a cart: claimed with our own ids, told by reading back in a later statement (protocol 2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkout_core.adapters.sql import guards
from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.failures import ConflictedError
from checkout_core.adapters.sql.folding import GuardPlace
from checkout_core.adapters.sql.groups import KEY_DROPS, KEYS
from checkout_core.adapters.sql.looks import GUARD_OWNERS, KEY_OWNERS
from checkout_core.adapters.sql.work import Work
from checkout_core.ports.records import DuplicateKey, GuardTaken


def claim(work: Work, dialect: Dialect, members: Sequence[Candidate], *, all_guards: bool) -> None:
    """Claim every key and guard, then answer the members that did not get theirs: the key is decided first.

    ``all_guards``: lock the guards that are only freed too, although no member takes any.
    """
    claiming = [member for member in members if member.chosen.key is not None]
    guarding = members if all_guards or any(member.chosen.takes for member in members) else ()
    for member in claiming:
        put_key(work, member)
    places = sorted({place for member in guarding for place in _touch(work, member)})
    if not claiming and not places:
        return
    at = work.write().at
    keys = sorted((key.scope, key.key) for member in claiming if (key := member.chosen.key) is not None)
    key_owners = {(row[0], row[1]): row[2:] for row in work.fetch(KEY_OWNERS, keys)}
    guard_owners = {(row[0], row[1], row[2]): row[3:] for row in work.fetch(GUARD_OWNERS, places)}
    if len(key_owners) != len(set(keys)) or len(guard_owners) != len(places):
        raise ConflictedError("a claim vanished between two statements")
    live = {place for place, row in guard_owners.items() if row[2] is None or dialect.moment(row[2]) > at}
    for member in members:
        _decide_key(member, key_owners)
        _decide_guards(member, guard_owners, live)


def put_key(work: Work, member: Candidate) -> None:
    key = member.chosen.key
    if key is not None:
        work.add(KEYS, (key.scope, key.key, member.transaction.saga_id, key.fingerprint))


def put_guards(work: Work, member: Candidate) -> None:
    """Add how the guards of the chosen alternative shall stand, where they do not stand so by the claim."""
    chosen = member.chosen
    for place in chosen.takes:
        if place not in member.entered or chosen is not member.claimed:
            guards.hold(work.rows, place, chosen)
    guards.put_ends(work.rows, chosen)


def give_back(work: Work, members: Sequence[Candidate]) -> None:
    """Free what members claimed that do not keep it: refused, or short with an alternative that claims less.

    Only a new saga's: an older one's key is its own for ever, and its guards are held only once it is written.
    """
    for member in members:
        claimed = member.claimed
        if claimed is None or not member.is_new:
            continue
        kept = member.chosen if member.answer is None else None
        key = claimed.key
        if key is not None and (kept is None or kept.key is None):
            work.add(KEY_DROPS, (key.scope, key.key, claimed.saga_id))
        for place in member.entered:
            if kept is None or (place not in kept.takes and place not in kept.frees):
                guards.drop(work.rows, place, claimed.saga_id)


def _touch(work: Work, member: Candidate) -> set[GuardPlace]:
    """Touch the member's guards. A new saga's hold at once; those that an older one takes may be held by it already,
    or by others, and are told apart before they are held."""
    touched = set(guards.places(member.transaction))
    for place in touched:
        guards.touch(work.rows, place, member.chosen, takes=member.is_new and place in member.chosen.takes)
    return touched


def _decide_key(member: Candidate, owners: dict[tuple[str, str], tuple[Any, ...]]) -> None:
    key = member.chosen.key
    if key is not None:
        owner, fingerprint = owners[key.scope, key.key]
        if owner != member.transaction.saga_id:
            member.answer = DuplicateKey(order_id=owner, fingerprint=fingerprint)


def _decide_guards(member: Candidate, owners: dict[GuardPlace, tuple[Any, ...]], live: set[GuardPlace]) -> None:
    for place in member.chosen.takes:
        owner, said, _ = owners[place]
        if owner == member.transaction.saga_id:
            if member.is_new:
                member.entered.add(place)
        elif place in live and member.answer is None:
            member.answer = GuardTaken(order_id=owner, owner=said)
