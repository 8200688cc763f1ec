"""``python -m checkout_core.cli``: the same as the console script."""

import sys

from checkout_core.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
