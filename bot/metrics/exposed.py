"""``GET /metrics``: what was counted here, and what waits in the ledger, read once for all who ask at one time.

While the ledger cannot be read the answer has all the rest, and says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bot.ledger import LedgerError
from bot.ledger.figures import Figures
from bot.metrics.counts import Counts

log = logging.getLogger(__name__)

PATH = "/metrics"
FRESH_S = 1.0
"""The ledger is asked no more often than this, however many ask here."""
PATIENCE_S = 2.0
"""A ledger that is silent for longer counts as down: who scrapes waits for some ten seconds, and then has nothing."""

_FIGURES = {
    "approvals_waiting": ("tandem_approvals_waiting", "Requests that wait for approval."),
    "oldest_approval_s": ("tandem_approvals_waiting_oldest_seconds", "For how long the oldest of them has waited."),
    "runs": ("tandem_runs_in_progress", "Runs that have not ended."),
    "runs_asking": ("tandem_runs_asking", "Those of them that wait for a person's answer."),
    "debts": ("tandem_debts_unpaid", "Settings that runs have changed and nobody has put back yet."),
    "reviews": ("tandem_reviews_unsigned", "Runs without approval that nobody has reviewed."),
    "incidents": ("tandem_incidents_open", "Incidents that are not over."),
    "failing": ("tandem_outbox_failing_messages", "Messages that were tried in vain, and are tried again."),
    "oldest_post_s": ("tandem_outbox_oldest_seconds", "For how long the oldest message has waited to be posted."),
}
_OUTBOX = ("tandem_outbox_messages", "Messages that Slack has to show: for the first time, or as they are now.")


class Now(Collector):
    """How things stand; nothing of the ledger where it could not be read."""

    figures: Figures | None = None
    sockets: int | None = None
    ready = False

    def collect(self) -> Iterator[Metric]:
        """One gauge each."""
        yield GaugeMetricFamily("tandem_ready", "1 where Slack reaches this process.", value=self.ready)
        if self.sockets is not None:
            alive = "Socket Mode connections that are alive."
            yield GaugeMetricFamily("tandem_socket_mode_connections", alive, value=self.sockets)
        up = self.figures is not None
        yield GaugeMetricFamily("tandem_ledger_up", "1 where the ledger could be read.", value=float(up))
        if self.figures is None:
            return
        for name, (metric, text) in _FIGURES.items():
            yield GaugeMetricFamily(metric, text, value=getattr(self.figures, name))
        outbox = GaugeMetricFamily(*_OUTBOX, labels=("wants",))
        outbox.add_metric(("post",), self.figures.posts)
        outbox.add_metric(("update",), self.figures.updates)
        yield outbox


class Exposed:
    """Answers scrapes.

    Args:
        counts: what was counted in this process.
        figures: reads the ledger.
        sockets: how many Socket Mode connections are alive; ``None`` where there are to be none.
        why_not_ready: ``None`` where Slack's commands and clicks reach us.
    """

    def __init__(
        self,
        counts: Counts,
        figures: Callable[[], Awaitable[Figures]],
        sockets: Callable[[], Awaitable[int | None]],
        why_not_ready: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._counts, self._figures, self._sockets, self._ready = counts, figures, sockets, why_not_ready
        self._shown = Now()
        counts.registry.register(self._shown)
        self._turn = asyncio.Lock()
        self._read_at = float("-inf")

    def add(self, site: web.Application) -> None:
        """Add the route, and count all answers of the site."""
        site.router.add_get(PATH, self._scraped)
        site.middlewares.append(self._counted)

    async def _scraped(self, request: web.Request) -> web.Response:
        async with self._turn:
            await self._refresh()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._counts.registry), headers={"Content-Type": content_type})

    async def _refresh(self) -> None:
        self._shown.sockets, self._shown.ready = await self._sockets(), await self._ready() is None
        now = asyncio.get_running_loop().time()
        if now - self._read_at < FRESH_S:
            return
        self._shown.figures = await self._read()
        self._read_at = asyncio.get_running_loop().time()

    async def _read(self) -> Figures | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._figures()
        except TimeoutError:
            log.warning("the ledger took longer than %g s to be read for /metrics", PATIENCE_S)
        except LedgerError as error:
            log.warning("the ledger cannot be read for /metrics: %s", error)
        return None

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "other"
        try:
            answer = await handler(request)
        except web.HTTPException as refused:
            self._counts.answered(path, refused.status)
            raise
        except Exception:
            self._counts.answered(path, 500)
            raise
        self._counts.answered(path, answer.status)
        return answer
