"""A scripted bank for trying, testing and demonstrating. See :mod:`checkout_core.adapters.sandbox.scripts`."""

from checkout_core.adapters.sandbox.answers import BankRequest, CancelKey, Failed, Fault, Handled
from checkout_core.adapters.sandbox.bank import SandboxBank
from checkout_core.adapters.sandbox.books import LedgerEntry
from checkout_core.adapters.sandbox.client import (
    AsyncCancellingHttpSandboxPayments,
    AsyncHttpSandboxPayments,
    CancellingHttpSandboxPayments,
    HttpSandboxPayments,
)
from checkout_core.adapters.sandbox.payments import (
    AsyncCancellingSandboxPayments,
    AsyncSandboxPayments,
    CancellingSandboxPayments,
    SandboxPayments,
)
from checkout_core.adapters.sandbox.policy import BankPolicy
from checkout_core.adapters.sandbox.process import BankProcess
from checkout_core.adapters.sandbox.scripts import TOKENS

__all__ = [
    "TOKENS",
    "AsyncCancellingHttpSandboxPayments",
    "AsyncCancellingSandboxPayments",
    "AsyncHttpSandboxPayments",
    "AsyncSandboxPayments",
    "BankPolicy",
    "BankProcess",
    "BankRequest",
    "CancelKey",
    "CancellingHttpSandboxPayments",
    "CancellingSandboxPayments",
    "Failed",
    "Fault",
    "Handled",
    "HttpSandboxPayments",
    "LedgerEntry",
    "SandboxBank",
    "SandboxPayments",
]
