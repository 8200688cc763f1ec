"""The store on a SQL database: PostgreSQL, MariaDB or a SQLite file."""

from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.adapters.sql.inventory import JoinedInventory
from checkout_core.adapters.sql.outbox import JoinedOutbox
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.sealing import Sealer
from checkout_core.adapters.sql.store import SqlStore

__all__ = ["JoinedInventory", "JoinedOutbox", "Parts", "Sealer", "SqlStore", "Timeouts"]
