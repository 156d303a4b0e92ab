"""Writes what the ledger has committed for requests and runs into the log, a line each."""

from __future__ import annotations

import logging

from bot.ledger.incident_records import Taken
from bot.ledger.records import Request
from bot.ledger.watcher import Nobody

log = logging.getLogger(__name__)


class Happenings(Nobody):
    """A ``Watcher``. Transactions are only counted: an error is logged by whoever it kept from something."""

    def filed(self, request: Request) -> None:
        """A request was filed."""
        log.info("request filed", extra=_fields(request) | {"break_glass": request.break_glass})

    def became(self, request: Request) -> None:
        """A request was decided, or its run has ended."""
        run = request.run
        if run is None or run.ended_at is None:
            log.info("request decided", extra=_fields(request))
        else:
            seconds = round((run.ended_at - run.started_at).total_seconds(), 3)
            ended = {"outcome": run.state.value, "seconds": seconds, "failures": list(run.failures)}
            log.info("run ended", extra=_fields(request) | ended)

    def received(self, taken: Taken) -> None:
        """Alerts were taken in; what they have opened has messages of its own."""
        if taken.opened or taken.changed:
            log.info("alerts taken in", extra={"opened": taken.opened, "changed": taken.changed})


def _fields(request: Request) -> dict[str, object]:
    return {"request": request.id, "target": request.target, "action": request.action, "state": request.state.value}
