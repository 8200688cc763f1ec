"""``python -m checkout_core.testing.simulator``: play random schedules, or one of them again."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import reduce

from checkout_core.testing.simulator.explorer import ScheduleFailedError
from checkout_core.testing.simulator.swarm import Tally, play_seed, swarm

SLICE = 500


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 when a property was broken."""
    parser = argparse.ArgumentParser(prog="python -m checkout_core.testing.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed only")
    parser.add_argument("--trace", action="store_true", help="with --seed: print every effect, also when all is well")
    parser.add_argument("--without", type=int, nargs="+", default=[], help="with --seed: leave these faults out")
    parser.add_argument("--count", type=int, default=20_000, help="how many seeds to play")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)
    try:
        if given.seed is None:
            _say(_many(given.start, given.count, given.processes).text())
        else:
            drawn, world = play_seed(given.seed, without=frozenset(given.without))
            _say(world.history.text() if given.trace else "")
            _say(f"seed {given.seed}, {drawn.scenario.name}: {world.effects} effects, no violation")
    except ScheduleFailedError as failure:
        _say(str(failure))
        return 1
    return 0


def _many(start: int, count: int, processes: int) -> Tally:
    slices = [range(first, min(first + SLICE, start + count)) for first in range(start, start + count, SLICE)]
    if processes == 1:
        return reduce(Tally.joined, map(_shown, slices), Tally())
    with ProcessPoolExecutor(processes) as pool:
        return reduce(Tally.joined, pool.map(_shown, slices), Tally())


def _shown(seeds: range) -> Tally:
    tally = swarm(seeds)
    if sys.stderr.isatty():
        sys.stderr.write(f"\rseeds up to {seeds.stop - 1}")
    return tally


def _say(text: str) -> None:
    if text:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
