"""Random runs: a seed draws a scenario, a schedule and up to five faults, and gives the same run every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol, TypeAlias

from checkout_core.adapters.sandbox import BankPolicy
from checkout_core.ports.payment import Repeats
from checkout_core.saga.journal import Resumed
from checkout_core.settings import Settings
from checkout_core.testing.simulator.behaviours import (
    LATER_THAN_A_SHORT_WINDOW,
    POLICIES,
    SETTINGS,
    TOKENS,
    WINDOW_SECONDS,
)
from checkout_core.testing.simulator.explorer import ScheduleFailedError
from checkout_core.testing.simulator.garbage import rare_collections
from checkout_core.testing.simulator.invariants import PropertyViolatedError
from checkout_core.testing.simulator.scenario import Adjustment, Purchase, Scenario, cart, request
from checkout_core.testing.simulator.schedule import Drawn, Misfortune
from checkout_core.testing.simulator.world import World

FAULTS_MOST = 5
SPAN = 40
"""Faults hit the first so many effects; two sagas without a fault are six."""

TRAVELS_SECONDS = 90.0
"""A request that is under way for longer than any call may take, any lease lasts and any "not found" is waited for."""

KEY_MARGIN = 0.2
"""The part of a key's window in which nothing is sent (protocol 4.2), so that all that was sent arrives in time."""

PROVIDER_OPEN_SHARE = 0.05

SELLS_SECONDS = 2000.0
"""Nobody calls later; then everything heals."""

_REFUNDS = ("", "", "", "+refund_timeout_with_effect", "+refund_500_without_effect", "+refund_decline", "+refund_busy",
            "+refund_decide_later", "+refund_timeout_without_effect")  # fmt: skip


_WITHOUT_KEYS = tuple(each for each in _REFUNDS if each != "+refund_busy")
"""A bank is busy for the first request with a key, and without idempotency each try has a key of its own."""


class _Tokens(Protocol):
    def __call__(self, random: Random, charge: str = "") -> str:
        """A buyer's token: what the bank does with the ``charge`` (drawn where it is not given) and with its refund."""
        ...


_Drawn: TypeAlias = tuple[list[Purchase], dict[str, int]]


def command(seed: int, without: frozenset[int] = frozenset()) -> str:
    """What plays the run of this seed again, but for some of its faults."""
    left_out = " --without " + " ".join(map(str, sorted(without))) if without else ""
    return f"python -m checkout_core.testing.simulator --seed {seed} --trace{left_out}"


