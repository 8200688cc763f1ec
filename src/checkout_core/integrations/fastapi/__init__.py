"""The checkout as routes of a FastAPI application: ``pip install "checkout-core[fastapi]"``."""

from checkout_core.integrations.fastapi.identity import Identity
from checkout_core.integrations.fastapi.router import checkout_router

__all__ = ["Identity", "checkout_router"]
