"""The console script: its arguments, and which exit status says what."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from checkout_core.checkout.audit import AuditReport
from checkout_core.cli import parked
from checkout_core.cli.app import load_app
from checkout_core.cli.audit import AuditAnswer
from checkout_core.cli.database import open_store, shown
from checkout_core.cli.failure import BrokenPromiseError, UsageError
from checkout_core.cli.ledger import read_ledger
from checkout_core.cli.migrate import migrate
from checkout_core.cli.status import figures_of
from checkout_core.cli.terminal import NOT_OK, USAGE, Terminal, open_terminal
from checkout_core.cli.trace import TraceAnswer, trace_in
from checkout_core.cli.work import recover, relay, work
from checkout_core.drivers.auditing import audit_store
from checkout_core.errors import CheckoutError, SchemaVersionError, StorageUnavailableError

URL_VARIABLE = "CHECKOUT_CORE_URL"

_INTERRUPTED = 130
_EXIT_STATUSES = "exit status: 0 as promised, 1 findings or failure, 2 wrong usage"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Wrong usage. A URL that landed in the wrong place is not quoted with its password."""
        super().error(re.sub(r"://\S*@", "://***@", message))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. No user's mistake ends in a traceback."""
    chosen = _parser().parse_args(arguments)
    terminal = open_terminal(machine=chosen.json)
    try:
        status: int = chosen.command(chosen, terminal)
    except UsageError as error:
        status = terminal.refuse("UsageError", str(error), USAGE)
    except StorageUnavailableError as error:
        status = terminal.refuse("StorageUnavailableError", _unavailable(chosen, error), NOT_OK)
    except (CheckoutError, BrokenPromiseError) as error:
        status = terminal.refuse(type(error).__name__, _advised(error), NOT_OK)
    except BrokenPipeError:  # the reader has seen enough, as in `checkout-core trace ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = NOT_OK
    except KeyboardInterrupt:
        status = terminal.refuse("KeyboardInterrupt", "interrupted", _INTERRUPTED)
    return status


def _migrate(chosen: argparse.Namespace, terminal: Terminal) -> int:
    with open_store(_url(chosen), create=True) as store:
        return terminal.answer(migrate(store, shown(chosen.url)))


def _status(chosen: argparse.Namespace, terminal: Terminal) -> int:
    with open_store(_url(chosen)) as store:
        return terminal.answer(figures_of(store, lambda orders: terminal.progress.tell(f"{orders:,} orders counted")))


def _trace(chosen: argparse.Namespace, terminal: Terminal) -> int:
    with open_store(_url(chosen)) as store:
        return terminal.answer(TraceAnswer(trace_in(store, chosen.order_id)))


def _audit(chosen: argparse.Namespace, terminal: Terminal) -> int:
    place: str | None = chosen.ledger
    read = (lambda: read_ledger(place)) if place is not None else None
    with open_store(_url(chosen)) as store:
        report: AuditReport = audit_store(
            store, read, lambda orders: terminal.progress.tell(f"{orders:,} orders audited")
        )
    return terminal.answer(AuditAnswer(report, with_ledger=place is not None))


def _worker(chosen: argparse.Namespace, terminal: Terminal) -> int:
    return terminal.answer(work(load_app(chosen.app)))


def _recover(chosen: argparse.Namespace, terminal: Terminal) -> int:
    return terminal.answer(recover(load_app(chosen.app), chosen.limit))


def _relay(chosen: argparse.Namespace, terminal: Terminal) -> int:
    return terminal.answer(relay(load_app(chosen.app), chosen.limit))


def _parked(chosen: argparse.Namespace, terminal: Terminal) -> int:
    checkout = load_app(chosen.app)
    match chosen.decision:
        case "retry":
            return terminal.answer(parked.retry(checkout, chosen.order_id, chosen.note))
        case "compensate":
            return terminal.answer(parked.compensate(checkout, chosen.order_id, chosen.note))
        case "force":
            told = (chosen.order_id, chosen.evidence, chosen.note, chosen.provider_reference)
            return terminal.answer(parked.force(checkout, *told))
        case _:
            return terminal.answer(parked.parked(checkout, chosen.limit))


