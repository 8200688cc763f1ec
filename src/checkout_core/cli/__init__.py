"""The command line: ``checkout-core demo | migrate | status | trace | audit``."""

from checkout_core.cli.program import main

__all__ = ["main"]
