"""Ids are UUIDv7, increase within a process, and no child repeats its parent's."""

from __future__ import annotations

import os
import threading
from uuid import RFC_4122, UUID

import pytest

from checkout_core.drivers.ids import Ids

MILLISECOND = 1_000_000


def test_an_id_is_a_uuid_of_version_7_in_canonical_form() -> None:
    made = Ids(lambda: 0x0123456789AB * MILLISECOND).new()
    read = UUID(made)
    assert str(read) == made
    assert (read.version, read.variant) == (7, RFC_4122)
    assert read.int >> 80 == 0x0123456789AB


def test_ids_increase_within_a_millisecond_and_past_its_counter() -> None:
    ids = Ids(lambda: 5 * MILLISECOND)
    made = [ids.new() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_ids_increase_while_the_clock_steps_back() -> None:
    times = iter([9, 9, 3, 4, 10])
    ids = Ids(lambda: next(times) * MILLISECOND)
    made = [ids.new() for _ in range(5)]
    assert made == sorted(set(made))


def test_random_digits_are_drawn_in_bulk_and_never_used_twice() -> None:
    drawn: list[bytes] = []

    def random_bytes(number: int) -> bytes:
        drawn.append(os.urandom(number))
        return drawn[-1]

    ids = Ids(lambda: MILLISECOND, random_bytes)
    made = [ids.new() for _ in range(1000)]
    assert len(drawn) == 2
    assert len({each[20:] for each in made}) == 1000
    assert made[0].replace("-", "")[17:] == drawn[0].hex()[:15]


def test_threads_never_draw_the_same_id() -> None:
    ids = Ids()
    made: list[list[str]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=lambda mine=mine: mine.extend(ids.new() for _ in range(2000))) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for mine in made for each in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_draws_other_digits() -> None:
    ids = Ids(lambda: MILLISECOND)
    first = ids.new()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, ids.new().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        childs = pipe.read().decode()
    os.wait()
    assert childs[19:] not in (first[19:], ids.new()[19:])
