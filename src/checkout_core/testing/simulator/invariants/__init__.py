"""The promises of the library, each as a small function over what is stored, what the bank has and what happened."""

from checkout_core.testing.simulator.invariants.checks import ALWAYS, AT_REST, ON_SEND, check
from checkout_core.testing.simulator.invariants.view import Property, PropertyViolatedError, Seen, View

__all__ = ["ALWAYS", "AT_REST", "ON_SEND", "Property", "PropertyViolatedError", "Seen", "View", "check"]
