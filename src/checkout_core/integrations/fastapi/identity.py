"""Who calls: what the host's own authentication says, and no request body ever does (protocol 7.6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``scope``: the tenant. ``user_id``: whose orders these are; give guests an id of their session, since an order of
    nobody ('') can be read by trusted callers only.

    ``trusted``: the caller may name prices and read every order of its scope: a service of your own, never a browser.
    """

    user_id: str = ""
    scope: str = ""
    trusted: bool = False

    def may_read(self, *, user_id: str, scope: str) -> bool:
        """Whether an order with these is this caller's to read."""
        return scope == self.scope and (self.trusted or (user_id != "" and user_id == self.user_id))
