"""Payment tokens at rest: a column of their own, through the host's sealer, erased when they are done with (4.9)."""

from __future__ import annotations

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import Parts, SqlStore
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending


class Backwards:
    """Enough of a cipher to tell a sealed token from a plain one."""

    def seal(self, token: str) -> str:
        return f"sealed:{token[::-1]}"

    def unseal(self, sealed: str) -> str:
        return sealed.removeprefix("sealed:")[::-1]


def stored_tokens(url: str) -> list[str]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT token FROM checkout_operations")).scalars())


def test_the_token_is_stored_sealed_and_loaded_plain(sql_url: str) -> None:
    store = SqlStore(sql_url, parts=Parts(sealer=Backwards()))
    store.migrate()
    till = Till(store)
    (operation,) = till.file(till.opened()).operations
    assert operation.token
    assert stored_tokens(sql_url) == [f"sealed:{operation.token[::-1]}"]
    store.close()


def test_an_erased_token_leaves_nothing_to_unseal(sql_url: str) -> None:
    store = SqlStore(sql_url, parts=Parts(sealer=Backwards()))
    store.migrate()
    till = Till(store)
    purchase = till.opened()
    till.stored(till.ending(purchase, Ending.DECLINE))
    assert [each.token for each in till.file(purchase).operations] == [""]
    assert stored_tokens(sql_url) == [""]
    store.close()
