"""A SQLite file outlives its parent: what a forked child commits is there afterwards, whoever closes first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")

PARENT_CLOSES_FIRST = """
import os, sys
from checkout_core.adapters.sql import SqlStore

store = SqlStore(sys.argv[1])
store.migrate()
store.inventory.set_available("before", 1)
told, tell = os.pipe()
closed, close = os.pipe()
if os.fork() == 0:
    store.inventory.set_available("beside its parent", 2)
    os.write(tell, b".")
    os.read(closed, 1)
    store.inventory.set_available("after its parent", 3)
    os._exit(0)
os.read(told, 1)
store.close()
os.write(close, b".")
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""

FORK_WHILE_IN_USE = """
import os, sys
from checkout_core.adapters.sql import SqlStore, Timeouts
from checkout_core.errors import ConfigurationError

store = SqlStore(sys.argv[1], timeouts=Timeouts(lock_seconds=0.01))
store.migrate()
with store._pool.connection():
    child = os.fork()
if child == 0:
    try:
        store.inventory.set_available("never", 1)
    except ConfigurationError:
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
store.inventory.set_available("in the parent", 4)
"""

LOOK = """
import sys
from checkout_core.adapters.sql import SqlStore

print([balance.item_id for balance in SqlStore(sys.argv[1]).stock_balances()])
"""


def _run(program: str, url: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_lost_when_the_parent_closes_before_its_child(sqlite_url: str) -> None:
    _run(PARENT_CLOSES_FIRST, sqlite_url)
    assert _run(LOOK, sqlite_url) == "['after its parent', 'before', 'beside its parent']"


def test_a_child_of_a_process_that_was_using_the_file_is_refused(sqlite_url: str) -> None:
    _run(FORK_WHILE_IN_USE, sqlite_url)
    assert _run(LOOK, sqlite_url) == "['in the parent']"
