"""Database servers refuse to run as root, and need no right of root either."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

ACCOUNT = "nobody"


def is_root() -> bool:
    return os.geteuid() == 0


def hand_over(directory: Path) -> None:
    """Where we are root: let the server's account own ``directory`` and reach it."""
    if not is_root():
        return
    directory.parent.chmod(0o711)
    for path in (directory, *directory.rglob("*")):
        shutil.chown(path, ACCOUNT)


def run(directory: Path, command: Sequence[str | Path]) -> None:
    """Run ``command`` in ``directory`` to its end, not as root."""
    # Output goes to a file: a server that is started here inherits it and would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            cwd=directory,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=ACCOUNT if is_root() else None,
            extra_groups=[] if is_root() else None,
            start_new_session=True,
        )
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed:\n{output.read().decode(errors='replace')}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
