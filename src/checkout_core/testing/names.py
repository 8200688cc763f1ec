"""Ids and names for tests of stores: new for each test, so that one database serves many of them."""

from __future__ import annotations

import secrets

ALIKE = ("Abc", "abc", "abc ", "àbc", "a'b\"c")
"""Names that differ in bytes only: a store that compares by collation takes some of them for one."""


class Names:
    """Everything that one test names. Two instances share no name; the numbers are the test's own."""

    def __init__(self) -> None:
        self.scope = secrets.token_hex(6)

    def saga(self, number: int) -> str:
        return self._id("5", number)

    def commit(self, number: int) -> str:
        return self._id("c", number)

    def token(self, number: int) -> str:
        return self._id("7", number)

    def key(self, number: int) -> str:
        return self._alike(number, "key").encode("ascii", "replace").decode()

    def cart(self, number: int) -> str:
        return self._alike(number, "cart")

    def item(self, number: int) -> tuple[str, str]:
        """(item, location): each item is at two locations."""
        return f"{self.scope} {self._alike(number // 2, 'item')}", "north" if number % 2 else ""

    def _alike(self, number: int, kind: str) -> str:
        return ALIKE[number] if number < len(ALIKE) else f"{kind}-{number}"

    def _id(self, kind: str, number: int) -> str:
        # The form of a UUIDv7; its first 48 bits are this test's instead of a time.
        return f"{self.scope[:8]}-{self.scope[8:]}-7{kind}00-8000-{number:012x}"


def event_of(commit_id: str) -> str:
    """The id of the one event that this commit appends."""
    return commit_id[:15] + "e" + commit_id[16:]


def alarm_of(commit_id: str) -> str:
    """The id of the one alarm that this commit raises."""
    return commit_id[:15] + "a" + commit_id[16:]
