"""The circuit opens after failures in a row, pauses, and lets one probe find out whether the provider is back."""

from __future__ import annotations

from checkout_core.drivers.circuit import Circuit
from tests.drivers.toys import HandClock


def opened(clock: HandClock) -> Circuit:
    circuit = Circuit(3, 10.0, clock)
    for _ in range(3):
        assert circuit.admit()
        circuit.failed()
    return circuit


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    circuit = Circuit(3, 10.0, HandClock())
    circuit.failed()
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    circuit.failed()
    assert not circuit.is_open()
    circuit.failed()
    assert circuit.is_open()
    assert not circuit.admit()


def test_it_admits_one_probe_after_the_pause() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 9.9
    assert circuit.is_open()
    clock.now += 0.1
    assert not circuit.is_open()
    assert circuit.admit()
    assert not circuit.admit()
    assert circuit.is_open()


def test_asking_does_not_take_the_probe() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 10.0
    assert [circuit.is_open() for _ in range(3)] == [False] * 3
    assert circuit.admit()


def test_a_probe_that_succeeds_closes_it() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 10.0
    assert circuit.admit()
    circuit.succeeded()
    assert not circuit.is_open()
    circuit.failed()
    circuit.failed()
    assert not circuit.is_open(), "it counts anew"


def test_a_probe_that_fails_opens_it_for_another_pause() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 10.0
    assert circuit.admit()
    clock.now += 1.0
    circuit.failed()
    clock.now += 9.9
    assert not circuit.admit()
    clock.now += 0.1
    assert circuit.admit()


def test_late_failures_of_earlier_sends_do_not_lengthen_the_pause() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 9.0
    circuit.failed()
    clock.now += 1.0
    assert circuit.admit()


def test_a_probe_that_is_never_heard_of_again_makes_room_for_the_next() -> None:
    clock = HandClock()
    circuit = opened(clock)
    clock.now += 10.0
    assert circuit.admit()
    clock.now += 10.0
    assert circuit.admit()