@dataclass(slots=True)
class Tally:
    """What was played, so that a reader sees how far the search went."""

    runs: int = 0
    effects: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    contentions: Counter[str] = field(default_factory=Counter[str])
    moves: Counter[str] = field(default_factory=Counter[str])

    def add(self, run: Drawing, world: World) -> None:
        self.runs += 1
        self.effects += world.effects_in_all
        self.contentions[run.scenario.name] += 1
        self.faults.update(mishap.fault.value for _, mishap in run.schedule.fired)
        for seen in world.witness.view.sagas.values():
            self.moves.update(move.on for move in seen.moves)
            self.moves["parked"] += seen.is_parked
            self.moves["given back by an operator"] += any(isinstance(each, Resumed) for _, each in seen.entries)

    def joined(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.runs + other.runs,
            self.effects + other.effects,
            self.faults + other.faults,
            self.contentions + other.contentions,
            self.moves + other.moves,
        )

    def text(self) -> str:
        """The figures, one kind a line."""
        parts = [f"{self.runs} random schedules, {self.effects} effects, {self.faults.total()} faults, no violation"]
        for name, counted in (("faults", self.faults), ("contention", self.contentions), ("moves", self.moves)):
            parts.append(f"  {name}: " + ", ".join(f"{what} {n}" for what, n in counted.most_common()))
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a seed stands for."""

    seed: int
    scenario: Scenario
    schedule: Drawn
    clock_offsets: tuple[float, ...]

    def world(self, worlds: type[World] = World) -> World:
        return worlds(self.scenario, self.schedule, self.clock_offsets)


def drawing(seed: int, without: frozenset[int] = frozenset()) -> Drawing:
    """The run of ``seed``; ``without`` leaves out some of its faults, by position."""
    random = Random(seed)  # noqa: S311 - a schedule, not a secret
    name = random.choice(tuple(_CONTENTIONS))
    policy = random.choice([*POLICIES.values()] if name != _MEANWHILE else [POLICIES[each] for each in _GIVES_UP_EARLY])
    purchases, stock = _CONTENTIONS[name](random, _tokens(policy))
    purchases = [replace(each, provider_open=random.random() < PROVIDER_OPEN_SHARE) for each in purchases]
    scenario = Scenario(
        name=name,
        purchases=tuple(purchases),
        stock=stock,
        policy=_varied(policy, random),
        settings=_settings(random),
        recovery_from_seconds=random.choice((0.0, 0.0, 0.0, 85.0, 200.0, 500.0, SELLS_SECONDS)),
        recoverers=random.choice((1, 2, 3)),
        strangers=random.choice((0, 0, 0, 1)),
        acts_after_seconds=random.choice((1.0, 30.0, 100.0, 700.0, 1500.0)),
        approves=random.random() < 0.7,
        operator_after_seconds=random.choice((None, 5.0, 100.0, 600.0)),
        adjustments=_adjustments(random, stock),
    )
    misfortune = Misfortune(
        faults=random.randint(0, FAULTS_MOST),
        span=random.choice((8, 15, SPAN)),
        travels_seconds=min(TRAVELS_SECONDS, policy.key_window_seconds * KEY_MARGIN),
        without=without,
    )
    schedule = Drawn(random, misfortune)
    return Drawing(seed, scenario, schedule, tuple(random.choice((0.0, 1e6, -5e5)) for _ in range(8)))


def play_seed(seed: int, worlds: type[World] = World, without: frozenset[int] = frozenset()) -> tuple[Drawing, World]:
    """Play one seed. Raises :class:`ScheduleFailedError`, whose message ends with the command that plays it again."""
    drawn = drawing(seed, without)
    world = drawn.world(worlds)
    try:
        world.run()
    except PropertyViolatedError as violation:
        fired = ", ".join(f"#{at} {mishap.fault} ({mishap.seconds:g} s)" for at, mishap in drawn.schedule.fired)
        said = f"seed {seed}, {drawn.scenario.name}, {drawn.scenario.policy}: {fired or 'no fault'}"
        again = command(seed, without)
        raise ScheduleFailedError(violation, f"{said}\nagain: {again}", world.history.text()) from violation
    return drawn, world


def narrowed(failure: ScheduleFailedError, seed: int, worlds: type[World] = World) -> ScheduleFailedError:
    """The failure of ``seed`` with as few of its faults as still break the same property."""
    without: frozenset[int] = frozenset()
    for fault in range(FAULTS_MOST):
        try:
            play_seed(seed, worlds, without | {fault})
        except ScheduleFailedError as smaller:
            if smaller.violation.property_id == failure.violation.property_id:
                failure, without = smaller, without | {fault}
    return failure


def swarm(seeds: Iterable[int], worlds: type[World] = World) -> Tally:
    """Play these seeds. Raises :class:`ScheduleFailedError`, narrowed, at the first that breaks a property."""
    tally = Tally()
    with rare_collections():
        for seed in seeds:
            try:
                tally.add(*play_seed(seed, worlds))
            except ScheduleFailedError as failure:
                raise narrowed(failure, seed, worlds) from failure.violation
    return tally


def _adjustments(random: Random, stock: dict[str, int]) -> tuple[Adjustment, ...]:
    """What the warehouse finds more, or less, while the shop sells."""
    return tuple(
        Adjustment(at_seconds=_at(random), item_id=random.choice([*stock]), delta=random.choice((-1, 1, 5)))
        for _ in range(random.choice((0, 0, 0, 1, 2)))
    )


def _varied(policy: BankPolicy, random: Random) -> BankPolicy:
    lag = policy.lookup_lag_seconds
    return replace(policy, lookup_lag_seconds=random.choice((1.0, 20.0, 60.0)) if lag else lag)


def _settings(random: Random) -> Settings:
    return replace(
        SETTINGS,
        pay_by_seconds=random.choice((30.0, 100.0, 100.0)),
        quiet_margin_seconds=random.choice((1.0, 30.0)),
        retry_first_seconds=random.choice((1.0, 5.0, 40.0)),
        cart_guard_seconds=random.choice((20.0, 3600.0)),
    )


def _tokens(policy: BankPolicy) -> _Tokens:
    """One buyer's token, drawn with weight on what takes effect late."""
    short = policy.key_window_seconds < WINDOW_SECONDS
    tokens = [each for each in TOKENS if not (short and each.endswith(LATER_THAN_A_SHORT_WINDOW))]
    late = [each for each in tokens if "late_effect" in each]
    refunds = _WITHOUT_KEYS if policy.repeats is Repeats.NONE else _REFUNDS

    def draw(random: Random, charge: str = "") -> str:
        kind = random.random()
        token = "tok_approve" if kind < 0.3 else random.choice(late if kind < 0.5 else tokens)
        return (charge or token) + random.choice(refunds)

    return draw


