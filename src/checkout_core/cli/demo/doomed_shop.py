"""The shop process that is killed: ``python -m checkout_core.cli.demo.doomed_shop DATABASE_URL BANK_URL``.

It reads one checkout request as JSON from standard input, runs it, and prints the order's status: which nobody sees,
since it is killed while the bank's answer is on its way.
"""

from __future__ import annotations

import sys

from checkout_core.cli.demo.stage import CALL_SECONDS, open_shop
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import parse


def main(database_url: str, bank_url: str) -> None:
    request = parse(CheckoutRequest, sys.stdin.read())
    with open_shop(database_url, bank_url) as (_, checkout):
        result = checkout.execute(request, timeout_seconds=CALL_SECONDS)
        sys.stdout.write(f"{result.status}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
