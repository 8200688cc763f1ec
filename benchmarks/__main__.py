"""Measure the library against the floor: interleaved runs on a private PostgreSQL with durable commits.

Each run is a process of its own on an empty database, and is verified: stock is conserved, every confirmed order is
charged once, nothing is half done. A round runs every case once; the next round runs them in reverse.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Case, Figures
from benchmarks.report import as_json, table
from benchmarks.rows import Round, results
from tests.servers.postgres import PostgresServer, start_postgres

ROOT = Path(__file__).parents[1]
SETTINGS: Mapping[str, str] = {"shared_buffers": "512MB", "max_connections": "200", "autovacuum": "off"}
"""A run lasts seconds on a vacuumed copy; the commits of a vacuum that happens to fall into it would be counted."""
NOISE = 0.08
"""More of the machine than this used by others: the run is marked."""

_RUN = Case("ours", "tasks", 128, "uniform", warmup_seconds=2, seconds=5)
CASES: Mapping[str, Case] = {
    "floor, 128 tasks": replace(_RUN, contender="floor"),
    "ours, 128 tasks": _RUN,
    "ours, hot": replace(_RUN, mode="hot"),
    "ours, sold out": replace(_RUN, mode="hot"),
    "floor, 64 threads": replace(_RUN, contender="floor", front="threads", clients=64),
    "ours, 64 threads": replace(_RUN, front="threads", clients=64),
    "floor, alone": replace(_RUN, contender="floor", front="threads", clients=1),
    "ours, alone": replace(_RUN, front="threads", clients=1),
    "floor, SQLite": replace(_RUN, contender="floor", clients=64, database="sqlite"),
    "ours, SQLite": replace(_RUN, clients=64, database="sqlite"),
    "naive, 16 threads": replace(_RUN, contender="naive", front="threads", clients=16),
}


def main() -> int:
    asked = _arguments()
    chosen = [name for name in CASES if asked.only in name]
    with tempfile.TemporaryDirectory(prefix="checkout-benchmark-") as directory:
        server = start_postgres(SETTINGS, directory=Path(directory, "postgres"))
        try:
            rounds = list(_rounds(server, chosen, asked))
        finally:
            server.stop()
    found = results(rounds)
    if found:
        print(f"\n{table(found)}")
    print(f"\nmedian [least most] of {len(rounds)} rounds; {_machine()}")
    if asked.json:
        document = {"machine": _machine(), "rounds": [_plain(each) for each in rounds], "rows": list(as_json(found))}
        Path(asked.json).write_text(json.dumps(document, indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="measured time of each run")
    parser.add_argument("--warmup", type=float, default=2, help="seconds before the measured time")
    parser.add_argument("--only", default="", help="cases whose name contains this, for example 'alone' or 'tasks'")
    parser.add_argument("--json", help="write every figure to this file")
    return parser.parse_args()


def _rounds(server: PostgresServer, chosen: Sequence[str], asked: argparse.Namespace) -> Iterator[Round]:
    for number in range(asked.rounds):
        done: dict[str, Figures] = {}
        for name in chosen if number % 2 == 0 else reversed(chosen):
            case = replace(CASES[name], warmup_seconds=asked.warmup, seconds=asked.seconds, seed=number + 1)
            if name == "ours, sold out":
                case = replace(case, hot_stock=_half_of_a_run(server, done, case))
            done[name] = _run(server, case)
            _say(number, name, done[name])
        yield done


def _half_of_a_run(server: PostgresServer, done: Mapping[str, Figures], case: Case) -> int:
    """Units of the hot item that are sold when half of the measured time has passed."""
    hot = done.get("ours, hot") or _run(server, replace(case, hot_stock=0))
    return int(hot.per_second * (case.warmup_seconds + case.seconds / 2))


def _run(server: PostgresServer, case: Case) -> Figures:
    postmaster = (server.directory / "data" / "postmaster.pid").read_text().split()[0]
    command = [sys.executable, "-m", "benchmarks.measure", "--dsn", server.dsn, "--postmaster", postmaster]
    done = subprocess.run(
        [*command, json.dumps(asdict(case))], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True
    )
    return Figures(**json.loads(done.stdout))


def _say(number: int, name: str, figures: Figures) -> None:
    noise = f"  others used {figures.foreign_share:.0%} of the machine" if figures.foreign_share > NOISE else ""
    costs = (
        f"p50 {figures.p50_ms:6.2f} ms  p99 {figures.p99_ms:7.2f} ms  "
        f"cpu us {figures.client_cpu_us:4.0f} client {figures.server_cpu_us:4.0f} server  "
        f"WAL {figures.wal_bytes:5.0f}  commits {figures.commits:.2f}"
    )
    print(f"round {number + 1}  {name:18} {figures.per_second:8,.0f}/s  {costs}{noise}", flush=True)


def _plain(done: Round) -> dict[str, object]:
    return {name: asdict(figures) for name, figures in done.items()}


def _machine() -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"{os.cpu_count()} cores ({platform.machine()}) shared by load, library and PostgreSQL; "
        f"Python {platform.python_version()}, SQLAlchemy {version('SQLAlchemy')}, psycopg {version('psycopg')}; {when}"
    )


if __name__ == "__main__":
    sys.exit(main())
