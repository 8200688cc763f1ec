"""The document and the routes agree: schemathesis sends what the document allows and what it does not (SAFE-2).

Every check of it is on. A request that the document allows may be refused by the business (402), or because what is
well-formed contradicts itself (422); never as malformed (400).
"""

from __future__ import annotations

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings

from checkout_core import Checkout
from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.integrations.fastapi import Identity, checkout_router


def _app() -> FastAPI:
    store = MemoryStore()
    for item in ("MUG", "0", "A"):
        store.inventory.set_available(item, 1_000_000)
    checkout = Checkout(store, SandboxPayments(SandboxBank()))
    app = FastAPI()
    app.include_router(checkout_router(checkout, identify=lambda: Identity(trusted=True), operator=lambda: None))
    return app


ALLOWED = {"positive_data_acceptance": {"expected-statuses": ["2xx", "402", "404", "409", "422"]}}

schema = schemathesis.openapi.from_asgi(
    "/openapi.json", _app(), config=schemathesis.Config.from_dict({"checks": ALLOWED})
)


@schema.parametrize()
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: schemathesis.Case) -> None:
    case.call_and_validate()