def _demo(chosen: argparse.Namespace, terminal: Terminal) -> int:
    from checkout_core.cli.demo.showing import run_demo  # the bank and its processes are for this command only

    return run_demo(terminal, carts=chosen.carts, directory=chosen.dir)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="checkout-core", description="Look after a checkout-core database.", epilog=_EXIT_STATUSES)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = _command(commands, "demo", _demo, "see it work: a shop, a bank, and a shop process that is killed")
    demo.add_argument("--dir", type=Path, metavar="DIR", help="keep database and ledger in this directory")
    demo.add_argument("--carts", type=Path, metavar="FILE", help="a cart file of your own (JSON)")
    _with_url(_command(commands, "migrate", _migrate, "create the tables, or bring them up to date"))
    _with_url(_command(commands, "status", _status, "count orders, stock, events; list alarms"))
    trace = _with_url(_command(commands, "trace", _trace, "the whole history of one order"))
    trace.add_argument("order_id", metavar="ORDER_ID")
    audit = _with_url(_command(commands, "audit", _audit, "check every promise on the database"))
    audit.add_argument(
        "--ledger",
        metavar="FILE_OR_URL",
        help="compare with the bank's ledger too: a JSON file, or the sandbox bank's address",
    )
    _with_app(
        _command(commands, "worker", _worker, "finish what crashed processes began and deliver events, until SIGTERM")
    )
    _with_limit(
        _with_app(_command(commands, "recover", _recover, "one pass over what crashed processes began, for cron"))
    )
    _with_limit(_with_app(_command(commands, "relay", _relay, "one pass of delivering events, for cron")))
    waiting = _command(commands, "parked", _parked, "list the orders that wait for an operator, or decide one")
    _with_decisions(_with_limit(_with_app(waiting)))
    return parser


def _with_decisions(parser: argparse.ArgumentParser) -> None:
    decisions = parser.add_subparsers(title="decisions", dest="decision", metavar="DECISION")
    abouts = {
        "retry": "let the workers go on where the order stopped",
        "compensate": "undo the order: resolve what is unknown, give back what was charged",
        "force": "settle its charge or refund by what you saw in the provider's books",
    }
    for name, about in abouts.items():
        decision = decisions.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        decision.add_argument("order_id", metavar="ORDER_ID")
        if name == "force":
            decision.add_argument("evidence", choices=parked.EVIDENCE)
            decision.add_argument("--provider-reference", default="", help="the provider's id of what happened")
        decision.add_argument("--note", required=True, type=_said, help="why; it is kept in the order's trace")


def _command(
    commands: argparse._SubParsersAction[_Parser],  # pyright: ignore[reportPrivateUsage]
    name: str,
    run: Callable[[argparse.Namespace, Terminal], int],
    about: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.", epilog=_EXIT_STATUSES)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(command=run)
    return parser


def _with_url(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--url",
        default=os.environ.get(URL_VARIABLE),
        help=f"SQLAlchemy URL of the database, for example sqlite:///shop.db; else ${URL_VARIABLE} is used, "
        "which keeps a password out of the process list",
    )
    return parser


def _with_app(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--app",
        required=True,
        metavar="MODULE:ATTRIBUTE",
        help="your Checkout or AsyncCheckout, or a function that makes it, for example shop.wiring:checkout",
    )
    return parser


def _with_limit(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--limit", type=_positive, default=100, help="orders at most (100)")
    return parser


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("expected a whole number, at least 1")


def _said(text: str) -> str:
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("expected a few words")


def _url(chosen: argparse.Namespace) -> str:
    url: str | None = chosen.url
    if not url:
        raise UsageError(f"which database? give --url or set {URL_VARIABLE}")
    return url


def _unavailable(chosen: argparse.Namespace, error: StorageUnavailableError) -> str:
    url: str | None = getattr(chosen, "url", None)
    if url is None:
        return str(error)
    advice = "is the server running, and are host, user, password and database right?"
    return f"{shown(url)} cannot be used: {error}; {advice}"


def _advised(error: Exception) -> str:
    if isinstance(error, SchemaVersionError):
        return f"{error} (or `checkout-core migrate` with the same --url)"
    return str(error) or type(error).__name__
