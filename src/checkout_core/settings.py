"""Every number that a host may change, with its unit last."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from checkout_core.domain.value import value

Seconds = Annotated[float, Field(gt=0, le=365 * 86400, allow_inf_nan=False)]


@value
class Settings:
    """How long, how often, how many. The defaults are meant to be kept.

    Payment: ``pay_by_seconds``: no request that could create a first charge is sent later (MONEY-8).
    ``call_timeout_seconds``: an adapter has this long to answer. ``send_tries``: sends of a request that was
    certainly not executed, within one run. ``quiet_margin_seconds``: added to the provider's lookup lag before
    "not found" counts. ``watch_seconds``: how long a presumed outcome is looked at again.
    ``alarm_after_seconds``: an unknown outcome older than this raises an alarm. ``park_after_seconds``: older than
    this it is put under review.

    Saga: ``lease_seconds``: a worker that shows no sign for this long may be replaced.
    ``retry_first_seconds``/``retry_most_seconds``: backoff of recovery. ``alarm_after_failures``: so many runs of one
    order in a row that end in an error of the code raise an alarm; when the pauses between them come to
    ``park_after_seconds`` it is parked.

    Events: ``delivery_tries``: after so many an event is a dead letter of its sink.
    ``delivery_retry_first_seconds``/``delivery_retry_most_seconds``: the pauses between them, doubled each time; the
    defaults give a receiver ten hours to come back.

    Store: ``batch_most``: members of one shared commit. ``queue_most``: waiting commits before callers are held back.
    ``lanes``: connections that commit. Runs: ``runs_most``: checkouts in flight in one process.
    """

    pay_by_seconds: Seconds = 900.0
    call_timeout_seconds: Seconds = 10.0
    send_tries: Annotated[int, Field(ge=1, le=20)] = 3
    send_backoff_seconds: Seconds = 0.2
    quiet_margin_seconds: Seconds = 30.0
    watch_seconds: Seconds = 86400.0
    alarm_after_seconds: Seconds = 600.0
    park_after_seconds: Seconds = 86400.0
    cart_guard_seconds: Seconds = 3600.0
    lease_seconds: Seconds = 60.0
    retry_first_seconds: Seconds = 1.0
    retry_most_seconds: Seconds = 300.0
    alarm_after_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    poll_seconds: Seconds = 0.05
    replay_wait_seconds: Seconds = 10.0
    delivery_tries: Annotated[int, Field(ge=1, le=1000)] = 20
    delivery_retry_first_seconds: Seconds = 1.0
    delivery_retry_most_seconds: Seconds = 3600.0
    batch_most: Annotated[int, Field(ge=1, le=1024)] = 128
    queue_most: Annotated[int, Field(ge=1, le=100_000)] = 4096
    lanes: Annotated[int, Field(ge=1, le=4)] = 1
    runs_most: Annotated[int, Field(ge=1, le=10_000)] = 512
    circuit_failures: Annotated[int, Field(ge=1, le=1000)] = 20
    circuit_open_seconds: Seconds = 10.0

    @model_validator(mode="after")
    def _lease_covers_a_call(self) -> Settings:
        if self.lease_seconds < 2 * self.call_timeout_seconds:
            raise ValueError("lease_seconds must be at least twice call_timeout_seconds")
        return self
