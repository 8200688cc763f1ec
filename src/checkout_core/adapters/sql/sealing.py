"""Payment tokens at rest (protocol 4.9)."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """A host's encryption of payment tokens. Both methods are called from the store's threads and must not fail
    for a token that ``seal`` has accepted."""

    def seal(self, token: str) -> str:
        """The text that is stored in place of ``token``."""
        ...

    def unseal(self, sealed: str) -> str:
        """The token that ``seal`` was given."""
        ...


class Unsealed:
    """Tokens are stored as they are: they are references that only the shop's own provider account can use."""

    def seal(self, token: str) -> str:
        return token

    def unseal(self, sealed: str) -> str:
        return sealed
