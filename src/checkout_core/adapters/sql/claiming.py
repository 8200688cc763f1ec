"""Who owns a key or a cart: claimed with our own ids, told by reading back in a later statement (protocol 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.failures import ConflictedError
from checkout_core.adapters.sql.groups import GUARD_DROPS, KEY_DROPS
from checkout_core.adapters.sql.looks import GUARD_OWNERS, KEY_OWNERS
from checkout_core.adapters.sql.work import Work
from checkout_core.ports.records import DuplicateKey, GuardTaken


def claim(work: Work, members: Sequence[Candidate]) -> None:
    """Claim every key and guard, then answer the members that did not get theirs: the key is decided first."""
    claiming = [member for member in members if member.chosen.key is not None or member.chosen.takes]
    if not claiming:
        return
    for member in claiming:
        member.chosen.put_claims(work.rows)
    work.write()
    keys = sorted((key.scope, key.key) for member in claiming if (key := member.chosen.key) is not None)
    places = sorted({place for member in claiming for place in member.chosen.takes})
    key_owners = {(row[0], row[1]): row for row in work.fetch(KEY_OWNERS, keys)}
    guard_owners = {(row[0], row[1], row[2]): row for row in work.fetch(GUARD_OWNERS, places)}
    if len(key_owners) != len(set(keys)) or len(guard_owners) != len(places):
        raise ConflictedError("a claim vanished between two statements")
    for member in claiming:
        saga_id = member.transaction.saga_id
        key = member.chosen.key
        if key is not None:
            *_, owner, fingerprint = key_owners[key.scope, key.key]
            if owner != saga_id:
                member.answer = DuplicateKey(order_id=owner, fingerprint=fingerprint)
                continue
        for place in member.chosen.takes:
            *_, owner, said = guard_owners[place]
            if owner != saga_id:
                member.answer = GuardTaken(order_id=owner, owner=said)
                break


def give_back(work: Work, members: Sequence[Candidate]) -> None:
    """Drop what members claimed that do not keep it: refused, or short with an alternative that claims less.

    Only a new saga's: an older one's key is its own for ever, and its guards are held only once it is written.
    """
    for member in members:
        claimed = member.claimed
        if claimed is None or not member.is_new:
            continue
        kept = member.chosen if member.answer is None else None
        key = claimed.key
        if key is not None and (kept is None or kept.key is None):
            work.add(KEY_DROPS, (key.scope, key.key, member.transaction.saga_id))
        for place in claimed.takes:
            if kept is None or place not in kept.takes:
                work.add(GUARD_DROPS, (*place, member.transaction.saga_id))
