"""How a failure is written into a log or a journal: where it was and what kind, never what it says (SAFE-1)."""

from __future__ import annotations

import traceback


def described(error: BaseException) -> str:
    """``TypeName at file:line in function``. Messages are left out: an exception may quote a token or an address."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno} in {last.name}"