def _at(random: Random) -> float:
    return random.choice((0.0, 0.0, 0.0, 0.5, 20.0, 70.0, 150.0, 1300.0))


def _same_key(random: Random, token: _Tokens) -> _Drawn:
    wanted = request("key", token(random), cart("cart", {"shirt": 2}, revision=random.choice(("", "1"))))
    return [Purchase(request=wanted, at_seconds=_at(random)) for _ in range(random.choice((2, 3)))], {"shirt": 3}


def _key_with_another_request(random: Random, token: _Tokens) -> _Drawn:
    drawn = token(random)
    wanted = [request("key", drawn, cart("cart", {"shirt": qty})) for qty in (1, 2)]
    return [Purchase(request=each, at_seconds=_at(random)) for each in wanted], {"shirt": 3}


def _same_cart(random: Random, token: _Tokens) -> _Drawn:
    bought = cart("cart", {"shirt": 1}, revision=random.choice(("", "7", "7")))
    wanted = [request(f"key-{i}", token(random), bought) for i in (1, 2)]
    return [Purchase(request=each, at_seconds=_at(random)) for each in wanted], {"shirt": random.choice((1, 5))}


def _last_unit(random: Random, token: _Tokens) -> _Drawn:
    wanted = [request(f"key-{i}", token(random), cart(f"cart-{i}", {"shirt": 1}, revision="1")) for i in (1, 2)]
    return [Purchase(request=each, at_seconds=_at(random)) for each in wanted], {"shirt": 1}


def _two_carts(random: Random, token: _Tokens) -> _Drawn:
    wanted = [request(f"key-{i}", token(random), cart(f"cart-{i}", {"shirt": i, "cup": 1})) for i in (1, 2)]
    return [Purchase(request=each, at_seconds=_at(random)) for each in wanted], {"shirt": 9, "cup": 2}


def _crossed(random: Random, token: _Tokens) -> _Drawn:
    lines = ({"shirt": 1, "cup": 2}, {"cup": 2, "shirt": 1})
    wanted = [request(f"key-{i}", token(random), cart(f"cart-{i}", each)) for i, each in enumerate(lines)]
    return [Purchase(request=each, at_seconds=_at(random)) for each in wanted], {"shirt": 1, "cup": 3}


def _sold_meanwhile(random: Random, token: _Tokens) -> _Drawn:
    """The first buyer's money moves after the order was given up, and after somebody else bought the same."""
    late = token(random, "tok_timeout_with_late_effect:300s")
    shared_cart = random.random() < 0.5
    carts = [cart("cart" if shared_cart else f"cart-{i}", {"shirt": 1}, revision="1") for i in (1, 2)]
    first = Purchase(request=request("key-1", late, carts[0]))
    second = Purchase(request=request("key-2", token(random), carts[1]), at_seconds=random.choice((60.0, 100.0, 200.0)))
    return [first, second], {"shirt": 1}


_MEANWHILE = "sold meanwhile"
_GIVES_UP_EARLY = ("no keys", "no keys, lagging lookup", "replay")
"""Banks at which an order can be given up while its request is still under way."""

_CONTENTIONS: dict[str, Callable[[Random, _Tokens], _Drawn]] = {
    "same key": _same_key,
    "key with another request": _key_with_another_request,
    "same cart": _same_cart,
    "last unit": _last_unit,
    "two carts": _two_carts,
    "crossed carts": _crossed,
    _MEANWHILE: _sold_meanwhile,
}
