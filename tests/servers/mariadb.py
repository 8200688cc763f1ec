"""A private MariaDB from the machine's installed programs, where no server answers on the usual port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.unprivileged import ACCOUNT, free_port, hand_over, is_root, run

START_SECONDS = 60.0


@dataclass(frozen=True)
class MariadbServer:
    """A running server; ``root`` has no password."""

    directory: Path
    port: int

    @property
    def url(self) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/?charset=utf8mb4"

    def stop(self) -> None:
        """End the process and remove the directory: nobody wants the data."""
        note = self.directory / "pid"
        if note.exists():
            with suppress(ProcessLookupError):
                os.kill(int(note.read_text()), signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


def programs_are_installed() -> bool:
    return _daemon() is not None and shutil.which("mariadb-install-db") is not None


def start_mariadb(directory: Path) -> MariadbServer:
    """Start a new, empty server on a free port of 127.0.0.1. ``directory`` must not exist yet."""
    daemon = _daemon()
    if daemon is None:
        raise FileNotFoundError("no mariadbd is installed")
    directory.mkdir()
    hand_over(directory)
    account = [f"--user={ACCOUNT}"] if is_root() else []
    data = f"--datadir={directory / 'data'}"
    install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
    run(directory, [*install, data, *account])
    server = MariadbServer(directory, free_port())
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                daemon,
                "--no-defaults",
                data,
                *account,
                f"--port={server.port}",
                "--bind-address=127.0.0.1",
                f"--socket={directory / 'socket'}",
                f"--pid-file={directory / 'pid'}",
                "--max-connections=300",
                "--innodb-flush-log-at-trx-commit=2",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _await_start(server, process)
    return server


def _await_start(server: MariadbServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (server.directory / "socket").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"mariadbd did not start:\n{(server.directory / 'log').read_text(errors='replace')}")
        time.sleep(0.05)
    process.returncode = 0  # it outlives this process on purpose: without this, Popen would warn of it


def _daemon() -> str | None:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
