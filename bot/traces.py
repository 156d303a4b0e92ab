"""Sends one trace for each request that is over: its approval, its run, and each step with its time and outcome.

It is made from what the ledger holds then, so that nothing has to be handed through, and what was done before a crash
is in it as well. Imported only where ``TANDEM_TRACES_URL`` is set: the SDK is an extra.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from actions.kit.loop import StepState
from bot.ledger.records import Request, RequestState, Run, RunState
from bot.ledger.watcher import Nobody

_OVER = frozenset(RequestState) - {RequestState.WAITING, RequestState.APPROVED, RequestState.RUNNING}
_WELL = {StepState.DONE, StepState.ALREADY, StepState.SKIPPED}
PATIENCE_S = 5.0
"""For one attempt to send; a collector that is away costs the traces, and nothing else."""


class Traces(Nobody):
    """A ``Watcher``; ``url`` is the collector's, which speaks OTLP over HTTP, with a slash at its end."""

    def __init__(self, url: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "tandem", "service.version": metadata.version("tandem-bot")}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=f"{url}v1/traces", timeout=PATIENCE_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tandem")

    def became(self, request: Request) -> None:
        """Hand its trace over to be sent, in the background, if it is over."""
        if request.state not in _OVER:
            return
        run, about = request.run, _about(request)
        ends = [request.created_at, *(one.at for one in request.decisions)]
        ended_at = run.ended_at if run is not None and run.ended_at is not None else max(ends)
        root = self._tracer.start_span(
            f"request {request.action}", Context(), attributes=about, start_time=_ns(request.created_at)
        )
        within = set_span_in_context(root, Context())
        if request.approvals:
            until = max(one.at for one in request.approvals)
            self._span("approval", within, request.created_at, until, {"approvals": len(request.approvals)})
        if run is not None and run.ended_at is not None:
            self._run(request, run, within, run.ended_at)
        root.end(_ns(ended_at))

    async def aclose(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._provider.shutdown)

    def _run(self, request: Request, run: Run, context: Context, ended_at: datetime) -> None:
        span = self._tracer.start_span(
            f"run {request.action}", context, attributes={"outcome": run.state.value}, start_time=_ns(run.started_at)
        )
        if run.state is not RunState.DONE:
            span.set_status(StatusCode.ERROR, " ".join(run.failures))
        within = set_span_in_context(span, context)
        for step, record in zip(request.plan.steps, run.steps, strict=False):
            if record.started_at is not None:
                told = {"title": record.title, "state": record.state, "note": record.note}
                until = record.ended_at or ended_at
                self._span(type(step).__name__, within, record.started_at, until, told, well=record.state in _WELL)
        span.end(_ns(ended_at))

    def _span(
        self,
        name: str,
        context: Context,
        since: datetime,
        until: datetime,
        told: Mapping[str, AttributeValue],
        *,
        well: bool = True,
    ) -> None:
        span = self._tracer.start_span(name, context, attributes=told, start_time=_ns(since))
        if not well:
            span.set_status(StatusCode.ERROR)
        span.end(_ns(until))


def _about(request: Request) -> dict[str, AttributeValue]:
    return {
        "request": request.id,
        "target": request.target,
        "action": request.action,
        "state": request.state.value,
        "risk": request.plan.risk.value,
        "break_glass": request.break_glass,
    }


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000
