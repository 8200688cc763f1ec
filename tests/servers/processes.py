"""Whether the process that a left-over bears in its name still runs."""

from __future__ import annotations

import os


def is_running(pid: str) -> bool:
    """True also where that cannot be told."""
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
