"""What ends a command early, told in one line."""

from __future__ import annotations


class UsageError(Exception):
    """The command cannot be carried out as it was given: a URL, a file or an option is wrong. Exit status 2."""


class BrokenPromiseError(Exception):
    """The demonstration could not go on, so that its promise is not shown. Exit status 1."""
