"""A deterministic simulator: the checkout in virtual time, with several workers, a scripted bank and every fault.

``explore`` plays every schedule with so many crashes, ``swarm`` random schedules by seed. ``invariants`` holds the
promises that are checked, ``behaviours`` the banks.
"""

from checkout_core.testing.simulator.explorer import (
    Exploration,
    ScheduleFailedError,
    explore,
    explore_every_fault,
    play,
)
from checkout_core.testing.simulator.faults import Fault, Mishap
from checkout_core.testing.simulator.invariants import PropertyViolatedError
from checkout_core.testing.simulator.scenario import Adjustment, Purchase, Scenario, cart, request
from checkout_core.testing.simulator.swarm import Tally, drawing, narrowed, play_seed, swarm
from checkout_core.testing.simulator.world import World

__all__ = [
    "Adjustment",
    "Exploration",
    "Fault",
    "Mishap",
    "PropertyViolatedError",
    "Purchase",
    "Scenario",
    "ScheduleFailedError",
    "Tally",
    "World",
    "cart",
    "drawing",
    "explore",
    "explore_every_fault",
    "narrowed",
    "play",
    "play_seed",
    "request",
    "swarm",
]
